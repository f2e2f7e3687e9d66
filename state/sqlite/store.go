// Package sqlite is the default state: one SQLite file in write-ahead mode,
// safe to copy while nobody has it open. See docs/state.md.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cutover-mail/cutover/state"
)

// ErrReadOnly is wrapped by writes to a state that was opened, or can only be
// opened, for reading.
var ErrReadOnly = errors.New("the state is open for reading only")

// Store is a state in one SQLite file. It writes through one connection and
// reads through a few others, which see each write once it is durable.
type Store struct {
	path     string
	file     os.FileInfo // what path was when it was opened
	options  Options
	readOnly bool

	reads   *sql.DB
	queries statements

	writes *sql.DB
	// writer is held by whoever uses conn and stmts.
	writer chan struct{}
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt

	flags flagCache
	lease atomic.Pointer[lease]

	closing sync.Once
	closed  error
}

var _ state.Store = (*Store)(nil)

// Header tells what state this is.
func (s *Store) Header(ctx context.Context) (state.Header, error) {
	h := state.Header{Version: Version()}
	err := s.reads.QueryRowContext(ctx, `SELECT lineage, serial FROM header`).Scan(&h.Lineage, &h.Serial)
	if err != nil {
		return state.Header{}, failed("read the header of the state", err)
	}
	return h, nil
}

// Path returns the file the state is in.
func (s *Store) Path() string { return s.path }

// ReadOnly reports whether writes are refused.
func (s *Store) ReadOnly() bool { return s.readOnly }

// Close releases a lock still held and closes the file. The last to close it
// leaves one file without its write-ahead log.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Store) close() error {
	var errs []error
	if l := s.lease.Load(); l != nil {
		errs = append(errs, l.Release())
	}
	s.queries.close()
	errs = append(errs, s.reads.Close())
	if s.writes != nil {
		s.writer <- struct{}{} // kept for good: no write comes after this
		for _, stmt := range s.stmts {
			errs = append(errs, stmt.Close())
		}
		errs = append(errs, s.conn.Close(), s.writes.Close())
		close(s.options.done)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the state: %w", err)
	}
	return nil
}

// Options is how a state is opened. The zero value opens one that exists.
type Options struct {
	// Create makes the file, with mode 0600, when it does not exist.
	Create bool
	// ReadOnly writes nothing, not even a migration to a newer schema. It is
	// implied when the file, or its folder, cannot be written.
	ReadOnly bool
	// MaxBytes bounds the size of the file; writes beyond it fail with
	// state.ErrFull. 0 is no bound.
	MaxBytes int64
	// Clock tells the time of locks; nil is time.Now.
	Clock func() time.Time
	// Logger is told what is out of the ordinary; nil is none.
	Logger *slog.Logger

	done chan struct{}
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.done = make(chan struct{})
	return o
}
