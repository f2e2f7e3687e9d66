// Package cli is the command line: it reads arguments, wires configuration,
// providers, state, planner and executor together, and maps what comes of it
// to output and exit code. Data goes to standard output, progress and
// questions to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cutover-mail/cutover/internal/report"
	"github.com/cutover-mail/cutover/providers"
)

// Exit codes, as documented in docs/exit-codes.md.
const (
	exitDone    = 0
	exitError   = 1
	exitChanges = 2 // plan -detailed-exitcode
	exitFailed  = 3 // finished, with failed items or mailboxes
	exitStopped = 4
)

// App is one invocation of the program.
type App struct {
	Version string
	Args    []string // without the program name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string
	// Builtins are the providers that need no plugin, by name.
	Builtins map[string]providers.Provider
	// Launch starts a provider as a process of its own. The closer ends it.
	Launch func(ctx context.Context, command, env []string, logger *slog.Logger) (providers.Provider, io.Closer, error)
	// Self is the command that serves a built-in as a plugin; its name is
	// appended.
	Self []string
	// Interrupts delivers the user's interrupts: the first asks for an orderly
	// stop, the second for one at once.
	Interrupts <-chan os.Signal
	Now        func() time.Time

	chdir   string
	noColor bool
	debug   bool

	// interrupted says that the user has interrupted this command.
	interrupted *atomic.Bool
	// secrets takes the sensitive values of the configuration out of errors
	// and of the log; nil until a configuration is loaded. Providers keep
	// their secrets to themselves: this is for those that do not.
	secrets *redactor
}

// exit is an error that carries an exit code. Without an error it says nothing
// further.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// Run carries the command out and returns the exit code.
func (a *App) Run(ctx context.Context) int {
	a.interrupted, a.secrets = new(atomic.Bool), new(redactor)
	root := a.root()
	root.SetArgs(doubleDashes(a.Args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitError
	if e, ok := errors.AsType[exit](err); ok {
		code = e.code
	}
	if a.interrupted.Load() && errors.Is(err, context.Canceled) {
		a.tell("Interrupted.")
		return exitStopped
	}
	if text := strings.TrimSpace(a.secrets.clean(err.Error())); text != "" {
		fmt.Fprintf(a.Stderr, "%s %s\n", a.paint(color.FgRed, color.Bold).Sprint("Error:"), text)
		a.suggest(err)
	}
	return code
}

// suggest adds the fix of a provider's verdict.
func (a *App) suggest(err error) {
	if code, unknown := report.Explain(a.codes(), providers.CodeOf(err)); unknown == nil {
		a.tell("%s\nMore: cutover explain %s", code.Fix, code.Code)
	}
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "cutover",
		Short: "Move a mail organisation from one set of servers to another",
		Long: `cutover moves a whole mail organisation from the servers it lives on to the
servers it should live on. The migration is described in *.hcl files; plan shows
what will happen, apply does exactly that, again and again until nothing is left.

  cutover demo                  see it work, on this machine alone
  cutover init                  begin a migration in this folder
  cutover plan -out next.plan   show what apply would do, and keep it
  cutover apply next.plan       do exactly that`,
		SilenceUsage: true, SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.chdir, "chdir", "", "run in this `folder`")
	flags.BoolVar(&a.noColor, "no-color", false, "never use colours (so does NO_COLOR)")
	flags.BoolVar(&a.debug, "debug", false, "write a developer's log to standard error")
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetUsageFunc(usage)
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: "main", Title: "The migration:"},
		&cobra.Group{ID: "look", Title: "Looking at it:"},
		&cobra.Group{ID: "more", Title: "More:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("main", a.initCommand(), a.validateCommand(), a.fmtCommand(), a.planCommand(), a.applyCommand(), a.stopCommand())
	add("look", a.showCommand(), a.verifyCommand(), a.reportCommand(), a.explainCommand(), a.stateCommand(), a.providersCommand())
	add("more", a.demoCommand(), a.versionCommand())
	root.AddCommand(a.servePluginCommand())
	root.SetCompletionCommandGroupID("more")
	root.SetHelpCommandGroupID("more")
	return root
}

// dir is the folder in which the command runs.
func (a *App) dir() string {
	if a.chdir == "" {
		return "."
	}
	return a.chdir
}

// path resolves a path that the user gave, which starts in the folder of the
// command.
func (a *App) path(p string) string {
	if filepath.IsAbs(p) || a.chdir == "" {
		return p
	}
	return filepath.Join(a.chdir, p)
}

// terminal reports whether a stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored reports whether a stream takes colours.
func (a *App) colored(stream any) bool {
	if a.noColor || a.env("NO_COLOR") != "" || a.env("TERM") == "dumb" {
		return false
	}
	return terminal(stream) || a.env("CLICOLOR_FORCE") != ""
}

func (a *App) env(name string) string {
	for _, entry := range slices.Backward(a.Environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// paint returns a colour for standard error.
func (a *App) paint(attributes ...color.Attribute) *color.Color {
	c := color.New(attributes...)
	if a.colored(a.Stderr) {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c
}

func (a *App) logger() *slog.Logger {
	if !a.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(redacting{a.Stderr, a.secrets}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// tell writes a line for people to standard error.
func (a *App) tell(format string, args ...any) {
	fmt.Fprintf(a.Stderr, format+"\n", args...)
}
