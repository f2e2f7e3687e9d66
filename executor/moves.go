package executor

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// move is an item that left one folder and arrived in another.
type move struct {
	from, to *folder
	entry    state.Entry
	item     inventory.Item
}

// followMoves carries out on the target what the source's user did: an item
// new in one folder that has the content of one vanished from another. The
// move is journalled as an intent first; interrupted, the item is found where
// it was moved to.
func (p *pass) followMoves(ctx context.Context) error {
	gone := p.vanished()
	if len(gone) == 0 {
		return nil
	}
	for _, to := range p.folders {
		moves, err := to.arrivals(ctx, gone)
		if err != nil {
			return err
		}
		for len(moves) > 0 {
			n := 1
			for n < len(moves) && n < editSize && moves[n].from == moves[0].from {
				n++
			}
			if err := to.follow(ctx, moves[:n]); err != nil {
				return err
			}
			moves = moves[n:]
		}
	}
	for _, f := range p.folders {
		f.forgetMoved()
	}
	return nil
}

// departed is an entry whose item vanished.
type departed struct {
	folder *folder
	entry  state.Entry
	taken  bool
}

// vanished indexes what is gone, by what listing tells of it.
func (p *pass) vanished() map[facts][]*departed {
	all := map[facts][]*departed{}
	for _, f := range p.folders {
		for _, e := range f.removed {
			if e.Status == state.Adopted || isVoid(e.Source) {
				continue
			}
			d := &departed{folder: f, entry: e}
			for _, size := range []int64{e.Size, -1} {
				key := factsOf(size, e.Received)
				all[key] = append(all[key], d)
			}
		}
	}
	return all
}

// arrivals reads the new items of a folder that may have come from another,
// and returns those whose content proves it, grouped by where they came from.
func (f *folder) arrivals(ctx context.Context, gone map[facts][]*departed) ([]move, error) {
	var candidates []inventory.Item
	for _, w := range f.fresh {
		if w.replaces == nil && len(gone[factsOf(max(w.Size, -1), w.Received)]) > 0 {
			candidates = append(candidates, w.Item)
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	byOrigin := map[*folder][]move{}
	arrived := map[inventory.ItemID]bool{}
	err := f.pass.hashItems(ctx, f.pass.src, f, f.Source, candidates, func(h hashed) {
		if h.err != nil {
			return
		}
		for _, d := range gone[factsOf(h.item.Size, h.item.Received)] {
			if !d.taken && d.folder != f && d.entry.Digest == h.digest {
				d.taken, arrived[h.item.ID] = true, true
				byOrigin[d.folder] = append(byOrigin[d.folder], move{d.folder, f, d.entry, h.item})
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	f.fresh = without(f.fresh, arrived)
	var moves []move
	for _, from := range f.pass.folders {
		moves = append(moves, byOrigin[from]...)
	}
	return moves, nil
}

func without(items []work, drop map[inventory.ItemID]bool) []work {
	kept := items[:0]
	for _, w := range items {
		if !drop[w.ID] {
			kept = append(kept, w)
		}
	}
	return kept
}

// follow moves items from one folder to this one on the target.
func (f *folder) follow(ctx context.Context, moves []move) error {
	from := moves[0].from
	if err := f.locateMoved(ctx, from, moves); err != nil {
		return err
	}
	intent := state.Intent{ID: newID(), Recipient: f.pass.row.ID, Folder: f.row.ID, After: f.after}
	var edits []providers.Edit
	for _, m := range moves {
		if m.entry.Status == state.Copied && m.entry.Target != "" {
			intent.Items = append(intent.Items, m.item.ID)
			edits = append(edits, providers.Edit{ID: m.entry.Target, MoveTo: f.row.Target, Received: from.receivedOf(m.entry)})
		}
	}
	if len(edits) > 0 {
		if err := f.pass.journal.commit(func(g *group) { g.Intend = append(g.Intend, intent) }); err != nil {
			return err
		}
	}
	results, err := from.edit(ctx, edits)
	if err != nil {
		return err
	}
	byID := make(map[inventory.ItemID]providers.Edited, len(results))
	for _, r := range results {
		byID[r.ID] = r
	}
	return f.pass.journal.commit(func(g *group) {
		for _, m := range moves {
			f.recordMove(g, m, byID[m.entry.Target])
		}
		if len(edits) > 0 {
			g.dropIntent(intent)
		}
	})
}

func (f *folder) locateMoved(ctx context.Context, from *folder, moves []move) error {
	var nameless []*state.Entry
	for i := range moves {
		if e := &moves[i].entry; e.Target == "" && e.Status == state.Copied {
			nameless = append(nameless, e)
		}
	}
	return from.locateEntries(ctx, nameless)
}

func (f *folder) recordMove(g *group, m move, r providers.Edited) {
	if r.Err != nil {
		f.fresh = append(f.fresh, work{Item: m.item}) // copied instead
		return
	}
	e := m.entry
	source := e.Source
	e.Folder, e.Source, e.Version, e.Received = f.row.ID, m.item.ID, m.item.Version, m.item.Received.UTC()
	switch {
	case e.Status == state.Released:
	case r.Outcome == providers.Done:
		e.Target = r.MovedTo
		g.progressed(f).Moved++
	default:
		// A user has taken it away, or it was never found: it stays so.
		e.Status, e.Target = state.Released, ""
		g.events = append(g.events, event.Noted{Step: f.pass.step.ID, Folder: m.from.Path, Code: codeReleased,
			Detail: fmt.Sprintf("item %s was moved or deleted on the target", source)})
	}
	g.Rekey = append(g.Rekey, state.Rekey{From: m.from.key(source), To: f.key(m.item.ID)})
	g.Put = append(g.Put, e)
	m.from.moved++
	if e.Flags != m.item.Flags {
		f.edits = append(f.edits, flagEdit{e, m.item.Flags})
	}
	m.from.forget(source)
}

// forget marks a removed entry as dealt with.
func (f *folder) forget(source inventory.ItemID) {
	for i := range f.removed {
		if f.removed[i].Source == source {
			f.removed[i].Status = 0
			return
		}
	}
}

// forgetMoved drops the entries that were marked.
func (f *folder) forgetMoved() {
	kept := f.removed[:0]
	for _, e := range f.removed {
		if e.Status != 0 {
			kept = append(kept, e)
		}
	}
	f.removed = kept
}

// newID returns a random name for an intent.
func newID() int64 { return rand.Int64N(1<<62) + 1 }
