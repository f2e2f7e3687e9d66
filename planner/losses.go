package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// notHeld is the loss of something that no target can hold.
func notHeld(what, how string) providers.Loss {
	return providers.Loss{Code: what + "-not-held", Detail: fmt.Sprintf("no target holds %s; left behind: %s", what, how)}
}

// sumLosses folds the losses of all steps by code. Each has to be waived, or
// is an error.
func (b *builder) sumLosses(p *plan.Plan) {
	index := make(map[string]int)
	for _, s := range p.Steps {
		for _, l := range s.Losses {
			i, ok := index[l.Code]
			if !ok {
				i = len(p.Losses)
				index[l.Code] = i
				reason := b.waived[l.Code]
				p.Losses = append(p.Losses, plan.LossSummary{Code: l.Code, Detail: l.Detail, Waived: reason, Blocking: reason == ""})
			}
			p.Losses[i].Steps++
		}
	}
	slices.SortFunc(p.Losses, func(a, b plan.LossSummary) int { return strings.Compare(a.Code, b.Code) })
	for _, l := range p.Losses {
		if l.Blocking {
			b.findings = append(b.findings, notWaived(b.in.Migration.Name, l))
		}
	}
}

func notWaived(migration string, l plan.LossSummary) diag.Finding {
	return diag.Finding{
		Severity: diag.Error, Code: "loss-not-waived", Subject: l.Code,
		Summary: fmt.Sprintf("%s would be lost in %s", l.Code, plural(l.Steps, "step")),
		Detail:  "For example: " + l.Detail + ".",
		Fix: fmt.Sprintf("accept it in migration %q:\n\n  waive %q {\n    reason = \"why this is acceptable\"\n  }\n\nor exclude what it concerns",
			migration, l.Code),
	}
}

// plural counts in words: "1 item", "2 items".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// size writes bytes for people, in powers of 1024.
func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }
