package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (s *suite) testFolders(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	if f.Holds != inventory.Mail || f.Container {
		t.Errorf("a folder of letters is %+v: it holds mail and is no container", f)
	}
	if f.Items != 3 && f.Items != -1 {
		t.Errorf("%d items in the listing of a folder of 3 (-1 is unknown)", f.Items)
	}
	folders, err := b.read.Folders(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range folders {
		if parent := f.Path.Parent(); parent != nil && !seen[parent.String()] {
			t.Errorf("%q is listed before its parent: parents before children", f.Path.String())
		}
		if seen[f.Path.String()] {
			t.Errorf("%q is listed twice", f.Path.String())
		}
		seen[f.Path.String()] = true
	}
	if again := b.listed(f.Path); again.State != f.State || again.ID != f.ID || again.Epoch != f.Epoch || again.Identity != f.Identity {
		t.Errorf("nothing has changed and the folder is\n%+v\nafter\n%+v", again, f)
	}
}

func (s *suite) testFetchPlain(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	got := map[string]bool{}
	for _, content := range b.contents(f.ID, b.ids(f.ID)...) {
		got[string(content)] = true
	}
	for _, m := range letters(3) {
		if !got[string(m.Content)] {
			t.Errorf("no item has the bytes that were put in: %q", m.Content)
		}
	}
}

func (s *suite) testFetchMissing(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(2)...)
	ids := b.ids(f.ID)
	gone, there := 0, 0
	for fetched, err := range b.read.Fetch(b.ctx, f.ID, append(ids[:1:1], "987654321", ids[1]), inventory.FormatRFC5322) {
		switch {
		case err != nil:
			t.Fatalf("an ID that does not exist ended the stream; it is a verdict on the item alone: %v", err)
		case fetched.Err == nil:
			there++
		case providers.KindOf(fetched.Err) == providers.Gone && fetched.Item.ID == "987654321":
			gone++
		default:
			t.Errorf("verdict on %s: %v", fetched.Item.ID, fetched.Err)
		}
	}
	if gone != 1 || there != 2 {
		t.Errorf("%d gone and %d fetched, of one ID that does not exist and two that do: one Fetched for each, Gone", gone, there)
	}
	var last error
	for _, err := range b.read.Fetch(b.ctx, "no such folder", ids, inventory.FormatRFC5322) {
		last = err
	}
	if providers.KindOf(last) != providers.Gone {
		t.Errorf("a folder that does not exist should be Gone: %v", last)
	}
}

func (s *suite) testChangesFirst(t *testing.T) {
	b := s.mailbox(t)
	sent := letters(4)
	f := b.fill("Letters", sent...)
	items := b.items(f.ID)
	if len(items) != len(sent) {
		t.Fatalf("%d items listed of %d", len(items), len(sent))
	}
	for id, content := range b.contents(f.ID, b.ids(f.ID)...) {
		item := items[id]
		if item.Class != inventory.ClassMessage || (item.Size >= 0 && item.Size != int64(len(content))) {
			t.Errorf("listed as %+v, with %d bytes", item, len(content))
		}
	}
	_, end := b.series(f.ID, "", 0)
	told, end := b.series(f.ID, end.Cursor, 0)
	for _, change := range told {
		if change.Op != providers.Exists {
			t.Errorf("nothing has happened since the cursor, and Changes tells %+v", change)
		}
	}
	if len(told) > 0 && !end.Full {
		t.Error("items are named as Exists, and Full is false")
	}
}

func (s *suite) testChangesPages(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(25)...)
	seen := map[inventory.ItemID]int{}
	after, pages := inventory.Cursor(""), 0
	for more := true; more; pages++ {
		told, end := b.page(f.ID, after, 10)
		if len(told) > 20 {
			t.Errorf("a page of %d changes with limit 10: at most about limit", len(told))
		}
		for _, change := range told {
			seen[change.Item.ID]++
		}
		after, more = end.Cursor, end.More
	}
	if len(seen) != 25 || pages < 2 {
		t.Errorf("%d of 25 items in %d pages of 10", len(seen), pages)
	}
}

