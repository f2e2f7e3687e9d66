package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// awkwardIDs are item IDs that a store might confuse with one another.
var awkwardIDs = []inventory.ItemID{
	"", "0", "1", "01", "10", "+1", "-1", "1.0", " 1", "1e3", "0x1", "4294967295", "9223372036854775807", "9223372036854775808",
	"99999999999999999999", "AAMkAD==", "AAMkad==", "ü", "\xff\xfe", "a\x00b", "/cal/1.ics", inventory.ItemID(strings.Repeat("x", 1000)),
}

func (x exercise) entries(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "INBOX", "other")
	var want []state.Entry
	for i, id := range awkwardIDs {
		want = append(want, state.Entry{Folder: f[0].ID, Source: id, Status: state.Copied, Target: awkwardIDs[len(awkwardIDs)-1-i]})
	}
	want = append(want,
		state.Entry{Folder: f[0].ID, Source: "full", Version: "v1", Target: "t", Flags: `$Forwarded \Answered \Seen`, Size: 1 << 40, Received: at, Digest: inventory.Digest{31: 1}, Status: state.Released},
		state.Entry{Folder: f[0].ID, Source: "bare", Size: -1, Received: time.Unix(-5, 0).UTC(), Status: state.Adopted})
	want = sorted(want)
	write(t, s, state.Record{Put: want, Lose: nil})
	same(t, "entries", ledger(t, s, f[0].ID), want)
	if n := len(ledger(t, s, f[1].ID)); n != 0 {
		t.Errorf("another folder has %d entries", n)
	}
	asked := append([]inventory.ItemID{"nothing", "1", "1"}, awkwardIDs...)
	same(t, "entries looked up", sorted(need(s.Lookup(t.Context(), f[0].ID, append(asked, "full", "bare")))(t)), want)
	if got := need(s.Lookup(t.Context(), f[0].ID, nil))(t); len(got) != 0 {
		t.Errorf("looking up nothing gives %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = x.again(t, s)
	same(t, "entries after opening again", ledger(t, s, f[0].ID), want)
	sound(t, s)
}

func (x exercise) replace(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "INBOX")[0]
	write(t, s, state.Record{Put: []state.Entry{copied(f.ID, "1", "11", 100), copied(f.ID, "2", "12", 200), copied(f.ID, "x", "13", -1)}})
	wantCounts(t, s, f, 3, 300, 0)
	changed := copied(f.ID, "1", "11", 150)
	changed.Flags, changed.Status = "", state.Released
	write(t, s, state.Record{Put: []state.Entry{copied(f.ID, "1", "99", 1), changed}}) // the later of two counts
	wantCounts(t, s, f, 3, 350, 0)
	same(t, "the entry", need(s.Lookup(t.Context(), f.ID, []inventory.ItemID{"1"}))(t), []state.Entry{changed})
	write(t, s, state.Record{Drop: []state.Key{{Folder: f.ID, Source: "2"}, {Folder: f.ID, Source: "x"}, {Folder: f.ID, Source: "never"}}})
	wantCounts(t, s, f, 1, 150, 0)
	same(t, "what is left", ledger(t, s, f.ID), []state.Entry{changed})
	sound(t, s)
}

func (x exercise) stream(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "INBOX", "B")
	const n = 5003
	var put []state.Entry
	ids := make([]inventory.ItemID, n)
	for i := range n {
		ids[i] = inventory.ItemID(fmt.Sprint(i * 3))
		if i%5 == 0 {
			ids[i] = inventory.ItemID(fmt.Sprintf("id-%d", i))
		}
		put = append(put, copied(f[0].ID, ids[i], ids[i], 1), copied(f[1].ID, ids[i], ids[i], 2))
	}
	write(t, s, state.Record{Put: put})
	wantCounts(t, s, f[0], n, n, 0)
	seen := map[inventory.ItemID]bool{}
	for e, err := range s.Entries(t.Context(), f[0].ID) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[e.Source] || e.Folder != f[0].ID {
			t.Fatalf("entry %q of folder %d came twice, or from elsewhere", e.Source, e.Folder)
		}
		seen[e.Source] = true
		if len(seen) == 2500 { // a write in the middle of the stream does not wait for its end
			write(t, s, state.Record{Drop: []state.Key{{Folder: f[1].ID, Source: ids[0]}}})
		}
	}
	if len(seen) != n {
		t.Errorf("the stream had %d of %d entries", len(seen), n)
	}
	if got := need(s.Lookup(t.Context(), f[0].ID, append(ids, ids...)))(t); len(got) != n {
		t.Errorf("looking up %d entries, each twice, gave %d", n, len(got))
	}
}

