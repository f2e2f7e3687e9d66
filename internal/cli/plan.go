package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/internal/view"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/survey"
)

// selectionFlags narrow a plan.
func selectionFlags(c *cobra.Command, s *plan.Selection) {
	c.Flags().StringVar(&s.Batch, "batch", "", "only the recipients of this batch, by `name`")
	c.Flags().StringArrayVar(&s.Target, "target", nil, "only this recipient, by `address` or pattern; may be repeated")
	c.Flags().StringArrayVar(&s.Exclude, "exclude", nil, "without this recipient, by `address` or pattern; may be repeated")
}

// planForm is how a plan is shown.
type planForm struct{ json, markdown, all bool }

func (f *planForm) flags(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "write the plan as versioned JSON")
	c.Flags().BoolVar(&f.markdown, "markdown", false, "write the plan for a pull-request comment")
	c.Flags().BoolVar(&f.all, "all", false, "name every recipient, also those folded away")
}

func (f *planForm) check() error {
	if f.json && f.markdown {
		return errors.New("-json and -markdown exclude each other")
	}
	return nil
}

func (a *App) planCommand() *cobra.Command {
	var v variables
	var selection plan.Selection
	var form planForm
	var out string
	var detailed bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would do",
		Long: `Reads source, target and state, and shows the steps that lead to what the
configuration asks for. Nothing is written anywhere but to the file of -out.

With -detailed-exitcode the exit code is 0 when there is nothing to do, 2 when
there is, and 1 on an error.`,
		Example: `  cutover plan
  cutover plan -out pilot.plan -batch pilot
  cutover plan -markdown > comment.md`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := form.check(); err != nil {
				return err
			}
			ctx, cancel := a.interruptible(c.Context())
			defer cancel()
			p, err := a.plan(ctx, v, selection, form, out)
			if err != nil {
				return err
			}
			if detailed && !p.Empty() {
				return exit{code: exitChanges}
			}
			return nil
		},
	}
	v.flags(c)
	selectionFlags(c, &selection)
	form.flags(c)
	c.Flags().StringVar(&out, "out", "", "keep the plan in this `file`, for apply")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there is something to do")
	return c
}

func (a *App) plan(ctx context.Context, v variables, selection plan.Selection, form planForm, out string) (*plan.Plan, error) {
	w, err := a.load(ctx, v)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	store, err := w.state(ctx, false)
	if err != nil {
		return nil, err
	}
	p, err := w.plan(ctx, store, selection)
	if err != nil {
		return nil, err
	}
	if err := a.showPlan(p, form); err != nil {
		return nil, err
	}
	if p.Findings.HasErrors() {
		return p, exit{code: exitError, err: fmt.Errorf("the plan has errors and cannot be applied%s", notSaved(out))}
	}
	if out == "" {
		return p, nil
	}
	if err := savePlan(a.path(out), p); err != nil {
		return nil, err
	}
	a.tell("\nSaved. To do exactly this: cutover apply %s", out)
	return p, nil
}

func notSaved(out string) string {
	if out == "" {
		return ""
	}
	return "; " + out + " was not written"
}

// plan surveys both sides and makes the plan. Its findings stand in it.
func (w *workspace) plan(ctx context.Context, store state.Store, selection plan.Selection) (*plan.Plan, error) {
	progress := w.app.progressLine()
	in, err := survey.Gather(ctx, survey.Request{
		Tool: w.app.Version, ConfigDigest: w.config.Digest, Migration: w.config.Migration.Planner(), Selection: selection,
		Source: w.source, Targets: w.targets, Store: store, Progress: progress.survey, Logger: w.app.logger(), Retry: w.app.retry(),
	})
	progress.done()
	if err != nil {
		return nil, err
	}
	if in.Header.Serial == 0 { // nothing was ever done on it: as good as none
		in.Header.Lineage = ""
	}
	in.Findings = append(in.Findings, w.warnings...)
	p, _ := planner.Plan(in)
	return p, nil
}

func (a *App) showPlan(p *plan.Plan, form planForm) error {
	switch {
	case form.json:
		return view.PlanJSON(a.Stdout, p)
	case form.markdown:
		return view.PlanMarkdown(a.Stdout, p)
	}
	return view.PlanHuman(a.Stdout, p, view.PlanOptions{Color: a.colored(a.Stdout), All: form.all})
}

// savePlan writes the plan with mode 0600: it names people.
func savePlan(path string, p *plan.Plan) error {
	if err := replaceFile(path, 0o600, func(w io.Writer) error { return plan.Write(w, p) }); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

func readPlan(path string) (*plan.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := plan.Read(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return p, nil
}

func (a *App) showCommand() *cobra.Command {
	var form planForm
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Show a saved plan",
		Example: `  cutover show pilot.plan
  cutover show -json pilot.plan`,
		Args: oneArgument("the file of a saved plan"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := form.check(); err != nil {
				return err
			}
			p, err := readPlan(a.path(args[0]))
			if err != nil {
				return err
			}
			return a.showPlan(p, form)
		},
	}
	form.flags(c)
	return c
}
