package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// rematchTarget gives the entries of folders whose target IDs are void the IDs
// that their items have now. An item that is not there any more was taken away
// on the target, and stays so. Entries whose items the source cannot show any
// more lose their IDs, and are located by digest when they are needed. The new
// epoch is recorded last: an interrupted rematch is done again.
func (p *pass) rematchTarget(ctx context.Context) error {
	for _, f := range p.folders {
		if !f.voidTarget {
			continue
		}
		p.note(f, codeReset, "the target gave all items new IDs; they are recognised by content")
		again := f.findAgain
		if f.voidSource {
			again = f.loseIDs
		}
		if err := again(ctx); err != nil {
			return err
		}
		row := f.row
		row.TargetEpoch = p.held[f.Target.String()].Epoch
		if err := p.journal.commit(func(g *group) { g.Folders = append(g.Folders, row) }); err != nil {
			return err
		}
		f.row, f.voidTarget = row, false
		p.rematched[f.Source] = p.rematched[f.Source] || !f.voidSource
	}
	return nil
}

// loseIDs takes the target IDs from the entries of the folder: they name other
// items now.
func (f *folder) loseIDs(ctx context.Context) error {
	return f.inBatches(ctx, func(e state.Entry) bool { return e.Target != "" }, func(entries []state.Entry) error {
		return f.pass.journal.commit(func(g *group) {
			for _, e := range entries {
				e.Target = ""
				g.Put = append(g.Put, e)
			}
		})
	})
}

// findAgain looks every entry of the folder up on the target.
func (f *folder) findAgain(ctx context.Context) error {
	claims := newClaims()
	return f.inBatches(ctx, func(e state.Entry) bool { return e.Status != state.Released },
		func(entries []state.Entry) error { return f.findBatch(ctx, claims, entries) })
}

func (f *folder) findBatch(ctx context.Context, claims *claims, entries []state.Entry) error {
	p := f.pass
	var asked []inventory.Item
	for _, e := range entries {
		if !isVoid(e.Source) && !isReplaced(e.Source) {
			asked = append(asked, inventory.Item{ID: e.Source, Version: e.Version, Flags: e.Flags, Received: e.Received, Size: e.Size})
		}
	}
	var items []hashed
	err := p.hashItems(ctx, p.src, f, f.Source, asked, func(h hashed) {
		if h.err == nil {
			items = append(items, h)
		}
	})
	if err != nil {
		return err
	}
	found, err := p.find(ctx, f.row.Target, "", items)
	if err != nil {
		return err
	}
	targets := make(map[inventory.ItemID]inventory.ItemID, len(items))
	read := make(map[inventory.ItemID]bool, len(items))
	for i, item := range items {
		read[item.item.ID] = true
		if id, ok := claims.claim(item.digest, found[i]); ok {
			targets[item.item.ID] = id
		}
	}
	p.moved.Add(1)
	return p.journal.commit(func(g *group) {
		for _, e := range entries {
			var ok bool
			switch e.Target, ok = targets[e.Source]; {
			case ok:
				g.progressed(f).Matched++
			case read[e.Source]:
				e.Status = state.Released
			}
			g.Put = append(g.Put, e)
		}
	})
}

// inBatches calls f with the entries of the folder that keep accepts. The
// ledger is not read and written at the same time: keys are collected first,
// so f may change the entries it is given.
func (f *folder) inBatches(ctx context.Context, keep func(state.Entry) bool, do func([]state.Entry) error) error {
	var ids []inventory.ItemID
	err := f.pass.eachEntry(ctx, f.row.ID, func(e state.Entry) {
		if keep(e) {
			ids = append(ids, e.Source)
		}
	})
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(readSize, len(ids))
		entries, err := f.lookup(ctx, ids[:n])
		if err != nil {
			return err
		}
		if err := do(entries); err != nil {
			return err
		}
		ids = ids[n:]
		if f.pass.admit.Err() != nil {
			return errStopped
		}
	}
	return nil
}

