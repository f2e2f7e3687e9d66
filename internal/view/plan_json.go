package view

import (
	"io"

	"github.com/cutover-mail/cutover/planner/plan"
)

// PlanJSON writes the plan as one line of JSON: the document that a saved plan
// holds, without the envelope that carries its digest. See docs/plan-format.md.
func PlanJSON(w io.Writer, p *plan.Plan) error {
	if err := plan.WriteJSON(w, p); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
