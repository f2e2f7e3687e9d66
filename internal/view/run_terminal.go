package view

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/planner/plan"
)

// barsShown is how many mailboxes have a bar at once; further ones count in
// the overall bar only.
const barsShown = 8

// nameWidth is the width of the names before bars.
const nameWidth = 34

// NewRunTerminal draws a bar for each mailbox under way and one for the run,
// with items, bytes, rate and time left. Retries and failures scroll by above.
// Close draws the last state and writes the summary. Nothing else may write to
// w meanwhile.
func NewRunTerminal(w io.Writer, o RunOptions) Run {
	v := &runTerminal{w: w, o: o.withDefaults(), tally: newTally(), bars: map[plan.StepID]*mpb.Bar{}, now: time.Now}
	v.progress = mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(150*time.Millisecond), mpb.WithAutoRefresh(), mpb.WithWidth(28))
	return v
}

type runTerminal struct {
	w        io.Writer
	o        RunOptions
	progress *mpb.Progress
	now      func() time.Time

	mu      sync.Mutex // never held while mpb is called
	tally   *tally
	bars    map[plan.StepID]*mpb.Bar
	overall *mpb.Bar
	drawing sync.Mutex // one change of the bars at a time
}

// Send updates the bars.
func (v *runTerminal) Send(at time.Time, e event.Event) {
	v.drawing.Lock()
	defer v.drawing.Unlock()
	v.mu.Lock()
	step := v.tally.add(at, e)
	text := v.tally.trouble(e, step, v.o)
	v.mu.Unlock()
	if text != "" {
		fmt.Fprintln(v.progress, text)
	}
	v.draw(e, step)
}

func (v *runTerminal) draw(e event.Event, step *stepTally) {
	switch e := e.(type) {
	case event.RunStarted:
		v.overall = v.newOverall()
	case event.StepStarted:
		if step.copies() && len(v.bars) < barsShown {
			v.bars[e.Step] = v.newBar(step)
		}
	case event.Progressed:
		v.advance(e.Step, step)
	case event.StepFinished:
		if bar := v.bars[e.Step]; bar != nil {
			delete(v.bars, e.Step)
			bar.Abort(true)
		}
	}
}

func (v *runTerminal) advance(id plan.StepID, step *stepTally) {
	v.mu.Lock()
	done, all := v.tally.done(), total(v.tally.expected)
	var mine int64
	if step != nil {
		mine = step.items
	}
	v.mu.Unlock()
	setBar(v.overall, done, all)
	if bar := v.bars[id]; bar != nil {
		setBar(bar, mine, total(step.Work))
	}
}

// setBar moves a bar. It never completes by itself: more may arrive than was
// planned.
func setBar(bar *mpb.Bar, done, all int64) {
	if bar != nil {
		bar.SetTotal(max(all, done)+1, false)
		bar.SetCurrent(done)
	}
}

func (v *runTerminal) newBar(step *stepTally) *mpb.Bar {
	return v.progress.New(max(total(step.Work), 1)+1, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.BarPriority(0),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return "  " + fixed(step.name(), nameWidth) + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + v.stepText(step) })),
	)
}

func (v *runTerminal) newOverall() *mpb.Bar {
	return v.progress.New(max(total(v.tally.expected), 1)+1, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.BarPriority(1000),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return v.o.paint("  "+fixed(v.heading(), nameWidth), color.Bold) + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + v.overallText() })),
	)
}

func (v *runTerminal) heading() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return fmt.Sprintf("run %d, %d of %s", v.tally.run, v.tally.ended, count(int64(v.tally.steps), "step"))
}

func (v *runTerminal) stepText(step *stepTally) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := fmt.Sprintf("%d/%d  %s", step.items, max(total(step.Work), step.items), octets(step.bytes))
	if step.failed > 0 {
		text += v.o.paint(fmt.Sprintf("  %d failed", step.failed), color.FgRed)
	}
	return text
}

func (v *runTerminal) overallText() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	text := fmt.Sprintf("%d/%d  %s  %s/s", v.tally.done(), max(total(v.tally.expected), v.tally.done()), octets(v.tally.bytes), octets(v.tally.rate(now)))
	if left := v.tally.left(now); left > 0 {
		text += "  " + span(left) + " left"
	}
	return text
}

// fixed cuts or fills text to a width.
func fixed(s string, width int) string {
	return runewidth.FillRight(runewidth.Truncate(s, width, "…"), width)
}

// Close ends the bars and writes the summary.
func (v *runTerminal) Close() error {
	v.drawing.Lock()
	defer v.drawing.Unlock()
	for _, bar := range v.bars {
		bar.Abort(true)
	}
	if v.overall != nil {
		v.overall.Abort(false)
	}
	v.progress.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tally.summary(v.w, v.o)
	return nil
}
