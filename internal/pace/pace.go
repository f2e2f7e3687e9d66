// Package pace is the one place that decides when a failed call is tried
// again, how long nothing is sent, and how many sessions an endpoint carries.
// It waits with the time package only, so that a test inside testing/synctest
// waits for nothing.
package pace

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cutover-mail/cutover/providers"
)

// The policy that applies where a [Policy] says nothing.
const (
	DefaultAttempts = 6
	DefaultBase     = 500 * time.Millisecond
	DefaultMax      = time.Minute
)

// Policy says how a call is retried. The zero value is the default policy.
type Policy struct {
	// Attempts is how many times in a row a call may fail without progress.
	Attempts int
	// Base and Max bound the back-off: the wait before retry n is random
	// between 0 and Base*2^(n-1), at most Max ("full jitter").
	Base, Max time.Duration
	// Random returns numbers in [0,1); nil is math/rand.
	Random func() float64
}

func (p Policy) withDefaults() Policy {
	if p.Attempts <= 0 {
		p.Attempts = DefaultAttempts
	}
	if p.Base <= 0 {
		p.Base = DefaultBase
	}
	if p.Max <= 0 {
		p.Max = DefaultMax
	}
	if p.Random == nil {
		p.Random = rand.Float64
	}
	return p
}

// Start counts the attempts of one call site.
func (p Policy) Start() *Tries { return &Tries{policy: p.withDefaults()} }

// Tries counts consecutive failures of one call site. It is used by one
// goroutine at a time.
type Tries struct {
	policy Policy
	failed int
}

// Progress forgets the failures so far: something was achieved since.
func (t *Tries) Progress() { t.failed = 0 }

// Failed returns how many failures in a row there have been.
func (t *Tries) Failed() int { return t.failed }

// Next counts a failure and tells how long to wait before the same call is
// made again; again is false when waiting would not help, or when it has been
// tried often enough. A server's own hint is honoured in full.
func (t *Tries) Next(err error) (wait time.Duration, again bool) {
	t.failed++
	if !Retryable(err) || t.failed >= t.policy.Attempts {
		return 0, false
	}
	return Hint(err) + t.backoff(), true
}

func (t *Tries) backoff() time.Duration {
	ceiling := t.policy.Base
	for range t.failed - 1 {
		ceiling = min(2*ceiling, t.policy.Max)
	}
	return time.Duration(t.policy.Random() * float64(min(ceiling, t.policy.Max)))
}

// Do calls f until it succeeds or is not worth another attempt. before, if
// not nil, is told of each wait.
func (p Policy) Do(ctx context.Context, before func(attempt int, wait time.Duration, err error), f func() error) error {
	tries := p.Start()
	for {
		err := f()
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait, again := tries.Next(err)
		if !again {
			return err
		}
		if before != nil {
			before(tries.Failed(), wait, err)
		}
		if cause := Sleep(ctx, wait); cause != nil {
			return cause
		}
	}
}

// Retryable reports whether the verdict says that the same call may succeed
// later.
func Retryable(err error) bool {
	kind := providers.KindOf(err)
	return kind == providers.Transient || kind == providers.Throttled
}

// Hint returns how long the server asks to be left alone; 0 when it does not
// say.
func Hint(err error) time.Duration {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return max(e.RetryAfter, 0)
	}
	return 0
}

// Sleep waits, or returns the cause of ctx's end.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
