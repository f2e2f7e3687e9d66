package sqlite

import (
	"database/sql"
	"fmt"

	"github.com/cutover-mail/cutover/state"
)

// rekey gives entries new keys, all at the same time: what one entry leaves
// another may take. Failures and losses go with them.
func (t *tx) rekey(changes []state.Rekey) error {
	if len(changes) == 0 {
		return nil
	}
	from, to, err := t.rekeyed(changes)
	if err != nil {
		return err
	}
	rows, err := t.take(from)
	if err != nil {
		return err
	}
	notes, err := t.takeNotes(from)
	if err != nil {
		return err
	}
	if err := t.mustBeFree(to); err != nil {
		return err
	}
	args := make([]any, 0, rowsInsert*columnsOfOne)
	for i := range rows {
		if err := t.recount(&rows[i], to[i].folder); err != nil {
			return err
		}
		rows[i].folder, rows[i].source = to[i].folder, to[i].source
		args = append(args, rows[i].args()...)
		if len(args) == rowsInsert*columnsOfOne {
			if err := t.insertItems(args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if err := t.insertItems(args); err != nil {
		return err
	}
	return t.putNotes(notes, from, to)
}

func (t *tx) rekeyed(changes []state.Rekey) (from, to []key, err error) {
	seen := make(map[key]bool, len(changes))
	for _, c := range changes {
		f, n := key{c.From.Folder, idColumn(c.From.Source)}, key{c.To.Folder, idColumn(c.To.Source)}
		if seen[f] {
			return nil, nil, fmt.Errorf("item %q of folder %d is given two keys", c.From.Source, c.From.Folder)
		}
		seen[f] = true
		from, to = append(from, f), append(to, n)
	}
	return from, to, nil
}

// take removes entries and returns them in the order of their keys.
func (t *tx) take(keys []key) ([]itemRow, error) {
	byKey := make(map[key]itemRow, len(keys))
	for folder, sources := range byFolder(keys) {
		err := inKeys([]any{folder}, sources, func(list string, args []any) error {
			return t.query(`SELECT `+itemColumns+` FROM item WHERE folder = ? AND source IN `+list, args, func(rows *sql.Rows) error {
				var r itemRow
				err := r.scan(rows)
				byKey[key{r.folder, r.source}] = r
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	rows := make([]itemRow, len(keys))
	for i, k := range keys {
		row, ok := byKey[k]
		if !ok {
			return nil, fmt.Errorf("item %v of folder %d: %w", k.source, k.folder, state.ErrNotFound)
		}
		rows[i] = row
	}
	return rows, t.deleteItems(keys)
}

// mustBeFree refuses keys that another entry has: replacing it would forget
// what was written for it, and write it a second time.
func (t *tx) mustBeFree(keys []key) error {
	seen := make(map[key]bool, len(keys))
	for _, k := range keys {
		if seen[k] {
			return fmt.Errorf("item %v of folder %d: %w", k.source, k.folder, state.ErrTaken)
		}
		seen[k] = true
	}
	taken, err := t.sizes(keys)
	if err != nil {
		return err
	}
	for k := range taken {
		return fmt.Errorf("item %v of folder %d: %w", k.source, k.folder, state.ErrTaken)
	}
	return nil
}

// recount moves a row from the counts of its folder to those of another of
// the same mailbox.
func (t *tx) recount(r *itemRow, to int64) error {
	a, err := t.count(r.folder)
	if err != nil {
		return err
	}
	b, err := t.count(to)
	if err != nil {
		return err
	}
	if a.recipient != b.recipient {
		return fmt.Errorf("folder %d and folder %d belong to different mailboxes", r.folder, to)
	}
	a.items--
	b.items++
	a.bytes -= max(r.size, 0)
	b.bytes += max(r.size, 0)
	return nil
}
