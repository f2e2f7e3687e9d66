package providertest

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// print returns all that can be known of a message.
func (m Message) print() inventory.Fingerprint {
	loose := inventory.NewLooseHash()
	loose.Write(m.Content)
	return inventory.Fingerprint{Class: inventory.ClassMessage, Received: m.Received, Size: int64(len(m.Content)), Loose: loose.Digest()}
}

func (b *box) find(folder inventory.FolderID, after inventory.Cursor, prints ...inventory.Fingerprint) [][]inventory.ItemID {
	b.t.Helper()
	found, err := b.write.Find(b.ctx, folder, after, prints)
	if err != nil {
		b.t.Fatalf("Find: %v", err)
	}
	if len(found) != len(prints) {
		b.t.Fatalf("Find answers %d lists for %d prints: position i is for prints[i]", len(found), len(prints))
	}
	return found
}

func (s *suite) testFind(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letter(0), letter(1), letter(2), letter(1))
	absent := letter(9)
	otherTime := letter(2).print()
	otherTime.Received = otherTime.Received.AddDate(0, 0, 1)
	otherZone := letter(2).print()
	otherZone.Received = otherZone.Received.UTC()
	sizeless := letter(0).print()
	sizeless.Size = -1
	dateless := Message{Content: letter(0).Content}.print()
	found := b.find(f.ID, "", letter(0).print(), letter(1).print(), absent.print(), otherTime, otherZone, sizeless, dateless)
	for i, want := range []int{1, 2, 0, 0, 1, 1, 1} {
		if len(found[i]) != want {
			t.Errorf("print %d matches %d items and should match %d: a match agrees in every fact that is known", i, len(found[i]), want)
		}
	}
	if len(found[4]) == 1 && !bytes.Equal(b.contents(f.ID, found[4][0])[found[4][0]], letter(2).Content) {
		t.Error("Find names an item of other content")
	}
	if len(found[1]) == 2 && found[1][0] == found[1][1] {
		t.Error("Find names one item twice, for two items that are equal")
	}
	b.find(f.ID, "")
}

func (s *suite) testFindAfter(t *testing.T) {
	b := s.mailbox(t)
	before := b.fill("Letters", letter(0), letter(1))
	after := b.fill("Letters", letter(1), letter(2))
	if before.End == "" {
		t.Skip("the endpoint tells no End")
	}
	found := b.find(before.ID, before.End, letter(0).print(), letter(1).print(), letter(2).print())
	for i, want := range []int{0, 1, 1} {
		if len(found[i]) != want {
			t.Errorf("letter %d is found %d times after End, and should be %d: items that arrive later are after it", i, len(found[i]), want)
		}
	}
	if found := b.find(after.ID, after.End, letter(2).print()); len(found[0]) != 0 {
		t.Error("an item is found after the end of the folder")
	}
	if found := b.find(after.ID, "this is no cursor", letter(0).print()); len(found[0]) != 1 {
		t.Error("a cursor that has lost its validity is the whole folder")
	}
}

// edit carries out edits; outcomes are by ID.
func (b *box) edit(folder inventory.FolderID, edits ...providers.Edit) map[inventory.ItemID]providers.Edited {
	b.t.Helper()
	all := map[inventory.ItemID]providers.Edited{}
	for edited, err := range b.write.Edit(b.ctx, folder, edits) {
		if err != nil {
			b.t.Fatalf("Edit: %v", err)
		}
		if edited.Err != nil {
			b.t.Fatalf("Edit of %s: %v", edited.ID, edited.Err)
		}
		all[edited.ID] = edited
	}
	if len(all) != len(edits) {
		b.t.Fatalf("%d outcomes of %d edits: one Edited for each", len(all), len(edits))
	}
	return all
}

const absentID = inventory.ItemID("987654321")

