package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

// elsewhere is a holder whose process cannot be seen from here.
func elsewhere(id string) state.Holder {
	return state.Holder{ID: id, Who: "admin@other", Host: "other.contoso.test", PID: 1 << 21}
}

func TestLockIsRenewedWhileItIsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s, other := open(t, path), open(t, path)
		lease, err := s.Lock(t.Context(), elsewhere("one"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * state.StaleAfter)
		if _, err := other.Lock(t.Context(), elsewhere("two")); err == nil {
			t.Error("a lock that is renewed was taken over")
		}
		h, err := other.Locked(t.Context())
		if err != nil || time.Since(h.Renewed) > 4*time.Second {
			t.Errorf("the lock of %v was renewed at %v (%v)", h.ID, h.Renewed, err)
		}
		if err := lease.Release(); err != nil {
			t.Error(err)
		}
		closeAll(t, s, other)
	})
}

func TestLockIsTakenOverWhenItIsNotRenewed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		// The clock of the first stands still, as that of a machine asleep.
		asleep := time.Now()
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true, Clock: func() time.Time { return asleep }})
		if err != nil {
			t.Fatal(err)
		}
		other := open(t, path)
		lost, err := s.Lock(t.Context(), elsewhere("one"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(state.StaleAfter)
		if _, err := other.Lock(t.Context(), elsewhere("two")); err == nil {
			t.Error("a lock was taken over before its time")
		}
		time.Sleep(time.Second)
		lease, err := other.Lock(t.Context(), elsewhere("two"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the first wakes up and looks
		synctest.Wait()
		if cause := context.Cause(lost.Context()); !errors.Is(cause, state.ErrLockLost) {
			t.Errorf("the lease that was taken over ended with %v", cause)
		}
		if err := errors.Join(lost.Release(), lease.Release()); err != nil {
			t.Error(err)
		}
		closeAll(t, s, other)
	})
}

func TestLeaseIsLostWhenTheFileIsMoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		lease, err := s.Lock(t.Context(), elsewhere("one"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, path+".moved"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if cause := context.Cause(lease.Context()); !errors.Is(cause, state.ErrLockLost) {
			t.Errorf("the lease ended with %v", cause)
		}
		lease.Release()
		closeAll(t, s)
	})
}

func TestStaleLockDoesNotStopAWriteButIsGoneAfterIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		asleep := time.Now()
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true, Clock: func() time.Time { return asleep }})
		if err != nil {
			t.Fatal(err)
		}
		other := open(t, path)
		lost, err := s.Lock(t.Context(), elsewhere("one"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * state.StaleAfter)
		newFolder(t, other)
		if _, err := s.BeginRun(t.Context(), state.Run{}); !errors.Is(err, state.ErrLockLost) {
			t.Errorf("the sleeper went on writing: %v", err)
		}
		lost.Release()
		closeAll(t, s, other)
	})
}

func TestCloseReleasesTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	lease, err := s.Lock(t.Context(), elsewhere("one"))
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, s)
	if lease.Context().Err() == nil {
		t.Error("the lease outlived its store")
	}
	if h, err := open(t, path).Locked(t.Context()); err != nil || h != nil {
		t.Errorf("a closed store holds the lock: %v, %v", h, err)
	}
	if _, err := s.BeginRun(t.Context(), state.Run{}); err == nil {
		t.Error("a closed store was written to")
	}
}

func closeAll(t *testing.T, stores ...*sqlite.Store) {
	t.Helper()
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