// rematchSource deals with folders whose source IDs are void: their entries
// are set aside, and each is taken up by the item of the same content. What
// nobody takes up is gone from the source.
func (p *pass) rematchSource(ctx context.Context) error {
	if err := p.recount(ctx); err != nil {
		return err
	}
	for _, f := range p.folders {
		if f.voidSource {
			if err := f.setAside(ctx); err != nil {
				return err
			}
		}
		if f.row.Cursor == "" && f.row.Items > 0 && !f.gone {
			if err := f.takeUp(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// setAside gives the entries of a folder keys that no source item has.
func (f *folder) setAside(ctx context.Context) error {
	p := f.pass
	p.note(f, codeReset, "the source gave all items new IDs; they are recognised by content")
	epoch := f.row.Epoch
	err := f.inBatches(ctx, func(e state.Entry) bool { return !isVoid(e.Source) && !isReplaced(e.Source) }, func(entries []state.Entry) error {
		return p.journal.commit(func(g *group) {
			for _, e := range entries {
				g.Rekey = append(g.Rekey, state.Rekey{From: f.key(e.Source), To: f.key(voidKey(epoch, e.Source))})
			}
		})
	})
	if err != nil {
		return err
	}
	row := f.row
	row.Epoch, row.Cursor, row.State = p.sources[f.Source].Epoch, "", ""
	if err := p.journal.commit(func(g *group) { g.Folders = append(g.Folders, row) }); err != nil {
		return err
	}
	f.row, f.voidSource = row, false
	p.rematched[f.Source] = true
	return nil
}

func (f *folder) key(id inventory.ItemID) state.Key {
	return state.Key{Folder: f.row.ID, Source: id}
}

// facts are what listing tells of an item that its content may be compared by.
type facts struct {
	size   int64
	second int64
}

func factsOf(size int64, received time.Time) facts {
	if received.IsZero() {
		return facts{size, 0}
	}
	return facts{size, received.Unix()}
}

// asides are the entries set aside, by what listing tells.
type asides map[facts][]inventory.ItemID

// takeUp lists the folder and gives the entries set aside to the items that
// have their content.
func (f *folder) takeUp(ctx context.Context) error {
	aside := asides{}
	err := f.pass.eachEntry(ctx, f.row.ID, func(e state.Entry) {
		if isVoid(e.Source) {
			// The size may not be listed, and is not needed to tell seconds apart.
			for _, size := range []int64{e.Size, -1} {
				key := factsOf(size, e.Received)
				aside[key] = append(aside[key], e.Source)
			}
		}
	})
	if err != nil || len(aside) == 0 {
		return err
	}
	return f.eachFresh(ctx, func(items []inventory.Item) error { return f.takeUpBatch(ctx, aside, items) })
}

// eachFresh lists the folder from its beginning and calls do with the items
// that are not in the ledger.
func (f *folder) eachFresh(ctx context.Context, do func([]inventory.Item) error) error {
	s := &series{folder: f, known: true}
	for !s.ended {
		if f.pass.admit.Err() != nil {
			return errStopped
		}
		changes, end, err := s.list(ctx, f.pass.src)
		if err != nil {
			return err
		}
		pg, err := s.compare(ctx, changes)
		if err != nil {
			return err
		}
		items := make([]inventory.Item, 0, len(pg.fresh))
		for _, w := range pg.fresh {
			if w.replaces == nil {
				items = append(items, w.Item)
			}
		}
		for len(items) > 0 {
			n := min(readSize, len(items))
			if err := do(items[:n]); err != nil {
				return err
			}
			items = items[n:]
		}
		s.cursor, s.ended = end.Cursor, !end.More
	}
	return nil
}

func (f *folder) takeUpBatch(ctx context.Context, aside asides, items []inventory.Item) error {
	p := f.pass
	var candidates []inventory.Item
	var keys []inventory.ItemID
	for _, item := range items {
		if ids := aside[factsOf(max(item.Size, -1), item.Received)]; len(ids) > 0 {
			candidates = append(candidates, item)
			keys = append(keys, ids...)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	entries, err := f.lookup(ctx, keys) // those taken up before are not there any more
	if err != nil {
		return err
	}
	free := map[inventory.Digest][]state.Entry{}
	seen := map[inventory.ItemID]bool{}
	for _, e := range entries {
		if !seen[e.Source] {
			seen[e.Source] = true
			free[e.Digest] = append(free[e.Digest], e)
		}
	}
	return p.journalTakenUp(ctx, f, candidates, free)
}

func (p *pass) journalTakenUp(ctx context.Context, f *folder, candidates []inventory.Item, free map[inventory.Digest][]state.Entry) error {
	type match struct {
		entry state.Entry
		item  inventory.Item
	}
	var matches []match
	err := p.hashItems(ctx, p.src, f, f.Source, candidates, func(h hashed) {
		if entries := free[h.digest]; h.err == nil && len(entries) > 0 {
			matches = append(matches, match{entries[0], h.item})
			free[h.digest] = entries[1:]
		}
	})
	if err != nil {
		return err
	}
	p.moved.Add(1)
	return p.journal.commit(func(g *group) {
		for _, m := range matches {
			g.Rekey = append(g.Rekey, state.Rekey{From: f.key(m.entry.Source), To: f.key(m.item.ID)})
			e := m.entry
			e.Source, e.Version = m.item.ID, m.item.Version
			g.Put = append(g.Put, e) // its flags are compared when it is listed
			g.progressed(f).Matched++
		}
	})
}

// gone reports whether an error says that something is not there any more.
func gone(err error) bool {
	e, ok := errors.AsType[*providers.Error](err)
	return ok && e.Kind == providers.Gone
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
