package plan

import (
	"fmt"

	"github.com/cutover-mail/cutover/providers"
)

// StaleError says what has moved since a plan was made.
type StaleError struct {
	Code string // one of Codes
	What string // one clause
	// Saved and Now are the facts that differ; they may be empty.
	Saved, Now string
}

// Error says what moved and what to do.
func (e *StaleError) Error() string {
	text := "the plan no longer holds: " + e.What
	if e.Saved != "" || e.Now != "" {
		text += fmt.Sprintf(" (planned with %s, now %s)", orNone(e.Saved), orNone(e.Now))
	}
	return text + "; make a new plan: cutover plan -out FILE"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Check reports whether a saved plan still holds. now is what a plan would
// rest on if it were made at this moment, tool the version of the program. The
// error is a *StaleError. now.Inventory may be empty while the servers have
// not been asked yet: then the inventory is not compared.
//
// A plan that was made when there was no state has no lineage and serial 0.
// It holds while there is still no state, or one without runs.
func Check(saved *Plan, now Basis, tool string) error {
	was := saved.Basis
	fresh := was.Lineage == "" && now.Serial == 0
	switch {
	case saved.Tool != tool:
		return &StaleError{"plan-tool", "it was made by another version of cutover", saved.Tool, tool}
	case was.Lineage != now.Lineage && was.Lineage == "" && !fresh:
		return &StaleError{"plan-serial", "it was made before there was a state, and the state has had runs since", "no run", fmt.Sprintf("%d", now.Serial)}
	case was.Lineage != now.Lineage && !fresh:
		return &StaleError{"plan-lineage", "it was made on another state", was.Lineage, now.Lineage}
	case was.Serial != now.Serial:
		return &StaleError{"plan-serial", "the state has had another run since", fmt.Sprintf("serial %d", was.Serial), fmt.Sprintf("serial %d", now.Serial)}
	case was.Config != now.Config:
		return &StaleError{Code: "plan-config", What: "the configuration has changed since"}
	case now.Inventory != "" && was.Inventory != now.Inventory:
		return &StaleError{Code: "plan-inventory", What: "recipients or folders have changed on the servers since"}
	}
	return nil
}

// Codes explains why a saved plan is refused.
func Codes() []providers.Code {
	const again = "Make a new plan (cutover plan -out FILE), review it and apply that."
	return []providers.Code{
		{Code: "plan-tool", Title: "The plan was made by another version", Fix: again,
			Cause: "Another version of cutover might do something else than what was reviewed."},
		{Code: "plan-lineage", Title: "The plan was made on another state", Fix: again,
			Cause: "The state that the configuration names is not the one that the plan was made on; it may have been replaced, removed or restored."},
		{Code: "plan-serial", Title: "The state has moved since the plan was made", Fix: again,
			Cause: "There has been another run, so that part of the plan may have been done already."},
		{Code: "plan-config", Title: "The configuration has changed since the plan was made", Fix: again,
			Cause: "Files, variables or environment values that the configuration uses are others than when the plan was reviewed."},
		{Code: "plan-inventory", Title: "The servers have changed since the plan was made", Fix: again,
			Cause: "Recipients, or folders of their mailboxes, were added, removed or changed. New mail alone does not make a plan stale."},
		{Code: "plan-format", Title: "The file is not a plan that this version reads", Fix: again,
			Cause: "The file is of another major format version, or no plan at all."},
		{Code: "plan-damaged", Title: "The plan file has been changed or cut", Fix: again,
			Cause: "Its digest does not agree with its content: it was edited, or not copied whole."},
	}
}
