package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	lib "modernc.org/sqlite/lib"
)

// Open opens the state in the file at path, and brings an older schema up to
// date. An error wraps fs.ErrNotExist when there is no file (and Create is not
// set), state.ErrNewer when a newer program has written it, state.ErrDamaged
// when what is there cannot be trusted. The context bounds opening only.
func Open(ctx context.Context, path string, options Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	options = options.withDefaults()
	info, err := inspect(path)
	if errors.Is(err, fs.ErrNotExist) && options.Create {
		if err := create(ctx, path, options); err != nil {
			return nil, fmt.Errorf("create the state %s: %w", path, err)
		}
		info, err = inspect(path)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, file: info, options: options, readOnly: options.ReadOnly || !writable(path)}
	if err := s.open(ctx); err != nil {
		s.abandon()
		return nil, failed("open the state "+path, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.openReads(ctx); err != nil {
		return err
	}
	version, err := verify(ctx, s.reads, s.file.Size()+walSize(s.path))
	if err != nil {
		return err
	}
	if s.readOnly {
		if version < Version() {
			return fmt.Errorf("it has version %d, and to bring it to version %d it has to be writable: run `cutover init`", version, Version())
		}
		return nil
	}
	if err := s.openWrites(ctx); err != nil {
		return err
	}
	return s.migrate(ctx, version)
}

// writable reports whether this process may write the file and beside it.
func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return mayCreateIn(filepath.Dir(path))
}

// readers is how many connections read at a time.
const readers = 4

func (s *Store) openReads(ctx context.Context) (err error) {
	parameters := url.Values{"_pragma": {"busy_timeout(10000)", "query_only(1)"}}
	// A reader of a file that could be written removes its side files at the
	// end, unless others have it open; with mode=ro they would stay.
	fixed := s.readOnly && !writable(s.path)
	if fixed {
		parameters.Set("mode", "ro")
	}
	s.reads, err = sql.Open("sqlite", dsn(s.path, parameters))
	if err != nil {
		return err
	}
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	err = s.reads.PingContext(ctx)
	if err == nil {
		err = probe(ctx, s.reads)
	}
	if fixed && isCantOpen(err) && walSize(s.path) == 0 {
		// Nothing can be written beside it, so nobody here is writing it.
		s.reads.Close()
		parameters.Set("immutable", "1")
		s.reads, err = sql.Open("sqlite", dsn(s.path, parameters))
		if err == nil {
			err = probe(ctx, s.reads)
		}
	}
	return err
}

// probe makes SQLite open its files, which it puts off until they are needed.
func probe(ctx context.Context, db *sql.DB) error {
	var n int
	return db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&n)
}

func isCantOpen(err error) bool {
	switch codeOf(err) & 0xff {
	case lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
		return true
	}
	return false
}

func (s *Store) openWrites(ctx context.Context) (err error) {
	s.writes, err = sql.Open("sqlite", dsn(s.path, url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)",
		"cache_size(-8000)", "journal_size_limit(16777216)",
	}}))
	if err != nil {
		return err
	}
	s.writes.SetMaxOpenConns(1)
	if s.conn, err = s.writes.Conn(ctx); err != nil {
		return err
	}
	s.writer, s.stmts = make(chan struct{}, 1), map[string]*sql.Stmt{}
	return s.limit(ctx, s.options.MaxBytes)
}

// limit bounds the size of the file; 0 is no bound.
func (s *Store) limit(ctx context.Context, bytes int64) error {
	const largest = 1<<32 - 2
	pages := int64(largest)
	if bytes > 0 {
		var size int64
		if err := s.conn.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&size); err != nil {
			return err
		}
		pages = max(bytes/size, 1)
	}
	_, err := s.conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
	return err
}

func dsn(path string, parameters url.Values) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: parameters.Encode(), OmitHost: true}
	return u.String()
}

// abandon closes what a failed open left.
func (s *Store) abandon() {
	if s.reads != nil {
		s.reads.Close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
	if s.writes != nil {
		s.writes.Close()
	}
}

// create makes an empty state. It appears at its path whole, with its schema,
// so that an interruption leaves nothing that looks like a damaged state.
func create(ctx context.Context, path string, options Options) error {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new-"+rand.Text())
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer removeAll(temporary)
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(ctx, temporary, options); err != nil {
		return err
	}
	return publish(temporary, path)
}

func removeAll(path string) {
	for _, suffix := range [...]string{"", "-wal", "-shm"} {
		os.Remove(path + suffix)
	}
}

func fill(ctx context.Context, path string, options Options) error {
	s := &Store{path: path, options: options.withDefaults()}
	s.options.MaxBytes = 0
	err := s.openReads(ctx)
	if err == nil {
		err = s.openWrites(ctx)
	}
	if err == nil {
		err = s.migrate(ctx, 0)
	}
	if err != nil {
		s.abandon()
		return err
	}
	return s.Close()
}

// publish gives the file its name, unless another process was quicker: then
// the other's state is the state.
func publish(temporary, path string) error {
	err := os.Link(temporary, path)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil { // a file system without hard links
		if err := os.Rename(temporary, path); err != nil {
			return err
		}
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
