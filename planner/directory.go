package planner

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// directory is the target's directory as it is and as the plan makes it.
type directory struct {
	endpoint string
	// existing are its recipients by address.
	existing map[inventory.Address]*inventory.Recipient
	// reachable are all addresses of existing recipients.
	reachable map[inventory.Address]bool
	// targets are the addresses on the target of what the source lists, by
	// every address it has there.
	targets map[inventory.Address]inventory.Address
	// leftOut are addresses of the source that the configuration leaves out.
	leftOut map[inventory.Address]bool
	// elsewhere are addresses on the target that only flags left out.
	elsewhere map[inventory.Address]bool
	// chosen are those that the plan is about, by address on the target.
	chosen map[inventory.Address]Chosen
	// creates are the steps that create, by address on the target.
	creates map[inventory.Address]plan.StepID
}

// directorySteps prepares the directory when a target has one.
func (b *builder) directorySteps() {
	t := b.serving[inventory.Directory]
	if t == nil {
		return
	}
	d := &directory{
		endpoint: t.Address,
		existing: make(map[inventory.Address]*inventory.Recipient, len(t.Recipients)), reachable: make(map[inventory.Address]bool),
		targets: make(map[inventory.Address]inventory.Address), leftOut: make(map[inventory.Address]bool), elsewhere: make(map[inventory.Address]bool),
		chosen: make(map[inventory.Address]Chosen, len(b.sel.Chosen)), creates: make(map[inventory.Address]plan.StepID),
	}
	for i := range t.Recipients {
		d.list(&t.Recipients[i])
	}
	for _, l := range b.sel.LeftOut {
		d.leftOut[l.Recipient.Address] = true
	}
	for address, target := range b.sel.elsewhere {
		d.targets[address], d.elsewhere[target] = target, true
	}
	for _, c := range b.sel.Chosen {
		d.chosen[c.Target] = c
		d.targets[c.Recipient.Address] = c.Target
	}
	for _, c := range b.sel.Chosen {
		for _, alias := range c.Recipient.Aliases {
			if _, ok := d.targets[alias]; !ok {
				d.targets[alias] = c.Target
			}
		}
	}
	b.dir = d
}

// list remembers a recipient of the target; of two with one address always
// the same, however they are ordered.
func (d *directory) list(r *inventory.Recipient) {
	if old, ok := d.existing[r.Address]; !ok || inventory.CompareRecipients(*r, *old) < 0 || compareFacts(r, old) < 0 {
		d.existing[r.Address] = r
	}
	d.reachable[r.Address] = true
	for _, alias := range r.Aliases {
		d.reachable[alias] = true
	}
}

func (b *builder) existing(target inventory.Address) *inventory.Recipient {
	if b.dir == nil {
		return nil
	}
	return b.dir.existing[target]
}

// entry plans the directory entry of a mailbox. It returns the step to wait
// for; false when the mailbox must not be touched.
func (b *builder) entry(c Chosen) ([]plan.StepID, bool) {
	if b.dir == nil {
		return nil, true
	}
	s := b.directoryStep(c, b.desired(c))
	if s.Action == plan.Skip {
		b.add(c, phaseMailboxes, s)
		return nil, false
	}
	if s.Action != plan.Keep || b.contentEndpoint() == "" {
		b.add(c, phaseMailboxes, s)
	}
	if s.Action == plan.Create {
		return []plan.StepID{s.ID}, true
	}
	return nil, true
}

// contact plans an external address.
func (b *builder) contact(c Chosen) {
	if b.dir == nil {
		s := b.step(c, plan.Skip, "", "no target has a directory")
		lose(&s, notHeld("contacts", "directory contacts"))
		b.add(c, phaseContacts, s)
		return
	}
	b.add(c, phaseContacts, b.directoryStep(c, b.desired(c)))
}

// wish is a recipient as it should be on the target.
type wish struct {
	inventory.Recipient
	losses []providers.Loss
	notes  []string
}

