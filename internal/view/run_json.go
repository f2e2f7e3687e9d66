package view

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
)

// RunFormatVersion is the version of the lines of [NewRunJSON].
const RunFormatVersion = "1.0"

// NewRunJSON writes one event a line, each an object with "format_version",
// "at" (RFC 3339, UTC), "type", and the fields of the event.
func NewRunJSON(w io.Writer) Run { return &runJSON{w: w} }

type runJSON struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// typeName returns the value of "type".
func typeName(e event.Event) string {
	switch e.(type) {
	case event.RunStarted:
		return "run_started"
	case event.StepStarted:
		return "step_started"
	case event.Progressed:
		return "progressed"
	case event.Retried:
		return "retried"
	case event.ItemFailed:
		return "item_failed"
	case event.Lost:
		return "lost"
	case event.Noted:
		return "noted"
	case event.StepFinished:
		return "step_finished"
	case event.RunFinished:
		return "run_finished"
	}
	return "unknown"
}

// Send writes the event.
func (v *runJSON) Send(at time.Time, e event.Event) {
	line, err := eventLine(at, e)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil && v.err == nil {
		_, err = v.w.Write(line)
	}
	if v.err == nil {
		v.err = err
	}
}

func eventLine(at time.Time, e event.Event) ([]byte, error) {
	fields, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf(`{"format_version":%q,"at":%q,"type":%q`, RunFormatVersion, at.UTC().Format(time.RFC3339Nano), typeName(e))
	line := []byte(head)
	if len(fields) > len("{}") {
		line = append(line, ',')
	}
	return append(append(line, fields[1:]...), '\n'), nil
}

// Close returns the first error of writing.
func (v *runJSON) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
