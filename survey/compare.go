package survey

import (
	"context"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// comparison holds the folders of one mailbox against what the state knows.
type comparison struct {
	*visit
	session providers.Mailbox
	folders []inventory.Folder
	// mapped is what the state knows of each folder of the source; gone are
	// the folders it knows that the source does not have any more.
	mapped  map[inventory.FolderID]state.Folder
	renames map[inventory.FolderID]inventory.FolderID
	gone    []state.Folder
	doubted map[int64]int64
	moves   moves
	deltas  map[inventory.FolderID]planner.Delta
}

func newComparison(v *visit, session providers.Mailbox, folders []inventory.Folder) *comparison {
	c := &comparison{visit: v, session: session, folders: folders}
	c.doubted, _ = v.inDoubt()
	c.mapped, c.renames, c.gone = matchFolders(folders, v.folders)
	c.moves.limit = v.MoveBytes
	return c
}

// copies reports whether a folder is one whose items travel.
func (c *comparison) copies(f inventory.Folder) bool {
	return !f.Role.View() && c.serving(f.Holds) != nil
}

// needsTarget reports whether the plan needs to see the target: something is
// to be created there, or its limits are not known.
func (c *comparison) needsTarget() bool {
	if _, ok := c.targetInfo(); !c.seen || !ok {
		return true
	}
	for _, f := range c.folders {
		if known, ok := c.mapped[f.ID]; c.copies(f) && (!ok || known.Target == "") {
			return true
		}
	}
	return len(c.renames) > 0
}

// run fills deltas.
func (c *comparison) run(ctx context.Context) error {
	if c.elsewhere() {
		return nil
	}
	c.deltas = map[inventory.FolderID]planner.Delta{}
	for _, f := range c.folders {
		if !c.copies(f) || f.Container {
			continue
		}
		delta, err := c.folder(ctx, f)
		if err != nil {
			return err
		}
		c.keep(f.ID, delta)
	}
	if err := c.vanished(ctx); err != nil {
		return err
	}
	if err := c.confirmMoves(ctx); err != nil {
		return err
	}
	c.countDeleted()
	return nil
}

// elsewhere reports whether the state knows the mailbox from another source:
// what it knows of items says nothing about this one. The plan refuses the
// mailbox, so there is nothing to compare.
func (c *comparison) elsewhere() bool {
	return c.seen && differ(c.recipient.SourceIdentity, c.source.info.Identity)
}

func (c *comparison) keep(id inventory.FolderID, d planner.Delta) {
	if d.Work.Zero() && d.Rematch == "" && len(d.Oversize) == 0 && len(d.RefusedKeywords) == 0 {
		return
	}
	c.deltas[id] = d
}

func (c *comparison) folder(ctx context.Context, f inventory.Folder) (planner.Delta, error) {
	known, ok := c.mapped[f.ID]
	if !ok {
		return c.newFolder(ctx, f)
	}
	delta := planner.Delta{Rematch: c.rematch(f, known)}
	var err error
	switch {
	case delta.Rematch == "source":
		delta.Work = grown(f, known)
	case c.unchanged(f, known):
		delta.Work.Retried = known.Failed
		return delta, nil
	case known.Cursor == "" && known.Items == 0 && known.Failed == 0 && f.Items >= 0:
		delta.Work = grown(f, state.Folder{})
	default:
		err = c.changes(ctx, f, known, &delta)
	}
	if err == nil {
		delta.Oversize, err = c.oversize(ctx, f, &known)
	}
	return delta, err
}

// unchanged reports whether a folder was finished and has not changed since.
func (c *comparison) unchanged(f inventory.Folder, known state.Folder) bool {
	return f.State != "" && f.State == known.State && c.doubted[known.ID] == 0
}

// rematch reports which side has made the item IDs void that the state knows.
func (c *comparison) rematch(f inventory.Folder, known state.Folder) string {
	if differ(f.Epoch, known.Epoch) {
		return "source"
	}
	if differ(c.targetEpoch(known.TargetEndpoint, known.Target), known.TargetEpoch) {
		return "target"
	}
	return ""
}

// differ reports whether two facts are both known and not equal.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// grown estimates what is new by the counts alone.
func grown(f inventory.Folder, known state.Folder) plan.Work {
	work := plan.Work{New: max(f.Items-known.Items, 0)}
	switch {
	case f.Bytes < 0 && work.New > 0:
		work.Bytes = -1
	case work.New > 0:
		work.Bytes = max(f.Bytes-known.Bytes, 0)
	}
	return work
}

// newFolder tells only what the counts of the folder do not.
func (c *comparison) newFolder(ctx context.Context, f inventory.Folder) (planner.Delta, error) {
	oversize, err := c.oversize(ctx, f, nil)
	if err != nil || len(oversize) == 0 {
		return planner.Delta{}, err
	}
	return planner.Delta{Work: grown(f, state.Folder{}), Oversize: oversize}, nil
}

// oversize lists what the target will not take: of a new folder everything,
// of a known one what has not been copied.
func (c *comparison) oversize(ctx context.Context, f inventory.Folder, known *state.Folder) ([]plan.Oversize, error) {
	limits, ok := c.limits(f.Holds)
	if !ok || limits.MaxItemSize <= 0 || f.Items == 0 {
		return nil, nil
	}
	large, err := c.session.Larger(ctx, f.ID, limits.MaxItemSize)
	if err != nil {
		return nil, err
	}
	copied := map[inventory.ItemID]state.Entry{}
	if known != nil {
		if copied, err = c.lookup(ctx, known.ID, large); err != nil {
			return nil, err
		}
	}
	var found []plan.Oversize
	for _, item := range large {
		if _, ok := copied[item.ID]; !ok {
			found = append(found, plan.Oversize{Path: f.Path, ID: item.ID, Size: item.Size, Max: limits.MaxItemSize})
		}
	}
	return found, nil
}
