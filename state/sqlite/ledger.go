package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

const (
	itemColumns  = `folder, source, target, flags, size, received, status, digest, version`
	columnsOfOne = 9
	// rowsInsert is how many items one statement inserts.
	rowsInsert = 50
)

// itemRow is an entry as stored.
type itemRow struct {
	folder   int64
	source   any
	target   any
	flags    int64
	size     int64
	received *int64
	status   state.Status
	digest   []byte
	version  *string
}

func (r *itemRow) scan(rows *sql.Rows) error {
	return rows.Scan(&r.folder, &r.source, &r.target, &r.flags, &r.size, &r.received, &r.status, &r.digest, &r.version)
}

func (r *itemRow) args() []any {
	return []any{r.folder, r.source, r.target, r.flags, r.size, r.received, r.status, r.digest, r.version}
}

// Lookup returns the entries of the items named that are in the ledger.
func (s *Store) Lookup(ctx context.Context, folder int64, items []inventory.ItemID) ([]state.Entry, error) {
	var rows []itemRow
	err := inKeys([]any{folder}, idColumns(items), func(list string, args []any) error {
		return s.query(ctx, `SELECT `+itemColumns+` FROM item WHERE folder = ? AND source IN `+list, args, scanItems(&rows))
	})
	if err != nil {
		return nil, failed("look up items", err)
	}
	entries, err := s.entries(ctx, rows)
	return unique(entries, items), failed("look up items", err)
}

// unique drops the doubles that come of keys named twice.
func unique(entries []state.Entry, items []inventory.ItemID) []state.Entry {
	if len(items) <= manyKeys {
		return entries // one statement, whose list is a set
	}
	seen := make(map[inventory.ItemID]bool, len(entries))
	kept := entries[:0]
	for _, e := range entries {
		if !seen[e.Source] {
			seen[e.Source] = true
			kept = append(kept, e)
		}
	}
	return kept
}

func idColumns(items []inventory.ItemID) []any {
	keys := make([]any, len(items))
	for i, id := range items {
		keys[i] = idColumn(id)
	}
	return keys
}

func scanItems(into *[]itemRow) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var r itemRow
		err := r.scan(rows)
		*into = append(*into, r)
		return err
	}
}

