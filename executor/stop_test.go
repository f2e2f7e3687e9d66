package executor_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/statetest"
)

func withPassword(o *executor.Options) {
	o.Password = func(context.Context, inventory.Recipient) (string, error) { return "correct horse", nil }
}

func TestFirstInterruptEndsAtAChunk(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(anna, "INBOX", 2000)
	w.deliver(berta, "INBOX", 2000)
	w.connect()
	admit, interrupt := context.WithCancel(t.Context())
	w.to.On("Put", 1).AfterItems(50).Hook(func(context.Context) { interrupt() })
	result, err := w.apply(admit, t.Context())
	if err != nil || result.Outcome != event.Stopped || result.Items == 0 || result.Items >= 4000 {
		t.Fatalf("%+v, %v", result, err)
	}
	w.sound() // nothing is in doubt after an orderly stop
	if next := w.must(); next.Items+result.Items != 4000 {
		t.Errorf("copied %d items, then %d", result.Items, next.Items)
	}
	w.same()
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 2000)
	w.connect()
	work, interrupt := context.WithCancel(t.Context())
	w.to.On("Put", 1).AfterItems(50).Hook(func(context.Context) { interrupt() })
	result, err := w.apply(work, work)
	if err != nil || result.Outcome != event.Stopped {
		t.Fatalf("%+v, %v", result, err)
	}
	w.must()
	w.same()
}

func TestLostLockEndsTheRun(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 2000)
	w.connect()
	work, lose := context.WithCancelCause(t.Context())
	w.to.On("Put", 1).AfterItems(50).Hook(func(context.Context) { lose(state.ErrLockLost) })
	result, err := w.apply(work, work)
	if !errors.Is(err, state.ErrLockLost) || result.Outcome != event.Failed {
		t.Fatalf("%+v, %v", result, err)
	}
}

func TestFullDiskOfTheStateStopsAllWriting(t *testing.T) {
	for n := 2; n < 16; n += 2 {
		w := newWorld(t, anna, berta)
		w.deliver(anna, "INBOX", 2000)
		w.deliver(berta, "INBOX", 300)
		good := w.store
		w.store = statetest.Watch(good, statetest.FullAt(n, 0))
		result, err := w.run()
		if !errors.Is(err, state.ErrFull) || result.Outcome != event.Failed {
			t.Fatalf("at write %d: %+v, %v", n, result, err)
		}
		w.store = good
		w.must()
		w.same()
	}
}
