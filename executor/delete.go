package executor

import (
	"context"
	"fmt"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

const mirror = "mirror"

// deleteItems removes from the target what is gone from the source: last of
// all, only what this tool wrote, only what no user has changed, and never
// more than the plan shows.
func (p *pass) deleteItems(ctx context.Context) error {
	for _, f := range p.folders {
		if err := f.erase(ctx, f.replaced, false); err != nil {
			return err
		}
		f.replaced = nil
		if err := f.deleteRemoved(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) deleteRemoved(ctx context.Context) error {
	if len(f.removed) == 0 {
		return nil
	}
	ours := 0
	for _, e := range f.removed {
		if e.Status == state.Copied {
			ours++
		}
	}
	switch {
	case f.pass.Plan.Deletions != mirror:
		return f.dropEntries(f.removed)
	case int64(ours) > f.Work.Deleted:
		f.postponed = true
		f.pass.note(f, codePostponed, fmt.Sprintf("%s would be deleted, the plan shows %d; nothing is deleted", plural(ours, "item", "items"), f.Work.Deleted))
		return nil
	}
	return f.erase(ctx, f.removed, true)
}

// dropEntries forgets entries of items gone from the source.
func (f *folder) dropEntries(entries []state.Entry) error {
	return f.pass.journal.commit(func(g *group) {
		for _, e := range entries {
			g.Drop = append(g.Drop, f.key(e.Source))
		}
	})
}

// erase deletes the items of entries on the target and forgets the entries.
func (f *folder) erase(ctx context.Context, entries []state.Entry, count bool) error {
	for len(entries) > 0 {
		n := min(editSize, len(entries))
		if err := f.eraseBatch(ctx, entries[:n], count); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func (f *folder) eraseBatch(ctx context.Context, entries []state.Entry, count bool) error {
	var nameless []*state.Entry
	for i := range entries {
		if e := &entries[i]; e.Target == "" && e.Status == state.Copied {
			nameless = append(nameless, e)
		}
	}
	if err := f.locateEntries(ctx, nameless); err != nil {
		return err
	}
	var edits []providers.Edit
	for _, e := range entries {
		if e.Status == state.Copied && e.Target != "" {
			edits = append(edits, providers.Edit{ID: e.Target, Delete: true, Expect: f.expected(e), Received: f.receivedOf(e)})
		}
	}
	results, err := f.edit(ctx, edits)
	if err != nil {
		return err
	}
	return f.pass.journal.commit(func(g *group) { f.recordErased(g, entries, results, count) })
}

// expected are the flags that an item has on the target unless a user changed
// them: those carried over, as far as the target keeps them.
func (f *folder) expected(e state.Entry) inventory.Flags {
	if f.pass.info.Keywords == nil {
		return e.Flags
	}
	var kept []string
	for _, flag := range e.Flags.List() {
		if flag[0] == '\\' || inventory.MakeFlags(f.pass.info.Keywords...).Has(flag) {
			kept = append(kept, flag)
		}
	}
	return inventory.MakeFlags(kept...)
}

func (f *folder) recordErased(g *group, entries []state.Entry, results []providers.Edited, count bool) {
	failed := map[inventory.ItemID]bool{}
	for _, r := range results {
		switch {
		case r.Err != nil:
			failed[r.ID] = true
			f.postponed = true
			g.events = append(g.events, event.Noted{Step: f.pass.step.ID, Folder: f.Path, Code: codeKept, Detail: r.Err.Error()})
		case r.Outcome == providers.Kept:
			g.events = append(g.events, event.Noted{Step: f.pass.step.ID, Folder: f.Path, Code: codeKept,
				Detail: fmt.Sprintf("target item %s was changed by a user and stays", r.ID)})
		case r.Outcome == providers.Done && count:
			g.progressed(f).Deleted++
		}
	}
	for _, e := range entries {
		if e.Target == "" || !failed[e.Target] {
			g.Drop = append(g.Drop, f.key(e.Source))
		}
	}
}
