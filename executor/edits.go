package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// flagEdit is an entry whose source item has other flags now.
type flagEdit struct {
	entry state.Entry
	flags inventory.Flags
}

// editSize is how many edits are sent, and recorded, at a time.
const editSize = 500

// editFlags carries changed flags over. Only the difference to what was
// carried before is applied, so that flags a user set on the target stay.
func (p *pass) editFlags(ctx context.Context) error {
	for _, f := range p.folders {
		edits := f.edits
		f.edits = nil
		for len(edits) > 0 {
			n := min(editSize, len(edits))
			if err := f.editBatch(ctx, edits[:n]); err != nil {
				return err
			}
			edits = edits[n:]
		}
	}
	return nil
}

func (f *folder) editBatch(ctx context.Context, edits []flagEdit) error {
	if err := f.locate(ctx, edits); err != nil {
		return err
	}
	var asked []providers.Edit
	waiting := map[inventory.ItemID]flagEdit{}
	var settled []state.Entry
	for _, e := range edits {
		add, remove := e.entry.Flags.Diff(e.flags)
		if e.entry.Status != state.Copied || e.entry.Target == "" || (add == "" && remove == "") {
			e.entry.Flags = e.flags
			settled = append(settled, e.entry)
			continue
		}
		asked = append(asked, providers.Edit{ID: e.entry.Target, Add: add, Remove: remove, Received: f.receivedOf(e.entry)})
		waiting[e.entry.Target] = e
	}
	results, err := f.edit(ctx, asked)
	if err != nil {
		return err
	}
	return f.pass.journal.commit(func(g *group) {
		g.Put = append(g.Put, settled...)
		for _, r := range results {
			if e, ok := waiting[r.ID]; ok {
				f.recordEdit(g, e, r)
			}
		}
	})
}

// edit sends edits to the target folder. Results that are verdicts on single
// edits are among the answers.
func (f *folder) edit(ctx context.Context, edits []providers.Edit) ([]providers.Edited, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	var results []providers.Edited
	for r, err := range f.pass.tgt.Edit(ctx, f.row.Target, edits) {
		if err != nil {
			return nil, f.pass.tgt.verdict(err)
		}
		results = append(results, r)
	}
	f.pass.moved.Add(int64(len(results)))
	return results, nil
}

// receivedOf is by what an item is told from another one under its ID: mail
// keeps the time at which it was received.
func (f *folder) receivedOf(e state.Entry) (when time.Time) {
	if f.Holds == inventory.Mail || f.Holds == "" {
		when = e.Received
	}
	return when
}

func (f *folder) recordEdit(g *group, e flagEdit, r providers.Edited) {
	switch {
	case r.Err != nil:
		f.fail(g, e.entry.Source, e.entry.Size, r.Err)
		return
	case r.Outcome == providers.Missing:
		e.entry.Status = state.Released
		g.events = append(g.events, event.Noted{Step: f.pass.step.ID, Folder: f.Path, Code: codeReleased,
			Detail: fmt.Sprintf("item %s was moved or deleted on the target", e.entry.Source)})
	default:
		g.progressed(f).Changed++
	}
	f.lose(g, e.entry.Source, e.entry.Size, r.Refused)
	e.entry.Flags = e.flags
	g.Put = append(g.Put, e.entry)
}

// locate finds the target IDs of entries that have none, by what the ledger
// knows of their content.
func (f *folder) locate(ctx context.Context, edits []flagEdit) error {
	var nameless []*state.Entry
	for i := range edits {
		if e := &edits[i].entry; e.Target == "" && e.Status == state.Copied {
			nameless = append(nameless, e)
		}
	}
	return f.locateEntries(ctx, nameless)
}

// locateEntries sets the target IDs of the entries that are found: items of
// the target with their facts, whose content has their digest, and that no
// other entry claims.
func (f *folder) locateEntries(ctx context.Context, entries []*state.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	p := f.pass
	prints := make([]inventory.Fingerprint, len(entries))
	for i, e := range entries {
		prints[i] = inventory.Fingerprint{Size: e.Size, Received: e.Received}
	}
	found, err := p.tgt.Find(ctx, f.row.Target, "", prints)
	if err != nil {
		return p.tgt.verdict(err)
	}
	claims := newClaims()
	if err := claims.exclude(ctx, p, f.row.ID, found); err != nil {
		return err
	}
	digests, err := f.digestsOf(ctx, found, claims)
	if err != nil {
		return err
	}
	for i, e := range entries {
		var same []inventory.ItemID
		for _, id := range found[i] {
			if digests[id] == e.Digest {
				same = append(same, id)
			}
		}
		if id, ok := claims.claim(e.Digest, same); ok {
			e.Target = id
		} else {
			p.note(f, codeUnlocated, fmt.Sprintf("item %s is not found on the target", e.Source))
		}
	}
	return nil
}

// digestsOf reads candidates from the target.
func (f *folder) digestsOf(ctx context.Context, found [][]inventory.ItemID, c *claims) (map[inventory.ItemID]inventory.Digest, error) {
	digests := map[inventory.ItemID]inventory.Digest{}
	var items []inventory.Item
	for _, ids := range found {
		for _, id := range ids {
			if _, ok := digests[id]; !ok && !c.taken(id) {
				digests[id] = inventory.Digest{}
				items = append(items, inventory.Item{ID: id})
			}
		}
	}
	err := f.pass.hashItems(ctx, f.pass.tgt, f, f.row.Target, items, func(h hashed) {
		if h.err == nil {
			digests[h.item.ID] = h.digest
		}
	})
	return digests, err
}
