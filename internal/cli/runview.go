package cli

import "github.com/cutover-mail/cutover/internal/view"

// runView shows a run: events as JSON on standard output, or on standard error
// bars on a terminal and lines anywhere else.
func (a *App) runView(asJSON bool) view.Run {
	options := view.RunOptions{Color: a.colored(a.Stderr)}
	switch {
	case asJSON:
		return view.NewRunJSON(a.Stdout)
	case terminal(a.Stderr):
		return view.NewRunTerminal(a.Stderr, options)
	}
	return view.NewRunPlain(a.Stderr, options)
}
