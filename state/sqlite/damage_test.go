package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

// filled makes a state with some items and closes it.
func filled(t *testing.T) (path string) {
	path = filepath.Join(t.TempDir(), "contoso #1?.db") // what a URL would stumble over
	s := open(t, path)
	f := newFolder(t, s)
	record(t, s, state.Record{Put: mailEntries(f.ID, 0, 3000)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMissingStateIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
	wantFiles(t, path)
}

func TestStateIsOneFileForItsOwner(t *testing.T) {
	path := filled(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the state has mode %o", info.Mode().Perm())
	}
	wantFiles(t, path, filepath.Base(path))
}

func wantFiles(t *testing.T, path string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the folder of the state holds %q, want %q", names, want)
	}
}

func TestDamageIsToldWhenOpening(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":          func(b []byte) []byte { return nil },
		"shorter header": func(b []byte) []byte { return b[:50] },
		"cut off":        func(b []byte) []byte { return b[:len(b)-4096] },
		"cut in half":    func(b []byte) []byte { return b[:len(b)/2] },
		"first bytes":    func(b []byte) []byte { return append([]byte("hello"), b[5:]...) },
		"zeroed page":    func(b []byte) []byte { return bytes.Replace(b, b[len(b)/8192*4096:][:4096], make([]byte, 4096), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, spoil(content), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, create := range []bool{false, true} {
				_, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: create})
				if !errors.Is(err, state.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("opened with create %t: %v", create, err)
				}
			}
		})
	}
}

func TestStateTakenFromUnderItsLogIsNotMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path+"-wal", make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true}); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("a state without its file: %v", err)
	}
}

func TestAnotherDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	execute(t, path, `CREATE TABLE precious (x)`)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true}); err == nil || !strings.Contains(err.Error(), "not a state of cutover") {
		t.Errorf("opening another program's database: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("another program's database was written to")
	}
}

func TestNewerStateIsRefused(t *testing.T) {
	path := filled(t)
	execute(t, path, `PRAGMA user_version = 99`)
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{}); !errors.Is(err, state.ErrNewer) {
		t.Errorf("a state of version 99: %v", err)
	}
}

func TestCheckNamesEachFault(t *testing.T) {
	for statement, want := range map[string]string{
		`DELETE FROM header`:                                "header",
		`DELETE FROM recipient`:                             "belongs to recipient 1",
		`DELETE FROM folder`:                                "3000 items belong to folder 1",
		`DELETE FROM flagset`:                               "flags of item",
		`DELETE FROM item WHERE source = 1`:                 "counted as 3000 items",
		`UPDATE folder SET failed = 2`:                      "counted as having 2 failed",
		`UPDATE item SET target = 5`:                        "claimed by 3000 items",
		`UPDATE item SET digest = x'00'`:                    "digest of item",
		`UPDATE item SET status = 9`:                        "status 9",
		`INSERT INTO intent VALUES (1,1,9,'',1)`:            "folder 9",
		`INSERT INTO intent VALUES (1,1,1,'',x'ff')`:        "intent 1 cannot be read",
		`INSERT INTO failure VALUES (1,9,5,'','','',0,0,1)`: "in folder 9",
		`INSERT INTO loss VALUES (9,0,5,'','','',0,0,1)`:    "belongs to recipient 9",
		`INSERT INTO folder SELECT 2, recipient, ability, source, path, role, identity, epoch, state, cursor, target, target_path,
			target_epoch, target_endpoint, 0, 0, 0 FROM folder`: "2 folders of recipient 1",
	} {
		path := filled(t)
		execute(t, path, statement)
		faults, err := open(t, path).Check(t.Context())
		if err != nil || !strings.Contains(strings.Join(faults, "; "), want) {
			t.Errorf("after %q: %q, %v; want %q", statement, faults, err, want)
		}
	}
}

// execute changes a database behind the back of the store.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("#", "%23", "?", "%3f", " ", "%20").Replace(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
