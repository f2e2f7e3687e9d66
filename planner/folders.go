package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// folder plans one folder.
func (w *mailboxWork) folder(t *Endpoint, o origin, m mapped, there *TargetMailbox) {
	known, isKnown := w.history.folder(o.ID)
	delta, changed := w.delta(o.ID)
	f := plan.Folder{
		Source: o.ID, Path: o.Path, Role: m.role, Holds: o.Holds, Endpoint: t.Address,
		Target: m.path, Renamed: m.reason, Container: o.Container, Subscribed: o.Subscribed,
		Epoch: o.Epoch, Rematch: delta.Rematch, Work: w.workOf(o, delta, isKnown, changed),
	}
	f.Create = m.create || (there == nil && known.Target == "")
	moved := o.was != nil && !slices.Equal(o.was, m.path)
	if moved && holdsPath(there, o.was) {
		f.MovedFrom, f.Create = o.was, false
	}
	w.note(delta)
	idle := f.Work.Zero() && f.Rematch == "" && delta.Left == 0
	if isKnown && idle && o.was == nil && known.Target != "" {
		w.unchanged++
		return
	}
	if !w.route(t, &f) {
		return
	}
	w.renamed = w.renamed || o.was != nil
	w.rematch = w.rematch || f.Rematch != ""
	w.folders = append(w.folders, f)
	w.work = w.work.Add(f.Work)
}

// holdsPath reports whether a folder stands at the path, or whether nobody
// looked.
func holdsPath(there *TargetMailbox, p inventory.Path) bool {
	if there == nil {
		return true
	}
	return slices.ContainsFunc(there.Folders, func(f inventory.Folder) bool { return slices.Equal(f.Path, p) })
}

// delta finds what changed in a folder, also under its earlier ID.
func (w *mailboxWork) delta(id inventory.FolderID) (Delta, bool) {
	if d, ok := w.box.Deltas[id]; ok {
		return d, true
	}
	if old, ok := w.box.Renames[id]; ok {
		d, ok := w.box.Deltas[old]
		return d, ok
	}
	return Delta{}, false
}

// workOf counts the work on a folder: what the survey found, or all of a
// folder that is new.
func (w *mailboxWork) workOf(o origin, d Delta, known, changed bool) plan.Work {
	switch {
	case o.Container:
		return plan.Work{}
	case changed:
		work := d.Work
		if w.in.Migration.Deletions == "keep" {
			work.Deleted = 0
		}
		return work
	case known:
		return plan.Work{}
	case o.Items < 0:
		return plan.Work{Bytes: -1}
	}
	work := plan.Work{New: o.Items, Bytes: o.Bytes}
	if o.Items == 0 {
		work.Bytes = 0
	}
	return work
}

// note collects what a folder cannot bring along.
func (w *mailboxWork) note(d Delta) {
	w.oversize = append(w.oversize, d.Oversize...)
	for _, k := range d.RefusedKeywords {
		if !slices.Contains(w.keywords, k) {
			w.keywords = append(w.keywords, k)
		}
	}
}

// route chooses the formats of a folder; false when there are none.
func (w *mailboxWork) route(t *Endpoint, f *plan.Folder) bool {
	r := w.routesTo(t, f.Holds)
	w.losses = append(w.losses, r.losses...)
	if r.none && !f.Container {
		return false
	}
	if !f.Container {
		f.Routes = r.routes
	}
	return true
}

// goneFolders plans the deletions in folders that the source does not have any
// more.
func (w *mailboxWork) goneFolders() {
	if w.in.Migration.Deletions == "keep" {
		return
	}
	for _, k := range w.history.gone {
		d, ok := w.box.Deltas[k.Source]
		if !ok || (d.Work.Zero() && d.Left == 0) {
			continue
		}
		w.folders = append(w.folders, plan.Folder{
			Source: k.Source, Path: k.Path, Role: k.Role, Holds: k.Ability, Endpoint: k.TargetEndpoint,
			Target: k.TargetPath, Epoch: k.Epoch, Work: d.Work,
		})
		w.work = w.work.Add(d.Work)
		w.notes = append(w.notes, "the source does not have this folder any more: "+k.Path.String())
	}
}

