package executor

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// What a lane has under way before it reads further. Put must not wait for
// further items while it has more than its window, so that a lane that waits
// for Put waits for something that comes.
const (
	laneBytes = providers.PutWindow + 4<<20
	laneItems = providers.PutWindowItems + 200
)

// lane is one session on the source and one on the target, joined by bodies
// that wait for their confirmation. A goroutine reads while another writes;
// what the lane holds is bounded in bytes and items.
type lane struct {
	pass     *pass
	src, tgt *session
	ready    chan *slot
	space    chan struct{} // something was given back
	// stopReading ends the reader; what it has read is still written.
	stopReading context.CancelFunc
	cancel      context.CancelFunc
	// starving is set while Put waits for an item.
	starving atomic.Bool

	mu     sync.Mutex
	flight map[uint64]*slot
	bytes  int64
	key    uint64
	spills spills
	spare  []*slot

	copier []byte
}

func newLane(p *pass, src, tgt *session) *lane {
	return &lane{
		pass: p, src: src, tgt: tgt, ready: make(chan *slot, 64), space: make(chan struct{}, 1),
		flight: map[uint64]*slot{}, spills: spills{folder: p.TempDir},
	}
}

// run copies chunks until the queue has none. When reading fails, what has
// been read is still written; when writing fails, reading ends. Nothing runs
// any more when it returns.
func (l *lane) run(ctx context.Context) error {
	ctx, l.cancel = context.WithCancel(ctx)
	defer l.cancel()
	reading, stop := context.WithCancel(ctx)
	l.stopReading = stop
	defer stop()
	read := make(chan error, 1)
	go func() {
		err := l.read(reading)
		if err != nil {
			l.pass.fail(err)
		}
		close(l.ready)
		read <- err
	}()
	wrote := l.write(ctx)
	failed := <-read
	l.release()
	if wrote != nil {
		return wrote
	}
	return failed
}

