package planner

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// Selected is what the rules of a migration make of the recipients of its
// source.
type Selected struct {
	// Chosen are those that the plan is about, ordered by batch, address and
	// kind.
	Chosen []Chosen
	// LeftOut are those that the configuration leaves out, ordered by address
	// and kind. Those that -batch, -target or -exclude leave out are not here.
	LeftOut []LeftOut
	// Batches are those that the plan names, in the order in which they run.
	Batches  []plan.Batch
	Findings diag.Findings

	// elsewhere are recipients that only flags left out: their target
	// addresses by source address.
	elsewhere map[inventory.Address]inventory.Address
}

// Chosen is a recipient that the plan is about.
type Chosen struct {
	// Recipient points into Input.Recipients.
	Recipient *inventory.Recipient
	Target    inventory.Address
	Batch     string // empty when the migration has no batches

	batch int // its position in the order
}

// LeftOut is a recipient that the configuration leaves out.
type LeftOut struct {
	Recipient *inventory.Recipient
	Reason    string // one clause, for people
}

// Mailboxes returns the mailboxes among the chosen, in their order.
func (s Selected) Mailboxes() []Chosen {
	var found []Chosen
	for _, c := range s.Chosen {
		if c.Recipient.Kind == inventory.KindMailbox {
			found = append(found, c)
		}
	}
	return found
}

// Select applies the rules to the recipients of the source. It uses no more of
// the input than Migration, Selection, Recipients, and Known, and costs little
// more than sorting them. The answer does not depend on their order.
func Select(in Input) Selected {
	s := newSelector(in)
	for _, r := range s.sorted(in.Recipients) {
		s.decide(r)
	}
	s.finish()
	return s.out
}

// selector is one Select under way.
type selector struct {
	in               Input
	include, exclude rules
	batches          *batches
	moved            map[inventory.Address]inventory.Address
	domains          map[string]bool
	only, except     globs // -target and -exclude
	// claimed is who got a target address first.
	claimed map[inventory.Address]*inventory.Recipient
	// listed are the addresses of the source: true when the configuration
	// leaves that one out.
	listed map[inventory.Address]bool
	last   *inventory.Recipient
	hits   []bool // of in.Selection.Target
	out    Selected
}

func newSelector(in Input) *selector {
	n := len(in.Recipients)
	s := &selector{
		in:      in,
		include: compileRules(in.Migration.Include),
		exclude: compileRules(in.Migration.Exclude),
		moved:   make(map[inventory.Address]inventory.Address, len(in.Migration.Map)),
		domains: make(map[string]bool, len(in.Migration.AcceptedDomains)),
		only:    compileGlobs(in.Selection.Target),
		except:  compileGlobs(in.Selection.Exclude),
		claimed: make(map[inventory.Address]*inventory.Recipient, n),
		listed:  make(map[inventory.Address]bool, n),
		hits:    make([]bool, len(in.Selection.Target)),
	}
	s.out.elsewhere = make(map[inventory.Address]inventory.Address)
	s.batches, s.out.Findings = compileBatches(in.Migration.Batches)
	for _, m := range in.Migration.Map {
		if _, ok := s.moved[m.From]; !ok {
			s.moved[m.From] = m.To
		}
	}
	for _, d := range in.Migration.AcceptedDomains {
		s.domains[strings.ToLower(d)] = true
	}
	return s
}

// sorted returns the recipients in an order that depends on nothing but what
// they are.
func (s *selector) sorted(list []inventory.Recipient) []*inventory.Recipient {
	pointers := make([]*inventory.Recipient, len(list))
	for i := range list {
		pointers[i] = &list[i]
	}
	slices.SortStableFunc(pointers, func(a, b *inventory.Recipient) int {
		return cmp.Or(inventory.CompareRecipients(*a, *b), compareFacts(a, b))
	})
	return pointers
}

