// Package event holds the facts of a run. The executor sends each after the
// journal has been written; views and reports see nothing else of a run.
package event

import (
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// Event is one of the types of this package.
type Event interface{ event() }

// Sink receives events. It is called from many goroutines and must not block
// for long.
type Sink interface {
	Send(at time.Time, e Event)
}

// RunStarted opens a run.
type RunStarted struct {
	Run   int64  `json:"run"`
	Batch string `json:"batch,omitempty"`
	Steps int    `json:"steps"` // that do something
	// Work is what the plan expects.
	Work plan.Work `json:"work"`
}

// StepStarted opens a step.
type StepStarted struct {
	Step   plan.StepID       `json:"step"`
	Action plan.Action       `json:"action"`
	Kind   inventory.Kind    `json:"kind"`
	Source inventory.Address `json:"source"`
	Target inventory.Address `json:"target"`
	Work   plan.Work         `json:"work"`
}

// Progressed reports work done since the last report of the same step.
type Progressed struct {
	Step    plan.StepID    `json:"step"`
	Folder  inventory.Path `json:"folder,omitempty"`
	Items   int64          `json:"items"` // copied
	Bytes   int64          `json:"bytes"`
	Matched int64          `json:"matched,omitempty"` // found on the target, not copied
	Changed int64          `json:"changed,omitempty"`
	Moved   int64          `json:"moved,omitempty"`
	Deleted int64          `json:"deleted,omitempty"`
}

// Retried says that a call failed and will be tried again.
type Retried struct {
	Step    plan.StepID   `json:"step"`
	Attempt int           `json:"attempt"`
	Wait    time.Duration `json:"wait_ns"`
	Code    string        `json:"code"`
	Error   string        `json:"error"`
}

// ItemFailed says that one item could not be carried over.
type ItemFailed struct {
	Step   plan.StepID      `json:"step"`
	Folder inventory.Path   `json:"folder"`
	Item   inventory.ItemID `json:"item"`
	Code   string           `json:"code"`
	Error  string           `json:"error"`
}

// Lost says that something of an item did not come along.
type Lost struct {
	Step   plan.StepID      `json:"step"`
	Folder inventory.Path   `json:"folder"`
	Item   inventory.ItemID `json:"item"`
	Code   string           `json:"code"`
	Detail string           `json:"detail"`
}

// Noted tells people something that is neither failure nor loss: deletions
// put off, an item a user changed on the target.
type Noted struct {
	Step   plan.StepID    `json:"step"`
	Folder inventory.Path `json:"folder,omitempty"`
	Code   string         `json:"code"`
	Detail string         `json:"detail"`
}

// StepFinished closes a step.
type StepFinished struct {
	Step    plan.StepID `json:"step"`
	Outcome Outcome     `json:"outcome"`
	Items   int64       `json:"items"`
	Bytes   int64       `json:"bytes"`
	Failed  int64       `json:"failed"` // items
	Code    string      `json:"code,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// RunFinished closes a run.
type RunFinished struct {
	Run     int64         `json:"run"`
	Outcome Outcome       `json:"outcome"`
	Steps   int           `json:"steps"`
	Failed  int           `json:"failed"` // steps that failed or have failed items
	Items   int64         `json:"items"`
	Bytes   int64         `json:"bytes"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Outcome is how a step or run ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Failed  Outcome = "failed" // as a whole, or some items
	Stopped Outcome = "stopped"
)

func (RunStarted) event()   {}
func (StepStarted) event()  {}
func (Progressed) event()   {}
func (Retried) event()      {}
func (ItemFailed) event()   {}
func (Lost) event()         {}
func (Noted) event()        {}
func (StepFinished) event() {}
func (RunFinished) event()  {}