// release gives back what got no result. It is in doubt, and the journal says
// so.
func (l *lane) release() {
	for range l.ready { // what was read and not taken up
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, s := range l.flight {
		l.giveBack(key, s)
	}
	l.spills.retire()
}

// read fetches chunk after chunk.
func (l *lane) read(ctx context.Context) error {
	for {
		if err := l.src.side.gate.Wait(ctx); err != nil {
			return err
		}
		c, err := l.pass.queue.next(ctx, l.src)
		if c == nil || err != nil {
			return err
		}
		if err := c.intend(); err != nil {
			return err
		}
		if err := l.fetch(ctx, c); err != nil {
			return err
		}
	}
}

// fetch reads the items of a chunk.
func (l *lane) fetch(ctx context.Context, c *chunk) error {
	waiting := make(map[inventory.ItemID]work, len(c.items))
	ids := make([]inventory.ItemID, 0, len(c.items))
	limit := l.pass.info.MaxItemSize
	for _, w := range c.items {
		if limit > 0 && w.Size > limit {
			l.pass.unread(c, w, tooLarge(w.Size, limit))
			continue
		}
		waiting[w.ID] = w
		ids = append(ids, w.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	for fetched, err := range l.src.Fetch(ctx, c.folder.Source, ids, c.format) {
		if err != nil {
			return l.src.verdict(err)
		}
		w, ok := waiting[fetched.Item.ID]
		if !ok {
			continue // not asked for, or twice
		}
		delete(waiting, fetched.Item.ID)
		if err := l.receive(ctx, c, w, fetched); err != nil {
			return err
		}
	}
	for id, w := range waiting {
		l.pass.unread(c, w, coded(codeSilent, "the source did not answer for item %s", id))
	}
	return nil
}

// receive reads one item and hands it to the writer.
func (l *lane) receive(ctx context.Context, c *chunk, w work, fetched providers.Fetched) error {
	w.Item = mergeFacts(w.Item, fetched.Item)
	if fetched.Err != nil {
		if kind := providers.KindOf(fetched.Err); kind != providers.Gone && kind != providers.Rejected {
			return l.src.verdict(fetched.Err)
		}
		l.pass.unread(c, w, unreadable(fetched.Err))
		return nil
	}
	if limit := l.pass.info.MaxItemSize; limit > 0 && w.Size > limit {
		l.pass.unread(c, w, tooLarge(w.Size, limit))
		return nil
	}
	if err := l.room(ctx); err != nil {
		return err
	}
	s := l.take(c, w)
	if err := l.fill(s, fetched.Body); err != nil {
		l.drop(s)
		return l.src.verdict(fmt.Errorf("item %s: %w", w.ID, err))
	}
	select {
	case l.ready <- s:
		return nil
	case <-ctx.Done():
		l.drop(s)
		return context.Cause(ctx)
	}
}

func tooLarge(size, limit int64) error {
	return coded(codeTooLarge, "%d bytes, and the target takes %d", size, limit)
}

// unreadable is the failure of an item that the source lists and will not
// hand out.
func unreadable(err error) error {
	if gone(err) || providers.CodeOf(err) != "" {
		return err
	}
	return coded(codeUnread, "%w", err)
}

// room waits until the lane holds little enough to read on.
func (l *lane) room(ctx context.Context) error {
	for {
		l.mu.Lock()
		free := l.bytes < laneBytes && len(l.flight) < laneItems
		if !free && l.starving.Load() {
			// It does not have to wait, and a Put about to fail may.
			free = l.bytes < 2*laneBytes && len(l.flight) < 2*laneItems
		}
		l.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-l.space:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// fill reads a body into memory, or into a file where there is no room.
func (l *lane) fill(s *slot, from io.Reader) error {
	if s.memory = l.pass.memory.get(s.work.Size); s.memory != nil {
		if _, err := io.ReadFull(from, s.memory); err != nil {
			return brokenBody(err)
		}
		s.digest = sha256.Sum256(s.memory)
		return nil
	}
	l.mu.Lock()
	file, at, err := l.spills.take(s.work.Size)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	s.file, s.at = file, at
	if l.copier == nil {
		l.copier = make([]byte, 128<<10)
	}
	sum := sha256.New()
	into := struct{ io.Writer }{io.MultiWriter(sum, io.NewOffsetWriter(file.file, at))}
	n, err := io.CopyBuffer(into, struct{ io.Reader }{io.LimitReader(from, s.work.Size)}, l.copier)
	if err == nil && n < s.work.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return spillError(err)
	}
	sum.Sum(s.digest[:0])
	return nil
}

// write stores everything that was read in one Put.
func (l *lane) write(ctx context.Context) error {
	first, ok := <-l.ready
	if !ok {
		return nil
	}
	var failure error
	for r, err := range l.tgt.Put(ctx, func(yield func(providers.Outgoing) bool) { l.feed(ctx, first, yield) }) {
		if err != nil {
			// Put ends when the goroutine that pulls from feed does.
			err = l.tgt.verdict(err)
			l.pass.fail(err)
			l.cancel()
			return err
		}
		if err := l.stored(r); err != nil && failure == nil {
			// The other writes under way get their answers.
			failure = err
			l.pass.fail(err)
			l.stopReading()
		}
	}
	if failure != nil {
		return failure
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.flight) > 0 {
		l.cancel()
		err := l.tgt.verdict(&providers.Error{Kind: providers.Transient, Code: codeOther, Op: "store", Response: fmt.Sprintf("%d items got no answer", len(l.flight))})
		l.pass.fail(err)
		return err
	}
	return nil
}

// feed is the stream that Put pulls from, on a goroutine of Put's.
func (l *lane) feed(ctx context.Context, s *slot, yield func(providers.Outgoing) bool) {
	gate := &l.tgt.side.gate
	for {
		if gate.Wait(ctx) != nil {
			return
		}
		if !yield(s.outgoing()) {
			return
		}
		if s = l.await(ctx); s == nil {
			return
		}
	}
}

// await returns the next item that was read, nil when there is none.
func (l *lane) await(ctx context.Context) *slot {
	select {
	case s := <-l.ready:
		return s
	default:
	}
	l.starving.Store(true)
	defer l.starving.Store(false)
	signal(l.space)
	select {
	case s := <-l.ready:
		return s
	case <-ctx.Done():
		return nil
	}
}

// stored takes a result and gives the item's room back.
func (l *lane) stored(r providers.Stored) error {
	l.mu.Lock()
	s := l.flight[r.Key]
	l.mu.Unlock()
	if s == nil {
		return l.tgt.verdict(&providers.Error{Kind: providers.Other, Code: codeOther, Op: "store", Response: "an answer for an item that was not sent"})
	}
	err := l.pass.stored(s, r)
	l.mu.Lock()
	l.giveBack(r.Key, s)
	l.mu.Unlock()
	signal(l.space)
	return err
}
