package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"sync"
)

// statements keeps the prepared queries of the readers.
type statements struct {
	mu   sync.Mutex
	kept map[string]*sql.Stmt
}

// query runs a query on a reader and hands over each row. Rows are read to
// the end before it returns, so that no reader is held while they are used.
func (s *Store) query(ctx context.Context, text string, args []any, row func(*sql.Rows) error) error {
	stmt, err := s.queries.prepare(ctx, s.reads, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func (p *statements) prepare(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stmt := p.kept[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if p.kept == nil {
		p.kept = map[string]*sql.Stmt{}
	}
	p.kept[text] = stmt
	return stmt, nil
}

func (p *statements) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.kept {
		stmt.Close()
	}
	p.kept = nil
}

func each(rows *sql.Rows, row func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// The numbers of keys that one statement names. Two sizes keep the number of
// prepared statements small; places left over repeat the last key.
const (
	fewKeys  = 8
	manyKeys = 250
)

// inKeys calls f with the text "(?,?,...)" and the arguments that follow
// first, for as many keys at a time as one statement takes.
func inKeys(first, keys []any, f func(list string, args []any) error) error {
	for len(keys) > 0 {
		size := manyKeys
		if len(keys) <= fewKeys {
			size = fewKeys
		}
		n := min(size, len(keys))
		args := make([]any, 0, len(first)+size)
		args = append(append(args, first...), keys[:n]...)
		for len(args) < len(first)+size {
			args = append(args, keys[n-1])
		}
		if err := f(placeholders(size), args); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// placeholders returns "(?,?,...)" with n places.
func placeholders(n int) string {
	return "(" + strings.Repeat("?,", n-1) + "?)"
}
