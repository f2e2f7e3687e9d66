package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
)

// arrange makes the folders of the plan exist on the target, and in the state.
func (p *pass) arrange(ctx context.Context) error {
	for i := range p.step.Folders {
		f := &p.step.Folders[i]
		if f.Endpoint != p.target.address {
			continue
		}
		if err := p.place(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// place gives one folder its place on the target.
func (p *pass) place(ctx context.Context, planned *plan.Folder) error {
	f := &folder{Folder: planned, pass: p, name: planned.Path.String()}
	source, there := p.sources[planned.Source]
	if !there {
		p.placeGone(f)
		return nil
	}
	held, err := p.targetFolder(ctx, planned)
	if err != nil {
		return err
	}
	f.row = p.rowOf(planned)
	f.compareEpochs(source, held)
	f.after, f.held = held.End, held.Items
	if f.row.ID != 0 {
		f.owed = p.failures[f.row.ID]
	}
	if err := f.saveRow(ctx, source, held); err != nil {
		return err
	}
	if !planned.Container && !planned.Role.View() {
		p.folders = append(p.folders, f)
	}
	return nil
}

// placeGone takes up a folder that the source does not have any more: all its
// items are gone, or have moved.
func (p *pass) placeGone(f *folder) {
	held, ok := p.held[f.Target.String()]
	for _, row := range p.rows {
		if row.Source == f.Source && row.Target != "" && ok && held.Epoch == row.TargetEpoch {
			f.row, f.gone = row, true
			p.folders = append(p.folders, f)
			return
		}
	}
	p.note(f, codeFolder, "the folder is not on the source any more, and nothing is known of it on the target")
}

// targetFolder finds, renames or creates the folder.
func (p *pass) targetFolder(ctx context.Context, f *plan.Folder) (inventory.Folder, error) {
	if held, ok := p.held[f.Target.String()]; ok {
		return held, nil
	}
	if old, ok := p.held[f.MovedFrom.String()]; ok && len(f.MovedFrom) > 0 {
		return p.rename(ctx, old, f)
	}
	made, err := p.tgt.CreateFolder(ctx, inventory.Folder{
		Path: f.Target, Role: f.Role, Holds: f.Holds, Container: f.Container, Subscribed: f.Subscribed, Items: -1, Bytes: -1,
	})
	if err != nil {
		return made, p.tgt.verdict(fmt.Errorf("folder %s: %w", f.Target, err))
	}
	if held, ok := p.held[made.Path.String()]; ok {
		return held, nil
	}
	p.held[made.Path.String()] = made
	return made, nil
}

// rename follows a folder that was renamed on the source. What is below goes
// with it, so that the target is listed anew, and the rows of what is below
// are corrected.
func (p *pass) rename(ctx context.Context, old inventory.Folder, f *plan.Folder) (inventory.Folder, error) {
	if err := p.followRow(ctx, f); err != nil {
		return old, err
	}
	if _, err := p.tgt.RenameFolder(ctx, old.ID, f.Target); err != nil {
		return old, p.tgt.verdict(fmt.Errorf("rename folder %s to %s: %w", f.MovedFrom, f.Target, err))
	}
	if err := p.listTarget(ctx); err != nil {
		return old, err
	}
	held, ok := p.held[f.Target.String()]
	if !ok {
		return old, fmt.Errorf("folder %s is not there after it was renamed from %s", f.Target, f.MovedFrom)
	}
	return held, p.renameBelow(ctx, f.MovedFrom, f.Target)
}

// followRow records which source folder it is that is about to be renamed on
// the target. After an interruption the row is found by that, wherever the
// target folder stands.
func (p *pass) followRow(ctx context.Context, f *plan.Folder) error {
	row := p.rowOf(f)
	if row.ID == 0 || row.Source == f.Source {
		return nil
	}
	row.Source, row.Identity = f.Source, p.sources[f.Source].Identity
	if _, err := p.Store.SaveFolder(ctx, row); err != nil {
		return p.broken(err)
	}
	return p.readRows(ctx)
}

func (p *pass) renameBelow(ctx context.Context, from, to inventory.Path) error {
	for i, row := range p.rows {
		n := len(from)
		if len(row.TargetPath) <= n || !slices.Equal(row.TargetPath[:n], from) {
			continue
		}
		path := append(slices.Clone(to), row.TargetPath[n:]...)
		held, ok := p.held[path.String()]
		if !ok {
			continue
		}
		row.Target, row.TargetPath = held.ID, path
		saved, err := p.Store.SaveFolder(ctx, row)
		if err != nil {
			return p.broken(err)
		}
		p.rows[i] = saved
	}
	return nil
}

// rowOf returns what the state knows of a folder, under its present or its
// former name. Names say less than identities: another folder can stand under
// the name by now, and two can have swapped theirs.
func (p *pass) rowOf(f *plan.Folder) state.Folder {
	identity := p.sources[f.Source].Identity
	if row, ok := p.rowWhere(func(r state.Folder) bool { return r.Source == f.Source && r.Identity == identity }); ok {
		return row
	}
	if identity != "" {
		if row, ok := p.rowWhere(func(r state.Folder) bool { return r.Identity == identity }); ok {
			return row
		}
	}
	if row, ok := p.rowWhere(func(r state.Folder) bool { return r.Source == f.Source && !p.renamed(r) }); ok {
		return row
	}
	if len(f.MovedFrom) > 0 {
		for _, row := range p.rows {
			_, stillThere := p.sources[row.Source]
			if !stillThere && (slices.Equal(row.TargetPath, f.MovedFrom) || slices.Equal(row.TargetPath, f.Target)) {
				return row
			}
		}
	}
	return state.Folder{Recipient: p.row.ID}
}

func (p *pass) rowWhere(is func(state.Folder) bool) (state.Folder, bool) {
	if i := slices.IndexFunc(p.rows, is); i >= 0 {
		return p.rows[i], true
	}
	return state.Folder{}, false
}

// renamed reports whether the folder of a row has another name on the source
// now.
func (p *pass) renamed(row state.Folder) bool {
	if row.Identity == "" || p.sources[row.Source].Identity == row.Identity {
		return false
	}
	for _, f := range p.sources {
		if f.Identity == row.Identity {
			return true
		}
	}
	return false
}

// compareEpochs finds out whether item IDs known before are void.
func (f *folder) compareEpochs(source, held inventory.Folder) {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if f.row.ID == 0 || f.row.Target == "" {
		return
	}
	// Where epochs are told they know better than a plan made before.
	asked := func(side, a, b string) bool {
		return f.Rematch == side && (a == "" || b == "") && !f.pass.rematched[f.Source]
	}
	told := f.pass.voided[f.Source] && !f.pass.rematched[f.Source]
	f.voidSource = told || differ(f.row.Epoch, source.Epoch) || asked("source", f.row.Epoch, source.Epoch)
	f.voidTarget = differ(f.row.TargetEpoch, held.Epoch) || asked("target", f.row.TargetEpoch, held.Epoch)
}

// saveRow records where the folder is. Epochs of void IDs stay until the
// entries that have them are dealt with.
func (f *folder) saveRow(ctx context.Context, source, held inventory.Folder) error {
	before := f.row
	row := &f.row
	row.Recipient, row.Ability = f.pass.row.ID, f.Holds
	row.Source, row.Path, row.Role, row.Identity = f.Source, f.Path, f.Role, source.Identity
	row.Target, row.TargetPath, row.TargetEndpoint = held.ID, f.Target, f.pass.target.address
	if !f.voidSource {
		row.Epoch = source.Epoch
	}
	if !f.voidTarget {
		row.TargetEpoch = held.Epoch
	}
	if before.ID != 0 && sameRow(before, *row) {
		return nil
	}
	saved, err := f.pass.Store.SaveFolder(ctx, *row)
	if err != nil {
		return f.pass.broken(fmt.Errorf("record folder %s: %w", f.Path, err))
	}
	saved.Items, saved.Bytes, saved.Failed = before.Items, before.Bytes, before.Failed
	*row = saved
	for i := range f.pass.rows {
		if f.pass.rows[i].ID == saved.ID {
			f.pass.rows[i] = saved
		}
	}
	return nil
}

func sameRow(a, b state.Folder) bool {
	return a.Source == b.Source && a.Target == b.Target && a.Epoch == b.Epoch && a.TargetEpoch == b.TargetEpoch &&
		a.Identity == b.Identity && a.Role == b.Role && a.Ability == b.Ability && a.TargetEndpoint == b.TargetEndpoint &&
		slices.Equal(a.Path, b.Path) && slices.Equal(a.TargetPath, b.TargetPath)
}

// format returns the format in which items of a class travel.
func (f *folder) format(class inventory.Class) inventory.Format {
	fallback := openFormat(class, f.Holds)
	for _, route := range f.Routes {
		if route.Class == class && class != "" {
			return route.Format
		}
		if route.Class == "" || (class == "" && len(f.Routes) == 1) {
			fallback = route.Format
		}
	}
	return fallback
}

// openFormat is the format of items that no route names.
func openFormat(class inventory.Class, holds inventory.Ability) inventory.Format {
	switch {
	case class == inventory.ClassMessage:
		return inventory.FormatRFC5322
	case class == inventory.ClassContact || (class == "" && holds == inventory.Contacts):
		return inventory.FormatVCard
	case class == "" && holds == inventory.Mail:
		return inventory.FormatRFC5322
	}
	return inventory.FormatICalendar
}

// strayFolder is a folder with a row that is not in the plan.
func (p *pass) strayFolder(row state.Folder) *folder {
	source, there := p.sources[row.Source]
	f := &folder{
		Folder: &plan.Folder{Source: row.Source, Path: row.Path, Role: row.Role, Holds: row.Ability, Target: row.TargetPath},
		pass:   p, name: row.Path.String(), row: row,
	}
	f.voidSource = !there || (row.Epoch != "" && source.Epoch != "" && row.Epoch != source.Epoch)
	return f
}