// action decides what the step does, and why.
func (w *mailboxWork) action() (plan.Action, string) {
	var why []string
	if w.box.InDoubt > 0 {
		why = append(why, plural(int(w.box.InDoubt), "write")+" of an interrupted run in doubt")
	}
	if w.known.ErrorCode != "" || w.known.Error != "" {
		why = append(why, "the last pass failed: "+orElse(w.known.ErrorCode, "unknown"))
	}
	if w.known.Synced.IsZero() {
		if w.known.ID != 0 || w.known.Source != "" {
			return plan.Copy, sentence(append([]string{"the first copy was not finished"}, why...))
		}
		return plan.Copy, sentence(append([]string{"not yet migrated"}, why...))
	}
	if w.rematch {
		why = append(why, "item IDs lost their validity, so items are recognised by content")
	}
	if w.renamed {
		why = append(why, "folders were renamed on the source")
	}
	if w.work.Retried > 0 {
		why = append(why, plural(int(w.work.Retried), "item")+" failed before")
	}
	if len(w.folders) > 0 && len(why) == 0 {
		why = append(why, "changed since the last run")
	}
	if len(why) == 0 {
		return plan.Keep, "nothing has changed"
	}
	return plan.Sync, sentence(why)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// fill completes the step.
func (w *mailboxWork) fill(s *plan.Step) {
	s.Folders, s.Unchanged, s.Work, s.Notes = w.folders, w.unchanged, w.work, w.notes
	lose(s, w.losses...)
	if len(w.oversize) > 0 {
		s.Oversize = sortedOversize(w.oversize)
		lose(s, providers.Loss{Code: "oversize-items", Detail: fmt.Sprintf("%s larger than the target takes (%s)", plural(len(s.Oversize), "item"), size(s.Oversize[0].Max))})
	}
	if len(w.keywords) > 0 {
		slices.Sort(w.keywords)
		lose(s, providers.Loss{Code: "keywords-refused", Detail: "keywords that the target does not keep: " + strings.Join(w.keywords, ", ")})
	}
	if s.Action != plan.Keep {
		w.endpointNotes(s)
	}
}

// endpointNotes adds what the endpoints themselves say they cannot do.
func (w *mailboxWork) endpointNotes(s *plan.Step) {
	lose(s, w.in.Source.Info.Notes...)
	for i := range w.in.Targets {
		t := &w.in.Targets[i]
		if slices.ContainsFunc(s.Folders, func(f plan.Folder) bool { return f.Endpoint == t.Address }) {
			lose(s, t.Info.Notes...)
		}
	}
}

func sortedOversize(list []plan.Oversize) []plan.Oversize {
	slices.SortFunc(list, func(a, b plan.Oversize) int {
		if c := slices.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return list
}

// rememberedNaming is what the target demanded when it was last looked at.
func (w *mailboxWork) rememberedNaming() inventory.Naming {
	var info providers.MailboxInfo
	if w.known.TargetInfo == "" || json.Unmarshal([]byte(w.known.TargetInfo), &info) != nil {
		return inventory.Naming{}
	}
	return info.Naming
}

// checkQuota warns when what is to be copied does not fit.
func (b *builder) checkQuota(s *plan.Step, box Mailbox) {
	for i := range b.in.Targets {
		t := &b.in.Targets[i]
		info := box.Targets[t.Address].Info
		var bytes, items int64
		for _, f := range s.Folders {
			if f.Endpoint == t.Address {
				bytes, items = bytes+max(f.Work.Bytes, 0), items+f.Work.New
			}
		}
		if info.Quota > 0 && bytes > info.Quota-info.Used {
			b.findings = append(b.findings, quota(s, size(bytes), size(max(info.Quota-info.Used, 0)), size(info.Quota)))
		}
		if info.QuotaItems > 0 && items > info.QuotaItems-info.UsedItems {
			b.findings = append(b.findings, quota(s, plural(int(items), "item"), fmt.Sprint(max(info.QuotaItems-info.UsedItems, 0)), fmt.Sprint(info.QuotaItems)))
		}
	}
}

func quota(s *plan.Step, need, free, all string) diag.Finding {
	return diag.Finding{
		Severity: diag.Warning, Code: "target-quota", Subject: string(s.Source),
		Summary: fmt.Sprintf("%s does not fit into the quota of %s: %s to copy, %s free of %s", s.Source, s.Target, need, free, all),
		Detail:  "The copy stops when the mailbox is full; the other mailboxes go on.",
		Fix:     "raise the quota of the mailbox on the target before apply",
	}
}
