package view

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/fatih/color"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// Run shows a run while it goes on. Send may be called concurrently. Close is
// called after the last event, writes what is left, and ends the view.
type Run interface {
	event.Sink
	Close() error
}

// RunOptions are how a run is shown to people.
type RunOptions struct {
	Color bool
	// Every is the time between lines of progress; 0 is ten seconds.
	Every time.Duration
	// Zone is that of the times shown; nil is local time.
	Zone *time.Location
}

func (o RunOptions) withDefaults() RunOptions {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	return o
}

func (o RunOptions) paint(s string, attributes ...color.Attribute) string {
	if !o.Color || s == "" {
		return s
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(s)
}

// tally adds up the events of a run.
type tally struct {
	run      int64
	began    time.Time
	expected plan.Work
	steps    int // to be done
	ended    int
	mailbox  int // copied
	items    int64
	bytes    int64
	matched  int64
	changed  int64
	moved    int64
	deleted  int64
	retried  int64
	created  int              // recipients
	failed   []string         // steps that failed as a whole, by name
	problems map[string]int64 // failed items by code
	lost     map[string]int64 // losses by code
	noted    map[string]int64
	active   map[plan.StepID]*stepTally
	finished *event.RunFinished
}

// stepTally is a step under way.
type stepTally struct {
	event.StepStarted
	began  time.Time
	items  int64 // of what the plan counts
	bytes  int64
	failed int64
}

func newTally() *tally {
	return &tally{problems: map[string]int64{}, lost: map[string]int64{}, noted: map[string]int64{}, active: map[plan.StepID]*stepTally{}}
}

// add takes an event and returns the step it belongs to, if it is known.
func (t *tally) add(at time.Time, e event.Event) *stepTally {
	switch e := e.(type) {
	case event.RunStarted:
		t.run, t.began, t.expected, t.steps = e.Run, at, e.Work, e.Steps
	case event.StepStarted:
		t.active[e.Step] = &stepTally{StepStarted: e, began: at}
		return t.active[e.Step]
	case event.Progressed:
		return t.progressed(e)
	case event.Retried:
		t.retried++
		return t.active[e.Step]
	case event.ItemFailed:
		t.problems[e.Code]++
		if s := t.active[e.Step]; s != nil {
			s.failed++
		}
		return t.active[e.Step]
	case event.Lost:
		t.lost[e.Code]++
		return t.active[e.Step]
	case event.Noted:
		t.noted[e.Code]++
		return t.active[e.Step]
	case event.StepFinished:
		return t.stepFinished(e)
	case event.RunFinished:
		t.finished = &e
	}
	return nil
}

func (t *tally) progressed(e event.Progressed) *stepTally {
	t.items += e.Items
	t.bytes += e.Bytes
	t.matched += e.Matched
	t.changed += e.Changed
	t.moved += e.Moved
	t.deleted += e.Deleted
	s := t.active[e.Step]
	if s != nil {
		s.items += e.Items + e.Matched + e.Changed + e.Moved + e.Deleted
		s.bytes += e.Bytes
	}
	return s
}

func (t *tally) stepFinished(e event.StepFinished) *stepTally {
	s := t.active[e.Step]
	delete(t.active, e.Step)
	t.ended++
	switch {
	case e.Outcome == event.Failed && e.Error != "":
		t.failed = append(t.failed, nameOf(s, e.Step)+": "+plain(e.Error))
	case s != nil && s.copies():
		t.mailbox++
	case s != nil:
		t.created++
	}
	return s
}

func (s *stepTally) copies() bool { return s.Action == plan.Copy || s.Action == plan.Sync }

// total is how much of a step the plan counts.
func total(w plan.Work) int64 { return w.New + w.Changed + w.Moved + w.Deleted + w.Retried }

// done is how much of what the plan counts has been done.
func (t *tally) done() int64 { return t.items + t.matched + t.changed + t.moved + t.deleted }

// left estimates the time to go, 0 when it cannot be told.
func (t *tally) left(now time.Time) time.Duration {
	elapsed := now.Sub(t.began)
	share := 0.0
	if all := t.expected.Bytes; all > 0 {
		share = float64(t.bytes) / float64(all)
	}
	if all := total(t.expected); share == 0 && all > 0 {
		share = float64(t.done()) / float64(all)
	}
	if share <= 0.005 || elapsed < time.Second {
		return 0
	}
	return max(0, time.Duration(float64(elapsed)*(1/min(share, 1)-1)))
}

// rate is bytes per second since the run began.
func (t *tally) rate(now time.Time) int64 {
	seconds := now.Sub(t.began).Seconds()
	if seconds < 0.001 {
		return 0
	}
	return int64(float64(t.bytes) / seconds)
}

// name is how a step is called: by its source address, and that on the target
// where it differs.
func (s *stepTally) name() string {
	name := plain(string(s.Source))
	if s.Target != "" && s.Target != s.Source {
		name += " to " + plain(string(s.Target))
	}
	return name
}

// size tells items and bytes of a plan's work.
func size(w plan.Work) string {
	if w.Bytes > 0 {
		return count(total(w), "item") + ", " + octets(w.Bytes)
	}
	return count(total(w), "item")
}

// failuresShown is how many failed steps the summary names.
const failuresShown = 20

// summary writes how the run ended, for people.
func (t *tally) summary(w io.Writer, o RunOptions) {
	f := t.finished
	if f == nil {
		return
	}
	word := map[event.Outcome]string{
		event.Done:    o.paint("done", color.Bold, color.FgGreen),
		event.Failed:  o.paint("finished with failures", color.Bold, color.FgRed),
		event.Stopped: o.paint("stopped", color.Bold, color.FgYellow),
	}[f.Outcome]
	fmt.Fprintf(w, "\nRun %d %s in %s: %s (%s) copied from %s.\n", f.Run, word, span(f.Elapsed),
		count(f.Items, "item"), octets(f.Bytes), count(int64(t.mailbox), "mailbox"))
	t.also(w)
	counts(w, "items failed", t.problems)
	counts(w, "losses", t.lost)
	counts(w, "noted", t.noted)
	for i, text := range t.failed {
		if i == failuresShown {
			fmt.Fprintf(w, "  and %s more\n", humanize.Comma(int64(len(t.failed)-i)))
			break
		}
		fmt.Fprintf(w, "  %s %s\n", o.paint("failed", color.FgRed), text)
	}
	if f.Outcome == event.Stopped {
		fmt.Fprintln(w, "  The next apply continues from here.")
	}
	if len(t.problems)+len(t.failed) > 0 {
		fmt.Fprintln(w, "  `cutover report` lists what failed, `cutover explain CODE` says why.")
	}
}

func (t *tally) also(w io.Writer) {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{t.changed, "changed"}, {t.moved, "moved"}, {t.deleted, "deleted"}, {t.matched, "found on the target already"},
		{int64(t.created), "written to the directory"}, {t.retried, "tried again"},
	} {
		if p.n > 0 {
			parts = append(parts, humanize.Comma(p.n)+" "+p.what)
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "  %s.\n", strings.Join(parts, ", "))
	}
}

