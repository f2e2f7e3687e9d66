package statetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// book is the simplest ledger there is.
type book struct {
	entries  map[state.Key]state.Entry
	failures map[state.Key]int // attempts
	intents  map[int64][]inventory.ItemID
	targets  int
}

// target returns an ID that no entry has.
func (b *book) target() inventory.ItemID {
	b.targets++
	return inventory.ItemID(fmt.Sprint(b.targets))
}

// model writes records at random and compares what is there with a book.
func (x exercise) model(t *testing.T) {
	s := x.open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		folders := mailbox(t, s, inventory.Address(fmt.Sprintf("m%d@contoso.test", round)), "A", "B")
		b := &book{entries: map[state.Key]state.Entry{}, failures: map[state.Key]int{}, intents: map[int64][]inventory.ItemID{}}
		for n := range rapid.IntRange(1, 8).Draw(rt, "records") {
			r := b.draw(rt, folders, int64(round*100+n))
			if err := s.Record(t.Context(), r); err != nil {
				rt.Fatalf("%+v: %v", r, err)
			}
			b.compare(t, rt, s, folders)
		}
	})
	sound(t, s)
}

var (
	drawID     = rapid.SampledFrom([]inventory.ItemID{"1", "2", "3", "04", "5", "x", "4294967295", "y"})
	drawFlags  = rapid.SampledFrom([]inventory.Flags{"", `\Seen`, `$a \Seen`, "b"})
	drawStatus = rapid.SampledFrom([]state.Status{state.Copied, state.Adopted, state.Released})
)

func (b *book) draw(rt *rapid.T, folders []state.Folder, intent int64) (r state.Record) {
	drawKey := rapid.Custom(func(rt *rapid.T) state.Key {
		return state.Key{Folder: rapid.SampledFrom(folders).Draw(rt, "folder").ID, Source: drawID.Draw(rt, "id")}
	})
	keys := rapid.SliceOfN(drawKey, 0, 6)
	b.drawIntents(rt, folders[0], intent, &r)
	b.drawRekey(rt, keys, &r)
	for _, k := range keys.Draw(rt, "put") {
		e := state.Entry{Folder: k.Folder, Source: k.Source, Target: b.target(), Flags: drawFlags.Draw(rt, "flags"),
			Size: rapid.Int64Range(-1, 1<<40).Draw(rt, "size"), Status: drawStatus.Draw(rt, "status"), Received: at}
		r.Put = append(r.Put, e)
		b.entries[k] = e
		delete(b.failures, k)
	}
	for _, k := range keys.Draw(rt, "drop") {
		r.Drop = append(r.Drop, k)
		delete(b.entries, k)
		delete(b.failures, k)
	}
	for _, k := range keys.Draw(rt, "fail") {
		r.Fail = append(r.Fail, state.Problem{Recipient: folders[0].Recipient, Folder: k.Folder, Source: k.Source, Code: "c"})
		b.failures[k]++
	}
	return r
}

func (b *book) drawIntents(rt *rapid.T, f state.Folder, id int64, r *state.Record) {
	for _, id := range slices.Sorted(maps.Keys(b.intents)) {
		if rapid.Bool().Draw(rt, "resolve") {
			gone := rapid.SliceOf(drawID).Draw(rt, "resolved")
			r.Resolve = append(r.Resolve, state.Resolution{Intent: id, Items: gone})
			b.intents[id] = slices.DeleteFunc(b.intents[id], func(i inventory.ItemID) bool { return gone == nil || slices.Contains(gone, i) })
			if len(b.intents[id]) == 0 {
				delete(b.intents, id)
			}
		}
	}
	if items := rapid.SliceOfNDistinct(drawID, 0, 5, rapid.ID).Draw(rt, "intended"); len(items) > 0 {
		r.Intend = []state.Intent{{ID: id, Recipient: f.Recipient, Folder: f.ID, Items: slices.Clone(items)}}
		b.intents[id] = items
	}
}

// drawRekey gives some entries keys that are free, or that others leave.
func (b *book) drawRekey(rt *rapid.T, keys *rapid.Generator[[]state.Key], r *state.Record) {
	moved, entries, failed := map[state.Key]state.Key{}, maps.Clone(b.entries), maps.Clone(b.failures)
	to := keys.Draw(rt, "rekey")
	for _, from := range keys.Draw(rt, "rekeyed") {
		if _, there := entries[from]; !there || len(to) == 0 || moved[from] != (state.Key{}) {
			continue
		}
		moved[from] = to[0]
		to = to[1:]
	}
	taken := map[state.Key]bool{}
	for _, to := range moved {
		_, leaves := moved[to]
		if _, there := entries[to]; taken[to] || there && !leaves || failed[to] > 0 && !leaves {
			return
		}
		taken[to] = true
	}
	for from := range moved {
		delete(b.entries, from)
		delete(b.failures, from)
	}
	for from, to := range moved {
		e := entries[from]
		e.Folder, e.Source = to.Folder, to.Source
		b.entries[to] = e
		if n := failed[from]; n > 0 {
			b.failures[to] = n
		}
		r.Rekey = append(r.Rekey, state.Rekey{From: from, To: to})
	}
}

func (b *book) compare(t *testing.T, rt *rapid.T, s state.Store, folders []state.Folder) {
	got := map[state.Key]state.Entry{}
	for i, f := range folders {
		for _, e := range ledger(t, s, f.ID) {
			got[state.Key{Folder: e.Folder, Source: e.Source}] = e
		}
		var items, bytes, failed int64
		for k, e := range b.entries {
			if k.Folder == f.ID {
				items, bytes = items+1, bytes+max(e.Size, 0)
			}
		}
		for k := range b.failures {
			if k.Folder == f.ID {
				failed++
			}
		}
		if gotItems, gotBytes, gotFailed := counts(t, s, folders[i]); gotItems != items || gotBytes != bytes || gotFailed != failed {
			rt.Fatalf("counts are %d, %d, %d; want %d, %d, %d", gotItems, gotBytes, gotFailed, items, bytes, failed)
		}
	}
	if !maps.Equal(got, b.entries) {
		rt.Fatalf("the ledger holds %v, want %v", got, b.entries)
	}
	intents := map[int64][]inventory.ItemID{}
	for _, i := range need(s.Intents(t.Context(), folders[0].Recipient))(t) {
		intents[i.ID] = i.Items
	}
	if !maps.EqualFunc(intents, b.intents, slices.Equal) {
		rt.Fatalf("in doubt is %v, want %v", intents, b.intents)
	}
}
