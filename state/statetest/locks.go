package statetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/cutover-mail/cutover/state"
)

func holder(id string) state.Holder {
	host, _ := os.Hostname()
	return state.Holder{ID: id, Operation: "apply", Who: "admin@" + host, Host: host, PID: os.Getpid()}
}

func (x exercise) lock(t *testing.T) {
	s := x.open(t)
	other := x.again(t, s)
	lease := need(s.Lock(t.Context(), holder("one")))(t)
	for _, store := range []state.Store{s, other} {
		_, err := store.Lock(t.Context(), holder("two"))
		locked, ok := errors.AsType[*state.LockedError](err)
		if !ok || locked.Holder.ID != "one" || locked.Holder.Since.IsZero() {
			t.Errorf("a second lock: %v", err)
		}
	}
	if h := need(other.Locked(t.Context()))(t); h == nil || h.ID != "one" || h.PID != os.Getpid() {
		t.Errorf("the holder is %v", h)
	}
	mailbox(t, s, "a@contoso.test", "A")
	if _, err := other.BeginRun(t.Context(), state.Run{}); !isLocked(err) {
		t.Errorf("a write while another holds the lock: %v", err)
	}
	for range 2 {
		if err := lease.Release(); err != nil {
			t.Errorf("release: %v", err)
		}
	}
	if h := need(s.Locked(t.Context()))(t); h != nil {
		t.Errorf("a released lock is held by %v", h)
	}
	second := need(other.Lock(t.Context(), holder("two")))(t)
	if err := errors.Join(second.Context().Err(), second.Release()); err != nil {
		t.Error(err)
	}
	mailbox(t, s, "b@contoso.test", "A")
}

func isLocked(err error) bool {
	_, ok := errors.AsType[*state.LockedError](err)
	return ok
}

// endedProcess returns the number of a process that has run and ended.
func endedProcess(t *testing.T) int {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func (x exercise) takeover(t *testing.T) {
	s := x.open(t)
	other := x.again(t, s)
	elsewhere := holder("elsewhere")
	elsewhere.PID, elsewhere.Host = endedProcess(t), "other.contoso.test"
	first := need(s.Lock(t.Context(), elsewhere))(t)
	if _, err := other.Lock(t.Context(), holder("two")); !isLocked(err) {
		t.Errorf("a process of another host counts as ended: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	ended := holder("ended")
	ended.PID = endedProcess(t)
	lost := need(s.Lock(t.Context(), ended))(t)
	if asked := need(other.RequestStop(t.Context(), "admin"))(t); asked {
		t.Error("a process that has ended was asked to stop")
	}
	lease, err := other.Lock(t.Context(), holder("two"))
	if err != nil {
		t.Skipf("this store cannot tell that a process has ended: %v", err)
	}
	if _, err := s.BeginRun(t.Context(), state.Run{}); !errors.Is(err, state.ErrLockLost) {
		t.Errorf("a write under a lock that was taken over: %v", err)
	}
	if cause := context.Cause(lost.Context()); !errors.Is(cause, state.ErrLockLost) {
		t.Errorf("the lease taken over ended with %v", cause)
	}
	if err := lost.Release(); err != nil {
		t.Errorf("releasing what was lost: %v", err)
	}
	if h := need(s.Locked(t.Context()))(t); h == nil || h.ID != "two" {
		t.Errorf("releasing what was lost took the lock from %v", h)
	}
	if _, err := s.BeginRun(t.Context(), state.Run{}); !isLocked(err) {
		t.Errorf("a write after the lock was lost: %v", err)
	}
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
}

func (x exercise) lost(t *testing.T) {
	s := x.open(t)
	lease := need(s.Lock(t.Context(), holder("one")))(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	if err := s.Unlock(t.Context(), "another"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("unlocking what is not locked: %v", err)
	}
	if err := x.again(t, s).Unlock(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), state.Record{Put: []state.Entry{copied(f.ID, "1", "1", 1)}}); !errors.Is(err, state.ErrLockLost) {
		t.Errorf("a write without the lock: %v", err)
	}
	<-lease.Context().Done()
	<-lease.Stop().Done()
	if cause := context.Cause(lease.Context()); !errors.Is(cause, state.ErrLockLost) {
		t.Errorf("the lease ended with %v", cause)
	}
	wantCounts(t, s, f, 0, 0, 0)
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
}

func (x exercise) stop(t *testing.T) {
	s := x.open(t)
	other := x.again(t, s)
	if asked := need(other.RequestStop(t.Context(), "admin"))(t); asked {
		t.Error("nobody was asked to stop")
	}
	lease := need(s.Lock(t.Context(), holder("one")))(t)
	if lease.Stop().Err() != nil {
		t.Error("stopped before it was asked to")
	}
	if asked := need(other.RequestStop(t.Context(), "admin"))(t); !asked {
		t.Error("the holder was not asked")
	}
	<-lease.Stop().Done()
	if cause := context.Cause(lease.Stop()); !errors.Is(cause, state.ErrStopRequested) {
		t.Errorf("stopped with %v", cause)
	}
	if lease.Context().Err() != nil {
		t.Error("a request to stop took the lock")
	}
	mailbox(t, s, "a@contoso.test", "A") // what was begun is finished under the lock
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	next := need(s.Lock(t.Context(), holder("two")))(t)
	if next.Stop().Err() != nil {
		t.Error("a new holder is asked to stop")
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
}
