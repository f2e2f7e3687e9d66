package sqlite_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

// maxBytesPerItem is what the design allows an item to take in the file.
const maxBytesPerItem = 100

func TestItemsTakeFewBytes(t *testing.T) {
	const items = 200_000
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	folder := newFolder(t, s)
	start := time.Now()
	for n := 0; n < items; n += 500 {
		record(t, s, state.Record{Put: mailEntries(folder.ID, n, 500)})
	}
	t.Logf("%.0f items/s recorded in batches of 500", items/time.Since(start).Seconds())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	perItem := float64(info.Size()) / items
	t.Logf("%.1f bytes an item", perItem)
	if perItem > maxBytesPerItem {
		t.Errorf("an item takes %.1f bytes in the file, more than %d", perItem, maxBytesPerItem)
	}
}

// mailEntries makes entries as a copy between two IMAP servers makes them.
func mailEntries(folder int64, from, n int) []state.Entry {
	sets := [...]inventory.Flags{"", `\Seen`, `\Answered \Seen`, `$Label1 \Seen`}
	entries := make([]state.Entry, n)
	for i := range entries {
		uid := from + i + 1
		entries[i] = state.Entry{
			Folder:   folder,
			Source:   inventory.ItemID(fmt.Sprint(uid + uid/7)),
			Target:   inventory.ItemID(fmt.Sprint(uid)),
			Flags:    sets[uid%len(sets)],
			Size:     int64(2000 + uid*7919%300_000),
			Received: time.Unix(1_500_000_000+int64(uid)*61, 0).UTC(),
			Digest:   sha256.Sum256([]byte(fmt.Sprint(uid))),
			Status:   state.Copied,
		}
	}
	return entries
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newFolder(t testing.TB, s state.Store) state.Folder {
	t.Helper()
	r, err := s.SaveRecipient(t.Context(), state.Recipient{Migration: "m", Kind: inventory.KindMailbox, Source: "a@contoso.test"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.SaveFolder(t.Context(), state.Folder{Recipient: r.ID, Ability: inventory.Mail, Source: "INBOX", Path: inventory.Path{"INBOX"}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func record(t testing.TB, s state.Store, r state.Record) {
	t.Helper()
	if err := s.Record(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
