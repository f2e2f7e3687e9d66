package executor

import (
	"context"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// chunkItems is how many items are journalled as one intent and fetched with
// one call.
const chunkItems = 200

// chunk is a group of items of one folder that travel in one format.
type chunk struct {
	folder *folder
	format inventory.Format
	items  []work
	intent int64
}

// queue is the work of the copy stage, shared by the lanes on a mailbox. The
// lane that finds little left lists the next page with its own session.
type queue struct {
	pass    *pass
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	chunks  []*chunk
	series  []*series // not listed to their end
	listing bool
	closed  bool
}

func (q *queue) init(p *pass) {
	q.pass, q.changed = p, make(chan struct{})
}

// close ends the queue: lanes finish what they have taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.broadcast()
}

func (q *queue) broadcast() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// waiting is how many chunks nobody has taken.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0
	}
	return len(q.chunks)
}

// lowWater is how few chunks make a lane list further.
const lowWater = 4

// next takes a chunk, listing further or waiting for who does. It returns nil
// when the copy stage has nothing more to begin.
func (q *queue) next(ctx context.Context, src *session) (*chunk, error) {
	for {
		q.mu.Lock()
		switch {
		case q.closed || q.pass.admit.Err() != nil:
			q.mu.Unlock()
			return nil, nil
		case len(q.chunks) < lowWater && len(q.series) > 0 && !q.listing:
			q.listing = true
			s := q.series[0]
			q.mu.Unlock()
			if err := q.list(ctx, s, src); err != nil {
				return nil, err
			}
			continue
		case len(q.chunks) > 0:
			c := q.chunks[0]
			q.chunks[0] = nil
			q.chunks = q.chunks[1:]
			q.mu.Unlock()
			return c, nil
		case !q.listing:
			q.mu.Unlock()
			return nil, nil
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-q.pass.admit.Done():
		}
	}
}

// list adds the next page of a series.
func (q *queue) list(ctx context.Context, s *series, src *session) error {
	pg, err := s.next(ctx, src)
	if err == nil && pg.reset {
		err = s.folder.startOver()
	}
	q.mu.Lock()
	q.listing = false
	if err == nil {
		s.folder.take(pg)
		q.push(s.folder, pg.fresh)
		if s.ended {
			q.series = q.series[1:]
		}
	}
	q.broadcast()
	q.mu.Unlock()
	q.pass.schedule.poke()
	return err
}

// push adds items, in chunks of one format each.
func (q *queue) push(f *folder, items []work) {
	open := map[inventory.Format]*chunk{}
	for _, w := range items {
		format := f.format(w.Class)
		c := open[format]
		if c == nil || len(c.items) == chunkItems {
			c = &chunk{folder: f, format: format, items: make([]work, 0, min(chunkItems, len(items)))}
			open[format] = c
			q.chunks = append(q.chunks, c)
		}
		c.items = append(c.items, w)
	}
}

// fill prepares the copy stage.
func (q *queue) fill(ctx context.Context) error {
	for _, f := range q.pass.folders {
		owed, err := f.stillOwed(ctx)
		if err != nil {
			return err
		}
		q.push(f, owed)
		q.push(f, f.fresh)
		f.fresh = nil
		if !f.series.ended {
			q.series = append(q.series, f.series)
		}
	}
	return nil
}

// stillOwed returns the items that failed in earlier runs and will not be
// listed again by themselves.
func (f *folder) stillOwed(ctx context.Context) ([]work, error) {
	if len(f.owed) == 0 || f.row.Cursor == "" || f.gone {
		return nil, nil
	}
	done := map[inventory.ItemID]bool{}
	for _, w := range f.fresh {
		done[w.ID] = true
	}
	entries, err := f.lookup(ctx, f.owed)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		done[e.Source] = true
	}
	var owed []work
	for _, id := range f.owed {
		if !done[id] {
			owed = append(owed, work{Item: inventory.Item{ID: id}})
		}
	}
	return owed, nil
}

// intend journals that the items of a chunk are about to be written.
func (c *chunk) intend() error {
	p := c.folder.pass
	intent := state.Intent{ID: newID(), Recipient: p.row.ID, Folder: c.folder.row.ID, After: c.folder.after}
	intent.Items = make([]inventory.ItemID, len(c.items))
	for i := range c.items {
		intent.Items[i] = c.items[i].ID
	}
	c.intent = intent.ID
	return p.journal.commit(func(g *group) { g.Intend = append(g.Intend, intent) })
}
