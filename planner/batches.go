package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
)

// batches answers which batch a recipient is in.
type batches struct {
	list  []Batch
	globs []globs
	// named are the batches that list an address among their members.
	named map[inventory.Address][]int
	// rest is the batch of everyone else, -1 when there is none.
	rest int
	// place is the position of each batch in the order in which they run.
	place []int
}

func compileBatches(list []Batch) (*batches, diag.Findings) {
	b := &batches{list: list, globs: make([]globs, len(list)), named: make(map[inventory.Address][]int), rest: -1}
	for i, batch := range list {
		b.globs[i] = compileGlobs(batch.Match)
		for _, m := range batch.Members {
			if !slices.Contains(b.named[m], i) {
				b.named[m] = append(b.named[m], i)
			}
		}
		if batch.EveryoneElse && b.rest < 0 {
			b.rest = i
		}
	}
	order, findings := orderBatches(list)
	b.place = make([]int, len(list))
	for position, i := range order {
		b.place[i] = position
	}
	return b, findings
}

// claims returns the batches that name or match an address; the batch of
// everyone else when there is none.
func (b *batches) claims(address inventory.Address) []int {
	found := b.named[address]
	for i := range b.globs {
		if b.globs[i].match(string(address)) && !slices.Contains(found, i) {
			found = append(found[:len(found):len(found)], i)
		}
	}
	if len(found) == 0 && b.rest >= 0 {
		return []int{b.rest}
	}
	return found
}

// inOrder returns the batches in the order in which they run.
func (b *batches) inOrder() []Batch {
	ordered := make([]Batch, len(b.list))
	for i, position := range b.place {
		ordered[position] = b.list[i]
	}
	return ordered
}

// orderBatches sorts batches so that each comes after those it waits for, and
// in configuration order otherwise. Batches that wait for each other keep
// configuration order at the end, with a finding.
func orderBatches(list []Batch) (order []int, findings diag.Findings) {
	index := make(map[string]int, len(list))
	for i, b := range list {
		if _, ok := index[b.Name]; !ok {
			index[b.Name] = i
		}
	}
	for _, b := range list {
		for _, name := range b.After {
			if _, ok := index[name]; !ok {
				findings = append(findings, unknownAfter(b, name, list))
			}
		}
	}
	done := make([]bool, len(list))
	ready := func(b Batch) bool {
		return !slices.ContainsFunc(b.After, func(name string) bool {
			i, ok := index[name]
			return ok && !done[i]
		})
	}
	for len(order) < len(list) {
		next := 0
		for next < len(list) && (done[next] || !ready(list[next])) {
			next++
		}
		if next == len(list) {
			return closeCycle(list, done, order, findings)
		}
		done[next] = true
		order = append(order, next)
	}
	return order, findings
}

func closeCycle(list []Batch, done []bool, order []int, findings diag.Findings) ([]int, diag.Findings) {
	var names []string
	var at *diag.Range
	for i, b := range list {
		if !done[i] {
			order = append(order, i)
			names = append(names, b.Name)
			if at == nil {
				at = b.Range
			}
		}
	}
	return order, append(findings, diag.Finding{
		Severity: diag.Error, Code: "batch-cycle", Subject: names[0], Range: at,
		Summary: "batches wait for each other",
		Detail:  "None of these can begin: " + strings.Join(names, ", ") + ".",
		Fix:     "remove one of the names from \"after\" in one of these batches",
	})
}

func unknownAfter(b Batch, name string, list []Batch) diag.Finding {
	return diag.Finding{
		Severity: diag.Error, Code: "batch-unknown", Subject: b.Name, Range: b.Range,
		Summary: fmt.Sprintf("batch %q waits for %q, which does not exist", b.Name, name),
		Fix:     "name one of " + batchNames(list) + " in \"after\", or leave it out",
	}
}

func batchNames(list []Batch) string {
	if len(list) == 0 {
		return "no batch (the migration has none)"
	}
	names := make([]string, len(list))
	for i, b := range list {
		names[i] = fmt.Sprintf("%q", b.Name)
	}
	return strings.Join(names, ", ")
}
