package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// finish orders what was chosen and checks the rules as a whole.
func (s *selector) finish() {
	slices.SortStableFunc(s.out.Chosen, func(a, b Chosen) int { return cmp.Compare(a.batch, b.batch) })
	s.checkMembers()
	s.checkMappings()
	s.checkSelection()
	s.nameBatches()
	s.out.Findings.Sort()
}

// nameBatches lists the batches with the number of those chosen.
func (s *selector) nameBatches() {
	counts := make(map[string]int)
	for _, c := range s.out.Chosen {
		counts[c.Batch]++
	}
	for _, b := range s.batches.inOrder() {
		if s.in.Selection.Batch == "" || s.in.Selection.Batch == b.Name {
			s.out.Batches = append(s.out.Batches, plan.Batch{Name: b.Name, Members: counts[b.Name], After: b.After})
			s.checkTurn(b)
		}
	}
}

// checkTurn warns when -batch asks for a batch before those that it waits for.
func (s *selector) checkTurn(b Batch) {
	if s.in.Selection.Batch == "" || len(b.After) == 0 {
		return
	}
	waiting := make(map[string]bool, len(b.After))
	for _, name := range b.After {
		waiting[name] = true
	}
	for _, r := range s.in.Known {
		if waiting[r.Batch] && !r.Synced.IsZero() {
			delete(waiting, r.Batch)
		}
	}
	for _, name := range b.After {
		if waiting[name] {
			s.find(diag.Finding{
				Severity: diag.Warning, Code: "batch-before-its-turn", Subject: b.Name, Range: b.Range,
				Summary: fmt.Sprintf("batch %q comes after %q, of which nothing has been migrated", b.Name, name),
				Fix:     fmt.Sprintf("plan and apply it first: cutover plan -batch %s", name),
			})
		}
	}
}

// checkMembers finds members of batches that are not there, or that a rule
// leaves out.
func (s *selector) checkMembers() {
	var near *neighbours
	for _, b := range s.in.Migration.Batches {
		for _, m := range b.Members {
			left, ok := s.listed[m]
			switch {
			case !ok:
				if near == nil {
					near = newNeighbours(s.in.Recipients)
				}
				s.find(absent(b, m, near))
			case left:
				s.checkLeftMember(b, m)
			}
		}
	}
}

func (s *selector) checkLeftMember(b Batch, m inventory.Address) {
	i, ok := slices.BinarySearchFunc(s.out.LeftOut, m, func(l LeftOut, m inventory.Address) int {
		return cmp.Compare(l.Recipient.Address, m)
	})
	if !ok || !strings.Contains(s.out.LeftOut[i].Reason, "rule") {
		return // another finding says why
	}
	s.find(diag.Finding{
		Severity: diag.Warning, Code: "batch-member-excluded", Subject: string(m), Range: b.Range,
		Summary: fmt.Sprintf("%s is a member of batch %q but is left out: %s", m, b.Name, s.out.LeftOut[i].Reason),
		Fix:     "remove it from the batch, or change the include and exclude rules",
	})
}

func absent(b Batch, m inventory.Address, near *neighbours) diag.Finding {
	f := diag.Finding{
		Severity: diag.Warning, Code: "batch-member-absent", Subject: string(m), Range: b.Range,
		Summary: fmt.Sprintf("batch %q names %s, which the source does not have", b.Name, m),
		Fix:     "correct the address or remove it from the batch",
	}
	if primary, ok := near.aliases[m]; ok {
		f.Detail = fmt.Sprintf("It is another address of %s; batches name recipients by their primary address.", primary)
		f.Fix = fmt.Sprintf("write %s instead", primary)
	} else if other, ok := near.locals[localPart(m)]; ok {
		f.Fix = fmt.Sprintf("correct the address (is it %s?) or remove it from the batch", other)
	}
	return f
}

// neighbours finds what may have been meant by an address.
type neighbours struct {
	aliases map[inventory.Address]inventory.Address
	locals  map[string]inventory.Address
}

