package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// tx is a write in progress. Its statements are not interrupted by a context:
// a write is begun whole or not at all.
type tx struct {
	s   *Store
	ctx context.Context
	// folders are those whose counts change.
	folders map[int64]*folderCount
	// flags are the sets named first in this transaction.
	flags map[inventory.Flags]int64
}

// write runs f in one transaction, durable when write returns nil. It is
// refused unless this store holds the lock or nobody does.
func (s *Store) write(ctx context.Context, op string, f func(*tx) error) error {
	return s.transact(ctx, op, func(t *tx) error {
		if err := s.guard(t); err != nil {
			return err
		}
		return f(t)
	})
}

// transact is write without regard to the lock.
func (s *Store) transact(ctx context.Context, op string, f func(*tx) error) error {
	if s.readOnly {
		return failed(op, ErrReadOnly)
	}
	if err := s.acquire(ctx); err != nil {
		return failed(op, err)
	}
	defer func() { <-s.writer }()
	t := &tx{s: s, ctx: context.WithoutCancel(ctx), folders: map[int64]*folderCount{}, flags: map[inventory.Flags]int64{}}
	if err := t.run(ctx, f); err != nil {
		return failed(op, err)
	}
	s.flags.add(t.flags)
	return nil
}

func (s *Store) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.options.done:
		return errClosed
	}
}

var errClosed = errors.New("the state is closed")

func (t *tx) run(ctx context.Context, f func(*tx) error) error {
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := f(t)
	if err == nil {
		err = t.saveCounts()
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		_, err = t.exec(`COMMIT`)
	}
	if err != nil {
		// SQLite has rolled back by itself after some errors, and then says
		// that there is nothing to roll back.
		t.s.conn.ExecContext(t.ctx, `ROLLBACK`)
	}
	return err
}

// exec runs a statement and returns the number of rows it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	stmt, err := t.prepare(text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row scans the one row of a query; sql.ErrNoRows when there is none.
func (t *tx) row(text string, args []any, into ...any) error {
	stmt, err := t.prepare(text)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(t.ctx, args...).Scan(into...)
}

// query hands over each row of a query.
func (t *tx) query(text string, args []any, row func(*sql.Rows) error) error {
	stmt, err := t.prepare(text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(t.ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func (t *tx) prepare(text string) (*sql.Stmt, error) {
	if stmt := t.s.stmts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.s.conn.PrepareContext(t.ctx, text)
	if err != nil {
		return nil, err
	}
	t.s.stmts[text] = stmt
	return stmt, nil
}

// found turns the absence of a row into state.ErrNotFound.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return state.ErrNotFound
	}
	return err
}