// compareFacts orders recipients that an endpoint lists twice.
func compareFacts(a, b *inventory.Recipient) int {
	if a.Address != b.Address || a.Kind != b.Kind {
		return 0
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return strings.Compare(string(x), string(y))
}

func (s *selector) decide(r *inventory.Recipient) {
	if s.again(r) {
		return
	}
	if reason := s.leaveOut(r); reason != "" {
		s.omit(r, reason)
		return
	}
	batch, ok := s.batchOf(r)
	if !ok {
		s.omit(r, "it is in no batch")
		return
	}
	target, reason := s.targetOf(r)
	if reason != "" {
		s.omit(r, reason)
		return
	}
	c := Chosen{Recipient: r, Target: target, batch: batch}
	if batch >= 0 {
		c.Batch = s.in.Migration.Batches[batch].Name
		c.batch = s.batches.place[batch]
	}
	s.listed[r.Address] = false
	if !s.wanted(c) {
		s.out.elsewhere[r.Address] = target
		return
	}
	s.out.Chosen = append(s.out.Chosen, c)
}

// leaveOut applies the include and exclude rules.
func (s *selector) leaveOut(r *inventory.Recipient) string {
	switch {
	case len(s.include) > 0 && !s.include.match(r):
		return "no include rule matches it"
	case s.exclude.match(r):
		return "an exclude rule matches it"
	}
	return ""
}

// batchOf returns the batch of a recipient, -1 when the migration has none.
func (s *selector) batchOf(r *inventory.Recipient) (batch int, ok bool) {
	if len(s.batches.list) == 0 {
		return -1, true
	}
	claims := s.batches.claims(r.Address)
	if len(claims) == 0 {
		return 0, false
	}
	slices.SortFunc(claims, func(a, b int) int { return cmp.Compare(s.batches.place[a], s.batches.place[b]) })
	if len(claims) > 1 {
		s.find(overlap(r.Address, s.batches.list, claims))
	}
	return claims[0], true
}

// targetOf returns the address of a recipient on the target, or why it cannot
// have one.
func (s *selector) targetOf(r *inventory.Recipient) (target inventory.Address, reason string) {
	target = r.Address
	if to, ok := s.moved[r.Address]; ok {
		target = to
	}
	if first, ok := s.claimed[target]; ok {
		s.find(s.doubled(first, r, target))
		return "", "its address on the target, " + string(target) + ", is that of another recipient"
	}
	if !s.accepted(r, target) {
		s.find(s.outside(r.Address, target))
		return "", "its address on the target, " + string(target) + ", is in no accepted domain"
	}
	s.claimed[target] = r
	return target, ""
}

// accepted applies accepted_domains. A contact stands for an address outside.
func (s *selector) accepted(r *inventory.Recipient, target inventory.Address) bool {
	outside := r.Kind == inventory.KindContact && (r.External == "" || r.External == r.Address)
	return len(s.domains) == 0 || outside || s.domains[target.Domain()]
}

// wanted applies -batch, -target and -exclude.
func (s *selector) wanted(c Chosen) bool {
	sel := s.in.Selection
	if sel.Batch != "" && c.Batch != sel.Batch {
		return false
	}
	address := string(c.Recipient.Address)
	if len(sel.Target) > 0 && !s.hit(address) {
		return false
	}
	return !s.except.match(address)
}

func (s *selector) hit(address string) bool {
	if !s.only.match(address) {
		return false
	}
	for i, pattern := range s.in.Selection.Target {
		s.hits[i] = s.hits[i] || matchGlob(strings.ToLower(strings.TrimSpace(pattern)), address)
	}
	return true
}

// again reports whether the source has listed the same recipient already.
func (s *selector) again(r *inventory.Recipient) bool {
	last := s.last
	s.last = r
	if last == nil || last.Address != r.Address || last.Kind != r.Kind {
		return false
	}
	s.find(listedTwice(r))
	return true
}

func (s *selector) omit(r *inventory.Recipient, reason string) {
	s.listed[r.Address] = true
	s.out.LeftOut = append(s.out.LeftOut, LeftOut{Recipient: r, Reason: reason})
}

func (s *selector) find(f diag.Finding) { s.out.Findings = append(s.out.Findings, f) }