// desired turns a recipient of the source into one of the target, without
// members.
func (b *builder) desired(c Chosen) wish {
	w := wish{Recipient: *c.Recipient}
	w.Address, w.Members, w.Owners, w.Aliases = c.Target, nil, nil, nil
	w.Attributes = maps.Clone(c.Recipient.Attributes)
	aliases := c.Recipient.Aliases
	if c.Target != c.Recipient.Address {
		aliases = append(aliases[:len(aliases):len(aliases)], c.Recipient.Address)
	}
	for _, alias := range aliases {
		_, taken := b.dir.chosen[alias]
		switch {
		case alias == c.Target:
		case !b.acceptsDomain(alias):
			w.losses = append(w.losses, providers.Loss{Code: "alias-not-accepted", Detail: fmt.Sprintf("%s would not be an address of %s, as its domain is not accepted", alias, c.Target)})
		case taken:
			w.losses = append(w.losses, providers.Loss{Code: "alias-taken", Detail: fmt.Sprintf("%s would not be an address of %s, as another recipient has it", alias, c.Target)})
		default:
			w.Aliases = append(w.Aliases, alias)
		}
	}
	slices.Sort(w.Aliases)
	w.Aliases = slices.Compact(w.Aliases)
	return w
}

func (b *builder) acceptsDomain(a inventory.Address) bool {
	return len(b.in.Migration.AcceptedDomains) == 0 || slices.Contains(b.in.Migration.AcceptedDomains, a.Domain())
}

// directoryStep creates, updates or keeps a recipient. What this tool created
// follows the source; what was there before is only added to. Facts that a
// user changed on the target stay until the source changes.
func (b *builder) directoryStep(c Chosen, want wish) plan.Step {
	existing := b.dir.existing[c.Target]
	known := b.in.Known[RecipientKey{c.Recipient.Kind, c.Recipient.Address}]
	if existing == nil {
		s := b.written(c, plan.Create, want, "the target does not have it")
		b.dir.creates[c.Target] = s.ID
		return s
	}
	if existing.Kind != c.Recipient.Kind {
		b.findings = append(b.findings, otherKind(c, existing))
		return b.step(c, plan.Skip, b.dir.endpoint, fmt.Sprintf("the target has a %s of that address", existing.Kind))
	}
	if !known.Created {
		want.Recipient = merged(*existing, want.Recipient)
	}
	facts := DirectoryDigest(want.Recipient)
	if facts == DirectoryDigest(*existing) || facts == known.Digest {
		s := b.step(c, plan.Keep, b.dir.endpoint, "the directory entry is as it should be")
		lose(&s, want.losses...)
		s.Notes = want.notes
		return s
	}
	s := b.written(c, plan.Update, want, updateReason(known))
	s.Before = existing
	return s
}

func updateReason(known state.Recipient) string {
	if known.Created {
		return "the source has changed"
	}
	return "the target has it already and lacks some of it"
}

func (b *builder) written(c Chosen, action plan.Action, want wish, reason string) plan.Step {
	s := b.step(c, action, b.dir.endpoint, reason)
	r := want.Recipient
	s.Recipient = &r
	s.Notes = want.notes
	lose(&s, want.losses...)
	return s
}

// merged adds what the source has to what the target has, and removes nothing.
func merged(have, want inventory.Recipient) inventory.Recipient {
	out := have
	if out.DisplayName == "" {
		out.DisplayName = want.DisplayName
	}
	if out.Type == "" {
		out.Type = want.Type
	}
	if out.External == "" {
		out.External = want.External
	}
	out.Aliases = union(have.Aliases, want.Aliases)
	out.Members = union(have.Members, want.Members)
	out.Owners = union(have.Owners, want.Owners)
	for name, value := range want.Attributes {
		if _, ok := have.Attributes[name]; ok {
			continue
		}
		if out.Attributes == nil || len(out.Attributes) == len(have.Attributes) {
			out.Attributes = maps.Clone(out.Attributes)
		}
		if out.Attributes == nil {
			out.Attributes = make(map[string]string)
		}
		out.Attributes[name] = value
	}
	return out
}

func union(a, b []inventory.Address) []inventory.Address {
	if len(a)+len(b) == 0 {
		return nil
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func otherKind(c Chosen, existing *inventory.Recipient) diag.Finding {
	return diag.Finding{
		Severity: diag.Error, Code: "target-kind-differs", Subject: string(c.Recipient.Address),
		Summary: fmt.Sprintf("%s is a %s on the source, and the target has a %s of that address", c.Target, c.Recipient.Kind, existing.Kind),
		Fix:     fmt.Sprintf("remove the %s from the target, or give the %s another address: map %q { to = \"...\" }", existing.Kind, c.Recipient.Kind, c.Recipient.Address),
	}
}
