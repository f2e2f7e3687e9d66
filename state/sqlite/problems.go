package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/cutover-mail/cutover/state"
)

const noteColumns = `recipient, folder, source, code, detail, subject, size, run, attempts`

// noteTables hold problems: failures, one of an item, and losses.
const (
	failures = "failure"
	losses   = "loss"
)

func (t *tx) fail(problems []state.Problem) error {
	for _, p := range problems {
		if err := t.failOne(p); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) failOne(p state.Problem) error {
	c, err := t.problemFolder(p)
	if err != nil {
		return err
	}
	err = t.row(`INSERT INTO failure (`+noteColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
		ON CONFLICT (recipient, folder, source) DO UPDATE SET code = excluded.code, detail = excluded.detail,
			subject = excluded.subject, size = excluded.size, run = excluded.run, attempts = attempts + 1
		RETURNING attempts`,
		[]any{p.Recipient, p.Folder, idColumn(p.Source), p.Code, p.Detail, p.Subject, p.Size, p.Run}, &p.Attempts)
	if err == nil && p.Attempts == 1 && c != nil {
		c.fail(1)
	}
	return err
}

func (t *tx) lose(problems []state.Problem) error {
	for _, p := range problems {
		if _, err := t.problemFolder(p); err != nil {
			return err
		}
		_, err := t.exec(`INSERT OR IGNORE INTO loss (`+noteColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
			p.Recipient, p.Folder, idColumn(p.Source), p.Code, p.Detail, p.Subject, p.Size, p.Run)
		if err != nil {
			return err
		}
	}
	return nil
}

// problemFolder checks what a problem refers to, and returns the counts of
// its folder, if it has one.
func (t *tx) problemFolder(p state.Problem) (*folderCount, error) {
	if p.Folder == 0 {
		var known bool
		err := t.row(`SELECT EXISTS (SELECT 1 FROM recipient WHERE id = ?)`, []any{p.Recipient}, &known)
		if err == nil && !known {
			err = fmt.Errorf("recipient %d: %w", p.Recipient, state.ErrNotFound)
		}
		return nil, err
	}
	c, err := t.count(p.Folder)
	if err == nil && c.recipient != p.Recipient {
		err = fmt.Errorf("folder %d of recipient %d: %w", p.Folder, p.Recipient, state.ErrNotFound)
	}
	return c, err
}

// forgetFailures removes the failures of items, where the folder has any.
func (t *tx) forgetFailures(keys []key) error {
	for folder, sources := range byFolder(keys) {
		c, err := t.count(folder)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if c.failures == 0 {
			continue
		}
		err = inKeys([]any{c.recipient, folder}, sources, func(list string, args []any) error {
			n, err := t.exec(`DELETE FROM failure WHERE recipient = ? AND folder = ? AND source IN `+list, args...)
			c.fail(-n)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note is a failure or loss on its way to another key.
type note struct {
	table   string
	at      key
	problem state.Problem
}

// takeNotes removes the failures and losses of items and returns them.
func (t *tx) takeNotes(keys []key) ([]note, error) {
	var notes []note
	for folder, sources := range byFolder(keys) {
		c, err := t.count(folder)
		if err != nil {
			return nil, err
		}
		for _, table := range [...]string{failures, losses} {
			taken, err := t.takeFrom(table, c.recipient, folder, sources)
			if err != nil {
				return nil, err
			}
			if table == failures {
				c.fail(-int64(len(taken)))
			}
			notes = append(notes, taken...)
		}
	}
	return notes, nil
}

func (t *tx) takeFrom(table string, recipient, folder int64, sources []any) (taken []note, err error) {
	var some bool
	err = t.row(`SELECT EXISTS (SELECT 1 FROM `+table+` WHERE recipient = ? AND folder = ?)`, []any{recipient, folder}, &some)
	if err != nil || !some {
		return nil, err
	}
	err = inKeys([]any{recipient, folder}, sources, func(list string, args []any) error {
		where := table + ` WHERE recipient = ? AND folder = ? AND source IN ` + list
		err := t.query(`SELECT `+noteColumns+` FROM `+where, args, func(rows *sql.Rows) error {
			p, source, err := scanProblem(rows)
			taken = append(taken, note{table, key{folder, source}, p})
			return err
		})
		if err == nil {
			_, err = t.exec(`DELETE FROM `+where, args...)
		}
		return err
	})
	return taken, err
}

// putNotes writes notes to the keys that their items have now.
func (t *tx) putNotes(notes []note, from, to []key) error {
	if len(notes) == 0 {
		return nil
	}
	moved := make(map[key]key, len(from))
	for i := range from {
		moved[from[i]] = to[i]
	}
	for _, n := range notes {
		at, p := moved[n.at], n.problem
		added, err := t.exec(`INSERT OR IGNORE INTO `+n.table+` (`+noteColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.Recipient, at.folder, at.source, p.Code, p.Detail, p.Subject, p.Size, p.Run, p.Attempts)
		if err != nil {
			return err
		}
		c, err := t.count(at.folder)
		if err != nil {
			return err
		}
		if n.table == failures {
			c.fail(added)
		}
	}
	return nil
}

func scanProblem(rows *sql.Rows) (p state.Problem, source any, err error) {
	err = rows.Scan(&p.Recipient, &p.Folder, &source, &p.Code, &p.Detail, &p.Subject, &p.Size, &p.Run, &p.Attempts)
	if err == nil {
		p.Source, err = columnID(source)
	}
	return p, source, err
}

// Problems streams the failures and losses of a migration, or of all when it
// is empty, ordered by the IDs of recipient, folder and item; the failure of an
// item comes before its losses.
func (s *Store) Problems(ctx context.Context, migration string) iter.Seq2[state.Problem, error] {
	return func(yield func(state.Problem, error) bool) {
		a := &problemPages{s: s, ctx: ctx, migration: migration, table: failures}
		b := &problemPages{s: s, ctx: ctx, migration: migration, table: losses}
		for {
			p, err := nextProblem(a, b)
			if err != nil {
				yield(state.Problem{}, failed("list the problems", err))
				return
			}
			if p == nil || !yield(*p, nil) {
				return
			}
		}
	}
}

func nextProblem(a, b *problemPages) (*state.Problem, error) {
	p, err := a.peek()
	if err != nil {
		return nil, err
	}
	q, err := b.peek()
	if err != nil {
		return nil, err
	}
	if p != nil && (q == nil || compareProblems(p, q) <= 0) {
		a.page = a.page[1:]
		return p, nil
	}
	if q != nil {
		b.page = b.page[1:]
	}
	return q, nil
}

func compareProblems(p, q *state.Problem) int {
	return cmp.Or(cmp.Compare(p.Recipient, q.Recipient), cmp.Compare(p.Folder, q.Folder), compareIDs(p.Source, q.Source))
}

// problemPages reads one table of problems page by page.
type problemPages struct {
	s         *Store
	ctx       context.Context
	migration string
	table     string
	page      []state.Problem
	last      state.Problem
	done      bool
}

// peek returns the next problem, nil at the end.
func (p *problemPages) peek() (*state.Problem, error) {
	if len(p.page) == 0 && !p.done {
		if err := p.read(); err != nil {
			return nil, err
		}
	}
	if len(p.page) == 0 {
		return nil, nil
	}
	return &p.page[0], nil
}

func (p *problemPages) read() error {
	after, values := `recipient, folder, source`, []any{p.last.Recipient, p.last.Folder, idColumn(p.last.Source)}
	if p.table == losses {
		after, values = after+`, code, detail`, append(values, p.last.Code, p.last.Detail)
	}
	text := `SELECT ` + noteColumns + ` FROM ` + p.table + ` WHERE (` + after + `) > ` + placeholders(len(values)) + `
		AND (? = '' OR recipient IN (SELECT id FROM recipient WHERE migration = ?))
		ORDER BY ` + after + ` LIMIT ?`
	err := p.s.query(p.ctx, text, append(values, p.migration, p.migration, pageSize), func(rows *sql.Rows) error {
		problem, _, err := scanProblem(rows)
		problem.Loss = p.table == losses
		p.page = append(p.page, problem)
		return err
	})
	if err != nil {
		return err
	}
	p.done = len(p.page) < pageSize
	if len(p.page) > 0 {
		p.last = p.page[len(p.page)-1]
	}
	return nil
}
