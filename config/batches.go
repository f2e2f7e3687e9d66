package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
)

var batchLayout = layout{attributes: []string{"members", "match", "everyone_else", "after"}}

// batchReader reads the batch blocks of a migration and what they claim.
type batchReader struct {
	l       *loader
	list    []planner.Batch
	first   map[string]*hclsyntax.Block
	after   map[string][]element
	claims  map[inventory.Address]claim
	doubles map[string]int // by batch
	rest    *hclsyntax.Block
}

// claim is who named a mailbox first.
type claim struct {
	batch string
	at    hcl.Range
}

func (l *loader) batches(s *section) []planner.Batch {
	r := &batchReader{l: l, first: map[string]*hclsyntax.Block{}, after: map[string][]element{},
		claims: map[inventory.Address]claim{}, doubles: map[string]int{}}
	s.each("batch", r.read)
	r.checkAfter()
	return r.list
}

func (r *batchReader) read(b *hclsyntax.Block) {
	name := b.Labels[0]
	if r.first[name] != nil {
		r.l.duplicate(b.DefRange(), fmt.Sprintf("a second batch %q", name), r.first[name].DefRange())
		return
	}
	r.first[name] = b
	if strings.TrimSpace(name) == "" || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.l.report.error(&b.LabelRanges[0], problem{code: codeName, summary: fmt.Sprintf("%q cannot be the name of a batch", name), fix: "use printable characters"})
	}
	s := r.l.open(b, batchLayout)
	batch := planner.Batch{Name: name, EveryoneElse: s.boolean("everyone_else", false), Range: toRange(b.DefRange())}
	before := len(r.l.report.findings)
	batch.Members = r.members(s, name)
	batch.Match = s.globs("match")
	r.after[name] = s.list("after")
	batch.After = texts(r.after[name])
	if len(r.l.report.findings) == before { // else what is left says nothing
		r.checkReach(b, batch)
	}
	r.list = append(r.list, batch)
}

// members reads whom a batch names, and reports whom another has named.
func (r *batchReader) members(s *section, batch string) (all []inventory.Address) {
	for _, m := range s.placedAddresses("members") {
		first, claimed := r.claims[m.address]
		if !claimed {
			r.claims[m.address] = claim{batch, m.at}
			all = append(all, m.address)
			continue
		}
		r.double(m, first, batch)
	}
	if more := r.doubles[batch] - maxSame; more > 0 {
		s.invalid("members", codeClaimed, fmt.Sprintf("%d further members are named before", more), "name each in one batch only")
	}
	return all
}

func (r *batchReader) double(m placedAddress, first claim, batch string) {
	if r.doubles[batch]++; r.doubles[batch] > maxSame {
		return
	}
	if first.batch == batch {
		r.l.report.warning(&m.at, problem{code: codeClaimed, subject: string(m.address),
			summary: fmt.Sprintf("%s is named twice in batch %q", m.address, batch), fix: "remove one"})
		return
	}
	r.l.claimed(m.at, fmt.Sprintf("%s is in batch %q and in batch %q", m.address, first.batch, batch), first.at)
}

// checkReach reports batches that nobody can be in.
func (r *batchReader) checkReach(b *hclsyntax.Block, batch planner.Batch) {
	at := b.DefRange()
	switch {
	case batch.EveryoneElse && r.rest != nil:
		r.l.report.error(&at, problem{code: codeUnreachable, summary: fmt.Sprintf("nobody is left for batch %q", batch.Name),
			detail: fmt.Sprintf("Everyone else is in batch %q already, at %s.", r.rest.Labels[0], toRange(r.rest.DefRange())),
			fix:    "keep everyone_else in one batch"})
	case batch.EveryoneElse:
		r.rest = b
	case len(batch.Members) == 0 && len(batch.Match) == 0:
		r.l.report.error(&at, problem{code: codeUnreachable, summary: fmt.Sprintf("nobody is in batch %q", batch.Name),
			fix: "say who is: members = [...], match = [...] or everyone_else = true"})
	}
}

// checkAfter reports batches that wait for what never comes.
func (r *batchReader) checkAfter() {
	names := sortedKeys(r.first)
	for _, batch := range r.list {
		for _, e := range r.after[batch.Name] {
			if !slices.Contains(names, e.text) {
				r.l.report.error(&e.at, problem{code: codeUnreachable, summary: fmt.Sprintf("there is no batch %q to wait for", e.text),
					fix: suggest(e.text, "name a batch of this migration", names)})
			}
		}
	}
	r.checkCycles()
}

// checkCycles reports each circle of batches once, at its first in the file.
func (r *batchReader) checkCycles() {
	reported := map[string]bool{}
	for _, batch := range r.list {
		way := r.wayBack(batch.Name, batch.Name, map[string]bool{})
		if way == nil || slices.ContainsFunc(way, func(name string) bool { return reported[name] }) {
			continue
		}
		for _, name := range way {
			reported[name] = true
		}
		at := r.after[batch.Name][0].at
		r.l.report.error(&at, problem{code: codeCycle, summary: fmt.Sprintf("batch %q waits for itself", batch.Name),
			detail: "Through: " + strings.Join(way, ", ") + ".", fix: "break the circle"})
	}
}

// wayBack returns the batches on a way along "after" from one to another.
func (r *batchReader) wayBack(from, to string, seen map[string]bool) []string {
	seen[from] = true
	for _, e := range r.after[from] {
		if e.text == to {
			return []string{from}
		}
		if seen[e.text] {
			continue
		}
		if way := r.wayBack(e.text, to, seen); way != nil {
			return append([]string{from}, way...)
		}
	}
	return nil
}
