package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
)

// What makes the journal write although nobody waits for it.
const (
	groupSize = 500
	groupTime = 200 * time.Millisecond
)

// journal writes records in groups: what several lanes have to record at the
// same time becomes durable in one write. Once a write has failed, nothing
// more is written, and the run's work is ended.
type journal struct {
	run *run

	mu      sync.Mutex
	pending *group
	err     error

	some   chan struct{} // something is pending
	urgent chan struct{} // somebody waits, or there is much
	stop   chan struct{}
	ended  chan struct{}
}

// group is what one write makes durable, and what is told afterwards.
type group struct {
	state.Record
	resolved map[int64][]inventory.ItemID
	progress map[progressKey]*event.Progressed
	events   []event.Event
	size     int
	done     chan struct{}
	err      error
}

type progressKey struct {
	step   plan.StepID
	folder string
}

func newGroup() *group {
	return &group{
		resolved: map[int64][]inventory.ItemID{},
		progress: map[progressKey]*event.Progressed{},
		done:     make(chan struct{}),
	}
}

func newJournal(r *run) *journal {
	j := &journal{
		run: r, pending: newGroup(),
		some: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go j.loop()
	return j
}

// add has f add to the next write, without waiting for it. Everything that f
// adds is written together. Two additions that follow each other may share one
// write, whose parts are carried out in the order of the fields of
// [state.Record]; who needs another order uses commit.
func (j *journal) add(f func(*group)) { j.put(f) }

// commit is add, and returns when it is durable.
func (j *journal) commit(f func(*group)) error {
	g := j.put(f)
	signal(j.urgent)
	<-g.done
	return g.err
}

// flush returns when everything added before is durable.
func (j *journal) flush() error { return j.commit(func(*group) {}) }

func (j *journal) put(f func(*group)) *group {
	j.mu.Lock()
	g := j.pending
	f(g)
	g.size++
	full := g.size >= groupSize
	j.mu.Unlock()
	signal(j.some)
	if full {
		signal(j.urgent)
	}
	return g
}

// close writes what is pending and ends the journal.
func (j *journal) close() {
	close(j.stop)
	<-j.ended
}

func (j *journal) loop() {
	defer close(j.ended)
	timer := time.NewTimer(groupTime)
	defer timer.Stop()
	for {
		select {
		case <-j.stop:
			j.write()
			return
		case <-j.urgent:
		case <-j.some:
			timer.Reset(groupTime)
			select {
			case <-timer.C:
			case <-j.urgent:
			case <-j.stop:
			}
		}
		j.write()
	}
}

func (j *journal) write() {
	j.mu.Lock()
	g := j.pending
	j.pending = newGroup()
	err := j.err
	j.mu.Unlock()
	if err == nil {
		err = j.record(g)
	}
	if err != nil {
		j.mu.Lock()
		j.err = err
		j.mu.Unlock()
		j.run.abort(err)
	}
	g.err = err
	close(g.done)
	if err == nil {
		j.tell(g)
	}
}

// record writes the group. An interrupt does not keep it from being written:
// what the target has confirmed is worth knowing.
func (j *journal) record(g *group) error {
	if cause := context.Cause(j.run.work); errors.Is(cause, state.ErrLockLost) {
		return fmt.Errorf("%w: %w", errJournal, cause)
	}
	for intent, items := range g.resolved {
		g.Resolve = append(g.Resolve, state.Resolution{Intent: intent, Items: items})
	}
	if g.empty() {
		return nil
	}
	if err := j.run.Store.Record(context.WithoutCancel(j.run.work), g.Record); err != nil {
		return fmt.Errorf("%w: %w", errJournal, err)
	}
	return nil
}

func (g *group) empty() bool {
	r := &g.Record
	return len(r.Intend)+len(r.Rekey)+len(r.Put)+len(r.Drop)+len(r.Fail)+len(r.Lose)+len(r.Resolve)+len(r.Folders)+len(r.Recipients) == 0
}

// tell sends what is true now.
func (j *journal) tell(g *group) {
	for _, e := range g.events {
		j.run.send(e)
	}
	for _, p := range g.progress {
		j.run.send(*p)
	}
}

// resolve takes one item out of an intent; 0 is no intent.
func (g *group) resolve(intent int64, item inventory.ItemID) {
	if intent != 0 {
		g.resolved[intent] = append(g.resolved[intent], item)
	}
}

// progressed returns the counts that will be reported for a folder.
func (g *group) progressed(f *folder) *event.Progressed {
	key := progressKey{f.pass.step.ID, f.name}
	p := g.progress[key]
	if p == nil {
		p = &event.Progressed{Step: key.step, Folder: f.Path}
		g.progress[key] = p
	}
	return p
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
