package sqlite

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/state"
)

// How often a lease looks at its row, and how often it renews it.
const (
	lookEvery  = 500 * time.Millisecond
	renewEvery = 3 * time.Second
)

// lease is the lock held by a store.
type lease struct {
	s    *Store
	id   string
	held context.Context
	stop context.Context

	endHeld, endStop context.CancelCauseFunc
	ended            chan struct{}
	once             sync.Once
	err              error
}

var _ state.Lease = (*lease)(nil)

// newLease starts renewing. The lease outlives ctx: it ends with Release.
func newLease(ctx context.Context, s *Store, id string) *lease {
	l := &lease{s: s, id: id, ended: make(chan struct{})}
	l.held, l.endHeld = context.WithCancelCause(context.WithoutCancel(ctx))
	l.stop, l.endStop = context.WithCancelCause(l.held)
	go l.watch()
	return l
}

func (l *lease) Context() context.Context { return l.held }
func (l *lease) Stop() context.Context    { return l.stop }
func (l *lease) lost()                    { l.endHeld(state.ErrLockLost) }

// Release gives the lock back. What was written under it stays.
func (l *lease) Release() error {
	l.once.Do(func() {
		l.endHeld(context.Canceled)
		<-l.ended
		l.err = l.s.transact(context.WithoutCancel(l.held), "release the lock", func(t *tx) error {
			_, err := t.exec(`DELETE FROM lock WHERE id = ?`, l.id)
			return err
		})
		l.s.lease.CompareAndSwap(l, nil)
	})
	return l.err
}

// watch looks after the lock until the lease ends.
func (l *lease) watch() {
	defer close(l.ended)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	renewed := l.s.options.Clock()
	for {
		select {
		case <-l.held.Done():
			return
		case <-ticker.C:
		}
		now := l.s.options.Clock()
		if now.Sub(renewed) >= renewEvery && l.renew(now) {
			renewed = now
		}
		l.look()
	}
}

// renew reports whether the lock is good for another while. A failure is
// tried again at the next look: nothing is lost before another takes the lock.
func (l *lease) renew(now time.Time) bool {
	err := l.s.transact(l.held, "renew the lock", func(t *tx) error {
		n, err := t.exec(`UPDATE lock SET renewed = ? WHERE id = ?`, instantColumn(now), l.id)
		if err == nil && n == 0 {
			l.lost()
		}
		return err
	})
	if err != nil && l.held.Err() == nil {
		l.s.options.Logger.Warn("could not renew the lock", "error", err)
	}
	return err == nil
}

func (l *lease) look() {
	row, err := readLock(l.s.readRow(l.held))
	switch {
	case err != nil:
		return // looked at again in a moment; every write checks for itself
	case row == nil || row.ID != l.id || l.moved():
		l.lost()
	case row.stopBy != nil:
		l.endStop(state.ErrStopRequested)
	}
}

// moved reports whether the file is no longer at its path, where another
// process would look for the lock.
func (l *lease) moved() bool {
	now, err := os.Stat(l.s.path)
	return os.IsNotExist(err) || err == nil && !os.SameFile(now, l.s.file)
}
