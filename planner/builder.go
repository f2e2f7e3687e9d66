package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// Plan makes the plan. It always returns one, to be shown; one whose findings
// hold an error is not to be applied. The findings are those of the plan.
// Equal inputs give equal plans, whatever the order of recipients and folders.
// The plan shares memory with the input; neither is to be changed afterwards.
func Plan(in Input) (*plan.Plan, diag.Findings) {
	b := newBuilder(in)
	b.findings = append(b.findings, in.Findings...)
	b.findings = append(b.findings, b.sel.Findings...)
	b.directorySteps()
	for _, c := range b.sel.Chosen {
		b.recipient(c)
	}
	b.groupSteps()
	b.goneSteps()
	b.leftOutSteps()
	return b.finish()
}

// builder is one Plan under way.
type builder struct {
	in       Input
	sel      Selected
	findings diag.Findings
	waived   map[string]string // reasons by code
	serving  map[inventory.Ability]*Endpoint
	routes   map[routeKey]routing
	// phases are the steps of each batch, in the order in which they run.
	phases [][phaseCount][]plan.Step
	rest   []plan.Step // skipped, in no batch
	dir    *directory  // nil without one on the target
	// scratch is used for one mailbox after the other.
	scratch scratch
}

// scratch saves allocations: an organisation has many mailboxes.
type scratch struct {
	folders []inventory.Folder
	origins []origin
}

// sorted returns the folders in order; the slice is good until the next call.
func (s *scratch) sorted(list []inventory.Folder) []inventory.Folder {
	s.folders = append(s.folders[:0], list...)
	slices.SortStableFunc(s.folders, compareFolders)
	return s.folders
}

// The phases of a batch: what others need comes first.
const (
	phaseContacts = iota
	phaseMailboxes
	phaseGroups
	phaseLate // groups again, with the members that did not exist before
	phaseCount
)

func newBuilder(in Input) *builder {
	b := &builder{
		in: in, sel: Select(in),
		waived:  make(map[string]string, len(in.Migration.Waivers)),
		serving: make(map[inventory.Ability]*Endpoint),
		routes:  make(map[routeKey]routing),
		phases:  make([][phaseCount][]plan.Step, max(len(in.Migration.Batches), 1)),
	}
	sizes := make([]int, len(b.phases))
	for _, c := range b.sel.Chosen {
		sizes[max(c.batch, 0)]++
	}
	for i, n := range sizes {
		b.phases[i][phaseMailboxes] = make([]plan.Step, 0, n)
	}
	for _, w := range in.Migration.Waivers {
		if _, ok := b.waived[w.Code]; !ok {
			b.waived[w.Code] = cmp.Or(w.Reason, "waived")
		}
	}
	for _, ability := range append(inventory.ContentAbilities(), inventory.Directory) {
		for i := range in.Targets {
			if in.Targets[i].Info.Has(ability) {
				b.serving[ability] = &in.Targets[i]
				break
			}
		}
	}
	return b
}

// recipient plans a contact or a mailbox; groups come after all of them.
func (b *builder) recipient(c Chosen) {
	switch c.Recipient.Kind {
	case inventory.KindMailbox:
		b.mailbox(c)
	case inventory.KindContact:
		b.contact(c)
	}
}

func (b *builder) add(c Chosen, phase int, s plan.Step) { b.addTo(c.batch, phase, s) }

func (b *builder) addTo(batch, phase int, s plan.Step) {
	batch = max(batch, 0)
	b.phases[batch][phase] = append(b.phases[batch][phase], s)
}

// step begins a step on a chosen recipient.
func (b *builder) step(c Chosen, action plan.Action, endpoint, reason string) plan.Step {
	s := plan.Step{
		Action: action, Kind: c.Recipient.Kind, Source: c.Recipient.Address, Target: c.Target,
		Batch: c.Batch, Endpoint: endpoint, Reason: reason,
	}
	s.ID = stepID(b.in.Migration.Name, &s)
	return s
}

// leftOutSteps says why recipients are left out.
func (b *builder) leftOutSteps() {
	for _, l := range b.sel.LeftOut {
		s := plan.Step{Action: plan.Skip, Kind: l.Recipient.Kind, Source: l.Recipient.Address, Reason: l.Reason}
		s.ID = stepID(b.in.Migration.Name, &s)
		b.rest = append(b.rest, s)
	}
}

