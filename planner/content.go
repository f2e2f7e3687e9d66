package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// mailbox plans the directory entry of a mailbox, then its content.
func (b *builder) mailbox(c Chosen) {
	needs, ok := b.entry(c)
	if !ok {
		return
	}
	if endpoint := b.contentEndpoint(); endpoint != "" {
		b.add(c, phaseMailboxes, b.content(c, endpoint, needs))
		return
	}
	if b.dir == nil {
		b.add(c, phaseMailboxes, b.step(c, plan.Skip, "", "no target holds what is in it"))
	}
}

// contentEndpoint names the first target that serves any content.
func (b *builder) contentEndpoint() string {
	for _, ability := range inventory.ContentAbilities() {
		if t := b.serving[ability]; t != nil && (b.in.Source.Info.Has(ability) || ability == inventory.Mail) {
			return t.Address
		}
	}
	return ""
}

// content plans what is in a mailbox.
func (b *builder) content(c Chosen, endpoint string, needs []plan.StepID) plan.Step {
	box, seen := b.in.Mailboxes[c.Recipient.Address]
	known := b.in.Known[RecipientKey{inventory.KindMailbox, c.Recipient.Address}]
	if problem := b.obstacle(c, box, seen, known); problem != nil {
		b.findings = append(b.findings, *problem)
		return b.step(c, plan.Skip, endpoint, problem.Summary)
	}
	w := &mailboxWork{builder: b, c: c, box: box, known: known, history: newHistory(box)}
	w.collect()
	action, reason := w.action()
	s := b.step(c, action, endpoint, reason)
	s.Needs = needs
	w.fill(&s)
	b.checkQuota(&s, box)
	w.checkDeletions()
	return s
}

// obstacle returns what keeps a mailbox from being migrated.
func (b *builder) obstacle(c Chosen, box Mailbox, seen bool, known state.Recipient) *diag.Finding {
	address := c.Recipient.Address
	switch {
	case box.Problem != nil:
		problem := *box.Problem
		if problem.Severity == "" {
			problem.Severity = diag.Error
		}
		return &problem
	case !seen:
		return &diag.Finding{
			Severity: diag.Error, Code: "mailbox-not-seen", Subject: string(address),
			Summary: "the mailbox was not looked at", Fix: "plan again",
		}
	case known.Target != "" && known.Target != c.Target:
		return &diag.Finding{
			Severity: diag.Error, Code: "target-address-moved", Subject: string(address),
			Summary: fmt.Sprintf("%s was migrated to %s and would now go to %s", address, known.Target, c.Target),
			Detail:  "What is at the first address would be left behind, and everything copied again.",
			Fix:     fmt.Sprintf("map %q to %q again; to begin anew: cutover state rm %s", address, known.Target, address),
		}
	}
	return b.movedEndpoint(address, known)
}

// movedEndpoint finds that the state of a mailbox was made with other servers.
func (b *builder) movedEndpoint(address inventory.Address, known state.Recipient) *diag.Finding {
	was, is := known.SourceIdentity, b.in.Source.Info.Identity
	if was == "" || was == is {
		was, is = known.TargetIdentity, ""
		for _, t := range b.in.Targets {
			if t.Info.Identity == was {
				return nil
			}
			is = t.Info.Identity
		}
	}
	if was == "" || is == "" {
		return nil
	}
	return &diag.Finding{
		Severity: diag.Error, Code: "endpoint-moved", Subject: string(address),
		Summary: fmt.Sprintf("%s was migrated with %s, which is now %s", address, was, is),
		Detail:  "What the state knows of a server does not hold for another one.",
		Fix:     fmt.Sprintf("configure the server of before; to begin anew with the new one: cutover state rm %s", address),
	}
}

// mailboxWork gathers the work on one mailbox.
type mailboxWork struct {
	*builder
	c       Chosen
	box     Mailbox
	known   state.Recipient
	history history

	folders   []plan.Folder
	unchanged int
	losses    []providers.Loss
	notes     []string
	oversize  []plan.Oversize
	work      plan.Work
	keywords  []string
	renamed   bool // a folder follows a rename
	rematch   bool
}

// collect walks the folders of each target.
func (w *mailboxWork) collect() {
	folders := w.scratch.sorted(w.box.Source)
	w.leaveBehind(folders)
	if len(w.box.Known) == 0 {
		w.folders = make([]plan.Folder, 0, len(folders))
	}
	for i := range w.in.Targets {
		if t := &w.in.Targets[i]; w.serves(t) {
			w.target(t, folders)
		}
	}
	w.goneFolders()
}

// serves reports whether a target holds anything but a directory.
func (b *builder) serves(t *Endpoint) bool {
	return slices.ContainsFunc(inventory.ContentAbilities(), func(a inventory.Ability) bool { return b.serving[a] == t })
}

// leaveBehind notes the folders that do not travel: views, and what no target
// holds. Nothing that is empty is lost.
func (w *mailboxWork) leaveBehind(folders []inventory.Folder) {
	var left map[inventory.Ability]int
	var views []string
	for _, f := range folders {
		switch {
		case f.Role.View():
			views = append(views, f.Path.String())
		case w.serving[holds(f)] == nil && !f.Container && f.Items != 0:
			if left == nil {
				left = make(map[inventory.Ability]int)
			}
			left[holds(f)]++
		}
	}
	w.noteViews(views)
	for _, ability := range inventory.ContentAbilities() {
		if n := left[ability]; n > 0 {
			w.losses = append(w.losses, notHeld(string(ability), plural(n, "folder")))
		}
	}
}

func (w *mailboxWork) noteViews(views []string) {
	if len(views) > 0 {
		w.notes = append(w.notes, "not copied, as they show what is in other folders: "+strings.Join(views, ", "))
	}
}

// target plans the folders that one target holds.
func (w *mailboxWork) target(t *Endpoint, folders []inventory.Folder) {
	origins := w.scratch.origins[:0]
	for _, f := range folders {
		if len(f.Path) == 0 || f.Role.View() || w.serving[holds(f)] != t {
			continue
		}
		f.Holds = holds(f)
		o := origin{Folder: f}
		if known, ok := w.history.folder(f.ID); ok && len(known.TargetPath) > 0 {
			if slices.Equal(known.Path, f.Path) {
				o.fixed = known.TargetPath
			} else {
				o.was = known.TargetPath
			}
		}
		origins = append(origins, o)
	}
	w.scratch.origins = origins
	if len(origins) == 0 {
		return
	}
	var there *TargetMailbox
	var naming inventory.Naming
	if box, ok := w.box.Targets[t.Address]; ok {
		there, naming = &box, box.Info.Naming
	} else {
		naming = w.rememberedNaming()
	}
	for i, m := range mapFolders(origins, naming, there, w.history.held(t.Address)) {
		w.folder(t, origins[i], m, there)
	}
}
