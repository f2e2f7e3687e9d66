package sqlite_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

func TestReadOnlyWritesNothing(t *testing.T) {
	path := filled(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if folders, err := s.Folders(t.Context(), 1); err != nil || folders[0].Items != 3000 {
		t.Errorf("reading: %v, %v", folders, err)
	}
	if _, err := s.Lock(t.Context(), state.Holder{ID: "x"}); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("locking: %v", err)
	}
	if err := s.Record(t.Context(), state.Record{}); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("writing: %v", err)
	}
	closeAll(t, s)
	wantFiles(t, path, filepath.Base(path))
	if after, err := os.ReadFile(path); err != nil || string(before) != string(after) {
		t.Error("reading changed the file")
	}
}

// TestReadOnlyFolderIsReadable has somebody else, who may write neither the
// file nor its folder, read a state.
func TestReadOnlyFolderIsReadable(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir, err := os.MkdirTemp("/tmp", "state")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "state.db")
	s := open(t, path)
	f := newFolder(t, s)
	record(t, s, state.Record{Put: mailEntries(f.ID, 0, 100)})
	binary := filepath.Join(dir, "reader")
	content, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = errors.Join(os.WriteFile(binary, content, 0o755), os.Chmod(dir, 0o755), s.Close(), os.Chmod(path, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), readVariable+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "100 items" {
		t.Errorf("somebody else reads %q, %v", out, err)
	}
	wantFiles(t, path, "reader", "state.db")
}