// goneSteps names the recipients that were migrated and that the source does
// not have any more: what was migrated stays.
func (b *builder) goneSteps() {
	listed := make(map[RecipientKey]bool, len(b.in.Recipients))
	for _, r := range b.in.Recipients {
		listed[RecipientKey{r.Kind, r.Address}] = true
	}
	var gone []RecipientKey
	for key := range b.in.Known {
		if !listed[key] && b.narrowed(key) {
			gone = append(gone, key)
		}
	}
	slices.SortFunc(gone, func(x, y RecipientKey) int {
		return cmp.Or(cmp.Compare(x.Address, y.Address), cmp.Compare(x.Kind, y.Kind))
	})
	for _, key := range gone {
		known := b.in.Known[key]
		s := plan.Step{Action: plan.Skip, Kind: key.Kind, Source: key.Address, Target: known.Target, Reason: "the source does not have it any more"}
		s.ID = stepID(b.in.Migration.Name, &s)
		b.rest = append(b.rest, s)
		b.findings = append(b.findings, diag.Finding{
			Severity: diag.Warning, Code: "recipient-gone", Subject: string(key.Address),
			Summary: fmt.Sprintf("%s %s has been migrated, and the source does not have it any more", key.Kind, key.Address),
			Detail:  fmt.Sprintf("What was migrated to %s stays there.", known.Target),
			Fix:     fmt.Sprintf("nothing, if it was removed on purpose: cutover state rm %s makes the state forget it", key.Address),
		})
	}
}

// narrowed reports whether -batch, -target and -exclude leave a known
// recipient in.
func (b *builder) narrowed(key RecipientKey) bool {
	sel := b.in.Selection
	if sel.Batch != "" && b.in.Known[key].Batch != sel.Batch {
		return false
	}
	address := string(key.Address)
	if len(sel.Target) > 0 && !compileGlobs(sel.Target).match(address) {
		return false
	}
	return !compileGlobs(sel.Exclude).match(address)
}

// finish puts the parts together.
func (b *builder) finish() (*plan.Plan, diag.Findings) {
	p := &plan.Plan{
		FormatVersion: plan.FormatVersion, Tool: b.in.Tool, Migration: b.in.Migration.Name,
		Basis: plan.Basis{
			Lineage: b.in.Header.Lineage, Serial: b.in.Header.Serial,
			Config: b.in.ConfigDigest, Inventory: b.inventoryDigest(),
		},
		Selection: b.in.Selection, Source: named(b.in.Source), Targets: []plan.Endpoint{},
		Deletions: cmp.Or(b.in.Migration.Deletions, "mirror"),
		Batches:   b.sel.Batches, Steps: b.flatten(),
	}
	if p.Batches == nil {
		p.Batches = []plan.Batch{}
	}
	for _, t := range b.in.Targets {
		p.Targets = append(p.Targets, named(t))
	}
	b.sumLosses(p)
	summarize(p)
	p.Estimate = estimate(p.Summary.Work, b.in.Rates)
	b.findings.Sort()
	p.Findings = b.findings
	return p, p.Findings
}

func (b *builder) flatten() []plan.Step {
	n := len(b.rest)
	for _, batch := range b.phases {
		for _, phase := range batch {
			n += len(phase)
		}
	}
	steps := make([]plan.Step, 0, n)
	for _, batch := range b.phases {
		for _, phase := range batch {
			steps = append(steps, phase...)
		}
	}
	slices.SortStableFunc(b.rest, func(x, y plan.Step) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Kind, y.Kind))
	})
	return append(steps, b.rest...)
}

func named(e Endpoint) plan.Endpoint {
	return plan.Endpoint{Address: e.Address, Provider: e.Provider, Version: e.Version, Identity: e.Info.Identity}
}

// lose adds a loss to a step, each code once.
func lose(s *plan.Step, losses ...providers.Loss) {
	for _, l := range losses {
		if !slices.ContainsFunc(s.Losses, func(x providers.Loss) bool { return x.Code == l.Code }) {
			s.Losses = append(s.Losses, l)
		}
	}
}

// sentence joins clauses.
func sentence(clauses []string) string { return strings.Join(clauses, "; ") }
