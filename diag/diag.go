// Package diag holds findings: what is wrong, where, and what to change. A
// function that checks something returns all it found, not the first.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity is how much a finding weighs.
type Severity string

// The severities. An Error stops what was asked for; a Warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Pos is a place in a file, counted from 1; Byte from 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Range is a stretch of a file.
type Range struct {
	File  string `json:"filename"`
	Start Pos    `json:"start"`
	End   Pos    `json:"end"`
}

// String returns file:line:column.
func (r Range) String() string {
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// Finding is one diagnostic.
type Finding struct {
	Severity Severity `json:"severity"`
	// Code is a stable name that `cutover explain` knows.
	Code string `json:"code"`
	// Subject is what the finding is about: an address, an endpoint, a folder.
	// Empty when Range says it.
	Subject string `json:"subject,omitempty"`
	Summary string `json:"summary"` // one clause, no full stop
	Detail  string `json:"detail,omitempty"`
	// Fix says what to change.
	Fix   string `json:"fix,omitempty"`
	Range *Range `json:"range,omitempty"`
	// Snippet is the source line of Range, if there is one.
	Snippet string `json:"snippet,omitempty"`
}

// Findings is what a check returns.
type Findings []Finding

// HasErrors reports whether any finding is an Error.
func (f Findings) HasErrors() bool {
	return slices.ContainsFunc(f, func(x Finding) bool { return x.Severity == Error })
}

// Sort orders by file and line, then subject, code and summary, so that equal
// findings come out equal however they were collected.
func (f Findings) Sort() {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(compareRange(a.Range, b.Range), cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Summary, b.Summary))
	})
}

func compareRange(a, b *Range) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start.Byte, b.Start.Byte))
}
