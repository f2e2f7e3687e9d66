package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/cutover-mail/cutover/state"
)

// lockRow is the lock as stored.
type lockRow struct {
	state.Holder
	machine, born string
	stopBy        *string
}

const lockColumns = `id, operation, who, host, pid, since, renewed, machine, born, stop_by`

// scanner is a row of either connection.
type scanner func(text string, args []any, into ...any) error

// readLock returns the lock, nil when nobody holds it.
func readLock(row scanner) (*lockRow, error) {
	var l lockRow
	var since, renewed *int64
	err := row(`SELECT `+lockColumns+` FROM lock`, nil,
		&l.ID, &l.Operation, &l.Who, &l.Host, &l.PID, &since, &renewed, &l.machine, &l.born, &l.stopBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	l.Since, l.Renewed = columnInstant(since), columnInstant(renewed)
	return &l, err
}

func (s *Store) readRow(ctx context.Context) scanner {
	return func(text string, args []any, into ...any) error {
		return s.reads.QueryRowContext(ctx, text, args...).Scan(into...)
	}
}

// over reports whether the holder is known to have ended, or has not renewed
// its lock for too long. Whether its process lives can be told only where the
// process number means the same.
func (s *Store) over(l *lockRow) bool {
	if s.options.Clock().Sub(l.Renewed) > state.StaleAfter {
		return true
	}
	here, _ := os.Hostname()
	if l.PID <= 0 || l.machine == "" || l.machine != machine() || l.Host != here {
		return false
	}
	born := processBorn(l.PID)
	return born == "" || born != l.born
}

// Lock takes the lock, or returns a *state.LockedError.
func (s *Store) Lock(ctx context.Context, holder state.Holder) (state.Lease, error) {
	if holder.ID == "" {
		return nil, errors.New("lock the state: the holder has no ID")
	}
	now := s.options.Clock()
	holder.Renewed = now
	if holder.Since.IsZero() {
		holder.Since = now
	}
	err := s.transact(ctx, "lock the state", func(t *tx) error {
		l, err := readLock(t.row)
		if err != nil {
			return err
		}
		if l != nil && !s.over(l) {
			return &state.LockedError{Holder: l.Holder}
		}
		if l != nil {
			s.options.Logger.Warn("took over the lock of a process that has ended", "who", l.Who, "pid", l.PID, "renewed", l.Renewed)
		}
		return t.insertLock(holder)
	})
	if err != nil {
		return nil, err
	}
	lease := newLease(ctx, s, holder.ID)
	s.lease.Store(lease)
	return lease, nil
}

func (t *tx) insertLock(h state.Holder) error {
	_, err := t.exec(`INSERT OR REPLACE INTO lock (one, `+lockColumns+`) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
		h.ID, h.Operation, h.Who, h.Host, h.PID, instantColumn(h.Since), instantColumn(h.Renewed), machine(), processBorn(h.PID))
	return err
}

// Locked returns the holder of the lock as stored, also one that Lock would
// take over.
func (s *Store) Locked(ctx context.Context) (*state.Holder, error) {
	l, err := readLock(s.readRow(ctx))
	if err != nil || l == nil {
		return nil, failed("read the lock", err)
	}
	return &l.Holder, nil
}

// Unlock removes the lock of the holder with this ID; state.ErrNotFound when
// it does not hold it.
func (s *Store) Unlock(ctx context.Context, id string) error {
	return s.transact(ctx, "unlock the state", func(t *tx) error {
		n, err := t.exec(`DELETE FROM lock WHERE id = ?`, id)
		if err == nil && n == 0 {
			err = fmt.Errorf("lock %s: %w", id, state.ErrNotFound)
		}
		return err
	})
}

// RequestStop asks the holder to stop; false when there is none, or it has
// ended.
func (s *Store) RequestStop(ctx context.Context, who string) (bool, error) {
	var asked bool
	err := s.transact(ctx, "ask for a stop", func(t *tx) error {
		l, err := readLock(t.row)
		if err != nil || l == nil || s.over(l) {
			return err
		}
		asked = true
		_, err = t.exec(`UPDATE lock SET stop_by = ?`, who)
		return err
	})
	return asked && err == nil, err
}

// guard refuses a write when another holds the lock, whether this store once
// held it or never asked. It is part of the transaction of the write.
func (s *Store) guard(t *tx) error {
	l, err := readLock(t.row)
	if err != nil {
		return err
	}
	held := s.lease.Load()
	switch {
	case held != nil && (l == nil || l.ID != held.id):
		held.lost()
		return state.ErrLockLost
	case held == nil && l != nil && !s.over(l):
		return &state.LockedError{Holder: l.Holder}
	case held == nil && l != nil:
		// Should that holder only have been asleep, it must notice.
		_, err = t.exec(`DELETE FROM lock`)
	}
	return err
}