func (s *suite) testEditFlags(t *testing.T) {
	b := s.mailbox(t)
	first, second := letter(0), letter(1)
	first.Flags = inventory.MakeFlags(inventory.Flagged)
	f := b.fill("Letters", first, second)
	one, two := b.itemOf(f.ID, first).ID, b.itemOf(f.ID, second).ID
	outcomes := b.edit(f.ID,
		providers.Edit{ID: one, Add: inventory.MakeFlags(inventory.Seen), Remove: inventory.MakeFlags(inventory.Flagged)},
		providers.Edit{ID: two, Add: inventory.MakeFlags(inventory.Answered, inventory.Flagged)},
		providers.Edit{ID: absentID, Add: inventory.MakeFlags(inventory.Seen)})
	if outcomes[one].Outcome != providers.Done || outcomes[absentID].Outcome != providers.Missing {
		t.Errorf("outcomes %+v; an item that is not in the folder is Missing", outcomes)
	}
	if got := b.flagsOf(f.ID, first); got != inventory.MakeFlags(inventory.Seen) {
		t.Errorf("flags are %q after adding \\Seen to and removing \\Flagged from \\Flagged", got)
	}
	if got := b.flagsOf(f.ID, second); got != inventory.MakeFlags(inventory.Answered, inventory.Flagged) {
		t.Errorf("flags are %q after adding \\Answered and \\Flagged", got)
	}
}

func (s *suite) testEditMove(t *testing.T) {
	b := s.mailbox(t)
	to := b.folder("Archive")
	m := letter(1)
	m.Flags = inventory.MakeFlags(inventory.Seen)
	f := b.fill("Letters", letter(0), m)
	id := b.itemOf(f.ID, m).ID
	outcomes := b.edit(f.ID, providers.Edit{ID: id, MoveTo: to.ID}, providers.Edit{ID: absentID, MoveTo: to.ID})
	if outcomes[id].Outcome != providers.Done || outcomes[absentID].Outcome != providers.Missing {
		t.Errorf("outcomes %+v", outcomes)
	}
	item, content := b.only(to.ID)
	if !bytes.Equal(content, m.Content) || item.Flags != m.Flags || item.Received.Unix() != m.Received.Unix() {
		t.Errorf("moved, it is %+v with %d bytes: content, flags and received time come along", item, len(content))
	}
	if moved := outcomes[id].MovedTo; moved != "" && moved != item.ID {
		t.Errorf("MovedTo is %q and the item is listed as %q", moved, item.ID)
	}
	if len(b.items(f.ID)) != 1 {
		t.Error("the item is still where it was moved from")
	}
}

func (s *suite) testEditDelete(t *testing.T) {
	b := s.mailbox(t)
	touched, plain := letter(0), letter(1)
	touched.Flags = inventory.MakeFlags(inventory.Seen)
	f := b.fill("Letters", touched, plain, letter(2))
	one, two := b.itemOf(f.ID, touched).ID, b.itemOf(f.ID, plain).ID
	outcomes := b.edit(f.ID, providers.Edit{ID: one, Delete: true}, providers.Edit{ID: two, Delete: true}, providers.Edit{ID: absentID, Delete: true})
	if outcomes[one].Outcome != providers.Kept || outcomes[two].Outcome != providers.Done || outcomes[absentID].Outcome != providers.Missing {
		t.Errorf("outcomes %+v; an item whose flags differ from Expect is Kept", outcomes)
	}
	if len(b.ids(f.ID)) != 2 {
		t.Errorf("%d items are left of three, of which one was to be deleted", len(b.ids(f.ID)))
	}
	other := touched.Received.Add(time.Hour)
	outcomes = b.edit(f.ID, providers.Edit{ID: one, Delete: true, Expect: touched.Flags, Received: other})
	if outcomes[one].Outcome != providers.Missing || len(b.ids(f.ID)) != 2 {
		t.Errorf("%+v; an item received at another time is not the one to be deleted", outcomes[one])
	}
	outcomes = b.edit(f.ID, providers.Edit{ID: one, Delete: true, Expect: touched.Flags, Received: touched.Received})
	if outcomes[one].Outcome != providers.Done || len(b.ids(f.ID)) != 1 {
		t.Errorf("with the flags that it has an item is deleted: %+v", outcomes[one])
	}
}

