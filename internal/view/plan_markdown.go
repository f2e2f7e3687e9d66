package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/planner/plan"
)

// A comment on a pull request holds 65,536 characters. What a plan writes
// stays below markdownLimit bytes, and so below as many characters.
const (
	markdownLimit  = 58_000
	findingsBudget = 12_000
	lossesBudget   = 6_000
	batchesBudget  = 6_000
	leftBudget     = 4_000
	longestText    = 300 // characters of one text that came from elsewhere
)

// PlanMarkdown writes a plan as the comment on a pull request: what matters
// first, details collapsed, below 60,000 characters however large the
// organisation is. Equal plans are equal bytes.
//
// Everything that does not come from this program stands in <code>, with
// entities for what Markdown or HTML gives a meaning: no name mentions anybody,
// refers to an issue or breaks a table.
func PlanMarkdown(w io.Writer, p *plan.Plan) error {
	m := &markdown{p: p}
	m.head()
	m.findings()
	m.losses()
	m.batches()
	_, err := io.WriteString(w, m.String())
	return err
}

type markdown struct {
	strings.Builder
	p *plan.Plan
}

func (m *markdown) line(format string, args ...any) {
	fmt.Fprintf(m, format, args...)
	m.WriteByte('\n')
}

// left is how much room there is.
func (m *markdown) left() int { return markdownLimit - m.Len() }

func (m *markdown) head() {
	p := m.p
	m.line("## cutover plan: migration %s\n", code(p.Migration))
	var errors int64
	for _, f := range p.Findings {
		if f.Severity == diag.Error {
			errors++
		}
	}
	switch {
	case errors > 0:
		m.line("**:x: This plan cannot be applied:** %s to resolve.\n", count(errors, "error"))
	case p.Empty():
		m.line("**:white_check_mark: Nothing to do:** %s.\n", totals(p))
	default:
		m.line("**Plan:** %s.\n", totals(p))
	}
	if n := p.Summary.Work.Deleted; n > 0 {
		m.line("> **:warning: At most %s will be deleted on the target**, because they are gone from the source.\n", count(n, "item"))
	}
	m.summary()
	m.line("%s → %s%s\n", endpoint(p.Source), joined(p.Targets), m.selected())
}

func (m *markdown) summary() {
	p := m.p
	m.line("| | |\n|---|---:|")
	m.line("| new items | %s |", humanize.Comma(p.Summary.Work.New))
	m.line("| size | %s |", octets(max(p.Summary.Work.Bytes, 0)))
	for _, r := range []struct {
		name string
		n    int64
	}{
		{"changed items", p.Summary.Work.Changed}, {"moved items", p.Summary.Work.Moved},
		{"**deleted items**", p.Summary.Work.Deleted}, {"items tried again", p.Summary.Work.Retried},
		{"folders with work", int64(p.Summary.Folders)}, {"folders with another name", int64(p.Summary.Renamed)},
	} {
		if r.n > 0 {
			m.line("| %s | %s |", r.name, humanize.Comma(r.n))
		}
	}
	if p.Estimate.Duration > 0 {
		m.line("| estimated time | %s |", span(p.Estimate.Duration))
	}
	m.line("")
}

func endpoint(e plan.Endpoint) string { return code(e.Address) }

func joined(list []plan.Endpoint) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = endpoint(e)
	}
	return strings.Join(abbreviate(parts, 10), ", ")
}

func (m *markdown) selected() string {
	s := m.p.Selection
	var parts []string
	if s.Batch != "" {
		parts = append(parts, "-batch "+s.Batch)
	}
	for _, t := range abbreviate(s.Target, 5) {
		parts = append(parts, "-target "+t)
	}
	for _, t := range abbreviate(s.Exclude, 5) {
		parts = append(parts, "-exclude "+t)
	}
	if len(parts) == 0 {
		return ""
	}
	return ", only " + code(strings.Join(parts, " "))
}

// rows writes lines until the budget is used up, and says how many more there
// are.
func (m *markdown) rows(n, budget int, row func(i int) string, more string) {
	end := m.Len() + min(budget, m.left()) - 200
	for i := range n {
		text := row(i)
		if m.Len()+len(text) > end {
			m.line("%s", fmt.Sprintf(more, humanize.Comma(int64(n-i))))
			return
		}
		m.WriteString(text)
	}
}

func (m *markdown) findings() {
	var list []*diag.Finding
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		for i := range m.p.Findings {
			if m.p.Findings[i].Severity == severity {
				list = append(list, &m.p.Findings[i])
			}
		}
	}
	if len(list) == 0 {
		return
	}
	m.line("### Findings\n")
	m.rows(len(list), findingsBudget, func(i int) string { return findingItem(list[i]) }, "- … and %s more")
	m.line("")
}

func findingItem(f *diag.Finding) string {
	mark := ":x:"
	if f.Severity == diag.Warning {
		mark = ":warning:"
	}
	text := fmt.Sprintf("- %s %s (%s)", mark, code(f.Summary), code(f.Code))
	if f.Range != nil {
		text += " at " + code(f.Range.String())
	}
	if f.Detail != "" {
		text += "<br>" + lines(f.Detail)
	}
	if f.Fix != "" {
		text += "<br>fix: " + lines(f.Fix)
	}
	return text + "\n"
}

// lines writes text of several lines, indents kept.
func lines(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		text := strings.TrimLeft(line, " ")
		if text == "" {
			continue
		}
		out = append(out, strings.Repeat("&nbsp;", len(line)-len(text))+code(text))
	}
	return strings.Join(abbreviate(out, 12), "<br>")
}