func newNeighbours(list []inventory.Recipient) *neighbours {
	n := &neighbours{aliases: make(map[inventory.Address]inventory.Address), locals: make(map[string]inventory.Address, len(list))}
	for _, r := range list {
		for _, alias := range r.Aliases {
			if other, ok := n.aliases[alias]; !ok || r.Address < other {
				n.aliases[alias] = r.Address
			}
		}
		local := localPart(r.Address)
		if other, ok := n.locals[local]; !ok || r.Address < other {
			n.locals[local] = r.Address
		}
	}
	return n
}

func localPart(a inventory.Address) string {
	return strings.TrimSuffix(string(a), "@"+a.Domain())
}

func (s *selector) checkMappings() {
	for _, m := range s.in.Migration.Map {
		if _, ok := s.listed[m.From]; !ok {
			s.find(diag.Finding{
				Severity: diag.Warning, Code: "map-unused", Subject: string(m.From), Range: m.Range,
				Summary: fmt.Sprintf("%s is mapped to %s, but the source does not have it", m.From, m.To),
				Fix:     "correct the address or remove the map block",
			})
		}
	}
}

// checkSelection finds options that chose nothing.
func (s *selector) checkSelection() {
	sel := s.in.Selection
	known := slices.ContainsFunc(s.in.Migration.Batches, func(b Batch) bool { return b.Name == sel.Batch })
	if sel.Batch != "" && !known {
		s.find(diag.Finding{
			Severity: diag.Error, Code: "batch-unknown", Subject: sel.Batch,
			Summary: fmt.Sprintf("-batch %s: there is no such batch", sel.Batch),
			Fix:     "name one of " + batchNames(s.in.Migration.Batches),
		})
		return
	}
	for i, pattern := range sel.Target {
		if !s.hits[i] {
			s.find(diag.Finding{
				Severity: diag.Error, Code: "selection-empty", Subject: pattern,
				Summary: fmt.Sprintf("-target %s matches no recipient that the migration includes", pattern),
				Fix:     "name a recipient by its address on the source, or use a pattern such as \"*@contoso.test\"",
			})
		}
	}
}

func overlap(a inventory.Address, list []Batch, claims []int) diag.Finding {
	names := make([]string, len(claims))
	for i, c := range claims {
		names[i] = fmt.Sprintf("%q", list[c].Name)
	}
	return diag.Finding{
		Severity: diag.Error, Code: "batch-overlap", Subject: string(a), Range: list[claims[1]].Range,
		Summary: fmt.Sprintf("%s is in the batches %s", a, strings.Join(names, " and ")),
		Detail:  "A recipient migrates with one batch.",
		Fix:     "leave it in one of them: narrow \"match\", or remove it from \"members\"",
	}
}

func (s *selector) doubled(first, second *inventory.Recipient, target inventory.Address) diag.Finding {
	f := diag.Finding{
		Severity: diag.Error, Code: "target-address-doubled", Subject: string(second.Address),
		Summary: fmt.Sprintf("%s %s and %s %s would both be %s on the target", first.Kind, first.Address, second.Kind, second.Address, target),
		Fix:     fmt.Sprintf("exclude one of them, or give one another address: map %q { to = \"...\" }", second.Address),
	}
	for _, m := range s.in.Migration.Map {
		if m.To == target {
			f.Range = m.Range
		}
	}
	return f
}

func (s *selector) outside(source, target inventory.Address) diag.Finding {
	return diag.Finding{
		Severity: diag.Error, Code: "domain-not-accepted", Subject: string(source),
		Summary: fmt.Sprintf("%s would be %s on the target, which is in no accepted domain", source, target),
		Detail:  "Accepted domains: " + strings.Join(s.in.Migration.AcceptedDomains, ", ") + ".",
		Fix: fmt.Sprintf("add %q to accepted_domains, or map %q to an address inside them, or exclude { match = [%q] }",
			target.Domain(), source, "*@"+source.Domain()),
	}
}

func listedTwice(r *inventory.Recipient) diag.Finding {
	return diag.Finding{
		Severity: diag.Warning, Code: "recipient-doubled", Subject: string(r.Address),
		Summary: fmt.Sprintf("the source lists %s %s more than once", r.Kind, r.Address),
		Detail:  "One entry is used, always the same; the others are left aside.",
		Fix:     "remove the duplicates from the directory or the accounts of the source",
	}
}
