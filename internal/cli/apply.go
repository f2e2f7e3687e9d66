package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/internal/view"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	variables
	selection plan.Selection
	approve   bool
	json      bool
	file      string // of the saved plan
}

func (a *App) applyCommand() *cobra.Command {
	var o applyOptions
	c := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Do what a plan says",
		Long: `With the file of a saved plan, does exactly that plan, once; it is refused when
the configuration, the recipients, the folders or the state have moved since.
Without one, makes a plan, shows it, and asks.

The first interrupt finishes what is under way, the second stops at once. Either
way the next apply continues from there.

Exit codes: 0 done, 1 error, 3 finished with failed items, 4 stopped.`,
		Example: `  cutover apply pilot.plan
  cutover apply -auto-approve -batch pilot`,
		Args: atMostOne("one saved plan"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.file = args[0]
			}
			return a.apply(c.Context(), o)
		},
	}
	o.variables.flags(c)
	selectionFlags(c, &o.selection)
	c.Flags().BoolVar(&o.approve, "auto-approve", false, "do not ask")
	c.Flags().BoolVar(&o.json, "json", false, "write events to standard output, one JSON object a line")
	return c
}

func (a *App) apply(ctx context.Context, o applyOptions) error {
	if o.file != "" && (o.selection.Batch != "" || len(o.selection.Target)+len(o.selection.Exclude) > 0) {
		return errors.New("-batch, -target and -exclude belong to the making of a plan; a saved plan is applied as it is")
	}
	admit, work, release := a.twoStage(ctx)
	defer release()
	w, err := a.load(work, o.variables)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.connect(admit); err != nil {
		return err
	}
	p, digest, err := w.approved(admit, o)
	if err != nil || p == nil {
		return err
	}
	return w.run(admit, work, p, digest, o)
}

// approved returns the plan to be applied: the saved one, or a new one that
// the user has approved. A nil plan means there is nothing to do.
func (w *workspace) approved(ctx context.Context, o applyOptions) (p *plan.Plan, digest string, err error) {
	if o.file != "" {
		p, err := readPlan(w.app.path(o.file))
		if err != nil {
			return nil, "", err
		}
		return p, p.Digest(), nil
	}
	store, err := w.state(ctx, false)
	if err != nil {
		return nil, "", err
	}
	if p, err = w.plan(ctx, store, o.selection); err != nil {
		return nil, "", err
	}
	if !o.json {
		if err := w.app.showPlan(p, planForm{}); err != nil {
			return nil, "", err
		}
	}
	if p.Findings.HasErrors() {
		if o.json {
			view.Findings(w.app.Stderr, p.Findings, w.app.colored(w.app.Stderr))
		}
		return nil, "", errors.New("the plan has errors and is not applied")
	}
	if p.Empty() {
		return nil, "", nil
	}
	if !o.approve {
		return p, "", w.app.ask(ctx, "Do you want to apply this plan?")
	}
	return p, "", nil
}

// ask returns nil when the user answers yes.
func (a *App) ask(ctx context.Context, question string) error {
	if !terminal(a.Stdin) {
		return errors.New("there is no terminal to ask on; use -auto-approve, or apply a saved plan")
	}
	fmt.Fprintf(a.Stderr, "\n%s Only \"yes\" is taken as one: ", question)
	answered := make(chan string, 1)
	go func() { // ends with the process when the user interrupts instead
		answer, _ := bufio.NewReader(a.Stdin).ReadString('\n')
		answered <- answer
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answer := <-answered:
		if strings.TrimSpace(answer) != "yes" {
			return errors.New("not approved, nothing is done")
		}
		return nil
	}
}

// run locks the state, checks that the plan still holds, and carries it out.
func (w *workspace) run(admit, work context.Context, p *plan.Plan, digest string, o applyOptions) error {
	store, err := w.state(work, true)
	if err != nil {
		return err
	}
	lease, err := store.Lock(work, w.app.holder("apply"))
	if err != nil {
		return lockHint(err)
	}
	defer lease.Release()
	admit, work, cancel := w.app.underLease(admit, work, lease)
	defer cancel()
	if err := w.holds(admit, store, p, digest); err != nil {
		return err
	}
	run, err := store.BeginRun(work, w.newRun(p, digest))
	if err != nil {
		return err
	}
	shown := w.app.runView(o.json)
	result, err := executor.Run(admit, work, executor.Options{
		Plan: p, Source: w.source.Endpoint, Targets: w.sides(), Store: store, Run: run, Sink: shown,
		Now: w.app.Now, Logger: w.app.logger(), Retry: w.app.retry(),
	})
	err = errors.Join(err, shown.Close())
	if cause := context.Cause(lease.Context()); errors.Is(cause, state.ErrLockLost) {
		err = errors.Join(cause, err)
	}
	if err != nil {
		return err
	}
	return w.finished(result)
}

// finished maps the result of a run to an exit code.
func (w *workspace) finished(result executor.Result) error {
	switch {
	case result.Outcome == event.Stopped:
		return exit{code: exitStopped}
	case result.Failed > 0 || result.Outcome == event.Failed:
		return exit{code: exitFailed}
	}
	return nil
}

