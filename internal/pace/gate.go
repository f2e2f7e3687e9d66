package pace

import (
	"context"
	"sync/atomic"
	"time"
)

// Gate holds back everything that is sent to one endpoint. The zero Gate is
// open. Its methods may be called concurrently.
type Gate struct {
	until  atomic.Int64 // Unix nanoseconds
	broken atomic.Pointer[error]
}

// Pause closes the gate for d from now; a longer pause under way stays.
func (g *Gate) Pause(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		old := g.until.Load()
		if old >= until || g.until.CompareAndSwap(old, until) {
			return
		}
	}
}

// Break closes the gate for good: Wait returns err from now on. The first
// error stays.
func (g *Gate) Break(err error) { g.broken.CompareAndSwap(nil, &err) }

// Broken returns the error that broke the gate, or nil.
func (g *Gate) Broken() error {
	if err := g.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// Wait returns when the gate is open, or the reason why it will not be. It
// costs next to nothing while the gate is open.
func (g *Gate) Wait(ctx context.Context) error {
	for {
		if err := g.Broken(); err != nil {
			return err
		}
		until := g.until.Load()
		if until == 0 {
			return nil
		}
		left := time.Until(time.Unix(0, until))
		if left <= 0 {
			g.until.CompareAndSwap(until, 0)
			return nil
		}
		if err := Sleep(ctx, left); err != nil {
			return err
		}
	}
}
