package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/internal/report"
	"github.com/cutover-mail/cutover/providers"
)

func (a *App) reportCommand() *cobra.Command {
	var v variables
	var directory string
	var asJSON bool
	c := &cobra.Command{
		Use:   "report",
		Short: "Write what was migrated, what failed and what was lost",
		Long: `Writes MigrationStatistics.csv, MigrationErrors.csv, losses.csv, their JSON twins
and a summary into the directory of the report block, and prints the summary.`,
		Example: `  cutover report
  cutover report -directory /srv/reports/contoso -json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := a.interruptible(c.Context())
			defer cancel()
			return a.report(ctx, v, directory, asJSON)
		},
	}
	v.flags(c)
	c.Flags().StringVar(&directory, "directory", "", "write into this `folder` instead of the configured one")
	c.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return c
}

func (a *App) report(ctx context.Context, v variables, directory string, asJSON bool) error {
	w, err := a.load(ctx, v)
	if err != nil {
		return err
	}
	defer w.Close()
	store, err := w.existing(ctx)
	if err != nil {
		return err
	}
	if directory == "" {
		directory = w.config.Migration.Report.Directory
	}
	directory = a.path(cmp.Or(directory, "reports"))
	summary, err := report.Write(ctx, report.Options{
		Store: store, Migration: w.config.Migration.Name, Directory: directory, Codes: a.codes(), Now: a.Now(),
	})
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, summary)
	}
	fmt.Fprint(a.Stdout, summary.Text())
	a.tell("\nThe report is in %s.", directory)
	return nil
}

// jsonVersion is that of the JSON which the commands write that have no format
// of their own. The minor number grows with additions that readers may ignore.
const jsonVersion = "1.0"

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func (a *App) explainCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what an error code means and how to fix it",
		Example: `  cutover explain imap-overquota
  cutover explain            # lists all codes`,
		Args:              atMostOne("one code"),
		ValidArgsFunction: a.completeCodes,
		RunE: func(_ *cobra.Command, args []string) error {
			codes := a.codes()
			if len(args) == 0 {
				return a.listCodes(codes, asJSON)
			}
			code, err := report.Explain(codes, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "code": code})
			}
			fmt.Fprint(a.Stdout, report.ExplainText(code))
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *App) completeCodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, c := range a.codes() {
		names = append(names, c.Code+"\t"+c.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) listCodes(codes []providers.Code, asJSON bool) error {
	slices.SortFunc(codes, func(x, y providers.Code) int { return strings.Compare(x.Code, y.Code) })
	if asJSON {
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "codes": codes})
	}
	tw := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, c := range codes {
		fmt.Fprintf(tw, "%s\t%s\n", c.Code, c.Title)
	}
	return tw.Flush()
}

func (a *App) providersCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "Show the providers: what each can do, and its settings",
		Example: `  cutover providers
  cutover providers imap`,
		Args: atMostOne("the name of one provider"),
		RunE: func(_ *cobra.Command, args []string) error { return a.describeProviders(args, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *App) describeProviders(args []string, asJSON bool) error {
	var all []providers.Description
	for _, name := range slices.Sorted(maps.Keys(a.Builtins)) {
		if len(args) == 0 || args[0] == name {
			all = append(all, a.Builtins[name].Describe())
		}
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("there is no built-in provider %q", args[0])
	case asJSON:
		return writeJSON(a.Stdout, map[string]any{"format_version": jsonVersion, "providers": all})
	case len(args) == 1:
		return describe(a.Stdout, all[0])
	}
	tw := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, d := range all {
		fmt.Fprintf(tw, "%s\t%v\t%s\n", d.Name, d.Roles, d.Summary)
	}
	return tw.Flush()
}

// describe prints what a provider can do and its settings.
func describe(w io.Writer, d providers.Description) error {
	fmt.Fprintf(w, "%s %s: %s\n\nAbilities:\n", d.Name, d.Version, d.Summary)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range d.Abilities {
		fmt.Fprintf(tw, "  %s\t%v\t%s\n", s.Ability, s.Roles, s.Reason)
	}
	fmt.Fprintf(tw, "\nSettings:\n")
	describeSchema(tw, "  ", d.Settings)
	return tw.Flush()
}

func describeSchema(w io.Writer, indent string, s providers.Schema) {
	for _, a := range s.Attributes {
		kind := string(a.Type)
		if a.Required {
			kind += ", required"
		}
		if a.Secret {
			kind += ", secret"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s%s\n", indent, a.Name, kind, a.Help, defaultOf(a))
	}
	for _, b := range s.Blocks {
		fmt.Fprintf(w, "%s%s { }\tblock\t%s\n", indent, b.Name, b.Help)
		describeSchema(w, indent+"  ", b.Schema)
	}
}

func defaultOf(a providers.Attribute) string {
	if a.Default == "" {
		return ""
	}
	return " (default " + a.Default + ")"
}
