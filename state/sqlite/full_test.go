package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

func TestFullStateKeepsNothingAndGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true, MaxBytes: 400_000})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := newFolder(t, s)
	kept := fill(t, s, f)
	if kept == 0 {
		t.Fatal("nothing fits")
	}
	wantItems(t, s, f, kept)
	// Space is freed: the store that was full goes on.
	var drop []state.Key
	for _, e := range mailEntries(f.ID, 0, 1000) {
		drop = append(drop, state.Key{Folder: f.ID, Source: e.Source})
	}
	record(t, s, state.Record{Drop: drop})
	record(t, s, state.Record{Put: mailEntries(f.ID, 0, 500)})
	wantItems(t, s, f, kept-500)
	// And so does a state that may grow.
	closeAll(t, s)
	s = open(t, path)
	record(t, s, state.Record{Put: mailEntries(f.ID, 100_000, 5000)})
	wantItems(t, s, f, kept-500+5000)
	if faults, err := s.Check(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("check: %q, %v", faults, err)
	}
}

// fill records batches until there is no space, and returns how many items
// were accepted.
func fill(t *testing.T, s state.Store, f state.Folder) (kept int) {
	t.Helper()
	for ; kept < 50_000; kept += 500 {
		err := s.Record(t.Context(), state.Record{Put: mailEntries(f.ID, kept, 500)})
		if errors.Is(err, state.ErrFull) {
			return kept
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("there is space without end")
	return kept
}

func wantItems(t *testing.T, s state.Store, f state.Folder, want int) {
	t.Helper()
	folders, err := s.Folders(t.Context(), f.Recipient)
	if err != nil || folders[0].Items != int64(want) {
		t.Errorf("the folder counts %v, want %d items (%v)", folders, want, err)
	}
	n := 0
	for _, err := range s.Entries(t.Context(), f.ID) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != want {
		t.Errorf("the ledger has %d items, want %d", n, want)
	}
}
