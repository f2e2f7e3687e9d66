package view

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/fatih/color"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// PlanOptions are how a plan is shown to people.
type PlanOptions struct {
	Color bool
	// All shows every step; otherwise those that keep are counted, and long
	// lists are cut.
	All bool
}

// Limits of what is shown without All.
const (
	rowsShown     = 40
	findingsShown = 25
	linesShown    = 4
	widestName    = 56
)

// PlanHuman writes a plan for a terminal.
func PlanHuman(w io.Writer, p *plan.Plan, o PlanOptions) error {
	out := bufio.NewWriterSize(w, 1<<16)
	v := &planView{out: out, p: p, o: o}
	v.heading()
	batches, left := byBatch(p)
	for _, b := range batches {
		v.batch(b)
	}
	v.leftOut(left)
	v.losses()
	v.findings()
	v.summary()
	return out.Flush()
}

type planView struct {
	out *bufio.Writer
	p   *plan.Plan
	o   PlanOptions
}

// paint colours text when colours are asked for.
func (v *planView) paint(s string, attributes ...color.Attribute) string {
	if !v.o.Color || s == "" {
		return s
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(s)
}

func (v *planView) bold(s string) string { return v.paint(s, color.Bold) }
func (v *planView) dim(s string) string  { return v.paint(s, color.Faint) }

func (v *planView) line(format string, args ...any) {
	fmt.Fprintln(v.out, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

func (v *planView) heading() {
	v.line("%s %s", v.bold("Migration"), v.bold(plain(v.p.Migration)))
	ends := append([]plan.Endpoint{v.p.Source}, v.p.Targets...)
	width := 0
	for _, e := range ends {
		width = max(width, len(e.Address))
	}
	for i, e := range ends {
		word := "from"
		if i > 0 {
			word = "to"
		}
		v.line("  %-4s %-*s  %s", word, width, e.Address, v.dim(plain(e.Identity)))
	}
	v.selection()
}

func (v *planView) selection() {
	var parts []string
	s := v.p.Selection
	if s.Batch != "" {
		parts = append(parts, "-batch "+s.Batch)
	}
	for _, t := range abbreviate(s.Target, 5) {
		parts = append(parts, "-target "+t)
	}
	for _, t := range abbreviate(s.Exclude, 5) {
		parts = append(parts, "-exclude "+t)
	}
	if len(parts) > 0 {
		v.line("  %s %s", v.paint("only", color.FgYellow), plain(strings.Join(parts, " ")))
	}
}

// row is one line of a batch, its columns not yet aligned.
type row struct {
	step                     *plan.Step
	name, items, size, extra string
}

func (v *planView) batch(b batchSteps) {
	if len(b.steps) == 0 && b.Members == 0 && v.p.Selection.Batch == "" && len(v.p.Selection.Target) > 0 {
		return
	}
	v.line("")
	v.line("%s  %s", v.bold(b.title()), v.dim(b.size()))
	var rows []row
	var folded []*plan.Step
	kept := make(map[inventory.Kind]int64)
	for _, s := range b.steps {
		switch {
		case s.Action == plan.Keep && !v.o.All:
			kept[s.Kind]++
		case len(rows) >= rowsShown && !v.o.All:
			folded = append(folded, s)
		default:
			rows = append(rows, v.row(s))
		}
	}
	if len(folded) == 1 {
		rows, folded = append(rows, v.row(folded[0])), nil
	}
	v.rows(rows)
	v.fold(folded)
	v.kept(kept)
}

func (v *planView) row(s *plan.Step) row {
	r := row{step: s, name: recipientName(s)}
	switch s.Action {
	case plan.Create, plan.Update:
		r.extra = described(s)
	case plan.Skip:
		r.extra = plain(s.Reason)
	case plan.Keep:
		r.extra = plain(s.Reason)
	default:
		r.items, r.size = count(s.Work.New, "item"), octets(s.Work.Bytes)
		if s.Action == plan.Sync {
			r.items = "+" + r.items
			if s.Work.New == 0 {
				r.items, r.size = "", ""
			}
		}
		r.extra = strings.Join(append([]string{count(int64(len(s.Folders)), "folder")}, facts(s)...), ", ")
	}
	return r
}

func (v *planView) rows(rows []row) {
	var name, items, size int
	for _, r := range rows {
		name = max(name, min(displayWidth(r.name), widestName))
		items, size = max(items, len(r.items)), max(size, len(r.size))
	}
	for _, r := range rows {
		symbol, attributes := symbolOf(r.step.Action)
		gap := strings.Repeat(" ", max(name-displayWidth(r.name), 0))
		line := fmt.Sprintf("  %s %s%s", v.paint(symbol, attributes...), v.name(r), gap)
		if items > 0 {
			line += fmt.Sprintf("  %*s  %*s", items, r.items, size, r.size)
		}
		v.line("%s  %s%s", line, v.extra(r), v.deleted(r.step))
		v.details(r.step)
	}
}

func (v *planView) name(r row) string {
	source, target, mapped := strings.Cut(r.name, " → ")
	if !mapped {
		return r.name
	}
	return source + v.paint(" → "+target, color.FgYellow)
}

func (v *planView) extra(r row) string {
	switch r.step.Action {
	case plan.Skip:
		return v.paint(r.extra, color.FgYellow)
	case plan.Sync:
		return r.extra
	}
	return v.dim(r.extra)
}

func (v *planView) deleted(s *plan.Step) string {
	if s.Work.Deleted == 0 {
		return ""
	}
	return ", " + v.paint(humanize.Comma(s.Work.Deleted)+" deleted", color.FgRed, color.Bold)
}

func symbolOf(a plan.Action) (string, []color.Attribute) {
	switch a {
	case plan.Create:
		return "+", []color.Attribute{color.FgGreen, color.Bold}
	case plan.Update:
		return "~", []color.Attribute{color.FgYellow, color.Bold}
	case plan.Copy:
		return ">", []color.Attribute{color.FgGreen, color.Bold}
	case plan.Sync:
		return "~", []color.Attribute{color.FgCyan, color.Bold}
	case plan.Keep:
		return "=", []color.Attribute{color.Faint}
	}
	return "!", []color.Attribute{color.FgYellow, color.Bold}
}

// details are the lines below a row.
func (v *planView) details(s *plan.Step) {
	if s.Work.Deleted > 0 {
		v.detail(v.paint("-", color.FgRed, color.Bold), v.paint("deletes "+deletions(s), color.FgRed))
	}
	if s.Reason != "" && (s.Action == plan.Sync || s.Action == plan.Copy || s.Action == plan.Update) && !ordinary(s.Reason) {
		v.detail(v.dim("·"), v.dim(plain(s.Reason)))
	}
	var lines []string
	for _, f := range notableFolders(s) {
		lines = append(lines, folderLine(f))
	}
	if !v.o.All {
		lines = abbreviate(lines, linesShown)
	}
	for _, l := range lines {
		v.detail(v.paint("↳", color.FgYellow), v.paint(l, color.FgYellow))
	}
	if len(s.Oversize) > 0 {
		v.detail(v.paint("!", color.FgMagenta), v.paint(oversizeLine(s), color.FgMagenta))
	}
	for _, l := range s.Losses {
		if l.Code != "oversize-items" && (v.o.All || !v.everywhere(l.Code)) {
			v.detail(v.paint("!", color.FgMagenta), v.paint("loses "+plain(l.Code)+": "+plain(l.Detail), color.FgMagenta))
		}
	}
	if v.o.All || s.Action == plan.Create || s.Action == plan.Update {
		for _, n := range s.Notes {
			v.detail(v.dim("·"), v.dim(plain(n)))
		}
	}
}

// ordinary reasons are those that the symbol says already.
func ordinary(reason string) bool {
	return reason == "not yet migrated" || reason == "changed since the last run"
}

// everywhere reports whether a loss concerns so many steps that only the list
// of losses names it.
func (v *planView) everywhere(code string) bool {
	for _, l := range v.p.Losses {
		if l.Code == code {
			return l.Steps > linesShown
		}
	}
	return false
}

func (v *planView) detail(symbol, text string) { v.line("      %s %s", symbol, text) }

// fold counts the steps that are not shown; what they delete is.
func (v *planView) fold(steps []*plan.Step) {
	if len(steps) == 0 {
		return
	}
	var w plan.Work
	for _, s := range steps {
		w = w.Add(s.Work)
	}
	text := fmt.Sprintf("… %s more: %s", humanize.Comma(int64(len(steps))), amounts(w))
	if w.Deleted > 0 {
		text += ", " + v.paint(humanize.Comma(w.Deleted)+" deleted", color.FgRed, color.Bold)
	}
	v.line("  %s  %s", text, v.dim("(-all shows them)"))
}

func (v *planView) kept(kept map[inventory.Kind]int64) {
	var parts []string
	for _, k := range []inventory.Kind{inventory.KindMailbox, inventory.KindGroup, inventory.KindContact} {
		if kept[k] > 0 {
			word := string(k)
			parts = append(parts, count(kept[k], word))
		}
	}
	if len(parts) > 0 {
		v.line("  %s", v.dim("= "+strings.Join(parts, ", ")+" unchanged"))
	}
}

// leftOut counts the recipients that rules leave out, by reason.
func (v *planView) leftOut(steps []*plan.Step) {
	if len(steps) == 0 {
		return
	}
	v.line("")
	v.line("%s  %s", v.bold("Left out"), v.dim(count(int64(len(steps)), "recipient")))
	var reasons []string
	groups := make(map[string][]string)
	for _, s := range steps {
		if groups[s.Reason] == nil {
			reasons = append(reasons, s.Reason)
		}
		groups[s.Reason] = append(groups[s.Reason], recipientName(s))
	}
	if len(reasons) > rowsShown && !v.o.All {
		reasons = reasons[:rowsShown]
	}
	for _, r := range reasons {
		names := groups[r]
		if !v.o.All {
			names = abbreviate(names, 3)
		}
		v.line("  %s %s: %s", v.dim("·"), plain(r), v.dim(strings.Join(names, ", ")))
	}
}

func (v *planView) losses() {
	if len(v.p.Losses) == 0 {
		return
	}
	v.line("")
	v.line("%s  %s", v.bold("Losses"), v.dim("what does not come along"))
	width := 0
	for _, l := range v.p.Losses {
		width = max(width, len(l.Code))
	}
	for i, l := range v.p.Losses {
		if i == rowsShown && !v.o.All {
			v.line("  … %s more  %s", humanize.Comma(int64(len(v.p.Losses)-i)), v.dim("(-all shows them)"))
			break
		}
		state := v.paint("not waived", color.FgRed, color.Bold)
		if !l.Blocking {
			state = v.paint("waived: "+plain(l.Waived), color.FgGreen)
		}
		v.line("  %-*s  %s  %s", width, plain(l.Code), v.dim(fmt.Sprintf("%-9s", count(int64(l.Steps), "step"))), state)
		v.line("  %s  %s", strings.Repeat(" ", width), v.dim(plain(l.Detail)))
	}
}

func (v *planView) findings() {
	list := v.p.Findings
	if len(list) == 0 {
		return
	}
	v.line("")
	v.line("%s", v.bold("Findings"))
	shown := 0
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		for i := range list {
			if list[i].Severity != severity {
				continue
			}
			if shown++; shown > findingsShown && !v.o.All {
				continue
			}
			v.finding(&list[i])
		}
	}
	if hidden := shown - findingsShown; hidden > 0 && !v.o.All {
		v.line("  … %s more  %s", humanize.Comma(int64(hidden)), v.dim("(-all shows them)"))
	}
}

func (v *planView) finding(f *diag.Finding) {
	word := v.paint("error  ", color.FgRed, color.Bold)
	if f.Severity == diag.Warning {
		word = v.paint("warning", color.FgYellow, color.Bold)
	}
	v.line("  %s %s  %s", word, v.bold(plain(f.Summary)), v.dim("["+f.Code+"]"))
	if f.Range != nil {
		v.line("          %s", v.dim("at "+plain(f.Range.String())))
	}
	if f.Detail != "" {
		v.line("          %s", plain(f.Detail))
	}
	for i, l := range strings.Split(f.Fix, "\n") {
		switch {
		case l == "" && i > 0:
			v.line("")
		case i == 0 && l != "":
			v.line("          %s %s", v.paint("fix:", color.FgGreen), plain(l))
		case l != "":
			v.line("               %s", plain(l))
		}
	}
}

func (v *planView) summary() {
	p := v.p
	v.line("")
	if p.Empty() {
		v.line("%s %s.", v.paint("Nothing to do:", color.FgGreen, color.Bold), totals(p))
		v.verdict()
		return
	}
	v.line("%s %s.", v.bold("Plan:"), totals(p))
	if !p.Summary.Work.Zero() {
		v.line("      %s in %s.", amounts(p.Summary.Work), count(int64(p.Summary.Folders), "folder"))
	}
	if p.Summary.Renamed > 0 {
		v.line("      %s another name on the target.", v.paint(count(int64(p.Summary.Renamed), "folder")+" with", color.FgYellow))
	}
	if n := p.Summary.Work.Deleted; n > 0 {
		v.line("      %s on the target, because they are gone from the source.", v.paint("At most "+count(n, "item")+" will be deleted", color.FgRed, color.Bold))
	}
	if p.Estimate.Duration > 0 {
		v.line("      About %s %s.", v.bold(span(p.Estimate.Duration)), v.dim("("+p.Estimate.Basis+")"))
	}
	v.verdict()
}

// verdict says when the plan cannot be applied.
func (v *planView) verdict() {
	errors := 0
	for _, f := range v.p.Findings {
		if f.Severity == diag.Error {
			errors++
		}
	}
	if errors > 0 {
		v.line("%s", v.paint(fmt.Sprintf("This plan cannot be applied: %s to resolve, see above.", count(int64(errors), "error")), color.FgRed, color.Bold))
	}
}
