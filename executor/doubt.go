package executor

import (
	"context"
	"fmt"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// settleDoubts finds out what became of the writes that ended without an
// answer: by a crash, or by a connection lost. No lane writes meanwhile, so
// that what is found is not somebody else's. What is not on the target leaves
// the intent and is listed and copied again, because the cursor of its folder
// has not moved.
func (p *pass) settleDoubts(ctx context.Context) error {
	intents, err := p.Store.Intents(ctx, p.row.ID)
	if err != nil {
		return p.broken(err)
	}
	if len(intents) == 0 {
		return nil
	}
	if err := p.readRows(ctx); err != nil {
		return err
	}
	if err := p.awaitQuiet(ctx, intents); err != nil {
		return err
	}
	for _, intent := range intents {
		row, ok := p.rowByID(intent.Folder)
		if !ok || row.Target == "" {
			continue
		}
		if err := p.settle(ctx, intent, row); err != nil {
			return err
		}
		p.moved.Add(1)
	}
	return nil
}

func (p *pass) rowByID(id int64) (state.Folder, bool) {
	for _, row := range p.rows {
		if row.ID == id {
			return row, true
		}
	}
	return state.Folder{}, false
}

// folderOf returns the pass's folder of a row, or one made for the purpose
// where the plan does not name it.
func (p *pass) folderOf(row state.Folder) *folder {
	for _, f := range p.folders {
		if f.row.ID == row.ID {
			return f
		}
	}
	return p.strayFolder(row)
}

func (p *pass) settle(ctx context.Context, intent state.Intent, row state.Folder) error {
	f := p.folderOf(row)
	if f.voidSource || f.gone {
		// The IDs name other items now, or none. What was written is on the
		// target and not in the ledger: adoption finds it there.
		return p.journal.commit(func(g *group) { g.dropIntent(intent) })
	}
	items, err := p.readDoubtful(ctx, f, intent)
	if err != nil {
		return err
	}
	entries, err := f.lookup(ctx, intent.Items)
	if err != nil {
		return err
	}
	claims, err := p.claimsOf(ctx, row.ID, items)
	if err != nil {
		return err
	}
	after := intent.After
	if len(claims.nameless) > 0 {
		after = "" // entries without an ID may stand for items before it
	}
	found, err := p.find(ctx, row.Target, after, items)
	if err != nil {
		return err
	}
	if err := claims.exclude(ctx, p, row.ID, found); err != nil {
		return err
	}
	return p.journal.commit(func(g *group) {
		for i, item := range items {
			if target, ok := claims.claim(item.digest, found[i]); ok {
				f.recordFound(g, item, target, entries)
			}
		}
		g.dropIntent(intent)
	})
}

// readDoubtful reads the items of an intent that the source still has. One
// that it has lost cannot be written again, so that nothing can be doubled.
func (p *pass) readDoubtful(ctx context.Context, f *folder, intent state.Intent) ([]hashed, error) {
	asked := make([]inventory.Item, len(intent.Items))
	for i, id := range intent.Items {
		asked[i] = inventory.Item{ID: id}
	}
	var items []hashed
	lost := 0
	err := p.hashItems(ctx, p.src, f, f.row.Source, asked, func(h hashed) {
		if h.err != nil {
			lost++
			return
		}
		items = append(items, h)
	})
	if providers.KindOf(err) == providers.Gone {
		return nil, nil
	}
	if lost > 0 {
		p.note(f, codeVanished, fmt.Sprintf("%d items in doubt are gone from the source", lost))
	}
	return items, err
}

// recordFound enters an item that had been written without our knowing.
func (f *folder) recordFound(g *group, item hashed, target inventory.ItemID, entries []state.Entry) {
	for _, e := range entries {
		if e.Source == item.item.ID {
			if e.Target == target {
				return
			}
			old := state.Key{Folder: f.row.ID, Source: e.Source}
			g.Rekey = append(g.Rekey, state.Rekey{From: old, To: state.Key{Folder: f.row.ID, Source: replacedKey(e.Source)}})
		}
	}
	g.Put = append(g.Put, f.entry(item.item, item.digest, target, state.Copied))
	f.pass.items.Add(1)
	f.pass.bytes.Add(item.item.Size)
	g.progressed(f).Matched++
}

// entry is the ledger of an item of the folder.
func (f *folder) entry(item inventory.Item, digest inventory.Digest, target inventory.ItemID, status state.Status) state.Entry {
	return state.Entry{
		Folder: f.row.ID, Source: item.ID, Version: item.Version, Target: target, Flags: item.Flags,
		Size: item.Size, Received: item.Received.UTC(), Digest: digest, Status: status,
	}
}

func (g *group) dropIntent(intent state.Intent) {
	g.Resolve = append(g.Resolve, state.Resolution{Intent: intent.ID})
}