// Entries streams the ledger of a folder: items with decimal IDs in the order
// of their numbers, then the others by their bytes. It sees each entry as it is
// when its page is read.
func (s *Store) Entries(ctx context.Context, folder int64) iter.Seq2[state.Entry, error] {
	return func(yield func(state.Entry, error) bool) {
		var last any = int64(math.MinInt64)
		for {
			var rows []itemRow
			err := s.query(ctx, `SELECT `+itemColumns+` FROM item WHERE folder = ? AND source > ? ORDER BY source LIMIT ?`,
				[]any{folder, last, pageSize}, scanItems(&rows))
			var page []state.Entry
			if err == nil {
				page, err = s.entries(ctx, rows)
			}
			if err != nil {
				yield(state.Entry{}, failed("read the ledger", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
			last = rows[len(rows)-1].source
		}
	}
}

func (s *Store) entries(ctx context.Context, rows []itemRow) ([]state.Entry, error) {
	entries := make([]state.Entry, len(rows))
	for i := range rows {
		e, err := s.entry(ctx, &rows[i])
		if err != nil {
			return nil, fmt.Errorf("item %v of folder %d: %w", rows[i].source, rows[i].folder, err)
		}
		entries[i] = e
	}
	return entries, nil
}

func (s *Store) entry(ctx context.Context, r *itemRow) (e state.Entry, err error) {
	e = state.Entry{Folder: r.folder, Size: r.size, Received: columnSeconds(r.received), Status: r.status}
	if e.Source, err = columnID(r.source); err != nil {
		return e, err
	}
	if e.Target, err = columnID(r.target); err != nil {
		return e, err
	}
	if e.Digest, err = columnDigest(r.digest); err != nil {
		return e, err
	}
	if r.version != nil {
		e.Version = *r.version
	}
	e.Flags, err = s.flagNames(ctx, r.flags)
	return e, err
}

// key is a [state.Key] as stored.
type key struct {
	folder int64
	source any
}

// put inserts or replaces entries.
func (t *tx) put(entries []state.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	keys := make([]key, len(entries))
	for i, e := range entries {
		if e.Status < state.Copied || e.Status > state.Released {
			return fmt.Errorf("item %q of folder %d has the status %d", e.Source, e.Folder, e.Status)
		}
		keys[i] = key{e.Folder, idColumn(e.Source)}
	}
	sizes, err := t.sizes(keys)
	if err != nil {
		return err
	}
	for i, e := range entries {
		c, err := t.count(e.Folder)
		if err != nil {
			return err
		}
		old, replaced := sizes[keys[i]]
		if !replaced {
			c.items++
		}
		c.bytes += max(e.Size, 0) - max(old, 0)
		sizes[keys[i]] = e.Size
	}
	if err := t.insertEntries(entries, keys); err != nil {
		return err
	}
	return t.forgetFailures(keys)
}

func (t *tx) insertEntries(entries []state.Entry, keys []key) error {
	args := make([]any, 0, rowsInsert*columnsOfOne)
	for i, e := range entries {
		flags, err := t.flagSet(e.Flags)
		if err != nil {
			return err
		}
		args = append(args, e.Folder, keys[i].source, targetColumn(e.Target), flags, e.Size, secondsColumn(e.Received),
			e.Status, digestColumn(e.Digest), textColumn(e.Version))
		if len(args) == rowsInsert*columnsOfOne {
			if err := t.insertItems(args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	return t.insertItems(args)
}

// insertItems inserts as many rows as args has, replacing those of equal key.
func (t *tx) insertItems(args []any) error {
	row := placeholders(columnsOfOne)
	if len(args) == rowsInsert*columnsOfOne {
		_, err := t.exec(`INSERT OR REPLACE INTO item (`+itemColumns+`) VALUES `+strings.Repeat(row+`,`, rowsInsert-1)+row, args...)
		return err
	}
	for ; len(args) > 0; args = args[columnsOfOne:] {
		_, err := t.exec(`INSERT OR REPLACE INTO item (`+itemColumns+`) VALUES `+row, args[:columnsOfOne]...)
		if err != nil {
			return err
		}
	}
	return nil
}

// sizes returns the sizes of those items that are in the ledger.
func (t *tx) sizes(keys []key) (map[key]int64, error) {
	sizes := make(map[key]int64, len(keys))
	for folder, sources := range byFolder(keys) {
		err := inKeys([]any{folder}, sources, func(list string, args []any) error {
			return t.query(`SELECT source, size FROM item WHERE folder = ? AND source IN `+list, args, func(rows *sql.Rows) error {
				k, size := key{folder: folder}, int64(0)
				err := rows.Scan(&k.source, &size)
				sizes[k] = size
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

func byFolder(keys []key) map[int64][]any {
	folders := map[int64][]any{}
	for _, k := range keys {
		folders[k.folder] = append(folders[k.folder], k.source)
	}
	return folders
}

// drop removes entries and failures.
func (t *tx) drop(drop []state.Key) error {
	if len(drop) == 0 {
		return nil
	}
	keys := make([]key, len(drop))
	for i, k := range drop {
		keys[i] = key{k.Folder, idColumn(k.Source)}
	}
	sizes, err := t.sizes(keys)
	if err != nil {
		return err
	}
	for k, size := range sizes {
		c, err := t.count(k.folder)
		if err != nil {
			return err
		}
		c.items--
		c.bytes -= max(size, 0)
	}
	if err := t.deleteItems(keys); err != nil {
		return err
	}
	return t.forgetFailures(keys)
}

func (t *tx) deleteItems(keys []key) error {
	for folder, sources := range byFolder(keys) {
		err := inKeys([]any{folder}, sources, func(list string, args []any) error {
			_, err := t.exec(`DELETE FROM item WHERE folder = ? AND source IN `+list, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
