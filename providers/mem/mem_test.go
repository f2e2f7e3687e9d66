package mem_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

const anna = inventory.Address("anna@contoso.test")

func open(t *testing.T, e providers.Endpoint) providers.Mailbox {
	t.Helper()
	s, err := e.OpenMailbox(context.Background(), anna)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// history reads all pages of changes and returns them with the last End.
func history(t *testing.T, s providers.Mailbox, folder inventory.FolderID, after inventory.Cursor, limit int) (told []string, end providers.Change) {
	t.Helper()
	for {
		for change, err := range s.Changes(context.Background(), folder, after, limit) {
			if err != nil {
				t.Fatal(err)
			}
			if change.Op == providers.End {
				end = change
				continue
			}
			told = append(told, fmt.Sprintf("%d:%s", change.Op, change.Item.ID))
		}
		after = end.Cursor
		if !end.More {
			return told, end
		}
	}
}

func TestFolderTellsItsHistoryInPages(t *testing.T) {
	org := mem.New()
	box := org.AddMailbox(anna)
	for i := range 5 {
		box.Deliver("INBOX", mem.Item{Content: fmt.Appendf(nil, "message %d", i)})
	}
	s := open(t, org.Endpoint())
	told, end := history(t, s, "INBOX", "", 2)
	if got := fmt.Sprint(told); got != "[1:1 1:2 1:3 1:4 1:5]" || !end.Full {
		t.Fatalf("first listing: %s full %v", got, end.Full)
	}
	box.SetFlags("INBOX", "2", inventory.MakeFlags(inventory.Seen))
	box.Delete("INBOX", "4")
	moved := box.Move("INBOX", "5", "Archive")
	told, end = history(t, s, "INBOX", end.Cursor, 1)
	if got := fmt.Sprint(told); got != "[1:2 3:4 3:5]" || end.Full || moved != "1" {
		t.Fatalf("after changes: %s full %v, moved to %s", got, end.Full, moved)
	}
	box.ResetEpoch("INBOX")
	told, end = history(t, s, "INBOX", end.Cursor, 0)
	if len(told) != 3 || !end.Reset || !end.Full {
		t.Fatalf("after a new epoch: %v %+v", told, end)
	}
}

func TestWithoutHistoryEverythingIsNamed(t *testing.T) {
	org := mem.New().Configure(func(c *mem.Config) { c.NoHistory = true; c.Page = 2 })
	box := org.AddMailbox(anna)
	for range 4 {
		box.Deliver("INBOX", mem.Item{Content: []byte("x")})
	}
	s := open(t, org.Endpoint())
	_, end := history(t, s, "INBOX", "", 0)
	box.Delete("INBOX", "1")
	box.SetFlags("INBOX", "3", inventory.MakeFlags(inventory.Seen))
	told, end := history(t, s, "INBOX", end.Cursor, 0)
	if got := fmt.Sprint(told); got != "[2:2 1:3 2:4]" || !end.Full {
		t.Fatalf("%s full %v", got, end.Full)
	}
}

func outgoing(folder inventory.FolderID, contents ...string) iter.Seq[providers.Outgoing] {
	return func(yield func(providers.Outgoing) bool) {
		for i, content := range contents {
			out := providers.Outgoing{Key: uint64(i), Folder: folder, Class: inventory.ClassMessage,
				Format: inventory.FormatRFC5322, Size: int64(len(content)), Received: time.Unix(1e9, 5),
				Flags: inventory.MakeFlags(inventory.Seen, "$Work"),
				Open:  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
			if !yield(out) {
				return
			}
		}
	}
}

func TestPutTellsWhatItRefuses(t *testing.T) {
	org := mem.New().Configure(func(c *mem.Config) { c.MaxItemSize = 10; c.Quota = 14; c.Keywords = []string{}; c.PutBatch = 3 })
	org.AddMailbox(anna)
	s := open(t, org.Endpoint())
	var got []string
	for stored, err := range s.Put(context.Background(), outgoing("INBOX", "eight by", "much too long", "one more", "six by")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d/%s/%s/%s", stored.Key, stored.ID, stored.Refused, providers.CodeOf(stored.Err)))
	}
	want := "[0/1/$Work/ 1///mem-too-large 2///mem-quota 3/2/$Work/]"
	if fmt.Sprint(got) != want {
		t.Fatalf("got %q", got)
	}
}

func TestSessionIsUsedOnceAtATime(t *testing.T) {
	org := mem.New()
	org.AddMailbox(anna).Deliver("INBOX", mem.Item{Content: []byte("x")})
	s := open(t, org.Endpoint())
	for range s.Changes(context.Background(), "INBOX", "", 0) {
		if _, err := s.Folders(context.Background()); providers.CodeOf(err) != "mem-misuse" {
			t.Fatalf("a second use went through: %v", err)
		}
		break
	}
	if _, err := s.Folders(context.Background()); err != nil {
		t.Fatalf("an abandoned sequence still blocks: %v", err)
	}
}

func TestHundredThousandRecipients(t *testing.T) {
	org := mem.New()
	began := time.Now()
	for i := range 100_000 {
		org.AddMailbox(inventory.Address(fmt.Sprintf("user%06d@contoso.test", i)))
	}
	n := 0
	for _, err := range org.Endpoint().Recipients(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	t.Logf("%d recipients in %v", n, time.Since(began))
	if n != 100_000 {
		t.Fatalf("%d recipients", n)
	}
}
