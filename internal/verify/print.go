package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/fatih/color"

	"github.com/cutover-mail/cutover/inventory"
)

// FormatVersion is the version of the JSON form of a Result.
const FormatVersion = "1.0"

// WriteJSON writes the result for programs.
func WriteJSON(w io.Writer, r Result) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		FormatVersion string `json:"format_version"`
		Result
	}{FormatVersion, r})
}

// Print writes the result for people: a line for each mailbox, what differs
// below it, and the verdict last.
func Print(w io.Writer, r Result, colored bool) error {
	p := newPrinter(w, colored)
	p.heading(r)
	p.mailboxes(r.Mailboxes)
	for _, m := range r.Mailboxes {
		p.details(m)
	}
	p.verdict(r)
	return p.err
}

// printer keeps the first error, so that a closed pipe is told once.
type printer struct {
	w                     io.Writer
	err                   error
	good, bad, note, bold *color.Color
}

func newPrinter(w io.Writer, colored bool) *printer {
	p := &printer{w: w, good: color.New(color.FgGreen), bad: color.New(color.FgRed), note: color.New(color.FgYellow), bold: color.New(color.Bold)}
	for _, c := range []*color.Color{p.good, p.bad, p.note, p.bold} {
		if colored {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return p
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) heading(r Result) {
	how := "content, flags and dates"
	if r.Quick {
		how = "counts, flags and dates"
	}
	p.printf("%s\n\n", p.bold.Sprintf("Verified migration %s: %s of %s", r.Migration, how, count(int64(len(r.Mailboxes)), "mailbox", "mailboxes")))
}

func (p *printer) mailboxes(list []Mailbox) {
	t := tabwriter.NewWriter(p.w, 0, 4, 2, ' ', 0)
	for _, m := range list {
		// The coloured cell is the last: its escapes do not disturb the columns.
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", names(m), humanize.Comma(m.Counts.Source)+" on the source", humanize.Comma(m.Counts.Target)+" on the target", p.outcome(m))
	}
	if err := t.Flush(); p.err == nil {
		p.err = err
	}
}

func names(m Mailbox) string {
	if m.Target == "" || m.Target == m.Source {
		return string(m.Source)
	}
	return fmt.Sprintf("%s -> %s", m.Source, m.Target)
}

func (p *printer) outcome(m Mailbox) string {
	text := describe(m.Counts)
	switch {
	case m.Problem != "":
		return p.bad.Sprint("not compared: " + m.Problem)
	case !m.Clean && text == "":
		return p.bad.Sprint("a folder could not be compared")
	case !m.Clean:
		return p.bad.Sprint(text)
	case text != "":
		return p.good.Sprint("same") + ", " + p.note.Sprint(text)
	}
	return p.good.Sprint("same")
}

// describe lists what is not the same, worst first.
func describe(c Counts) string {
	var parts []string
	for _, x := range []struct {
		n    int64
		text string
	}{
		{c.Missing, "missing"}, {c.Doubled, "doubled"}, {c.Content, "with other content"}, {c.Flags, "with other flags"},
		{c.Date, "with another date"}, {c.KnownFailed, "known to have failed"}, {c.LineEnds, "with line ends changed by the server"},
		{c.Extra, "only on the target"}, {c.Released, "removed by the user"},
	} {
		if x.n > 0 {
			parts = append(parts, humanize.Comma(x.n)+" "+x.text)
		}
	}
	return strings.Join(parts, ", ")
}

// details lists the folders that could not be compared and the differences of
// one mailbox, folder by folder.
func (p *printer) details(m Mailbox) {
	if len(m.Differences) == 0 && !folderProblems(m) {
		return
	}
	p.printf("\n%s\n", p.bold.Sprint(names(m)))
	for _, f := range m.Folders {
		if f.Problem != "" {
			p.printf("  %s: %s\n", f.Path, p.bad.Sprintf("%s (%s)", f.Problem, f.Code))
		}
	}
	var folder inventory.Path
	for i, d := range m.Differences {
		if i == 0 || d.Folder.String() != folder.String() {
			folder = d.Folder
			p.printf("  %s\n", folder)
		}
		p.printf("    %s\n", p.line(d))
	}
	if m.Omitted > 0 {
		p.printf("    and %s more\n", humanize.Comma(m.Omitted))
	}
}

func folderProblems(m Mailbox) bool {
	for _, f := range m.Folders {
		if f.Problem != "" {
			return true
		}
	}
	return false
}

func (p *printer) line(d Difference) string {
	shade := p.bad
	if d.Category == Extra || d.Category == LineEnds || d.Category == Released {
		shade = p.note
	}
	line := shade.Sprint(string(d.Category)) + ": " + identify(d)
	if d.Subject != "" {
		line += fmt.Sprintf(" %q", d.Subject)
	}
	if d.Detail != "" {
		line += ": " + d.Detail
	}
	return line
}

func identify(d Difference) string {
	switch {
	case d.Source == "":
		return "item " + string(d.Target) + " of the target"
	case d.Target == "":
		return "item " + string(d.Source)
	}
	return fmt.Sprintf("item %s (%s on the target)", d.Source, d.Target)
}

func (p *printer) verdict(r Result) {
	if r.Clean {
		p.printf("\n%s\n", p.good.Sprintf("Clean: %s, nothing missing, doubled or different.", count(r.Counts.Source, "item", "items")))
		if text := describe(r.Counts); text != "" {
			p.printf("For information: %s.\n", text)
		}
		return
	}
	text := describe(r.Counts)
	if r.Problems > 0 {
		text = strings.TrimSuffix(count(int64(r.Problems), "mailbox or folder", "mailboxes or folders")+" not compared, "+text, ", ")
	}
	p.printf("\n%s\n", p.bad.Sprintf("Not clean: %s.", text))
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(n) + " " + many
}
