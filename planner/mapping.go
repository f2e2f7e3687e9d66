package planner

import (
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
)

// mapped is where a source folder goes.
type mapped struct {
	path inventory.Path
	// reason says why path differs from that of the source.
	reason string
	// role is what to ask for when the folder is created: that of the source
	// folder, or none when another folder has it.
	role   inventory.Role
	create bool
}

// origin is a source folder that is to be mapped.
type origin struct {
	inventory.Folder
	// fixed is the path that an earlier run gave it; nil when there is none,
	// or when the folder has been renamed since.
	fixed inventory.Path
	// was is the path that an earlier run gave a folder renamed since.
	was inventory.Path
}

// mapper maps the folders of one mailbox to those of one target.
type mapper struct {
	namer
	looked bool // whether the target's folders are known
	target map[string]*inventory.Folder
	listed []inventory.Folder // the same, by path
	taken  map[string]bool
	// leaving are the paths that renamed folders still have, by key: the
	// source path of the folder.
	leaving map[string]string
	above   map[string]inventory.Path // target paths by source path, for children
	roles   map[inventory.Role]bool   // already given
}

// mapFolders maps origins, which are sorted by path, to different paths of the
// target. Paths in held are not to be used. target is nil when the target was
// not looked at.
//
// A renamed folder follows its new name unless the target has a folder of that
// name already: then it stays where it is, because merging two folders, or
// swapping them, cannot be undone.
func mapFolders(origins []origin, naming inventory.Naming, target *TargetMailbox, held []inventory.Path) []mapped {
	for {
		m := newMapper(naming, target)
		out := m.run(origins, held)
		blocked := false
		for i, o := range origins {
			free := out[i].reason != nameTaken && !m.there(out[i].path)
			if o.was == nil || o.fixed != nil || m.key(out[i].path) == m.key(o.was) || free {
				continue
			}
			origins[i].fixed, blocked = o.was, true
		}
		if !blocked {
			return out
		}
	}
}

func (m *mapper) there(p inventory.Path) bool {
	_, ok := m.target[m.key(p)]
	return ok
}

func (m *mapper) run(origins []origin, held []inventory.Path) []mapped {
	for _, p := range held {
		m.taken[m.key(p)] = true
	}
	for _, o := range origins {
		if o.was != nil && o.fixed == nil {
			m.leaving[m.key(o.was)] = o.Path.String()
		}
	}
	out := make([]mapped, len(origins))
	m.keepFixed(origins, out)
	m.matchRoles(origins, out)
	m.place(origins, out, false)
	m.place(origins, out, true)
	for i := range out {
		out[i].create = m.looked && !m.there(out[i].path)
	}
	return out
}

// place finds places by path: for folders that keep theirs first, then for
// those that an inbox without folders displaces.
func (m *mapper) place(origins []origin, out []mapped, displaced bool) {
	for i, o := range origins {
		if out[i].path == nil && m.displaced(o.Path) == displaced {
			out[i].path, out[i].reason = m.byPath(o.Path, holds(o.Folder), out[i].role)
			m.above[o.Path.String()] = out[i].path
		}
	}
}

// displaced reports whether a folder of the source is below its inbox and the
// target cannot hold it there.
func (m *mapper) displaced(p inventory.Path) bool {
	if !m.InboxLeaf || len(p) < 2 {
		return false
	}
	top, ok := m.above[p[:1].String()]
	return m.inInbox(p) || (ok && m.inInbox(top))
}

func newMapper(naming inventory.Naming, target *TargetMailbox) *mapper {
	m := &mapper{
		namer: namer{naming}, looked: target != nil,
		target: make(map[string]*inventory.Folder),
		taken:  make(map[string]bool), leaving: make(map[string]string), above: make(map[string]inventory.Path), roles: make(map[inventory.Role]bool),
	}
	if target == nil {
		return m
	}
	m.listed = sortedFolders(target.Folders)
	for i := range m.listed {
		key := m.key(m.listed[i].Path)
		if _, ok := m.target[key]; !ok {
			m.target[key] = &m.listed[i]
		}
	}
	return m
}

// keepFixed keeps what earlier runs decided.
func (m *mapper) keepFixed(origins []origin, out []mapped) {
	for i, o := range origins {
		if o.fixed == nil {
			continue
		}
		out[i] = mapped{path: o.fixed, role: m.give(o.Role)}
		if !slices.Equal(o.fixed, o.Path) {
			out[i].reason = "an earlier run decided so"
			if o.was != nil {
				out[i].reason = "the target has another folder of its new name"
			}
		}
		m.taken[m.key(o.fixed)] = true
		m.above[o.Path.String()] = o.fixed
	}
}

// give hands out a role once.
func (m *mapper) give(role inventory.Role) inventory.Role {
	if role == inventory.RoleNone || m.roles[role] {
		return inventory.RoleNone
	}
	m.roles[role] = true
	return role
}

// matchRoles lets the first folder of each role fill the target's folder of
// that role, whatever its name.
func (m *mapper) matchRoles(origins []origin, out []mapped) {
	implied := impliedInbox(origins)
	for i, o := range origins {
		if out[i].path != nil {
			continue
		}
		role := o.Role
		if i == implied {
			role = inventory.RoleInbox
		}
		out[i].role = m.give(role)
		path, ok := m.roleFolder(out[i].role, o)
		if !ok {
			continue
		}
		out[i].path = path
		if !slices.Equal(path, o.Path) {
			out[i].reason = "it fills the " + string(role) + " folder of the target"
		}
		m.taken[m.key(path)] = true
		m.above[o.Path.String()] = path
	}
}

