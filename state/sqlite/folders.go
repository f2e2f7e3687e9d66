package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

const folderColumns = `id, recipient, ability, source, path, role, identity, epoch, state, cursor,
	target, target_path, target_epoch, target_endpoint, items, bytes, failed`

// Folders returns the folders of a mailbox, ordered by source path.
func (s *Store) Folders(ctx context.Context, recipient int64) ([]state.Folder, error) {
	var folders []state.Folder
	err := s.query(ctx, `SELECT `+folderColumns+` FROM folder WHERE recipient = ?`, []any{recipient}, scanFolder(&folders))
	slices.SortFunc(folders, comparePaths)
	return folders, failed("list the folders", err)
}

// AllFolders streams the folders of a migration, or of all when it is empty:
// recipients by address, the folders of each by path.
func (s *Store) AllFolders(ctx context.Context, migration string) iter.Seq2[state.Folder, error] {
	return func(yield func(state.Folder, error) bool) {
		var last recipientKey
		for {
			ids, next, err := s.recipientIDs(ctx, migration, last)
			if err == nil {
				err = s.foldersOf(ctx, ids, yield)
			}
			if errors.Is(err, errAbandoned) {
				return
			}
			if err != nil {
				yield(state.Folder{}, failed("list the folders", err))
				return
			}
			if len(ids) < manyKeys {
				return
			}
			last = next
		}
	}
}

var errAbandoned = errors.New("the sequence was abandoned")

func (s *Store) foldersOf(ctx context.Context, recipients []any, yield func(state.Folder, error) bool) error {
	if len(recipients) == 0 {
		return nil
	}
	var folders []state.Folder
	err := inKeys(nil, recipients, func(list string, args []any) error {
		return s.query(ctx, `SELECT `+folderColumns+` FROM folder WHERE recipient IN `+list, args, scanFolder(&folders))
	})
	if err != nil {
		return err
	}
	place := make(map[int64]int, len(recipients))
	for i, id := range recipients {
		place[id.(int64)] = i
	}
	slices.SortFunc(folders, func(a, b state.Folder) int {
		return cmp.Or(cmp.Compare(place[a.Recipient], place[b.Recipient]), comparePaths(a, b))
	})
	for _, f := range folders {
		if !yield(f, nil) {
			return errAbandoned
		}
	}
	return nil
}

func comparePaths(a, b state.Folder) int {
	return cmp.Or(slices.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
}

func scanFolder(into *[]state.Folder) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var f state.Folder
		var path, targetPath string
		err := rows.Scan(&f.ID, &f.Recipient, &f.Ability, &f.Source, &path, &f.Role, &f.Identity, &f.Epoch, &f.State, &f.Cursor,
			&f.Target, &targetPath, &f.TargetEpoch, &f.TargetEndpoint, &f.Items, &f.Bytes, &f.Failed)
		f.Path, f.TargetPath = inventory.ParsePath(path), inventory.ParsePath(targetPath)
		*into = append(*into, f)
		return err
	}
}

// SaveFolder inserts or replaces a folder.
func (s *Store) SaveFolder(ctx context.Context, f state.Folder) (state.Folder, error) {
	err := s.write(ctx, "save folder "+f.Path.String(), func(t *tx) error { return t.saveFolder(&f) })
	if err != nil {
		return state.Folder{}, err
	}
	return f, nil
}

func (t *tx) saveFolder(f *state.Folder) error {
	// Counts gathered so far belong into what is returned.
	if err := t.saveCounts(); err != nil {
		return err
	}
	facts := []any{f.Recipient, f.Ability, f.Source, f.Path.String(), f.Role, f.Identity, f.Epoch, f.State, f.Cursor,
		f.Target, f.TargetPath.String(), f.TargetEpoch, f.TargetEndpoint}
	if f.ID == 0 {
		f.Items, f.Bytes, f.Failed = 0, 0, 0
		return t.insertFolder(f, facts)
	}
	err := t.row(`UPDATE folder SET ability = ?3, source = ?4, path = ?5, role = ?6, identity = ?7, epoch = ?8, state = ?9,
			cursor = ?10, target = ?11, target_path = ?12, target_epoch = ?13, target_endpoint = ?14
		WHERE id = ?1 AND recipient = ?2 RETURNING items, bytes, failed`,
		append([]any{f.ID}, facts...), &f.Items, &f.Bytes, &f.Failed)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("folder %d of recipient %d: %w", f.ID, f.Recipient, state.ErrNotFound)
	}
	return err
}

func (t *tx) insertFolder(f *state.Folder, facts []any) error {
	var known bool
	if err := t.row(`SELECT EXISTS (SELECT 1 FROM recipient WHERE id = ?)`, []any{f.Recipient}, &known); err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("recipient %d: %w", f.Recipient, state.ErrNotFound)
	}
	return t.row(`INSERT INTO folder (recipient, ability, source, path, role, identity, epoch, state, cursor,
			target, target_path, target_epoch, target_endpoint)
		VALUES `+placeholders(len(facts))+` RETURNING id`, facts, &f.ID)
}

// folderCount is how the counts of a folder change in a transaction.
type folderCount struct {
	recipient            int64
	failures             int64 // that the folder has now
	items, bytes, failed int64 // changes not saved yet
}

// count returns the counts of a folder, which must exist.
func (t *tx) count(folder int64) (*folderCount, error) {
	if c := t.folders[folder]; c != nil {
		return c, nil
	}
	c := new(folderCount)
	err := t.row(`SELECT recipient, failed FROM folder WHERE id = ?`, []any{folder}, &c.recipient, &c.failures)
	if err != nil {
		return nil, fmt.Errorf("folder %d: %w", folder, found(err))
	}
	t.folders[folder] = c
	return c, nil
}

func (c *folderCount) fail(n int64) {
	c.failed += n
	c.failures += n
}

// saveCounts writes the changes gathered so far.
func (t *tx) saveCounts() error {
	for id, c := range t.folders {
		if c.items == 0 && c.bytes == 0 && c.failed == 0 {
			continue
		}
		_, err := t.exec(`UPDATE folder SET items = items + ?, bytes = bytes + ?, failed = failed + ? WHERE id = ?`,
			c.items, c.bytes, c.failed, id)
		if err != nil {
			return err
		}
		c.items, c.bytes, c.failed = 0, 0, 0
	}
	return nil
}