func (m *markdown) losses() {
	list := m.p.Losses
	if len(list) == 0 {
		return
	}
	m.line("### Losses\n\n| loss | steps | | for example |\n|---|---:|---|---|")
	m.rows(len(list), lossesBudget, func(i int) string {
		l := list[i]
		state := ":x: **not waived**"
		if !l.Blocking {
			state = "waived: " + code(l.Waived)
		}
		return fmt.Sprintf("| %s | %s | %s | %s |\n", code(l.Code), humanize.Comma(int64(l.Steps)), state, code(l.Detail))
	}, "| … and %s more | | | |")
	m.line("")
}

// batches lists the batches, then what is in each, collapsed.
func (m *markdown) batches() {
	batches, left := byBatch(m.p)
	if len(m.p.Batches) > 0 {
		m.line("### Batches\n\n| batch | | new items | size | deleted |\n|---|---|---:|---:|---:|")
		m.rows(len(batches), batchesBudget, func(i int) string { return batchRow(batches[i]) }, "| … and %s more | | | | |")
		m.line("")
	}
	working := batches[:0:0]
	for _, b := range batches {
		if len(b.worth()) > 0 {
			working = append(working, b)
		}
	}
	for i, b := range working {
		share := (m.left() - leftBudget) / (len(working) - i)
		if share < 1000 {
			m.line("Details of %s are left out; `cutover show` lists them.\n", count(int64(len(working)-i), "batch"))
			break
		}
		m.details(b, share)
	}
	m.leftOut(left)
}

// worth are the steps that a reviewer should see, those that delete first.
func (b batchSteps) worth() []*plan.Step {
	var first, then []*plan.Step
	for _, s := range b.steps {
		switch {
		case s.Action == plan.Keep:
		case s.Work.Deleted > 0 || s.Action == plan.Skip:
			first = append(first, s)
		default:
			then = append(then, s)
		}
	}
	return append(first, then...)
}

func (b batchSteps) work() plan.Work {
	var w plan.Work
	for _, s := range b.steps {
		w = w.Add(s.Work)
	}
	return w
}

func batchRow(b batchSteps) string {
	w := b.work()
	deleted := ""
	if w.Deleted > 0 {
		deleted = "**" + humanize.Comma(w.Deleted) + "**"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", code(b.Name), code(b.size()), humanize.Comma(w.New), octets(w.Bytes), deleted)
}

func (m *markdown) details(b batchSteps, budget int) {
	steps := b.worth()
	end := m.Len() + budget
	name := "Recipients"
	if b.Name != "" {
		name = "Batch " + code(b.Name)
	}
	m.line("<details><summary>%s: %s to do</summary>\n", name, count(int64(len(steps)), "step"))
	m.line("| | recipient | new items | size | |\n|---|---|---:|---:|---|")
	m.rows(len(steps), end-m.Len()-100, func(i int) string { return stepRow(steps[i]) }, "| | … and %s more; `cutover show` lists them | | | |")
	m.line("\n</details>\n")
}

func stepRow(s *plan.Step) string {
	items, size := "", ""
	if s.Action == plan.Copy || s.Action == plan.Sync {
		items, size = humanize.Comma(s.Work.New), octets(s.Work.Bytes)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", s.Action, code(recipientName(s)), items, size, strings.Join(remarks(s), "<br>"))
}

// remarks are the notable facts of a step.
func remarks(s *plan.Step) []string {
	var out []string
	if n := s.Work.Deleted; n > 0 {
		out = append(out, fmt.Sprintf("**:warning: deletes %s**: %s", count(n, "item"), code(deletions(s))))
	}
	switch s.Action {
	case plan.Skip:
		out = append(out, ":warning: "+code(s.Reason))
	case plan.Create, plan.Update:
		out = append(out, code(described(s)))
	}
	out = append(out, facts(s)...)
	var folders []string
	for _, f := range notableFolders(s) {
		folders = append(folders, code(folderLine(f)))
	}
	out = append(out, abbreviate(folders, 3)...)
	if len(s.Oversize) > 0 {
		out = append(out, code(oversizeLine(s)))
	}
	var lost []string
	for _, l := range s.Losses {
		lost = append(lost, code(l.Code))
	}
	if len(lost) > 0 {
		out = append(out, "loses "+strings.Join(lost, ", "))
	}
	return out
}

func (m *markdown) leftOut(left []*plan.Step) {
	if len(left) == 0 {
		return
	}
	m.line("<details><summary>Left out: %s</summary>\n", count(int64(len(left)), "recipient"))
	m.rows(len(left), leftBudget, func(i int) string {
		return fmt.Sprintf("- %s: %s\n", code(recipientName(left[i])), code(left[i].Reason))
	}, "- … and %s more")
	m.line("\n</details>")
}

// code writes text that came from elsewhere so that it is shown and means
// nothing.
func code(s string) string {
	var b strings.Builder
	b.WriteString("<code>")
	n := 0
	for _, r := range plain(s) {
		if n++; n > longestText {
			b.WriteString("…")
			break
		}
		if strings.ContainsRune("&<>|`*_[]~\\@#:$", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		if r == '.' && strings.HasSuffix(b.String(), "www") { // would become a link
			b.WriteString("&#46;")
			continue
		}
		b.WriteRune(r)
	}
	b.WriteString("</code>")
	return b.String()
}