// impliedInbox finds the folder named INBOX of a mailbox in which none has
// that role; -1 when there is no such case.
func impliedInbox(origins []origin) int {
	found := -1
	for i, o := range origins {
		if o.Role == inventory.RoleInbox {
			return -1
		}
		if found < 0 && o.Role == inventory.RoleNone && len(o.Path) == 1 && strings.EqualFold(o.Path[0], "INBOX") {
			found = i
		}
	}
	return found
}

// roleFolder returns the target's only folder of a role, or of several the one
// of the same path.
func (m *mapper) roleFolder(role inventory.Role, o origin) (inventory.Path, bool) {
	if role == inventory.RoleNone {
		return nil, false
	}
	var fit []*inventory.Folder
	for i := range m.listed {
		if f := &m.listed[i]; f.Role == role && holds(*f) == holds(o.Folder) && m.free(f.Path, o.Path) {
			fit = append(fit, f)
		}
	}
	for _, f := range fit {
		if len(fit) == 1 || m.key(f.Path) == m.key(o.Path) {
			return f.Path, true
		}
	}
	inbox := inventory.Path{"INBOX"}
	if role == inventory.RoleInbox && len(fit) == 0 && holds(o.Folder) == inventory.Mail && m.free(inbox, o.Path) {
		return inbox, true
	}
	return nil, false
}

// byPath finds a place for a folder below that of its parent.
func (m *mapper) byPath(path inventory.Path, class inventory.Ability, role inventory.Role) (inventory.Path, string) {
	parent, why := m.parent(path, class)
	name := path[len(path)-1]
	if m.InboxLeaf && m.inInbox(parent) {
		parent, why = nil, "the target has no folders below the inbox"
	}
	if m.MaxDepth > 0 && len(parent) >= m.MaxDepth {
		name = parent[m.MaxDepth-1] + " - " + name
		parent, why = parent[:m.MaxDepth-1], "the target does not nest folders that deep"
	}
	for m.MaxPath > 0 && len(parent) > 0 && m.room(parent) < min(roomForName, m.length(name)) {
		parent, why = parent[:len(parent)-1], "its path is longer than the target allows"
	}
	place, reason := m.fit(parent, name, path, class, role)
	if reason == "" && !slices.Equal(place, path) {
		reason = why
	}
	return place, reason
}

// inInbox reports whether a path is that of the inbox, or below it.
func (m *mapper) inInbox(p inventory.Path) bool {
	return len(p) > 0 && m.key(p[:1]) == m.key(inventory.Path{"INBOX"})
}

// nameTaken is why a folder got a number.
const nameTaken = "another folder has that name on the target"

// roomForName is what a name should have at least before it is cut: a hash and
// something to recognise it by.
const roomForName = 24

// fit makes a name that is valid below parent and not yet taken.
func (m *mapper) fit(parent inventory.Path, name string, whole inventory.Path, class inventory.Ability, role inventory.Role) (inventory.Path, string) {
	room := m.room(parent)
	name, reason := m.clean(name, len(parent) == 0)
	short, cut := m.shorten(name, whole, room)
	if cut != "" {
		reason = cut
	}
	place := child(parent, short)
	for number := 2; m.occupied(place, whole, class, role); number++ {
		place = child(parent, m.numbered(short, number, room))
		reason = nameTaken
	}
	key := m.key(place)
	m.taken[key] = true
	if f, ok := m.target[key]; ok && !slices.Equal(f.Path, place) {
		return f.Path, "the target spells it so"
	}
	return place, reason
}

// occupied reports whether a path is another folder's, or of another kind.
func (m *mapper) occupied(p, source inventory.Path, class inventory.Ability, role inventory.Role) bool {
	key := m.key(p)
	inbox := class == inventory.Mail && key == m.key(inventory.Path{"INBOX"})
	if !m.free(p, source) || (inbox && role != inventory.RoleInbox) {
		return true
	}
	f, ok := m.target[key]
	return ok && (f.Role.View() || (!f.Container && holds(*f) != class))
}

// free reports whether no other folder of the source goes, or still is, there.
func (m *mapper) free(p, source inventory.Path) bool {
	key := m.key(p)
	owner, leaving := m.leaving[key]
	return !m.taken[key] && (!leaving || owner == source.String())
}

// parent returns where the folder above went. One that the source does not
// list gets a place as if it did.
func (m *mapper) parent(path inventory.Path, class inventory.Ability) (place inventory.Path, reason string) {
	up := path.Parent()
	if len(up) == 0 {
		return nil, ""
	}
	place, ok := m.above[up.String()]
	if !ok {
		place = m.virtual(up, class)
		m.above[up.String()] = place
	}
	return place, "the folder above it has another name on the target"
}

// virtual places a folder that only exists as a part of the path of others.
func (m *mapper) virtual(path inventory.Path, class inventory.Ability) inventory.Path {
	if strings.EqualFold(path[0], "INBOX") && len(path) == 1 {
		return inventory.Path{"INBOX"}
	}
	place, _ := m.byPath(path, class, inventory.RoleNone)
	return place
}

func child(parent inventory.Path, name string) inventory.Path {
	return append(slices.Clone(parent), name)
}

// holds is what a folder is for; one that does not say holds mail.
func holds(f inventory.Folder) inventory.Ability {
	if f.Holds == "" {
		return inventory.Mail
	}
	return f.Holds
}

// sortedFolders returns the folders by path, parents first, then ID.
func sortedFolders(list []inventory.Folder) []inventory.Folder {
	if slices.IsSortedFunc(list, compareFolders) {
		return list
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, compareFolders)
	return sorted
}

func compareFolders(a, b inventory.Folder) int {
	if c := slices.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	return strings.Compare(string(a.ID), string(b.ID))
}