func (s *suite) testChangesEdited(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(5)...)
	flagged, deleted := b.itemOf(f.ID, letter(1)).ID, b.itemOf(f.ID, letter(3)).ID
	state := b.listed(f.Path).State
	_, end := b.series(f.ID, "", 0)
	b.edit(f.ID, providers.Edit{ID: flagged, Add: inventory.MakeFlags(inventory.Flagged)}, providers.Edit{ID: deleted, Delete: true})
	if now := b.listed(f.Path).State; now != "" && now == state {
		t.Error("State is unchanged after a change of flags and a deletion")
	}
	told, end := b.series(f.ID, end.Cursor, 0)
	named := map[inventory.ItemID]providers.Change{}
	for _, change := range told {
		named[change.Item.ID] = change
	}
	if got := named[flagged]; got.Op != providers.Listed || !got.Item.Flags.Has(inventory.Flagged) {
		t.Errorf("a change of flags is told as %+v: items changed are Listed", got)
	}
	got, isNamed := named[deleted]
	if end.Full && isNamed && got.Op != providers.Removed || !end.Full && got.Op != providers.Removed {
		t.Errorf("a deletion is told as %+v with Full %v: not named when Full, Removed otherwise", got, end.Full)
	}
	for id, change := range named {
		if id != flagged && id != deleted && change.Op != providers.Exists {
			t.Errorf("an item that nothing happened to is told as %+v", change)
		}
	}
}

func (s *suite) testParallel(t *testing.T) {
	limits := s.info[providers.Target].Limits
	lanes := min(limits.Connections, 4)
	if limits.PerMailbox > 0 {
		lanes = min(lanes, limits.PerMailbox)
	}
	if lanes < 2 {
		t.Skip("one session at a time")
	}
	b := s.mailbox(t)
	f := b.folder("Letters")
	b.write.Close()
	const each = 50
	sent := letters(lanes * each)
	var working sync.WaitGroup
	for lane := range lanes {
		session := b.session(s.target)
		working.Go(func() {
			for stored, err := range session.Put(b.ctx, outgoing(f.ID, sent[lane*each:(lane+1)*each])) {
				if err != nil || stored.Err != nil {
					t.Errorf("lane %d: %v, %v", lane, err, stored.Err)
				}
			}
			session.Close()
		})
	}
	working.Wait()
	var got [][]byte
	for _, content := range b.contents(f.ID, b.ids(f.ID)...) {
		got = append(got, content)
	}
	for i, m := range sent {
		if !slices.ContainsFunc(got, func(c []byte) bool { return bytes.Equal(c, m.Content) }) {
			t.Errorf("letter %d is missing after several sessions wrote at once", i)
		}
	}
	if len(got) != len(sent) {
		t.Errorf("%d items of %d", len(got), len(sent))
	}
}

func (s *suite) testCloseWhileStreaming(t *testing.T) {
	b := s.mailbox(t)
	f := b.fill("Letters", letters(50)...)
	ids := b.ids(f.ID)
	settled := leaks(t)
	for range 6 {
		endpoint, err := s.Provider.Open(b.ctx, s.Options(t, providers.Target))
		if err != nil {
			t.Fatal(err)
		}
		session, err := endpoint.OpenMailbox(b.ctx, b.address)
		if err != nil {
			t.Fatal(err)
		}
		for range session.Fetch(b.ctx, f.ID, ids, inventory.FormatRFC5322) {
			if err := endpoint.Close(); err != nil {
				t.Errorf("Close while a stream runs: %v; it ends sessions still open", err)
			}
		}
		if _, err := session.Folders(b.ctx); err == nil {
			t.Error("a session goes on after its endpoint was closed")
		}
		session.Close()
	}
	settled("Close of an endpoint in the middle of a Fetch")
}