func (x exercise) abandoned(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "INBOX")[0]
	write(t, s, state.Record{
		Put:  []state.Entry{copied(f.ID, "1", "1", 1), copied(f.ID, "2", "2", 1)},
		Lose: []state.Problem{{Recipient: f.Recipient, Code: "a"}, {Recipient: f.Recipient, Code: "b"}},
	})
	for range 50 { // more than there can be connections
		for range s.Entries(t.Context(), f.ID) {
			break
		}
		for range s.Problems(t.Context(), migration) {
			break
		}
		for range s.Recipients(t.Context(), migration) {
			break
		}
		for range s.AllFolders(t.Context(), migration) {
			break
		}
	}
	write(t, s, state.Record{Drop: []state.Key{{Folder: f.ID, Source: "1"}}})
	wantCounts(t, s, f, 1, 1, 0)
}

func (x exercise) rekey(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A", "B")
	a, b := f[0], f[1]
	write(t, s, state.Record{
		Put:  []state.Entry{copied(a.ID, "1", "11", 1), copied(a.ID, "2", "12", 2), copied(a.ID, "3", "13", 4)},
		Fail: []state.Problem{{Recipient: a.Recipient, Folder: a.ID, Source: "3", Code: "flags"}},
		Lose: []state.Problem{{Recipient: a.Recipient, Folder: a.ID, Source: "1", Code: "one"}, {Recipient: a.Recipient, Folder: a.ID, Source: "2", Code: "two"}},
	})
	at := func(f state.Folder, id inventory.ItemID) state.Key { return state.Key{Folder: f.ID, Source: id} }
	write(t, s, state.Record{Rekey: []state.Rekey{{From: at(a, "1"), To: at(a, "2")}, {From: at(a, "2"), To: at(a, "1")}, {From: at(a, "3"), To: at(b, "7")}}})
	same(t, "entries that changed places", ledger(t, s, a.ID), []state.Entry{copied(a.ID, "1", "12", 2), copied(a.ID, "2", "11", 1)})
	same(t, "entry that moved", ledger(t, s, b.ID), []state.Entry{copied(b.ID, "7", "13", 4)})
	wantCounts(t, s, a, 2, 3, 0)
	wantCounts(t, s, b, 1, 4, 1)
	same(t, "problems", collect(t, s.Problems(t.Context(), migration)), []state.Problem{
		{Recipient: a.Recipient, Folder: a.ID, Source: "1", Code: "two", Loss: true, Attempts: 1},
		{Recipient: a.Recipient, Folder: a.ID, Source: "2", Code: "one", Loss: true, Attempts: 1},
		{Recipient: a.Recipient, Folder: b.ID, Source: "7", Code: "flags", Attempts: 1},
	})
	sound(t, s)
}

