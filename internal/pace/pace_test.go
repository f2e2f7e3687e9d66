package pace

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cutover-mail/cutover/providers"
)

func always(x float64) func() float64 { return func() float64 { return x } }

func transient() error { return &providers.Error{Kind: providers.Transient, Op: "select"} }

func TestBackOffGrowsToItsCap(t *testing.T) {
	tries := Policy{Attempts: 6, Base: time.Second, Max: 5 * time.Second, Random: always(1)}.Start()
	for i, want := range []time.Duration{1, 2, 4, 5, 5} {
		wait, again := tries.Next(transient())
		if !again || wait != want*time.Second {
			t.Fatalf("retry %d: waits %v, again %v; want %v", i+1, wait, again, want*time.Second)
		}
	}
	if _, again := tries.Next(transient()); again {
		t.Error("a sixth failure in a row is tried again")
	}
}

func TestProgressStartsTheCountAgain(t *testing.T) {
	tries := Policy{Attempts: 2, Base: time.Second, Random: always(1)}.Start()
	for range 5 {
		if wait, again := tries.Next(transient()); !again || wait != time.Second {
			t.Fatalf("after progress: waits %v, again %v", wait, again)
		}
		tries.Progress()
	}
}

func TestVerdictsThatWaitingDoesNotChange(t *testing.T) {
	for _, kind := range []providers.Kind{providers.Other, providers.Gone, providers.Rejected, providers.Quota, providers.Denied, providers.Unsupported} {
		if _, again := (Policy{}).Start().Next(&providers.Error{Kind: kind}); again {
			t.Errorf("%v is tried again", kind)
		}
	}
}

func TestNothingIsSentDuringAServersHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Duration
		began := time.Now()
		policy := Policy{Base: time.Second, Random: always(0.5)}
		err := policy.Do(t.Context(), nil, func() error {
			calls = append(calls, time.Since(began))
			if len(calls) == 1 {
				return &providers.Error{Kind: providers.Throttled, RetryAfter: 90 * time.Second}
			}
			return nil
		})
		if err != nil || len(calls) != 2 || calls[1] < 90*time.Second {
			t.Errorf("calls at %v, error %v; want the second after the 90 s the server asked for", calls, err)
		}
	})
}

func TestGateHoldsEveryoneUntilThePauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate Gate
		if err := gate.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		gate.Pause(time.Minute)
		gate.Pause(time.Second) // a shorter one does not open it sooner
		done := make(chan time.Duration, 3)
		for range 3 {
			go func() {
				_ = gate.Wait(t.Context())
				done <- time.Since(began)
			}()
		}
		for range 3 {
			if waited := <-done; waited != time.Minute {
				t.Errorf("passed the gate after %v", waited)
			}
		}
	})
}

func TestBrokenGateFailsFast(t *testing.T) {
	var gate Gate
	denied := errors.New("the master account is locked")
	gate.Break(denied)
	gate.Break(errors.New("another"))
	if err := gate.Wait(t.Context()); !errors.Is(err, denied) {
		t.Errorf("broken gate answers %v", err)
	}
}

func TestTokensAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := NewTokens(2)
		for range 2 {
			if err := tokens.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tokens.Acquire(ctx); err == nil {
			t.Fatal("a third session was admitted")
		}
		tokens.Release()
		if err := tokens.Acquire(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
