package sqlite_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cutover-mail/cutover/state"
)

func TestFullDiskKeepsNothingAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s := open(t, filepath.Join(dir, "state.db"))
	defer s.Close()
	f := newFolder(t, s)
	kept := fill(t, s, f)
	if kept == 0 {
		t.Fatal("nothing fits")
	}
	wantItems(t, s, f, kept)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	record(t, s, state.Record{Put: mailEntries(f.ID, kept, 5000)})
	wantItems(t, s, f, kept+5000)
	if faults, err := s.Check(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("check: %q, %v", faults, err)
	}
}
