package executor

import (
	"context"
	"errors"

	"github.com/cutover-mail/cutover/providers"
)

// copyItems copies what is new, with as many lanes as the run can spare. When
// a lane fails, the others finish what they have taken, and the mailbox begins
// again with finding out what is in doubt.
func (p *pass) copyItems(ctx context.Context) error {
	if err := p.queue.fill(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	p.running = 1
	p.mu.Unlock()
	p.schedule.offer(p)
	p.fail(newLane(p, p.src, p.tgt).run(ctx))
	p.schedule.withdraw(p)
	p.lanes.Wait()
	if err := p.journal.flush(); err != nil {
		return err
	}
	switch {
	case p.failure != nil:
		return p.failure
	case p.admit.Err() != nil && p.unfinished():
		return errStopped
	}
	return context.Cause(ctx)
}

func (p *pass) unfinished() bool {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return len(p.queue.chunks)+len(p.queue.series) > 0
}

// fail ends the copy stage at the next chunk borders.
func (p *pass) fail(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	if p.failure == nil || errors.Is(p.failure, context.Canceled) {
		p.failure = err
	}
	p.mu.Unlock()
	p.queue.close()
}

// wantsHelp tells how many chunks wait for a lane.
func (p *pass) wantsHelp() int {
	p.mu.Lock()
	full := p.nobody || p.running >= p.mostLanes()
	p.mu.Unlock()
	if full {
		return 0
	}
	return p.queue.waiting()
}

// mostLanes is how many lanes one mailbox may have.
func (p *pass) mostLanes() int {
	most := min(p.source.tokens.Cap(), p.target.tokens.Cap())
	for _, limit := range []int{p.source.perMailbox(), p.target.perMailbox()} {
		if limit > 0 {
			most = min(most, limit)
		}
	}
	return most
}

// join reserves a lane; assist follows.
func (p *pass) join() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nobody || p.running >= p.mostLanes() {
		return false
	}
	p.running++
	p.lanes.Add(1)
	return true
}

// assist is a further lane on the mailbox, until its queue is empty. Sessions
// that cannot be opened fail nothing: the mailbox goes on with the lanes it
// has.
func (p *pass) assist() {
	defer p.lanes.Done()
	defer func() {
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
	}()
	src, err := p.source.open(p.work, p.step.Source)
	if err != nil {
		p.alone(err)
		return
	}
	defer src.close()
	tgt, err := p.target.open(p.work, p.step.Target)
	if err != nil {
		p.alone(err)
		return
	}
	defer tgt.close()
	p.fail(newLane(p, src, tgt).run(p.work))
}

func (p *pass) alone(err error) {
	p.Logger.Info("no further sessions on this mailbox", "recipient", p.step.Source, "error", err)
	p.mu.Lock()
	p.nobody = true
	p.mu.Unlock()
}

// stored enters the outcome of one item.
func (p *pass) stored(s *slot, r providers.Stored) error {
	f := s.chunk.folder
	if r.Err != nil {
		return p.notStored(s, r.Err)
	}
	p.items.Add(1)
	p.bytes.Add(s.work.Size)
	p.moved.Add(1)
	p.journal.add(func(g *group) { f.recordStored(g, s, r) })
	return nil
}
