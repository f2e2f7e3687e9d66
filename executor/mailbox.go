package executor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// mailbox is a Copy or Sync step under way.
type mailbox struct {
	*run
	step *plan.Step
	row  state.Recipient
	// began is when the first attempt did.
	began time.Time
	// states are those of the source folders before the first attempt listed
	// anything: what changes later is seen by the next run.
	states map[inventory.FolderID]string
	// rematched are the folders whose void item IDs have been dealt with.
	rematched map[inventory.FolderID]bool
	// voided are folders of which the source said in mid-listing that all
	// item IDs are void.
	voided map[inventory.FolderID]bool
	// failures tells the items that failed, each once.
	failedItems map[state.Key]bool

	items, bytes, failed atomic.Int64
	// moved counts everything that was achieved; it tells progress from none.
	moved atomic.Int64
}

// migrate works on the content of a mailbox until it is done, stopped, or not
// worth another attempt.
func (r *run) migrate(n *node) (m *mailbox, err error) {
	m = &mailbox{run: r, step: n.step, began: r.Now(), states: map[inventory.FolderID]string{}, rematched: map[inventory.FolderID]bool{},
		voided: map[inventory.FolderID]bool{}, failedItems: map[state.Key]bool{}}
	if m.row, err = r.recipient(n.step); err != nil {
		return m, err
	}
	err = m.persist()
	return m, errors.Join(err, m.remember(err))
}

// persist makes attempts. Every attempt begins by finding out what became of
// the writes that the one before left in doubt.
func (m *mailbox) persist() error {
	tries := m.Retry.Start()
	for {
		before := m.moved.Load()
		err := m.attempt(m.work)
		if err == nil || m.work.Err() != nil || errors.Is(err, errStopped) {
			return err
		}
		if errors.Is(err, errAgain) {
			continue
		}
		if m.moved.Load() != before {
			tries.Progress()
		}
		wait, again := tries.Next(err)
		if !again {
			return err
		}
		m.send(event.Retried{Step: m.step.ID, Attempt: tries.Failed(), Wait: wait, Code: codeOf(err), Error: err.Error()})
		if pace.Sleep(m.admit, wait) != nil {
			return errStopped
		}
	}
}

// attempt passes over the whole mailbox, one target after the other.
func (m *mailbox) attempt(ctx context.Context) error {
	for _, address := range m.endpoints() {
		target := m.targets[address]
		if target == nil {
			return fmt.Errorf("the plan writes to %s, which is not open", address)
		}
		if err := m.pass(ctx, target); err != nil {
			return err
		}
	}
	return nil
}

// endpoints lists the targets of the step's folders in the order of the plan.
func (m *mailbox) endpoints() []string {
	var all []string
	seen := map[string]bool{}
	for _, f := range m.step.Folders {
		if !seen[f.Endpoint] {
			seen[f.Endpoint] = true
			all = append(all, f.Endpoint)
		}
	}
	if len(all) == 0 && m.step.Endpoint != "" {
		all = append(all, m.step.Endpoint) // writes in doubt may be all there is
	}
	return all
}

// remember records how the pass over the mailbox ended.
func (m *mailbox) remember(failure error) error {
	if context.Cause(m.work) != nil {
		return nil
	}
	m.row.Run = m.Run.Number
	m.row.Error, m.row.ErrorCode = "", ""
	switch {
	case failure == nil:
		m.row.Synced = m.began
	case !errors.Is(failure, errStopped):
		m.row.Error, m.row.ErrorCode = failure.Error(), codeOf(failure)
	}
	return m.journal.commit(func(g *group) { g.Recipients = append(g.Recipients, m.row) })
}

// recipient returns the row of a step's recipient, which exists from the first
// step on.
func (r *run) recipient(step *plan.Step) (state.Recipient, error) {
	key := recipientKey{step.Kind, step.Source}
	r.mu.Lock()
	row, ok := r.known[key]
	r.mu.Unlock()
	if !ok {
		row = state.Recipient{Migration: r.Plan.Migration, Kind: step.Kind, Source: step.Source}
	}
	row.Target, row.Batch, row.Run = step.Target, step.Batch, r.Run.Number
	row.SourceIdentity = r.source.info.Identity
	content := step.Action == plan.Copy || step.Action == plan.Sync
	if target := r.targets[step.Endpoint]; target != nil && (content || row.TargetIdentity == "") {
		row.TargetIdentity = target.info.Identity
	}
	row, err := r.saveRecipient(row)
	if err != nil {
		return row, err
	}
	return row, nil
}

func (r *run) saveRecipient(row state.Recipient) (state.Recipient, error) {
	saved, err := r.Store.SaveRecipient(r.work, row)
	if err != nil {
		return row, r.broken(fmt.Errorf("record recipient %s: %w", row.Source, err))
	}
	r.mu.Lock()
	r.known[recipientKey{saved.Kind, saved.Source}] = saved
	r.mu.Unlock()
	return saved, nil
}

// broken ends the run's work because the state failed.
func (r *run) broken(err error) error {
	if r.work.Err() == nil {
		err = fmt.Errorf("%w: %w", errJournal, err)
		r.abort(err)
	}
	return err
}

// codeOf returns the code of a failure for `cutover explain`.
func codeOf(err error) string {
	if code := providers.CodeOf(err); code != "" {
		return code
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	if errors.Is(err, errJournal) {
		return codeJournal
	}
	return codeOther
}
