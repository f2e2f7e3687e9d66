package cli

import (
	"context"
)

// interruptible returns a context that the first interrupt ends, for commands
// that leave nothing half done.
func (a *App) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-a.Interrupts:
			a.interrupted.Store(true)
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// twoStage returns the contexts of a run: the first interrupt ends admit, so
// that what is under way is finished, the second ends work. release stops
// listening.
func (a *App) twoStage(ctx context.Context) (admit, work context.Context, release func()) {
	work, cancelWork := context.WithCancel(ctx)
	admit, cancelAdmit := context.WithCancel(work)
	done := make(chan struct{})
	go func() {
		select {
		case <-a.Interrupts:
			a.interrupted.Store(true)
			a.tell("\nStopping: what is under way is finished first. Interrupt again to stop at once.")
			cancelAdmit()
		case <-done:
			return
		}
		select {
		case <-a.Interrupts:
			a.tell("\nStopping at once. The next run looks up what was in doubt.")
			cancelWork()
		case <-done:
		}
	}()
	return admit, work, func() {
		close(done)
		cancelAdmit()
		cancelWork()
	}
}
