package executor

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// pass is one attempt at the folders of a mailbox that one target holds.
type pass struct {
	*mailbox
	target *side
	// src and tgt are the sessions of the first lane.
	src, tgt *session
	info     providers.MailboxInfo
	rows     []state.Folder // all of the mailbox that the target holds
	sources  map[inventory.FolderID]inventory.Folder
	held     map[string]inventory.Folder // the target's folders by path
	folders  []*folder                   // with items, in the order of the plan
	queue    queue

	// The lanes of the copy stage.
	lanes   sync.WaitGroup
	mu      sync.Mutex
	running int
	nobody  bool // further lanes cannot be opened
	failure error
}

// folder is the work on one folder during a pass.
type folder struct {
	*plan.Folder
	pass *pass
	name string // Path as a string
	row  state.Folder
	// after is the end of the target folder before the first write of the
	// pass: what the pass writes is after it.
	after inventory.Cursor
	// held is how many items the target folder had, -1 unknown.
	held int64
	// void says whose item IDs have lost their validity.
	voidSource, voidTarget bool

	// gone says that the source does not have the folder any more.
	gone bool

	series  *series
	fresh   []work        // listed before the copy stage
	edits   []flagEdit    // flags to carry over
	removed []state.Entry // gone from the source
	// replaced were written anew; their first version is to be deleted.
	replaced []state.Entry
	moved    int64
	// owed are failures of earlier runs that are tried again.
	owed []inventory.ItemID
	// postponed keeps the cursor where it is, so that the next plan sees the
	// same changes.
	postponed bool
}

// work is one item to copy. With replaces it takes the place of an entry.
type work struct {
	inventory.Item
	replaces *state.Entry
}

// pass makes one attempt at the folders on one target. Its stages follow each
// other so that each finds settled what it rests on: nothing is compared
// before what is in doubt is known, nothing is copied before moves are
// recognised, and deletions come last.
func (m *mailbox) pass(ctx context.Context, target *side) error {
	p := &pass{mailbox: m, target: target}
	p.queue.init(p)
	if err := p.open(ctx); err != nil {
		return err
	}
	defer p.src.close()
	defer p.tgt.close()
	stages := []func(context.Context) error{
		p.look, p.arrange, p.rematchTarget, p.settleDoubts, p.rematchSource, p.adopt,
		p.listChanges, p.followMoves, p.editFlags, p.copyItems, p.editFlags, p.deleteItems, p.conclude,
	}
	for _, stage := range stages {
		if m.admit.Err() != nil {
			return errStopped
		}
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open signs in to both sides at once. A run has no more lanes than either side
// has sessions, so that nobody waits for one while holding another.
func (p *pass) open(ctx context.Context) error {
	var failed error
	var other sync.WaitGroup
	other.Go(func() { p.tgt, failed = p.target.open(ctx, p.step.Target) })
	src, err := p.source.open(ctx, p.step.Source)
	other.Wait()
	p.src = src
	switch {
	case err != nil && failed == nil:
		p.tgt.close()
	case err == nil && failed != nil:
		p.src.close()
	}
	return cmp.Or(err, failed)
}

// look reads what both sides and the state hold.
func (p *pass) look(ctx context.Context) error {
	var failed error
	var other sync.WaitGroup
	other.Go(func() { failed = p.lookTarget(ctx) })
	err := p.lookSource(ctx)
	other.Wait()
	if err = cmp.Or(err, failed); err != nil {
		return err
	}
	return p.readRows(ctx)
}

func (p *pass) lookSource(ctx context.Context) error {
	sources, err := p.src.Folders(ctx)
	if err != nil {
		return p.src.verdict(err)
	}
	p.sources = make(map[inventory.FolderID]inventory.Folder, len(sources))
	for _, f := range sources {
		p.sources[f.ID] = f
		if _, ok := p.states[f.ID]; !ok {
			p.states[f.ID] = f.State
		}
	}
	return nil
}

func (p *pass) lookTarget(ctx context.Context) error {
	info, err := p.tgt.Info(ctx)
	if err != nil {
		return p.tgt.verdict(err)
	}
	p.info = info
	if text, err := json.Marshal(info); err == nil {
		p.row.TargetInfo = string(text)
	}
	return p.listTarget(ctx)
}

func (p *pass) listTarget(ctx context.Context) error {
	held, err := p.tgt.Folders(ctx)
	if err != nil {
		return p.tgt.verdict(err)
	}
	p.held = make(map[string]inventory.Folder, len(held))
	for _, f := range held {
		p.held[f.Path.String()] = f
	}
	return nil
}

func (p *pass) readRows(ctx context.Context) error {
	rows, err := p.Store.Folders(ctx, p.row.ID)
	if err != nil {
		return p.broken(err)
	}
	p.rows = p.rows[:0]
	for _, row := range rows {
		if row.TargetEndpoint == p.target.address || row.TargetEndpoint == "" {
			p.rows = append(p.rows, row)
		}
	}
	return nil
}

func (p *pass) note(f *folder, code, detail string) {
	p.send(event.Noted{Step: p.step.ID, Folder: f.Path, Code: code, Detail: detail})
}

// conclude records that everything in the folders has been seen.
func (p *pass) conclude(context.Context) error {
	return p.journal.commit(func(g *group) {
		for _, f := range p.folders {
			if row, ok := f.concluded(); ok {
				g.Folders = append(g.Folders, row)
			}
		}
	})
}

// concluded returns the row of a folder whose series has ended.
func (f *folder) concluded() (state.Folder, bool) {
	if f.series == nil || !f.series.ended || f.postponed {
		return f.row, false
	}
	f.row.Cursor = f.series.cursor
	f.row.State = f.pass.states[f.Source]
	return f.row, true
}
