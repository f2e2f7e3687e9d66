package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/internal/verify"
	"github.com/cutover-mail/cutover/inventory"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	variables
	only  []string
	quick bool
	json  bool
}

func (a *App) verifyCommand() *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:   "verify",
		Short: "Read both sides again and compare them, item by item",
		Long: `Reads source and target afresh, on a path that shares nothing with the copying:
counts, flags, received dates, and the SHA-256 of each body. What is missing,
doubled or different is listed.

Exit codes: 0 equal, 1 error, 3 something differs.`,
		Example: `  cutover verify
  cutover verify -target anna@contoso.test -quick`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := a.interruptible(c.Context())
			defer cancel()
			return a.verify(ctx, o)
		},
	}
	o.variables.flags(c)
	c.Flags().StringArrayVar(&o.only, "target", nil, "only this mailbox, by source `address`; may be repeated")
	c.Flags().BoolVar(&o.quick, "quick", false, "compare counts, dates and flags, and read no content")
	c.Flags().BoolVar(&o.json, "json", false, "write the result as JSON")
	return c
}

func (a *App) verify(ctx context.Context, o verifyOptions) error {
	w, err := a.load(ctx, o.variables)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.connect(ctx); err != nil {
		return err
	}
	store, err := w.existing(ctx)
	if err != nil {
		return err
	}
	request := verify.Request{
		Migration: w.config.Migration.Name, Source: w.source, Targets: w.targets, Store: store,
		Quick: o.quick, Logger: a.logger(), Retry: a.retry(),
	}
	for _, text := range o.only {
		address, ok := inventory.ParseAddress(text)
		if !ok {
			return fmt.Errorf("-target %q is not an address", text)
		}
		request.Only = append(request.Only, address)
	}
	line := a.progressLine()
	request.Progress = func(p verify.Progress) {
		line.text(fmt.Sprintf("Comparing mailboxes: %d of %d  %s", p.Done, p.Mailboxes, p.Mailbox))
	}
	result, err := verify.Run(ctx, request)
	line.done()
	if err != nil {
		return err
	}
	if o.json {
		err = verify.WriteJSON(a.Stdout, result)
	} else {
		err = verify.Print(a.Stdout, result, a.colored(a.Stdout))
	}
	if err == nil && !result.Clean {
		return exit{code: exitFailed, err: errors.New("source and target are not equal")}
	}
	return err
}
