package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// doubleDashes lets long flags be written with one dash, as in `-auto-approve`.
func doubleDashes(args []string) []string {
	out := slices.Clone(args)
	for i, arg := range out {
		if arg == "--" {
			break
		}
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' && !strings.HasPrefix(arg, "-=") {
			out[i] = "-" + arg
		}
	}
	return out
}

// usage prints cobra's usage with the flags written as the documentation
// writes them, with one dash.
func usage(c *cobra.Command) error {
	text := c.LocalFlags().FlagUsagesWrapped(100)
	inherited := c.InheritedFlags().FlagUsagesWrapped(100)
	w := c.OutOrStderr()
	fmt.Fprintf(w, "Usage:\n  %s\n", useLine(c))
	if c.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
	}
	for _, group := range append(c.Groups(), &cobra.Group{Title: "Commands:"}) {
		printGroup(w, c, group)
	}
	if text != "" {
		fmt.Fprintf(w, "\nFlags:\n%s", oneDash(text))
	}
	if inherited != "" {
		fmt.Fprintf(w, "\nGlobal flags:\n%s", oneDash(inherited))
	}
	return nil
}

func printGroup(w io.Writer, c *cobra.Command, group *cobra.Group) {
	title := group.Title
	for _, sub := range c.Commands() {
		if sub.GroupID != group.ID || !sub.IsAvailableCommand() && sub.Name() != "help" {
			continue
		}
		if title != "" {
			fmt.Fprintf(w, "\n%s\n", title)
			title = ""
		}
		fmt.Fprintf(w, "  %-11s %s\n", sub.Name(), sub.Short)
	}
}

func oneDash(flags string) string {
	lines := strings.SplitAfter(flags, "\n")
	for i, line := range lines {
		lines[i] = strings.Replace(strings.Replace(line, "-h, --help", "    -help", 1), " --", " -", 1)
	}
	return strings.Join(lines, "")
}

// useLine returns how a command is called.
func useLine(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " COMMAND"
	}
	return c.UseLine()
}

// flagError says of a flag what is wrong with it, in the notation of the
// documentation, and which one may have been meant.
func flagError(c *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name = short
		}
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%s has no flag -%s%s", c.CommandPath(), name, didYouMean(name, names, "-"))
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("the flag -%s needs a value", missing.GetSpecifiedName())
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("%q is no value for the flag -%s", invalid.GetValue(), invalid.GetFlag().Name)
	}
	return err
}

// noArguments refuses arguments of a command that takes none.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, and got %q", c.CommandPath(), args[0])
}

// oneArgument asks for what a command is about.
func oneArgument(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes %s, and got %d arguments: %s", c.CommandPath(), what, len(args), useLine(c))
	}
}

// atMostOne takes one argument, or none.
func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s takes %s, and got %d arguments", c.CommandPath(), what, len(args))
		}
		return nil
	}
}

// group makes a command that only holds others.
func group(c *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	c.AddCommand(subs...)
	c.FParseErrWhitelist.UnknownFlags = true // the command that is missing is what to tell
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), didYouMean(args[0], names, ""))
	}
	return c
}

// didYouMean names what is near enough to what was typed to be meant.
func didYouMean(typed string, names []string, dash string) string {
	var near []string
	for _, name := range names {
		if distance(typed, name) <= max(1, len(typed)/3) || len(typed) > 2 && strings.HasPrefix(name, typed) {
			near = append(near, dash+name)
		}
	}
	slices.Sort(near)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// distance is how many letters must be added, taken or replaced to make one
// word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
