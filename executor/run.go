// Package executor carries out a plan: in order, within the limits of both
// endpoints, with a journal that makes every write exactly once in effect, and
// with a stop in two stages. It decides nothing that the plan decided.
package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// Options is all that a run depends on. Plan, Source, Targets, Store and Run
// are required.
type Options struct {
	Plan   *plan.Plan
	Source providers.Endpoint
	// Targets are the endpoints that the plan writes to, by plan.Endpoint
	// address ("target.imap.mail").
	Targets map[string]providers.Endpoint
	// Infos saves asking endpoints for their Info, by the same addresses and
	// that of Plan.Source; those not in it are asked.
	Infos map[string]providers.Info
	Store state.Store
	// Run is the run as BeginRun returned it. [Run] ends it.
	Run  state.Run
	Sink event.Sink // nil: nobody looks
	// Now is the clock of events and records; nil is time.Now.
	Now    func() time.Time
	Logger *slog.Logger // nil: nothing is logged
	// TempDir holds bodies that do not fit into memory, in files without a
	// name; empty is the system's.
	TempDir string
	// Memory bounds the bodies held in memory at once, in bytes, over all
	// lanes; 0 is 32 MiB. What does not fit waits in TempDir.
	Memory int64
	Retry  pace.Policy
	// Password makes the initial password of a mailbox that the plan creates
	// on a directory. Without it such a step is refused.
	Password func(ctx context.Context, recipient inventory.Recipient) (string, error)
}

// Result is what a run achieved.
type Result struct {
	Outcome event.Outcome
	Steps   int // that ended, in whatever way
	Failed  int // steps that failed, or have failed items
	Items   int64
	Bytes   int64
}

// Errors that end a run.
var (
	errStopped = errors.New("stopped")
	errAgain   = errors.New("begin again") // what was listed is void
	errJournal = errors.New("the journal cannot be written")
)

type run struct {
	Options
	admit, work context.Context
	// abort ends work with a cause: nothing may be written any more.
	abort    context.CancelCauseFunc
	source   *side
	targets  map[string]*side
	journal  *journal
	memory   *memory
	schedule *schedule
	known    map[recipientKey]state.Recipient
	// failures are items that failed in earlier runs, by ledger folder.
	failures map[int64][]inventory.ItemID

	mu     sync.Mutex
	result Result
}

// Run carries out the plan. When admit ends, no new step is begun, the steps
// under way end at their next chunk of items, and Run returns with outcome
// Stopped. When work ends, Run stops at once. Either way the state is one from
// which the next run continues. Steps that fail are counted, not returned: an
// error means that the run as a whole could not go on, because an endpoint
// cannot be asked or because the state can be neither read nor written.
//
// Run ends Options.Run in the store and sends RunStarted and RunFinished.
func Run(admit, work context.Context, o Options) (Result, error) {
	r := newRun(admit, work, o)
	defer r.abort(nil)
	began := r.Now()
	err := r.prepare()
	if err == nil {
		r.send(event.RunStarted{Run: o.Run.Number, Batch: o.Run.Batch, Steps: len(r.schedule.nodes), Work: o.Plan.Summary.Work})
		err = r.carryOut()
	}
	r.result.Outcome = r.outcome(err)
	err = errors.Join(err, r.end(began))
	return r.result, err
}

func newRun(admit, work context.Context, o Options) *run {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	r := &run{Options: o, memory: newMemory(o.Memory)}
	r.work, r.abort = context.WithCancelCause(work)
	admit, stop := context.WithCancel(admit)
	context.AfterFunc(r.work, stop)
	r.admit = admit
	return r
}

func (r *run) prepare() error {
	if err := r.openSides(); err != nil {
		return err
	}
	var err error
	if r.schedule, err = newSchedule(r.Plan); err != nil {
		return err
	}
	return r.remember()
}

// carryOut works on the steps until none can be begun.
func (r *run) carryOut() error {
	r.journal = newJournal(r)
	var workers sync.WaitGroup
	for range r.lanes() {
		workers.Go(func() { r.worker() })
	}
	workers.Wait()
	r.journal.close()
	return r.fatal()
}

// fatal returns why nothing may be written any more, unless a caller's
// interrupt is the reason.
func (r *run) fatal() error {
	cause := context.Cause(r.work)
	switch {
	case errors.Is(cause, errJournal), errors.Is(cause, state.ErrLockLost):
		return cause
	}
	return nil
}

func (r *run) worker() {
	for {
		job, ok := r.schedule.next(r.admit)
		switch {
		case !ok:
			return
		case job.help != nil:
			job.help.assist()
		default:
			r.step(job.node)
		}
	}
}

func (r *run) outcome(err error) event.Outcome {
	switch {
	case err != nil:
		return event.Failed
	case r.schedule.unfinished() > 0 || r.result.Outcome == event.Stopped:
		return event.Stopped
	case r.result.Failed > 0:
		return event.Failed
	}
	return event.Done
}

// end records and tells how the run ended.
func (r *run) end(began time.Time) error {
	ended := r.Now()
	ctx := context.WithoutCancel(r.work)
	err := r.Store.EndRun(ctx, r.Run.Number, state.RunResult{
		Ended: ended, Outcome: string(r.result.Outcome), Steps: r.result.Steps,
		Failed: r.result.Failed, Items: r.result.Items, Bytes: r.result.Bytes,
	})
	if err != nil {
		err = fmt.Errorf("record the end of run %d: %w", r.Run.Number, err)
	}
	r.send(event.RunFinished{
		Run: r.Run.Number, Outcome: r.result.Outcome, Steps: r.result.Steps, Failed: r.result.Failed,
		Items: r.result.Items, Bytes: r.result.Bytes, Elapsed: ended.Sub(began),
	})
	return err
}

func (r *run) send(e event.Event) {
	if r.Sink != nil {
		r.Sink.Send(r.Now(), e)
	}
}
