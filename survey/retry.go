package survey

import (
	"context"
	"errors"
	"time"

	"github.com/cutover-mail/cutover/providers"
)

// Retry says how often and when reading is tried again after a Transient or
// Throttled verdict. The zero value means 4 attempts, one second before the
// second and twice as long before each further one, at most 30 seconds.
type Retry struct {
	Attempts  int
	Base, Max time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 4
	}
	if r.Base <= 0 {
		r.Base = time.Second
	}
	if r.Max <= 0 {
		r.Max = 30 * time.Second
	}
	return r
}

// Do calls f until it succeeds, gives a verdict that waiting does not change,
// or has been tried often enough. A server's own hint is waited out in full.
func (r Retry) Do(ctx context.Context, f func() error) error {
	r = r.withDefaults()
	wait := r.Base
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || ctx.Err() != nil || attempt >= r.Attempts || !again(err) {
			return err
		}
		pause := wait
		if e, ok := errors.AsType[*providers.Error](err); ok && e.RetryAfter > 0 {
			pause = e.RetryAfter
		}
		if !sleep(ctx, pause) {
			return errors.Join(ctx.Err(), err)
		}
		wait = min(2*wait, r.Max)
	}
}

func again(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Transient || kind == providers.Throttled
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
