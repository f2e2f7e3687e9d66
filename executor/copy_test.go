package executor_test

import (
	"testing"

	"github.com/cutover-mail/cutover/inventory"
)

func TestFirstRunCopiesEverything(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(anna, "INBOX", 730)
	w.deliver(anna, "Projects/2024", 3)
	w.deliver(berta, "INBOX", 5)
	w.source.Mailbox(berta).AddFolder("Empty")
	result := w.must()
	w.same()
	if result.Items != 738 || w.events.sum().Items != 738 || result.Bytes == 0 || w.events.sum().Bytes != result.Bytes {
		t.Errorf("copied %+v, told %+v", result, w.events.sum())
	}
	for _, side := range []interface{ Sessions() (int, int) }{w.source, w.target} {
		if open, most := side.Sessions(); open != 0 || most < 2 || most > 4 {
			t.Errorf("%d sessions are open, at most %d were", open, most)
		}
	}
}

func TestSecondRunDoesNothing(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 50)
	w.must()
	before := w.target.Calls("Put")
	if result := w.must(); result.Items != 0 {
		t.Errorf("copied %d items again", result.Items)
	}
	w.same()
	if w.target.Calls("Put") != before || w.target.Calls("Edit") != 0 || w.source.Calls("Fetch") != 1 {
		t.Errorf("wrote %d times, fetched %d times", w.target.Calls("Put")-before, w.source.Calls("Fetch"))
	}
	rows, err := w.store.Folders(t.Context(), 1)
	if err != nil || len(rows) != 1 || rows[0].State == "" || rows[0].Cursor == "" {
		t.Errorf("folders remembered as %+v, %v", rows, err)
	}
}

func TestWhatChangedIsFollowed(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 300)
	w.deliver(anna, "Archive", 10)
	w.must()
	box := w.source.Mailbox(anna)
	w.deliver(anna, "INBOX", 100)
	for _, id := range ids[:50] {
		box.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Flagged, inventory.Seen))
	}
	for _, id := range ids[50:70] {
		box.Move("INBOX", id, "Archive")
	}
	for _, id := range ids[70:80] {
		box.Move("INBOX", id, "A new folder")
	}
	for _, id := range ids[80:100] {
		box.Delete("INBOX", id)
	}
	w.must()
	w.same()
	got := w.events.sum()
	if got.Items != 100 || got.Moved != 30 || got.Deleted != 20 || got.Changed == 0 {
		t.Errorf("told %+v", got)
	}
}

func TestDuplicatesStayTwo(t *testing.T) {
	w := newWorld(t, anna)
	for range 5 {
		w.source.Mailbox(anna).Deliver("INBOX", message("INBOX", 1))
	}
	w.must()
	w.same()
}
