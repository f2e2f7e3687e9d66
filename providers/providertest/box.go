package providertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// box is a fresh mailbox in the hands of one sub-test.
type box struct {
	*suite
	t       *testing.T
	ctx     context.Context
	address inventory.Address
	read    providers.Mailbox // nil on targets that are no source
	write   providers.Mailbox // nil on sources that are no target
}

var counter atomic.Int64

// mailbox makes a mailbox and opens a session on each side.
func (s *suite) mailbox(t *testing.T) *box {
	t.Helper()
	b := &box{suite: s, t: t, ctx: testContext(t)}
	b.address = s.newAddress(t)
	if s.source != nil {
		b.read = b.session(s.source)
	}
	if s.target != nil {
		b.write = b.session(s.target)
	}
	if b.read == nil {
		b.read = b.write
	}
	return b
}

func (s *suite) newAddress(t *testing.T) inventory.Address {
	t.Helper()
	if s.NewMailbox != nil {
		return s.NewMailbox(t)
	}
	address := inventory.Address(fmt.Sprintf("suite-%d@contoso.test", counter.Add(1)))
	r := inventory.Recipient{Kind: inventory.KindMailbox, Address: address, Type: inventory.TypeUser}
	if _, err := s.target.CreateRecipient(testContext(t), r, "a-passw0rd-of-the-suite"); err != nil {
		t.Fatalf("create %s: %v (a provider without directory needs Harness.NewMailbox)", address, err)
	}
	return address
}

func (b *box) session(e providers.Endpoint) providers.Mailbox {
	b.t.Helper()
	s, err := e.OpenMailbox(b.ctx, b.address)
	if err != nil {
		b.t.Fatalf("open %s: %v", b.address, err)
	}
	b.t.Cleanup(func() { s.Close() })
	return s
}

// folder makes sure that a mail folder is there.
func (b *box) folder(names ...string) inventory.Folder {
	b.t.Helper()
	f, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: names, Holds: inventory.Mail})
	if err != nil {
		b.t.Fatalf("CreateFolder %q: %v", names, err)
	}
	return f
}

// listed finds a folder in the listing of the reading side.
func (b *box) listed(path inventory.Path) inventory.Folder {
	b.t.Helper()
	folders, err := b.read.Folders(b.ctx)
	if err != nil {
		b.t.Fatalf("Folders: %v", err)
	}
	for _, f := range folders {
		if f.Path.String() == path.String() {
			return f
		}
	}
	b.t.Fatalf("folder %q is not in the listing of %d folders", path.String(), len(folders))
	return inventory.Folder{}
}

// fill puts messages into a folder by Put, or by the harness where there is
// no target, and returns the folder.
func (b *box) fill(name string, messages ...Message) inventory.Folder {
	b.t.Helper()
	if b.write == nil {
		for _, m := range messages {
			b.Seed(b.t, b.address, inventory.Path{name}, m)
		}
		return b.listed(inventory.Path{name})
	}
	f := b.folder(name)
	for _, stored := range b.put(f.ID, messages...) {
		if stored.Err != nil {
			b.t.Fatalf("Put of message %d of a plain series: %v", stored.Key, stored.Err)
		}
	}
	return b.listed(f.Path)
}

// put stores messages; results are by key, which is the position.
func (b *box) put(folder inventory.FolderID, messages ...Message) []providers.Stored {
	b.t.Helper()
	results := make([]providers.Stored, len(messages))
	told := map[uint64]bool{}
	for stored, err := range b.write.Put(b.ctx, outgoing(folder, messages)) {
		if err != nil {
			b.t.Fatalf("Put: %v", err)
		}
		if told[stored.Key] || stored.Key >= uint64(len(messages)) {
			b.t.Fatalf("Put told key %d twice, or it was never given: it yields one Stored for each item", stored.Key)
		}
		told[stored.Key] = true
		results[stored.Key] = stored
	}
	if len(told) != len(messages) {
		b.t.Fatalf("Put ended without error after %d results for %d items: it yields one Stored for each", len(told), len(messages))
	}
	return results
}

func outgoing(folder inventory.FolderID, messages []Message) iter.Seq[providers.Outgoing] {
	return func(yield func(providers.Outgoing) bool) {
		for i, m := range messages {
			if !yield(m.outgoing(folder, i)) {
				return
			}
		}
	}
}

func (m Message) outgoing(folder inventory.FolderID, key int) providers.Outgoing {
	return providers.Outgoing{
		Key: uint64(key), Folder: folder, Class: inventory.ClassMessage, Format: inventory.FormatRFC5322,
		Flags: m.Flags, Received: m.Received, Size: int64(len(m.Content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Content)), nil },
	}
}

