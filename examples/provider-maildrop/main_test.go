package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin"
	"github.com/cutover-mail/cutover/providers/providertest"
)

// export is an export that a test writes.
type export struct {
	folder string
	count  atomic.Int64
}

func (x *export) harness(p providers.Provider) providertest.Harness {
	return providertest.Harness{
		Provider: p,
		Options: func(_ *testing.T, role providers.Role) providers.Options {
			return providers.Options{Role: role, Name: "export", Folder: x.folder, Settings: providers.Settings(`{"path": "."}`)}
		},
		NewMailbox: func(t *testing.T) inventory.Address {
			address := fmt.Sprintf("suite-%d@contoso.test", x.count.Add(1))
			if err := os.Mkdir(filepath.Join(x.folder, address), 0o700); err != nil {
				t.Fatal(err)
			}
			return inventory.Address(address)
		},
		Seed: func(t *testing.T, address inventory.Address, path inventory.Path, m providertest.Message) {
			name := fmt.Sprintf("%06d.eml", x.count.Add(1))
			x.write(t, filepath.Join(string(address), filepath.Join(path...), name), m)
		},
		Wrong:             []providertest.Wrong{{Name: "no path", Role: providers.Source, Settings: providers.Settings(`{}`), Path: []string{"path"}}},
		KeepsBareNewlines: true, KeepsNUL: true, ShiftsZone: true,
	}
}

func (x *export) write(t *testing.T, name string, m providertest.Message) {
	t.Helper()
	at := filepath.Join(x.folder, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, m.Content, 0o600))
	if !m.Received.IsZero() {
		err = errors.Join(err, os.Chtimes(at, m.Received, m.Received))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	x := &export{folder: t.TempDir()}
	providertest.Run(t, x.harness(provider{}))
}

// The program as its users have it, across the process boundary.
func TestConformanceOfTheProgram(t *testing.T) {
	program := build(t, t.TempDir(), "cutover-provider-maildrop", ".")
	p, closer, err := plugin.Launch(t.Context(), []string{program}, os.Environ(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	x := &export{folder: t.TempDir()}
	providertest.Run(t, x.harness(p))
}

// build builds a command into a folder.
func build(t *testing.T, folder, name, source string) string {
	t.Helper()
	program := filepath.Join(folder, name)
	if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// The example, as its README tells: the messages arrive byte for byte, and
// nothing is left to do.
func TestExampleMovesTheExport(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	build(t, folder, "cutover-provider-maildrop", ".")
	bin := t.TempDir()
	program := build(t, bin, "cutover", "../../cmd/cutover")
	env := append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1")
	script := exec.Command(filepath.Join(folder, "run.sh"))
	script.Env = env
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sent, err := os.ReadFile("export/anna@contoso.test/INBOX/0001.eml")
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	err = filepath.WalkDir(filepath.Join(folder, "archive", "anna@contoso.test"), func(at string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if content, _ := os.ReadFile(at); bytes.Equal(content, sent) {
				there++
			}
		}
		return err
	})
	if err != nil || there != 1 {
		t.Errorf("Anna's message is there %d times, %v", there, err)
	}
	again := exec.Command(program, "plan", "-detailed-exitcode")
	again.Dir, again.Env = folder, env
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("a second plan is not empty: %v\n%s", err, out)
	}
}

// openOne returns a session on an export with these files.
func openOne(t *testing.T, files ...string) (*export, providers.Mailbox) {
	t.Helper()
	x := &export{folder: t.TempDir()}
	for _, name := range files {
		x.write(t, filepath.Join("anna@contoso.test", name), providertest.Message{Content: []byte("Subject: " + name + "\r\n\r\n")})
	}
	e, err := provider{}.Open(t.Context(), x.harness(provider{}).Options(t, providers.Source))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	m, err := e.OpenMailbox(t.Context(), "anna@contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return x, m
}

func TestFoldersOfAnyName(t *testing.T) {
	_, m := openOne(t, "INBOX/1.eml", "INBOX/notes.txt", "Pro%20 jects/20/24.eml/2.eml", "Caf\xe9/3.EML")
	folders, err := m.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, f := range folders {
		got[f.Path.String()] = f.Items
		for change, err := range m.Changes(t.Context(), f.ID, "", 0) {
			if err != nil {
				t.Errorf("%q: %v", f.ID, err)
			}
			if change.Op == providers.Listed {
				fetch(t, m, f.ID, change.Item.ID)
			}
		}
	}
	want := map[string]int64{"INBOX": 1, "Pro%20 jects": 0, "Pro%20 jects/20": 0, "Pro%20 jects/20/24.eml": 1, "Caf\uFFFD": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("folders %v, expected %v", got, want)
	}
}

func fetch(t *testing.T, m providers.Mailbox, folder inventory.FolderID, id inventory.ItemID) {
	t.Helper()
	for fetched, err := range m.Fetch(t.Context(), folder, []inventory.ItemID{id}, inventory.FormatRFC5322) {
		if err != nil || fetched.Err != nil {
			t.Error(folder, id, err, fetched.Err)
		}
	}
}

// An ID is whatever the other side says: it leads nowhere else.
func TestNoIDLeadsOutOfTheMailbox(t *testing.T) {
	x, m := openOne(t, "INBOX/1.eml")
	x.write(t, "berta@contoso.test/INBOX/secret.eml", providertest.Message{Content: []byte("x")})
	if err := os.Symlink(filepath.Join(x.folder, "berta@contoso.test"), filepath.Join(x.folder, "anna@contoso.test", "link")); err != nil {
		t.Fatal(err)
	}
	for folder, id := range map[inventory.FolderID]inventory.ItemID{
		"INBOX":                       "..%2F..%2Fberta@contoso.test%2FINBOX%2Fsecret.eml",
		"../berta@contoso.test/INBOX": "secret.eml",
		"link/INBOX":                  "secret.eml",
		"":                            "secret.eml",
	} {
		for fetched, err := range m.Fetch(t.Context(), folder, []inventory.ItemID{id}, inventory.FormatRFC5322) {
			if err == nil && fetched.Err == nil {
				t.Errorf("%q of %q was read", id, folder)
			}
		}
	}
}

func TestChangedFileIsListedAgain(t *testing.T) {
	x, m := openOne(t, "INBOX/1.eml", "INBOX/2.eml", "INBOX/3.eml")
	var cursor inventory.Cursor
	read := func() (listed []inventory.ItemID) {
		for more := true; more; {
			for change, err := range m.Changes(t.Context(), "INBOX", cursor, 2) {
				if err != nil {
					t.Fatal(err)
				}
				switch change.Op {
				case providers.Listed:
					listed = append(listed, change.Item.ID)
				case providers.End:
					cursor, more = change.Cursor, change.More
				}
			}
		}
		return listed
	}
	if first := read(); len(first) != 3 {
		t.Errorf("listed %v at first", first)
	}
	x.write(t, "anna@contoso.test/INBOX/2.eml", providertest.Message{Content: []byte("Subject: another one altogether\r\n\r\n")})
	if again := read(); len(again) != 1 || again[0] != "2.eml" {
		t.Errorf("listed %v after 2.eml was changed", again)
	}
	if again := read(); len(again) != 0 {
		t.Errorf("listed %v after nothing was changed", again)
	}
}
