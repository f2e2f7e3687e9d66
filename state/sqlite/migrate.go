package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/state"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration leads from the version before it to its own.
type migration struct {
	version int
	name    string
	text    string
}

// migrations are the embedded ones, numbered from 1 without gaps.
func migrations() ([]migration, error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", e.Name(), i+1)
		}
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, migration{version, e.Name(), string(text)})
	}
	return list, nil
}

// Version is that of the schema this program writes.
func Version() int {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return 0
	}
	return len(entries)
}

// applicationID marks the file as a state of cutover: "ctov".
const applicationID = 0x63746f76

// migrate brings the schema up to date, one transaction for each version.
func (s *Store) migrate(ctx context.Context, from int) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	for _, m := range list[from:] {
		err := s.transact(ctx, "migrate the state to version "+strconv.Itoa(m.version), func(t *tx) error {
			return t.apply(m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) apply(m migration) error {
	var version int
	if err := t.row(`PRAGMA user_version`, nil, &version); err != nil {
		return err
	}
	if version >= m.version {
		return nil // another process was quicker
	}
	if version > 0 {
		if err := t.mustBeUnlocked(); err != nil {
			return err
		}
	}
	if _, err := t.s.conn.ExecContext(t.ctx, m.text); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	if m.version == 1 {
		_, err := t.s.conn.ExecContext(t.ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID))
		if err == nil {
			_, err = t.exec(`INSERT INTO header (one, lineage) VALUES (1, lower(hex(randomblob(16))))`)
		}
		if err != nil {
			return err
		}
	}
	_, err := t.s.conn.ExecContext(t.ctx, fmt.Sprintf(`PRAGMA user_version = %d`, m.version))
	return err
}

// mustBeUnlocked keeps the schema as it is while a run works with it.
func (t *tx) mustBeUnlocked() error {
	l, err := readLock(t.row)
	if err == nil && l != nil && !t.s.over(l) {
		err = &state.LockedError{Holder: l.Holder}
	}
	return err
}
