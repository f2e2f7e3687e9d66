package planner

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// groupSteps plans groups after everything they may hold. A group comes after
// the groups that are its members. Where groups hold each other, or a member
// comes with a later batch, the group is created without that member and
// updated when it is there.
func (b *builder) groupSteps() {
	g := &grouping{builder: b, marks: make(map[inventory.Address]mark)}
	for _, c := range b.sel.Chosen {
		if c.Recipient.Kind != inventory.KindGroup {
			continue
		}
		if b.dir == nil {
			s := b.step(c, plan.Skip, "", "no target has a directory")
			lose(&s, notHeld("groups", "distribution groups"))
			b.add(c, phaseGroups, s)
			continue
		}
		g.visit(c)
	}
}

// grouping walks the groups depth first.
type grouping struct {
	*builder
	marks map[inventory.Address]mark // by address on the target
}

type mark uint8

const (
	entered mark = iota + 1
	left
)

// visit plans a group after its member groups of the same or an earlier batch.
func (g *grouping) visit(c Chosen) {
	if g.marks[c.Target] != 0 {
		return
	}
	g.marks[c.Target] = entered
	for _, m := range c.Recipient.Members {
		if member, ok := g.dir.chosen[g.dir.targets[m]]; ok && member.Recipient.Kind == inventory.KindGroup && member.batch <= c.batch {
			g.visit(member)
		}
	}
	g.plan(c)
	g.marks[c.Target] = left
}

// plan makes the one or two steps of a group.
func (g *grouping) plan(c Chosen) {
	full := g.desired(c)
	var late []Chosen
	full.Members, late = g.members(c, &full)
	full.Owners, late = g.owners(c, &full, late)
	if g.dir.existing[c.Target] != nil {
		g.planExisting(c, full, late)
		return
	}
	first := full
	first.Members, first.Owners = without(full.Members, late), without(full.Owners, late)
	s := g.directoryStep(c, first)
	s.Needs = g.needs(slices.Concat(first.Members, first.Owners), c)
	g.add(c, phaseGroups, s)
	if len(late) == 0 {
		return
	}
	last := latest(c, late)
	full.losses, full.notes = nil, nil
	second := g.written(c, plan.Update, full, "for those that are created after it: "+names(late))
	second.Batch = last.Batch
	second.Before = s.Recipient
	second.Needs = slices.DeleteFunc(g.needsLate(late), func(id plan.StepID) bool { return id == s.ID })
	second.Needs = append([]plan.StepID{s.ID}, second.Needs...)
	g.addTo(last.batch, phaseLate, second)
}

// planExisting updates a group once, when all its members are there.
func (g *grouping) planExisting(c Chosen, full wish, late []Chosen) {
	s := g.directoryStep(c, full)
	if s.Action != plan.Update {
		g.add(c, phaseGroups, s)
		return
	}
	s.Needs = append(g.needs(slices.Concat(without(full.Members, late), without(full.Owners, late)), c), g.needsLate(late)...)
	if len(late) == 0 {
		g.add(c, phaseGroups, s)
		return
	}
	last := latest(c, late)
	s.Batch = last.Batch
	g.addTo(last.batch, phaseLate, s)
}

// members maps members to addresses of the target. late are those that the
// plan creates after the group.
func (g *grouping) members(c Chosen, w *wish) (members []inventory.Address, late []Chosen) {
	var waiting, lost []inventory.Address
	for _, m := range c.Recipient.Members {
		target, listed := g.dir.targets[m]
		if !listed {
			target = m
		}
		member, chosen := g.dir.chosen[target]
		switch {
		case g.dir.reachable[target]:
		case chosen && g.after(member, c):
			late = append(late, member)
		case chosen:
		case g.dir.elsewhere[target]:
			waiting = append(waiting, m)
			continue
		case g.dir.leftOut[m]:
			lost = append(lost, m)
			continue
		}
		members = append(members, target)
	}
	if len(waiting) > 0 {
		w.notes = append(w.notes, plural(len(waiting), "member")+" will be added when they are migrated")
	}
	if len(lost) > 0 {
		w.losses = append(w.losses, notMigrated("members", c, lost))
	}
	slices.Sort(members)
	return slices.Compact(members), late
}

// after reports whether the plan creates a member after the group.
func (g *grouping) after(member, group Chosen) bool {
	if member.batch != group.batch {
		return member.batch > group.batch
	}
	return member.Recipient.Kind == inventory.KindGroup && g.marks[member.Target] != left
}

// owners maps owners; those that the target will not have are lost. It adds to
// late.
func (g *grouping) owners(c Chosen, w *wish, late []Chosen) ([]inventory.Address, []Chosen) {
	var owners, lost []inventory.Address
	for _, o := range c.Recipient.Owners {
		target, listed := g.dir.targets[o]
		owner, chosen := g.dir.chosen[target]
		switch {
		case listed && g.dir.reachable[target]:
		case listed && chosen:
			if g.after(owner, c) {
				late = append(late, owner)
			}
		case listed:
			w.notes = append(w.notes, fmt.Sprintf("owner %s will be added when migrated", o))
			continue
		default:
			lost = append(lost, o)
			continue
		}
		owners = append(owners, target)
	}
	if len(lost) > 0 {
		w.losses = append(w.losses, notMigrated("owners", c, lost))
	}
	slices.Sort(owners)
	return slices.Compact(owners), late
}

func notMigrated(what string, c Chosen, lost []inventory.Address) providers.Loss {
	return providers.Loss{Code: "group-" + what + "-not-migrated", Detail: fmt.Sprintf("%s of group %s that are not migrated: %s", what, c.Target, abbreviated(lost))}
}

func abbreviated(list []inventory.Address) string {
	const shown = 5
	text := ""
	for i, a := range list {
		if i == shown {
			return fmt.Sprintf("%s and %d more", text, len(list)-shown)
		}
		if i > 0 {
			text += ", "
		}
		text += string(a)
	}
	return text
}

// needs are the steps that create members.
func (g *grouping) needs(members []inventory.Address, c Chosen) []plan.StepID {
	var ids []plan.StepID
	for _, m := range members {
		if id, ok := g.dir.creates[m]; ok && m != c.Target {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// needsLate are the steps that create members after the group. They may not
// have been made yet; their IDs follow from what they do.
func (g *grouping) needsLate(late []Chosen) []plan.StepID {
	var ids []plan.StepID
	for _, m := range late {
		ids = append(ids, g.step(m, plan.Create, g.dir.endpoint, "").ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func without(members []inventory.Address, late []Chosen) []inventory.Address {
	return slices.DeleteFunc(slices.Clone(members), func(m inventory.Address) bool {
		return slices.ContainsFunc(late, func(c Chosen) bool { return c.Target == m })
	})
}

func latest(c Chosen, late []Chosen) Chosen {
	return slices.MaxFunc(append(late[:len(late):len(late)], c), func(a, b Chosen) int { return cmp.Compare(a.batch, b.batch) })
}

func names(late []Chosen) string {
	list := make([]inventory.Address, len(late))
	for i, c := range late {
		list[i] = c.Target
	}
	slices.Sort(list)
	return abbreviated(slices.Compact(list))
}