// page reads one page of changes.
func (b *box) page(folder inventory.FolderID, after inventory.Cursor, limit int) (told []providers.Change, end providers.Change) {
	b.t.Helper()
	for change, err := range b.read.Changes(b.ctx, folder, after, limit) {
		if err != nil {
			b.t.Fatalf("Changes after %q: %v", after, err)
		}
		if end.Op == providers.End {
			b.t.Fatal("Changes went on after End: the stream ends with one Change whose Op is End")
		}
		if change.Op == providers.End {
			end = change
			continue
		}
		told = append(told, change)
	}
	if end.Op != providers.End {
		b.t.Fatal("Changes ended without a Change whose Op is End")
	}
	return told, end
}

// series reads pages until there are no more.
func (b *box) series(folder inventory.FolderID, after inventory.Cursor, limit int) (told []providers.Change, end providers.Change) {
	b.t.Helper()
	for pages := 0; ; pages++ {
		more, last := b.page(folder, after, limit)
		if pages > 0 && last.Full != end.Full {
			b.t.Fatal("Full changed within a series: it is equal on every page of a series that More holds together")
		}
		told = append(told, more...)
		reset := end.Reset
		end = last
		end.Reset = end.Reset || reset
		if !end.More {
			return told, end
		}
		if end.Cursor == after || pages > 10000 {
			b.t.Fatalf("the series does not move on: More with cursor %q after %q", end.Cursor, after)
		}
		after = end.Cursor
	}
}

// ids lists what is in a folder.
func (b *box) ids(folder inventory.FolderID) []inventory.ItemID {
	b.t.Helper()
	var ids []inventory.ItemID
	for id := range b.items(folder) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// items lists a folder from the beginning.
func (b *box) items(folder inventory.FolderID) map[inventory.ItemID]inventory.Item {
	b.t.Helper()
	told, end := b.series(folder, "", 0)
	if !end.Full {
		b.t.Fatal("Full is false in a series from the empty cursor, which names every item there is")
	}
	all := map[inventory.ItemID]inventory.Item{}
	for _, change := range told {
		switch change.Op {
		case providers.Listed:
			all[change.Item.ID] = change.Item
		case providers.Removed:
			delete(all, change.Item.ID)
		default:
			b.t.Fatalf("operation %d in a series from the empty cursor: every item there is Listed", change.Op)
		}
	}
	return all
}

// contents fetches every item named, in the words of the reading side.
func (b *box) contents(folder inventory.FolderID, ids ...inventory.ItemID) map[inventory.ItemID][]byte {
	b.t.Helper()
	all := map[inventory.ItemID][]byte{}
	for fetched, err := range b.read.Fetch(b.ctx, folder, ids, inventory.FormatRFC5322) {
		if err != nil {
			b.t.Fatalf("Fetch: %v", err)
		}
		if fetched.Err != nil {
			b.t.Fatalf("Fetch of %s: %v", fetched.Item.ID, fetched.Err)
		}
		content, err := io.ReadAll(fetched.Body)
		if err != nil {
			b.t.Fatalf("read the body of %s: %v", fetched.Item.ID, err)
		}
		if int64(len(content)) != fetched.Item.Size {
			b.t.Errorf("item %s has %d bytes and Item.Size %d: Body is Item.Size bytes", fetched.Item.ID, len(content), fetched.Item.Size)
		}
		if _, twice := all[fetched.Item.ID]; twice {
			b.t.Errorf("item %s was fetched twice: one Fetched for each ID", fetched.Item.ID)
		}
		all[fetched.Item.ID] = content
	}
	if len(all) != len(ids) {
		b.t.Errorf("%d items for %d IDs: Fetch yields one Fetched for each", len(all), len(ids))
	}
	return all
}

// only returns the one item of a folder and its content.
func (b *box) only(folder inventory.FolderID) (inventory.Item, []byte) {
	b.t.Helper()
	items := b.items(folder)
	if len(items) != 1 {
		b.t.Fatalf("%d items in a folder that was given one", len(items))
	}
	for id, item := range items {
		return item, b.contents(folder, id)[id]
	}
	panic("unreachable")
}

// letter makes a plain message; letters of other numbers have other content.
func letter(n int) Message {
	return Message{
		Content: fmt.Appendf(nil, "From: Anna <anna@contoso.test>\r\nTo: ben@contoso.test\r\nSubject: Letter %d\r\n"+
			"Date: Tue, 6 Feb 2024 10:11:12 +0100\r\nMessage-ID: <letter-%d@contoso.test>\r\n\r\nText of letter %d.\r\n%s", n, n, n, strings.Repeat("Line.\r\n", n%7)),
		Received: time.Date(2024, 2, 6, 10, 11, 12+n%40, 0, time.FixedZone("", 3600)),
	}
}

func letters(n int) []Message {
	all := make([]Message, n)
	for i := range all {
		all[i] = letter(i)
	}
	return all
}
