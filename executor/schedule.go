package executor

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cutover-mail/cutover/planner/plan"
)

// node is a step that does something, and what it waits for.
type node struct {
	step  *plan.Step
	index int // in the plan
	// waits counts the steps and batches that must end first.
	waits int
	// next are the steps that need this one.
	next []*node
	// blocked is the step this one needed and that failed.
	blocked plan.StepID
}

// schedule hands out work: a step that is ready, or a mailbox under way that
// has more to do than its lane. Its methods may be called concurrently.
type schedule struct {
	nodes []*node

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	ready   readyHeap
	left    int // steps not finished
	running int
	// batches that are not finished hold back the steps that wait for them.
	batchLeft map[string]int
	batchNext map[string][]*node
	// busy are the mailboxes that can use help.
	busy []*pass
}

// job is one of a step and a mailbox to help with.
type job struct {
	node *node
	help *pass
}

func newSchedule(p *plan.Plan) (*schedule, error) {
	s := &schedule{changed: make(chan struct{}), batchLeft: map[string]int{}, batchNext: map[string][]*node{}}
	byID := map[plan.StepID]*node{}
	for i := range p.Steps {
		step := &p.Steps[i]
		if step.Action == plan.Keep || step.Action == plan.Skip {
			continue
		}
		n := &node{step: step, index: i}
		s.nodes = append(s.nodes, n)
		byID[step.ID] = n
		s.batchLeft[step.Batch]++
	}
	s.left = len(s.nodes)
	s.link(p, byID)
	if !s.solvable() {
		return nil, fmt.Errorf("the steps of the plan wait for each other")
	}
	return s, nil
}

// link counts what each step waits for: the steps it needs, and the batches
// that its batch comes after.
func (s *schedule) link(p *plan.Plan, byID map[plan.StepID]*node) {
	after := map[string][]string{}
	for _, b := range p.Batches {
		after[b.Name] = b.After
	}
	for _, n := range s.nodes {
		for _, id := range n.step.Needs {
			if needed := byID[id]; needed != nil {
				needed.next = append(needed.next, n)
				n.waits++
			}
		}
		for _, batch := range after[n.step.Batch] {
			if s.batchLeft[batch] > 0 && batch != n.step.Batch {
				s.batchNext[batch] = append(s.batchNext[batch], n)
				n.waits++
			}
		}
		if n.waits == 0 {
			heap.Push(&s.ready, n)
		}
	}
}

// solvable reports whether every step can be reached.
func (s *schedule) solvable() bool {
	waits := make(map[*node]int, len(s.nodes))
	batches := make(map[string]int, len(s.batchLeft))
	for name, left := range s.batchLeft {
		batches[name] = left
	}
	queue := slices.Clone(s.ready)
	reached := 0
	release := func(next []*node) {
		for _, n := range next {
			if waits[n]++; waits[n] == n.waits {
				queue = append(queue, n)
			}
		}
	}
	for ; reached < len(queue); reached++ {
		n := queue[reached]
		release(n.next)
		if batches[n.step.Batch]--; batches[n.step.Batch] == 0 {
			release(s.batchNext[n.step.Batch])
		}
	}
	return reached == len(s.nodes)
}

// next waits for something to do. ok is false when there will be nothing more,
// or when admit has ended.
func (s *schedule) next(admit context.Context) (j job, ok bool) {
	for {
		s.mu.Lock()
		if admit.Err() != nil || (s.left == 0 && s.running == 0) {
			s.mu.Unlock()
			return job{}, false
		}
		if len(s.ready) > 0 {
			n := heap.Pop(&s.ready).(*node)
			s.running++
			s.mu.Unlock()
			return job{node: n}, true
		}
		if p := s.mostBusy(); p != nil {
			s.mu.Unlock()
			return job{help: p}, true
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-admit.Done():
		}
	}
}

// mostBusy takes a place in the mailbox with the most chunks waiting.
func (s *schedule) mostBusy() *pass {
	var best *pass
	most := 0
	for _, p := range s.busy {
		if n := p.wantsHelp() - 1; n > most { // a last chunk is not worth signing in for
			best, most = p, n
		}
	}
	if best == nil || !best.join() {
		return nil
	}
	return best
}

// finish ends a step and releases those that waited for it.
func (s *schedule) finish(n *node, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	s.running--
	for _, next := range n.next {
		if failed {
			next.blocked = n.step.ID
		}
		s.release(next)
	}
	if s.batchLeft[n.step.Batch]--; s.batchLeft[n.step.Batch] == 0 {
		for _, next := range s.batchNext[n.step.Batch] {
			s.release(next)
		}
	}
	s.broadcast()
}

// giveUp ends a step that was stopped: it is not finished.
func (s *schedule) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.broadcast()
}

func (s *schedule) release(n *node) {
	if n.waits--; n.waits == 0 {
		heap.Push(&s.ready, n)
	}
}

func (s *schedule) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// poke wakes workers that wait for something to do.
func (s *schedule) poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast()
}

// offer and withdraw begin and end the time in which a mailbox can be helped.
func (s *schedule) offer(p *pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = append(s.busy, p)
	s.broadcast()
}

func (s *schedule) withdraw(p *pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = slices.DeleteFunc(s.busy, func(b *pass) bool { return b == p })
}

// unfinished counts the steps that were not begun or not finished.
func (s *schedule) unfinished() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

type readyHeap []*node

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return h[i].index < h[j].index }
func (h readyHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *readyHeap) Push(x any)        { *h = append(*h, x.(*node)) }
func (h *readyHeap) Pop() any {
	old := *h
	n := old[len(old)-1]
	*h = old[:len(old)-1]
	return n
}
