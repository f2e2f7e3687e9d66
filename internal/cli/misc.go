package cli

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/providers/plugin"
)

func (a *App) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Show the version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(a.Stdout, map[string]string{"format_version": jsonVersion, "version": a.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintf(a.Stdout, "cutover %s (%s, %s/%s)\n", a.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// servePluginCommand serves a built-in provider to another process of the same
// binary, which starts it for `isolate = true`.
func (a *App) servePluginCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve-provider NAME", Hidden: true, Args: cobra.ExactArgs(1),
		Short: "Serve a built-in provider as a plugin",
		RunE: func(_ *cobra.Command, args []string) error {
			p, ok := a.Builtins[args[0]]
			if !ok {
				return fmt.Errorf("there is no built-in provider %q", args[0])
			}
			plugin.Serve(p)
			return nil
		},
	}
}

func (a *App) initCommand() *cobra.Command {
	var v variables
	var example string
	c := &cobra.Command{
		Use:   "init",
		Short: "Begin: write an example, or check the providers and make the state",
		Long: `In a folder without *.hcl files, writes a commented example configuration.
In any other, resolves the providers, creates the state, and says what is next.`,
		Example: `  cutover init
  cutover init -type archive`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := a.interruptible(c.Context())
			defer cancel()
			return a.init(ctx, v, example)
		},
	}
	v.flags(c)
	c.Flags().StringVar(&example, "type", "imap", "the example to write: `imap` or archive, the kind of target")
	return c
}

func (a *App) init(ctx context.Context, v variables, example string) error {
	wrote, err := a.writeExample(example)
	if err != nil || wrote {
		return err
	}
	w, err := a.load(ctx, v)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.connect(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(w.providers)) {
		d := w.providers[name].Describe()
		a.tell("provider %s %s: %s", name, d.Version, d.Summary)
	}
	store, err := w.state(ctx, true)
	if err != nil {
		return err
	}
	if _, err := store.Header(ctx); err != nil {
		return err
	}
	a.tell("state %s\n\nNext: cutover plan", w.statePath())
	return nil
}
