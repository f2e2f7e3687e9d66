package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cutover-mail/cutover/survey"
)

// line shows progress in one line of a terminal that is wiped at the end. On
// anything else it shows nothing.
type line struct {
	w     io.Writer
	quiet bool
	width int
}

func (a *App) progressLine() *line {
	return &line{w: a.Stderr, quiet: !terminal(a.Stderr)}
}

func (l *line) survey(x survey.Progress) {
	if x.Stage == survey.StageMailboxes {
		l.text(fmt.Sprintf("Looking at mailboxes: %d of %d", x.Done, x.Total))
		return
	}
	l.text(fmt.Sprintf("Reading the directory of %s: %d recipients", x.Endpoint, x.Done))
}

func (l *line) text(s string) {
	if l.quiet {
		return
	}
	width := utf8.RuneCountInString(s)
	fmt.Fprintf(l.w, "\r%s%s", s, strings.Repeat(" ", max(0, l.width-width)))
	l.width = width
}

func (l *line) done() {
	if l.width > 0 {
		fmt.Fprintf(l.w, "\r%s\r", strings.Repeat(" ", l.width))
	}
}