func (x exercise) rekeyRefuses(t *testing.T) {
	s := x.open(t)
	a := mailbox(t, s, "a@contoso.test", "A")[0]
	other := mailbox(t, s, "b@contoso.test", "A")[0]
	want := []state.Entry{copied(a.ID, "1", "11", 1), copied(a.ID, "2", "12", 2)}
	write(t, s, state.Record{Put: want})
	one := state.Key{Folder: a.ID, Source: "1"}
	for to, verdict := range map[state.Key]error{{Folder: a.ID, Source: "2"}: state.ErrTaken, {Folder: 999, Source: "1"}: state.ErrNotFound} {
		if err := s.Record(t.Context(), state.Record{Rekey: []state.Rekey{{From: one, To: to}}}); !errors.Is(err, verdict) {
			t.Errorf("rekey to %v: %v, want %v", to, err, verdict)
		}
	}
	absent := state.Key{Folder: a.ID, Source: "9"}
	if err := s.Record(t.Context(), state.Record{Rekey: []state.Rekey{{From: absent, To: state.Key{Folder: a.ID, Source: "10"}}}}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("rekey of an item that is not there: %v", err)
	}
	if err := s.Record(t.Context(), state.Record{Rekey: []state.Rekey{{From: one, To: state.Key{Folder: other.ID, Source: "1"}}}}); err == nil {
		t.Error("an item went to another mailbox")
	}
	same(t, "entries", ledger(t, s, a.ID), want)
	wantCounts(t, s, a, 2, 3, 0)
}

func (x exercise) order(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	write(t, s, state.Record{Put: []state.Entry{copied(f.ID, "1", "11", 1)}})
	f.Cursor, f.State = "c2", "s2"
	write(t, s, state.Record{
		Intend:  []state.Intent{{ID: 1, Recipient: f.Recipient, Folder: f.ID, Items: []inventory.ItemID{"5"}}},
		Rekey:   []state.Rekey{{From: state.Key{Folder: f.ID, Source: "1"}, To: state.Key{Folder: f.ID, Source: "2"}}},
		Put:     []state.Entry{copied(f.ID, "1", "21", 10), copied(f.ID, "3", "23", 20)},
		Drop:    []state.Key{{Folder: f.ID, Source: "3"}},
		Fail:    []state.Problem{{Recipient: f.Recipient, Folder: f.ID, Source: "1", Code: "late"}},
		Resolve: []state.Resolution{{Intent: 1}},
		Folders: []state.Folder{f},
	})
	same(t, "entries", ledger(t, s, f.ID), []state.Entry{copied(f.ID, "1", "21", 10), copied(f.ID, "2", "11", 1)})
	if in := need(s.Intents(t.Context(), f.Recipient))(t); len(in) != 0 {
		t.Errorf("an intent resolved in the same record is left: %v", in)
	}
	f.Items, f.Bytes, f.Failed = 2, 11, 1
	same(t, "the folder", need(s.Folders(t.Context(), f.Recipient))(t), []state.Folder{f})
}

func (x exercise) atomic(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	write(t, s, state.Record{Put: []state.Entry{copied(f.ID, "1", "11", 1)}})
	whole := state.Record{
		Intend:     []state.Intent{{ID: 1, Recipient: f.Recipient, Folder: f.ID, Items: []inventory.ItemID{"5"}}},
		Rekey:      []state.Rekey{{From: state.Key{Folder: f.ID, Source: "1"}, To: state.Key{Folder: f.ID, Source: "2"}}},
		Put:        []state.Entry{{Folder: f.ID, Source: "3", Flags: "new-keyword", Status: state.Copied}},
		Fail:       []state.Problem{{Recipient: f.Recipient, Folder: f.ID, Source: "4", Code: "x"}},
		Recipients: []state.Recipient{{Migration: migration, Kind: inventory.KindGroup, Source: "g@contoso.test"}},
	}
	broken := map[string]func(*state.Record){
		"folder unknown":    func(r *state.Record) { r.Folders = []state.Folder{{ID: 999, Recipient: f.Recipient}} },
		"recipient unnamed": func(r *state.Record) { r.Recipients = append(r.Recipients, state.Recipient{}) },
		"entry elsewhere":   func(r *state.Record) { r.Put = append(r.Put, copied(999, "1", "1", 1)) },
		"entry no status":   func(r *state.Record) { r.Put = append(r.Put, state.Entry{Folder: f.ID, Source: "8"}) },
		"failure elsewhere": func(r *state.Record) { r.Fail = append(r.Fail, state.Problem{Recipient: 999}) },
		"loss elsewhere": func(r *state.Record) {
			r.Lose = append(r.Lose, state.Problem{Recipient: f.Recipient, Folder: 999})
		},
		"intent twice": func(r *state.Record) { r.Intend = append(r.Intend, r.Intend[0]) },
	}
	for name, spoil := range broken {
		r := whole
		spoil(&r)
		if err := s.Record(t.Context(), r); err == nil {
			t.Errorf("%s: accepted", name)
		}
		same(t, name+": entries", ledger(t, s, f.ID), []state.Entry{copied(f.ID, "1", "11", 1)})
		wantCounts(t, s, f, 1, 1, 0)
		left := len(need(s.Intents(t.Context(), f.Recipient))(t)) + len(collect(t, s.Problems(t.Context(), ""))) + len(collect(t, s.Recipients(t.Context(), "")))
		if left != 1 {
			t.Errorf("%s: something of a refused record is left", name)
		}
	}
	write(t, s, whole) // also after what a refused record named first, such as a keyword
	if e := need(s.Lookup(t.Context(), f.ID, []inventory.ItemID{"3"}))(t); len(e) != 1 || e[0].Flags != "new-keyword" {
		t.Errorf("the entry is %v", e)
	}
	sound(t, s)
}

