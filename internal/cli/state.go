package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

func (a *App) stateCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "state",
		Short: "Look into the state, and mend its lock",
		Example: `  cutover state list
  cutover state show anna@contoso.test
  cutover state unlock 0123456789abcdef`,
	},
		a.stateSub("list", "List the recipients in the state", noArguments, a.stateList),
		a.stateSub("show ADDRESS", "Show one recipient with its folders", oneArgument("one address"), a.stateShow),
		a.stateSub("rm ADDRESS", "Forget a recipient; nothing is removed from any server", oneArgument("one address"), a.stateRemove),
		a.stateSub("runs", "List the runs, newest first", noArguments, a.stateRuns),
		a.stateSub("check", "Check the integrity of the state", noArguments, a.stateCheck),
		a.stateSub("lock", "Show who holds the lock", noArguments, a.stateLock),
		a.stateSub("unlock LOCK", "Remove the lock with this ID, of a process that is gone", oneArgument("the ID of a lock"), a.stateUnlock),
	)
}

// stateCall is one look at an open state.
type stateCall struct {
	ctx   context.Context
	w     *workspace
	store state.Store
	args  []string
	json  bool
}

// stateSub makes a subcommand that opens the existing state.
func (a *App) stateSub(use, short string, args cobra.PositionalArgs, do func(stateCall) error) *cobra.Command {
	var v variables
	var asJSON bool
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		ctx, cancel := a.interruptible(c.Context())
		defer cancel()
		w, err := a.load(ctx, v)
		if err != nil {
			return err
		}
		defer w.Close()
		store, err := w.existing(ctx)
		if err != nil {
			return err
		}
		return do(stateCall{ctx, w, store, args, asJSON})
	}}
	v.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// recipients collects those of the migration, or the one with the address.
func (c stateCall) recipients(only inventory.Address) ([]state.Recipient, error) {
	all := []state.Recipient{}
	for r, err := range c.store.Recipients(c.ctx, c.w.config.Migration.Name) {
		if err != nil {
			return nil, err
		}
		if only == "" || r.Source == only {
			all = append(all, r)
		}
	}
	return all, nil
}

// named returns the recipients with the address of the first argument.
func (c stateCall) named() ([]state.Recipient, error) {
	address, ok := inventory.ParseAddress(c.args[0])
	if !ok {
		return nil, fmt.Errorf("%q is not an address", c.args[0])
	}
	found, err := c.recipients(address)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s is not in the state; cutover state list names those that are", address)
	}
	return found, err
}

func (a *App) stateList(c stateCall) error {
	all, err := c.recipients("")
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "recipients": all})
	}
	tw := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "KIND\tSOURCE\tTARGET\tBATCH\tLAST SYNC\tERROR")
	for _, r := range all {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Kind, r.Source, r.Target, r.Batch, moment(r.Synced), r.ErrorCode)
	}
	return tw.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format(time.DateTime)
}

func (a *App) stateShow(c stateCall) error {
	found, err := c.named()
	if err != nil {
		return err
	}
	type shown struct {
		state.Recipient
		Folders []state.Folder `json:"folders"`
	}
	all := []shown{}
	for _, r := range found {
		folders, err := c.store.Folders(c.ctx, r.ID)
		if err != nil {
			return err
		}
		if c.json {
			all = append(all, shown{r, folders})
		} else if err = a.printRecipient(r, folders); err != nil {
			return err
		}
	}
	if c.json {
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "recipients": all})
	}
	return nil
}

func (a *App) printRecipient(r state.Recipient, folders []state.Folder) error {
	fmt.Fprintf(a.Stdout, "%s %s -> %s\n  batch      %s\n  last sync  %s\n  last run   %d\n", r.Kind, r.Source, r.Target, r.Batch, moment(r.Synced), r.Run)
	if r.Error != "" {
		fmt.Fprintf(a.Stdout, "  error      %s (%s)\n", r.Error, r.ErrorCode)
	}
	tw := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range folders {
		fmt.Fprintf(tw, "  %s\t-> %s\t%d items\t%s\t%d failed\n", f.Path, f.TargetPath, f.Items, humanize.IBytes(uint64(max(f.Bytes, 0))), f.Failed)
	}
	return tw.Flush()
}

func (a *App) stateRemove(c stateCall) error {
	found, err := c.named()
	if err != nil {
		return err
	}
	lease, err := c.store.Lock(c.ctx, a.holder("state rm"))
	if err != nil {
		return lockHint(err)
	}
	defer lease.Release()
	for _, r := range found {
		if err := c.store.RemoveRecipient(c.ctx, r.ID); err != nil {
			return err
		}
		a.tell("Forgot %s %s. The next plan takes it for new; what is on the target is recognised, not doubled.", r.Kind, r.Source)
	}
	return nil
}

func (a *App) stateRuns(c stateCall) error {
	runs, err := c.store.ListRuns(c.ctx, 0)
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "runs": runs})
	}
	tw := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "RUN\tBATCH\tWHO\tSTARTED\tENDED\tOUTCOME\tSTEPS\tFAILED\tITEMS\tBYTES")
	for _, r := range runs {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", r.Number, r.Batch, r.Who, moment(r.Started), moment(r.Ended),
			r.Outcome, r.Steps, r.Failed, r.Items, humanize.IBytes(uint64(max(r.Bytes, 0))))
	}
	return tw.Flush()
}

var errDamaged = errors.New("the state is damaged; go back to a copy of the file, or move it away: what is on the target is recognised, not doubled")

func (a *App) stateCheck(c stateCall) error {
	faults, err := c.store.Check(c.ctx)
	if err != nil {
		return err
	}
	if c.json {
		if err := writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "faults": append([]string{}, faults...)}); err != nil || len(faults) == 0 {
			return err
		}
		return errDamaged
	}
	for _, fault := range faults {
		fmt.Fprintln(a.Stdout, fault)
	}
	if len(faults) > 0 {
		return errDamaged
	}
	fmt.Fprintln(a.Stdout, "The state is sound.")
	return nil
}

func (a *App) stateLock(c stateCall) error {
	holder, err := c.store.Locked(c.ctx)
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "lock": holder})
	}
	if holder == nil {
		fmt.Fprintln(a.Stdout, "The state is not locked.")
		return nil
	}
	fmt.Fprintf(a.Stdout, "lock     %s\nholder   %s, process %d\ndoing    %s\nsince    %s\nrenewed  %s\n",
		holder.ID, holder.Who, holder.PID, holder.Operation, moment(holder.Since), moment(holder.Renewed))
	return nil
}

func (a *App) stateUnlock(c stateCall) error {
	if err := c.store.Unlock(c.ctx, c.args[0]); err != nil {
		return err
	}
	a.tell("Unlocked.")
	return nil
}