func (s *suite) testChangesNew(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	old := b.items(f.ID)
	_, end := b.series(f.ID, "", 0)
	changed := b.fill("Letters", letter(50))
	if changed.State != "" && changed.State == f.State {
		t.Error("State is unchanged after a new item: equal states mean that nothing has changed")
	}
	told, _ := b.series(f.ID, end.Cursor, 0)
	fresh := 0
	for _, change := range told {
		_, known := old[change.Item.ID]
		switch {
		case change.Op == providers.Listed && !known:
			fresh++
		case change.Op != providers.Exists:
			t.Errorf("Changes after the cursor tells %+v; only one new item has come", change)
		}
	}
	if fresh != 1 {
		t.Errorf("%d new items told after one has come", fresh)
	}
}

func (s *suite) testChangesBadCursor(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	told, end := b.series(f.ID, "this is no cursor", 0)
	if !end.Reset || !end.Full || len(told) != 3 {
		t.Errorf("a cursor of no validity: %d of 3 items, Reset %v, Full %v; the stream starts from the beginning and says Reset", len(told), end.Reset, end.Full)
	}
}

func (s *suite) testChangesReset(t *testing.T) {
	if s.ResetEpoch == nil {
		t.Skip("the harness cannot make item IDs void")
	}
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	_, end := b.series(f.ID, "", 0)
	s.ResetEpoch(t, b.address, f.Path)
	told, after := b.series(f.ID, end.Cursor, 0)
	if !after.Reset || !after.Full || len(told) != 3 {
		t.Errorf("after a change of epoch: %d of 3 items, Reset %v, Full %v", len(told), after.Reset, after.Full)
	}
	if now := b.listed(f.Path); now.Epoch == f.Epoch {
		t.Errorf("Epoch is still %q when all item IDs known before are void", now.Epoch)
	}
}

func (s *suite) testLarger(t *testing.T) {
	b := s.mailbox(t)
	big := letter(1)
	big.Content = append(big.Content, bytes.Repeat([]byte("A long line of text that fills a large message.\r\n"), 1000)...)
	f := b.fill("Letters", letter(0), big, letter(2))
	for size, want := range map[int64]int{0: 3, 10_000: 1, int64(len(big.Content)) - 1: 1, int64(len(big.Content)): 0} {
		items, err := b.read.Larger(b.ctx, f.ID, size)
		if err != nil {
			t.Fatalf("Larger: %v", err)
		}
		if len(items) != want {
			t.Errorf("%d items are larger than %d bytes, and should be %d", len(items), size, want)
		}
		for _, item := range items {
			if item.ID == "" || item.Size <= size {
				t.Errorf("Larger than %d lists %+v: with their IDs and sizes at least", size, item)
			}
		}
	}
}

func (s *suite) testAbandonedReads(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(20)...)
	ids := b.ids(f.ID)
	settled := leaks(t)
	for range 6 {
		session := b.session(s.reader())
		for fetched, err := range session.Fetch(b.ctx, f.ID, ids, inventory.FormatRFC5322) {
			if err != nil {
				t.Fatal(err)
			}
			io.CopyN(io.Discard, fetched.Body, 10)
			break
		}
		for range session.Changes(b.ctx, f.ID, "", 0) {
			break
		}
		if _, err := session.Folders(b.ctx); err != nil && providers.KindOf(err) != providers.Transient {
			t.Errorf("after an abandoned Fetch the session answers %v: it works on, or is broken (Transient)", err)
		}
		session.Close()
	}
	settled("an abandoned sequence of Fetch or Changes")
}

func (s *suite) reader() providers.Endpoint {
	if s.source != nil {
		return s.source
	}
	return s.target
}

func (s *suite) testCancelledReads(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(3)...)
	ids := b.ids(f.ID)
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	session := b.session(s.reader())
	var last error
	for _, err := range session.Fetch(ctx, f.ID, ids, inventory.FormatRFC5322) {
		last = err
	}
	if last == nil {
		t.Error("Fetch with a cancelled context ended without error")
	} else if !errors.Is(last, context.Canceled) && providers.KindOf(last) != providers.Transient {
		t.Errorf("Fetch with a cancelled context says %v: context.Canceled, or Transient", last)
	}
}