func (x exercise) claims(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A", "B", "C")
	for i := range f {
		f[i].Target = [...]inventory.FolderID{"t", "t", "u"}[i]
	}
	released := copied(f[0].ID, "4", "8", 1)
	released.Status = state.Released
	unknown := copied(f[0].ID, "5", "", 1)
	write(t, s, state.Record{Folders: f, Put: []state.Entry{
		copied(f[0].ID, "1", "7", 1), copied(f[0].ID, "2", "8", 1), released, unknown, copied(f[0].ID, "6", "", 1), copied(f[2].ID, "1", "7", 1),
	}})
	sound(t, s)
	write(t, s, state.Record{Put: []state.Entry{copied(f[1].ID, "3", "7", 1)}}) // B goes to the same target folder as A
	if faults := need(s.Check(t.Context()))(t); len(faults) != 1 || !strings.Contains(faults[0], "7") {
		t.Errorf("one target item claimed from two folders gives the faults %q", faults)
	}
}

func (x exercise) cancelled(t *testing.T) {
	s := x.open(t)
	f := mailbox(t, s, "a@contoso.test", "A")[0]
	why := errors.New("second interrupt")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := s.Record(ctx, state.Record{Put: []state.Entry{copied(f.ID, "1", "1", 1)}}); !errors.Is(err, why) {
		t.Errorf("a cancelled write: %v", err)
	}
	wantCounts(t, s, f, 0, 0, 0)
}

func (x exercise) concurrent(t *testing.T) {
	s := x.open(t)
	folders := mailbox(t, s, "a@contoso.test", "A", "B", "C", "D")
	var wg sync.WaitGroup
	for w := range 8 {
		f := folders[w%4]
		wg.Go(func() {
			for i := range 20 {
				id := inventory.ItemID(fmt.Sprintf("%d", w*1000+i))
				flags := inventory.Flags(fmt.Sprintf("k%d", i))
				err := s.Record(t.Context(), state.Record{Put: []state.Entry{{Folder: f.ID, Source: id, Flags: flags, Size: 1, Status: state.Copied}}})
				if err != nil {
					t.Error(err)
					return
				}
				if e, err := s.Lookup(t.Context(), f.ID, []inventory.ItemID{id}); err != nil || len(e) != 1 || e[0].Flags != flags {
					t.Errorf("what was written is not there: %v, %v", e, err)
				}
			}
		})
	}
	wg.Wait()
	for _, f := range folders {
		wantCounts(t, s, f, 40, 40, 0)
	}
	sound(t, s)
}
