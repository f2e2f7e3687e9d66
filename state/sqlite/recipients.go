package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

const recipientColumns = `id, migration, kind, source, target, source_identity, target_identity, batch, created,
	digest, run, synced, error, error_code, target_info`

// pageSize is how many rows one query of a stream reads. Between pages no
// transaction is open, so that a slow reader holds up nothing.
const pageSize = 2000

// Recipients returns the recipients of a migration, or of all when it is
// empty, ordered by migration, address and kind.
func (s *Store) Recipients(ctx context.Context, migration string) iter.Seq2[state.Recipient, error] {
	return func(yield func(state.Recipient, error) bool) {
		var last state.Recipient
		for {
			page, err := s.recipientPage(ctx, migration, last)
			if err != nil {
				yield(state.Recipient{}, failed("list the recipients", err))
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = page[len(page)-1]
		}
	}
}

func (s *Store) recipientPage(ctx context.Context, migration string, after state.Recipient) ([]state.Recipient, error) {
	text := `SELECT ` + recipientColumns + ` FROM recipient WHERE migration = ? AND (source, kind) > (?, ?)
		ORDER BY source, kind LIMIT ?`
	args := []any{migration, after.Source, after.Kind, pageSize}
	if migration == "" {
		text = `SELECT ` + recipientColumns + ` FROM recipient WHERE (migration, source, kind) > (?, ?, ?)
			ORDER BY migration, source, kind LIMIT ?`
		args[0] = after.Migration
	}
	var page []state.Recipient
	err := s.query(ctx, text, args, func(rows *sql.Rows) error {
		var r state.Recipient
		var synced *int64
		err := rows.Scan(&r.ID, &r.Migration, &r.Kind, &r.Source, &r.Target, &r.SourceIdentity, &r.TargetIdentity, &r.Batch,
			&r.Created, &r.Digest, &r.Run, &synced, &r.Error, &r.ErrorCode, &r.TargetInfo)
		r.Synced = columnInstant(synced)
		page = append(page, r)
		return err
	})
	return page, err
}

// SaveRecipient inserts or replaces a recipient.
func (s *Store) SaveRecipient(ctx context.Context, r state.Recipient) (state.Recipient, error) {
	err := s.write(ctx, "save recipient "+string(r.Source), func(t *tx) error { return t.saveRecipient(&r) })
	if err != nil {
		return state.Recipient{}, err
	}
	return r, nil
}

func (t *tx) saveRecipient(r *state.Recipient) error {
	if r.Migration == "" || r.Source == "" || r.Kind == "" {
		return errors.New("a recipient needs a migration, a kind and a source address")
	}
	return t.row(`INSERT INTO recipient (migration, kind, source, target, source_identity, target_identity, batch,
			created, digest, run, synced, error, error_code, target_info)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (migration, source, kind) DO UPDATE SET target = excluded.target,
			source_identity = excluded.source_identity, target_identity = excluded.target_identity,
			batch = excluded.batch, created = excluded.created, digest = excluded.digest, run = excluded.run,
			synced = excluded.synced, error = excluded.error, error_code = excluded.error_code,
			target_info = excluded.target_info
		RETURNING id`,
		[]any{r.Migration, r.Kind, r.Source, r.Target, r.SourceIdentity, r.TargetIdentity, r.Batch,
			r.Created, r.Digest, r.Run, instantColumn(r.Synced), r.Error, r.ErrorCode, r.TargetInfo}, &r.ID)
}

// RemoveRecipient forgets a recipient with its folders, ledger, intents and
// problems.
func (s *Store) RemoveRecipient(ctx context.Context, id int64) error {
	return s.write(ctx, "remove the recipient", func(t *tx) error {
		for _, text := range [...]string{
			`DELETE FROM item WHERE folder IN (SELECT id FROM folder WHERE recipient = ?)`,
			`DELETE FROM failure WHERE recipient = ?`,
			`DELETE FROM loss WHERE recipient = ?`,
			`DELETE FROM intent WHERE recipient = ?`,
			`DELETE FROM folder WHERE recipient = ?`,
		} {
			if _, err := t.exec(text, id); err != nil {
				return err
			}
		}
		n, err := t.exec(`DELETE FROM recipient WHERE id = ?`, id)
		if err == nil && n == 0 {
			err = state.ErrNotFound
		}
		return err
	})
}

// recipientIDs returns up to a page of the IDs of a migration's recipients in
// the order of their addresses, with the key to go on from.
func (s *Store) recipientIDs(ctx context.Context, migration string, after recipientKey) (ids []any, last recipientKey, err error) {
	text := `SELECT id, migration, source, kind FROM recipient WHERE migration = ? AND (source, kind) > (?, ?)
		ORDER BY source, kind LIMIT ?`
	args := []any{migration, after.source, after.kind, manyKeys}
	if migration == "" {
		text = `SELECT id, migration, source, kind FROM recipient WHERE (migration, source, kind) > (?, ?, ?)
			ORDER BY migration, source, kind LIMIT ?`
		args[0] = after.migration
	}
	err = s.query(ctx, text, args, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id, &last.migration, &last.source, &last.kind)
		ids = append(ids, id)
		return err
	})
	return ids, last, err
}

type recipientKey struct {
	migration string
	source    inventory.Address
	kind      inventory.Kind
}
