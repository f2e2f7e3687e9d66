package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
)

type recipientKey struct {
	kind   inventory.Kind
	source inventory.Address
}

// remember reads what the state knows of the recipients of the plan.
func (r *run) remember() error {
	r.known = map[recipientKey]state.Recipient{}
	r.failures = map[int64][]inventory.ItemID{}
	wanted := make(map[recipientKey]bool, len(r.schedule.nodes))
	for _, n := range r.schedule.nodes {
		wanted[recipientKey{n.step.Kind, n.step.Source}] = true
	}
	ids := map[int64]bool{}
	for row, err := range r.Store.Recipients(r.work, r.Plan.Migration) {
		if err != nil {
			return fmt.Errorf("read the recipients of the state: %w", err)
		}
		if key := (recipientKey{row.Kind, row.Source}); wanted[key] {
			r.known[key] = row
			ids[row.ID] = true
		}
	}
	for problem, err := range r.Store.Problems(r.work, r.Plan.Migration) {
		if err != nil {
			return fmt.Errorf("read the failures of earlier runs: %w", err)
		}
		if !problem.Loss && ids[problem.Recipient] && problem.Folder != 0 && problem.Source != "" {
			r.failures[problem.Folder] = append(r.failures[problem.Folder], problem.Source)
		}
	}
	return nil
}

// step carries out one step and tells how it ended.
func (r *run) step(n *node) {
	s := n.step
	r.send(event.StepStarted{Step: s.ID, Action: s.Action, Kind: s.Kind, Source: s.Source, Target: s.Target, Work: s.Work})
	done := event.StepFinished{Step: s.ID, Outcome: event.Done}
	err := r.perform(n, &done)
	switch {
	case err != nil && (errors.Is(err, errStopped) || r.work.Err() != nil):
		done.Outcome = event.Stopped
	case err != nil:
		done.Outcome, done.Code, done.Error = event.Failed, codeOf(err), err.Error()
		r.Logger.Error("step failed", "step", s.ID, "action", s.Action, "recipient", s.Source, "code", done.Code, "error", err)
	case done.Failed > 0:
		done.Outcome = event.Failed
	}
	r.count(done)
	r.send(done)
	if done.Outcome == event.Stopped {
		r.schedule.giveUp()
		return
	}
	r.schedule.finish(n, err != nil)
}

func (r *run) perform(n *node, done *event.StepFinished) error {
	if n.blocked != "" {
		return coded(codeNeeded, "step %s, which this one needs, failed", n.blocked)
	}
	switch n.step.Action {
	case plan.Create, plan.Update:
		return r.writeRecipient(n.step)
	case plan.Copy, plan.Sync:
		m, err := r.migrate(n)
		done.Items, done.Bytes, done.Failed = m.items.Load(), m.bytes.Load(), m.failed.Load()
		return err
	}
	return coded(codeAction, "the plan asks for %q, which this version does not know", n.step.Action)
}

func (r *run) count(done event.StepFinished) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Items += done.Items
	r.result.Bytes += done.Bytes
	switch done.Outcome {
	case event.Stopped:
		r.result.Outcome = event.Stopped
		return
	case event.Failed:
		r.result.Failed++
	}
	r.result.Steps++
}

// writeRecipient creates or updates a recipient on a directory.
func (r *run) writeRecipient(s *plan.Step) error {
	target := r.targets[s.Endpoint]
	if target == nil || s.Recipient == nil {
		return coded(codeAction, "step %s names no recipient or no open target", s.ID)
	}
	row, err := r.recipient(s)
	if err != nil {
		return err
	}
	err = r.Retry.Do(r.work, nil, func() error { return r.callDirectory(target, s, &row) })
	if err != nil {
		row.Error, row.ErrorCode = err.Error(), codeOf(err)
	} else {
		row.Error, row.ErrorCode = "", ""
		row.Digest = planner.DirectoryDigest(*s.Recipient)
	}
	_, saved := r.saveRecipient(row)
	return errors.Join(err, saved)
}

func (r *run) callDirectory(target *side, s *plan.Step, row *state.Recipient) error {
	if err := target.tokens.Acquire(r.work); err != nil {
		return err
	}
	defer target.tokens.Release()
	if err := target.gate.Wait(r.work); err != nil {
		return err
	}
	if s.Action == plan.Update {
		created, err := target.UpdateRecipient(r.work, *s.Recipient)
		r.noteMissing(s, created.Missing)
		return target.verdict(err)
	}
	password, err := r.password(r.work, target, s)
	if err != nil {
		return err
	}
	created, err := target.CreateRecipient(r.work, *s.Recipient, password)
	if err != nil {
		return target.verdict(err)
	}
	row.Created = row.Created || !created.Adopted
	r.noteMissing(s, created.Missing)
	return nil
}

// password makes the first password of a mailbox.
func (r *run) password(ctx context.Context, target *side, s *plan.Step) (string, error) {
	if s.Kind != inventory.KindMailbox || !target.info.SignIn {
		return "", nil
	}
	if r.Password == nil {
		return "", coded(codePassword, "create %s on %s: a new mailbox needs an initial password, and none can be made here", s.Target, target.address)
	}
	password, err := r.Password(ctx, *s.Recipient)
	if err != nil {
		return "", coded(codePassword, "make the initial password of %s: %w", s.Target, err)
	}
	return password, nil
}

func (r *run) noteMissing(s *plan.Step, missing []inventory.Address) {
	for _, member := range missing {
		r.send(event.Noted{Step: s.ID, Code: codeMember, Detail: fmt.Sprintf("%s is not on the target and was left out", member)})
	}
}
