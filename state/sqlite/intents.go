package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

func (t *tx) intend(intents []state.Intent) error {
	for _, i := range intents {
		if len(i.Items) == 0 {
			continue
		}
		c, err := t.count(i.Folder)
		if err != nil {
			return err
		}
		if c.recipient != i.Recipient {
			return fmt.Errorf("folder %d of recipient %d: %w", i.Folder, i.Recipient, state.ErrNotFound)
		}
		_, err = t.exec(`INSERT INTO intent (id, recipient, folder, after, items) VALUES (?, ?, ?, ?, ?)`,
			i.ID, i.Recipient, i.Folder, string(i.After), packItems(i.Items))
		if err != nil {
			return fmt.Errorf("intent %d: %w", i.ID, err)
		}
	}
	return nil
}

// resolve takes items out of intents. What is resolved already stays so.
func (t *tx) resolve(resolutions []state.Resolution) error {
	for _, r := range resolutions {
		left, err := t.leftOf(r)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("intent %d: %w", r.Intent, err)
		}
		if len(left) == 0 {
			_, err = t.exec(`DELETE FROM intent WHERE id = ?`, r.Intent)
		} else {
			_, err = t.exec(`UPDATE intent SET items = ? WHERE id = ?`, packItems(left), r.Intent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leftOf returns the items of an intent that a resolution leaves in doubt.
func (t *tx) leftOf(r state.Resolution) ([]inventory.ItemID, error) {
	if r.Items == nil {
		return nil, nil
	}
	var packed []byte
	if err := t.row(`SELECT items FROM intent WHERE id = ?`, []any{r.Intent}, &packed); err != nil {
		return nil, err
	}
	items, err := unpackItems(packed)
	if err != nil {
		return nil, err
	}
	resolved := make(map[inventory.ItemID]bool, len(r.Items))
	for _, id := range r.Items {
		resolved[id] = true
	}
	return slices.DeleteFunc(items, func(id inventory.ItemID) bool { return resolved[id] }), nil
}

// Intents returns the writes of a mailbox that are in doubt.
func (s *Store) Intents(ctx context.Context, recipient int64) ([]state.Intent, error) {
	var intents []state.Intent
	err := s.query(ctx, `SELECT id, recipient, folder, after, items FROM intent WHERE recipient = ? ORDER BY folder, id`,
		[]any{recipient}, func(rows *sql.Rows) error {
			var i state.Intent
			var packed []byte
			err := rows.Scan(&i.ID, &i.Recipient, &i.Folder, &i.After, &packed)
			if err == nil {
				i.Items, err = unpackItems(packed)
			}
			intents = append(intents, i)
			return err
		})
	return intents, failed("list the writes in doubt", err)
}
