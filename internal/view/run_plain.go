package view

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
)

// NewRunPlain writes lines for a log: one when a step begins and ends, one for
// each retry and failed item, one of progress now and then, and a summary.
func NewRunPlain(w io.Writer, o RunOptions) Run {
	return &runPlain{w: w, o: o.withDefaults(), tally: newTally()}
}

type runPlain struct {
	mu    sync.Mutex
	w     io.Writer
	o     RunOptions
	tally *tally
	told  time.Time // the last line of progress
	err   error
}

// Send writes the line that the event asks for.
func (v *runPlain) Send(at time.Time, e event.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	step := v.tally.add(at, e)
	if text := v.text(at, e, step); text != "" {
		v.line(at, text)
	}
	v.progress(at, e)
}

func (v *runPlain) line(at time.Time, text string) {
	if _, err := fmt.Fprintf(v.w, "%s  %s\n", at.In(v.o.Zone).Format(time.TimeOnly), text); err != nil && v.err == nil {
		v.err = err
	}
}

func (v *runPlain) text(at time.Time, e event.Event, s *stepTally) string {
	if text := v.tally.trouble(e, s, v.o); text != "" {
		return text
	}
	switch e := e.(type) {
	case event.RunStarted:
		v.told = at
		return fmt.Sprintf("%s: %s, %s", strings.TrimRight(fmt.Sprintf("run %d %s", e.Run, e.Batch), " "), count(int64(e.Steps), "step"), size(e.Work))
	case event.StepStarted:
		if !s.copies() {
			return fmt.Sprintf("%-7s%s", e.Action, s.name())
		}
		return fmt.Sprintf("%-7s%s: %s", e.Action, s.name(), size(e.Work))
	case event.StepFinished:
		return finishedText(at, e, s)
	case event.Noted:
		return fmt.Sprintf("note   %s, %s: %s (%s)", nameOf(s, e.Step), where(e.Folder), plain(e.Detail), e.Code)
	case event.Lost:
		return fmt.Sprintf("lost   %s, %s, item %s: %s (%s)", nameOf(s, e.Step), where(e.Folder), plain(string(e.Item)), plain(e.Detail), e.Code)
	}
	return ""
}

func nameOf[S ~string](s *stepTally, id S) string {
	if s == nil {
		return string(id)
	}
	return s.name()
}

func finishedText(at time.Time, e event.StepFinished, s *stepTally) string {
	text := fmt.Sprintf("%-6s %s", e.Outcome, nameOf(s, e.Step))
	if s != nil && s.copies() {
		text += fmt.Sprintf(": %s, %s in %s", count(e.Items, "item"), octets(e.Bytes), span(at.Sub(s.began)))
	}
	if e.Failed > 0 {
		text += fmt.Sprintf(", %d failed", e.Failed)
	}
	return text
}

// progress writes how far the run is, when it is time.
func (v *runPlain) progress(at time.Time, e event.Event) {
	if _, last := e.(event.RunFinished); last || v.tally.began.IsZero() || at.Sub(v.told) < v.o.Every {
		return
	}
	v.told = at
	v.line(at, v.tally.progressText(at))
}

// progressText tells how far the run is in one line.
func (t *tally) progressText(at time.Time) string {
	text := fmt.Sprintf("%d of %s, %d of %s, %s, %s/s", t.ended, count(int64(t.steps), "step"),
		t.done(), count(max(total(t.expected), t.done()), "item"), octets(t.bytes), octets(t.rate(at)))
	if left := t.left(at); left > 0 {
		text += ", about " + span(left) + " left"
	}
	return text
}

// Close writes the summary.
func (v *runPlain) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tally.summary(v.w, v.o)
	return v.err
}