// holds checks that what a plan rests on has not moved since. A plan made a
// moment ago is checked against the state only.
func (w *workspace) holds(ctx context.Context, store state.Store, p *plan.Plan, digest string) error {
	header, err := w.header(ctx, store)
	if err != nil {
		return err
	}
	if err := unused(ctx, store, digest); err != nil {
		return err
	}
	now := p.Basis
	now.Lineage, now.Serial, now.Config = header.Lineage, header.Serial, w.config.Digest
	if err := plan.Check(p, now, w.app.Version); err != nil || digest == "" {
		return err
	}
	present, err := w.plan(ctx, store, p.Selection)
	if err != nil {
		return fmt.Errorf("look at both sides again: %w", err)
	}
	now.Inventory = present.Basis.Inventory
	return plan.Check(p, now, w.app.Version)
}

// unused refuses a plan that was applied before: to its user that is another
// matter than a state that others have moved.
func unused(ctx context.Context, store state.Store, digest string) error {
	if digest == "" {
		return nil
	}
	runs, err := store.ListRuns(ctx, 0)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.PlanDigest == digest {
			return fmt.Errorf("%w: by run %d, begun %s by %s; make a new one: cutover plan -out FILE",
				state.ErrPlanUsed, run.Number, moment(run.Started), run.Who)
		}
	}
	return nil
}

// header returns the header that a plan made now would name: none before the
// first run.
func (w *workspace) header(ctx context.Context, store state.Store) (state.Header, error) {
	header, err := store.Header(ctx)
	if err == nil && header.Serial == 0 {
		header.Lineage = ""
	}
	return header, err
}

func (w *workspace) newRun(p *plan.Plan, digest string) state.Run {
	h := w.app.holder("")
	return state.Run{
		Migration: p.Migration, Batch: p.Selection.Batch, Who: h.Who, Host: h.Host,
		Started: w.app.Now(), ConfigDigest: w.config.Digest, PlanDigest: digest,
	}
}

// holder says who this process is.
func (a *App) holder(operation string) state.Holder {
	host, _ := os.Hostname()
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	id := make([]byte, 8)
	rand.Read(id)
	now := a.Now()
	return state.Holder{
		ID: hex.EncodeToString(id), Operation: operation, Who: name + "@" + host, Host: host,
		PID: os.Getpid(), Since: now, Renewed: now,
	}
}

// underLease ends admit when a stop is requested, and both when the lock is
// lost.
func (a *App) underLease(admit, work context.Context, lease state.Lease) (context.Context, context.Context, context.CancelFunc) {
	admit, stop := context.WithCancelCause(admit)
	work, abort := context.WithCancelCause(work)
	unlisten := []func() bool{
		context.AfterFunc(lease.Stop(), func() {
			if errors.Is(context.Cause(lease.Stop()), state.ErrStopRequested) {
				a.tell("\nStopping, as cutover stop has asked: what is under way is finished first.")
			}
			stop(context.Cause(lease.Stop()))
		}),
		context.AfterFunc(lease.Context(), func() {
			stop(context.Cause(lease.Context()))
			abort(context.Cause(lease.Context()))
		}),
	}
	return admit, work, func() {
		for _, f := range unlisten {
			f()
		}
		stop(nil)
		abort(nil)
	}
}

// lockHint adds what to do to an error of a taken lock.
func lockHint(err error) error {
	if locked, ok := errors.AsType[*state.LockedError](err); ok {
		return fmt.Errorf("%w\nIf that process is gone: cutover state unlock %s", err, locked.Holder.ID)
	}
	return err
}

// retry is the policy for calls that fail.
func (a *App) retry() pace.Policy { return pace.Policy{} }

func (a *App) stopCommand() *cobra.Command {
	var v variables
	var noWait bool
	c := &cobra.Command{
		Use:   "stop",
		Short: "Stop a running apply from another terminal",
		Long: `Asks the process that holds the state to stop, and waits until it has. What is
migrated stays; the next apply continues from there.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := a.interruptible(c.Context())
			defer cancel()
			return a.stop(ctx, v, noWait)
		},
	}
	v.flags(c)
	c.Flags().BoolVar(&noWait, "no-wait", false, "return as soon as the stop is requested")
	return c
}

func (a *App) stop(ctx context.Context, v variables, noWait bool) error {
	w, err := a.load(ctx, v)
	if err != nil {
		return err
	}
	defer w.Close()
	store, err := w.existing(ctx)
	if err != nil {
		return err
	}
	holder, err := store.Locked(ctx)
	if err != nil {
		return err
	}
	asked, err := store.RequestStop(ctx, a.holder("stop").Who)
	if err != nil {
		return err
	}
	if holder == nil || !asked {
		return errors.New("nothing is running on this state")
	}
	a.tell("Asked %s (%s, since %s) to stop.", holder.Who, holder.Operation, holder.Since.Local().Format(time.DateTime))
	if noWait {
		return nil
	}
	return a.awaitRelease(ctx, store, holder.ID)
}

// awaitRelease returns when the holder has given the lock back.
func (a *App) awaitRelease(ctx context.Context, store state.Store, id string) error {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		holder, err := store.Locked(ctx)
		if err != nil {
			return err
		}
		if holder == nil || holder.ID != id {
			a.tell("It has stopped. The next apply continues from there.")
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the stop stays requested: %w", ctx.Err())
		case <-tick.C:
		}
		if asked, err := store.RequestStop(ctx, a.holder("stop").Who); err == nil && !asked {
			a.tell("It has ended. The next apply continues from there.")
			return nil
		}
	}
}
