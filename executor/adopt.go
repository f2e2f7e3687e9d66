package executor

import (
	"context"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// adopt recognises what is on the target already, in folders that have not
// been copied to their end: items that another tool, or a user, brought there
// are entered as adopted and never touched. Folders that were empty cost
// nothing; where everything is ours it is one listing of the target.
func (p *pass) adopt(ctx context.Context) error {
	if err := p.recount(ctx); err != nil {
		return err
	}
	for _, f := range p.folders {
		if f.row.Cursor != "" || f.held == 0 || f.gone {
			continue
		}
		free, err := f.foreign(ctx)
		if err != nil {
			return err
		}
		if len(free.ids) > 0 {
			if err := f.adoptFrom(ctx, free); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreigners are the target's items that are in no entry.
type foreigners struct {
	ids map[inventory.ItemID]bool
	// seconds are when they were received; nil when that is unknown of any.
	seconds map[int64]bool
	claims  *claims
}

// may reports whether the item can be one of them.
func (f *foreigners) may(item inventory.Item) bool {
	return f.seconds == nil || item.Received.IsZero() || f.seconds[item.Received.Unix()]
}

// foreign lists the target folder and leaves out what the ledger has.
func (f *folder) foreign(ctx context.Context) (*foreigners, error) {
	p := f.pass
	received := map[inventory.ItemID]int64{}
	unknown := false
	if err := f.listTarget(ctx, func(item inventory.Item) {
		received[item.ID] = item.Received.Unix()
		unknown = unknown || item.Received.IsZero()
	}); err != nil {
		return nil, err
	}
	free := &foreigners{ids: make(map[inventory.ItemID]bool, len(received)), claims: newClaims()}
	err := p.eachEntry(ctx, f.row.ID, func(e state.Entry) {
		delete(received, e.Target)
		if e.Target == "" {
			free.claims.nameless[e.Digest]++
		}
	})
	if err != nil {
		return nil, err
	}
	if !unknown {
		free.seconds = make(map[int64]bool, len(received))
	}
	for id, second := range received {
		free.ids[id] = true
		if !unknown {
			free.seconds[second] = true
		}
	}
	free.claims.taken = func(id inventory.ItemID) bool { return !free.ids[id] }
	return free, nil
}

// listTarget calls each with every item of the target folder.
func (f *folder) listTarget(ctx context.Context, each func(inventory.Item)) error {
	var cursor inventory.Cursor
	for {
		var end providers.Change
		for c, err := range f.pass.tgt.Changes(ctx, f.row.Target, cursor, pageSize) {
			if err != nil {
				return f.pass.tgt.verdict(err)
			}
			switch c.Op {
			case providers.End:
				end = c
			case providers.Listed, providers.Exists:
				each(c.Item)
			}
		}
		if !end.More {
			return nil
		}
		cursor = end.Cursor
	}
}

// adoptFrom enters the source's items that are among the foreigners.
func (f *folder) adoptFrom(ctx context.Context, free *foreigners) error {
	return f.eachFresh(ctx, func(items []inventory.Item) error {
		var candidates []inventory.Item
		for _, item := range items {
			if free.may(item) {
				candidates = append(candidates, item)
			}
		}
		if len(candidates) == 0 {
			return nil
		}
		return f.adoptBatch(ctx, free, candidates)
	})
}

func (f *folder) adoptBatch(ctx context.Context, free *foreigners, candidates []inventory.Item) error {
	p := f.pass
	var items []hashed
	err := p.hashItems(ctx, p.src, f, f.Source, candidates, func(h hashed) {
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
	p.moved.Add(1)
	return p.journal.commit(func(g *group) {
		for i, item := range items {
			if target, ok := free.claims.claim(item.digest, found[i]); ok {
				g.Put = append(g.Put, f.entry(item.item, item.digest, target, state.Adopted))
				g.progressed(f).Matched++
			}
		}
	})
}