// counts writes numbers by code, largest first.
func counts(w io.Writer, title string, codes map[string]int64) {
	if len(codes) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(codes), func(a, b string) int {
		return cmp.Or(cmp.Compare(codes[b], codes[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, codes[name])
	}
	fmt.Fprintf(w, "  %s: %s\n", title, strings.Join(parts, ", "))
}

// trouble returns the line that an event asks for as soon as it happens.
func (t *tally) trouble(e event.Event, s *stepTally, o RunOptions) string {
	name := ""
	if s != nil {
		name = s.name() + ": "
	}
	switch e := e.(type) {
	case event.Retried:
		return o.paint("retry  ", color.FgYellow) + name + fmt.Sprintf("%s (%s); again in %s", plain(e.Error), e.Code, span(e.Wait))
	case event.ItemFailed:
		return o.paint("failed ", color.FgRed) + name + fmt.Sprintf("%s, item %s: %s (%s)", where(e.Folder), plain(string(e.Item)), plain(e.Error), e.Code)
	case event.StepFinished:
		if e.Outcome == event.Failed && e.Error != "" {
			return o.paint("failed ", color.FgRed) + name + fmt.Sprintf("%s (%s)", plain(e.Error), e.Code)
		}
	}
	return ""
}

func where(p inventory.Path) string {
	if len(p) == 0 {
		return "mailbox"
	}
	return plain(p.String())
}
