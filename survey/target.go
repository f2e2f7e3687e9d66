package survey

import (
	"context"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
)

// lookAtTargets reads the mailbox on every target that serves what the source
// holds, once in a visit.
func (v *visit) lookAtTargets(ctx context.Context) {
	v.look.Do(func() {
		seen := map[string]planner.TargetMailbox{}
		for _, t := range v.contentTargets() {
			box, err := v.readTarget(ctx, t)
			switch {
			case err == nil:
				seen[t.Address] = box
			case v.willBeCreated(err):
				// The plan creates it first; there is nothing to see yet.
			default:
				v.targetErr = &sideError{side: t, role: providers.Target, address: v.pick.target, err: err}
				return
			}
		}
		v.targets = seen
	})
}

func (v *visit) readTarget(ctx context.Context, t *side) (planner.TargetMailbox, error) {
	var box planner.TargetMailbox
	err := v.session(ctx, t, func() error {
		session, err := t.Endpoint.OpenMailbox(ctx, v.pick.target)
		if err != nil {
			return err
		}
		defer session.Close()
		if box.Info, err = session.Info(ctx); err != nil {
			return err
		}
		box.Folders, err = session.Folders(ctx)
		return err
	})
	return box, err
}

// willBeCreated reports whether a mailbox that refused to open is one that a
// directory of the target does not have yet. Servers answer a sign-in to an
// account that does not exist like one with a wrong password.
func (v *visit) willBeCreated(err error) bool {
	kind := providers.KindOf(err)
	if kind != providers.Gone && kind != providers.Denied {
		return false
	}
	directory := v.serving(inventory.Directory)
	return directory != nil && !directory.exists[v.pick.target]
}

// limits returns what the target that serves an ability takes: as just read,
// or as remembered; ok is false when neither is there.
func (v *visit) limits(ability inventory.Ability) (providers.MailboxInfo, bool) {
	t := v.serving(ability)
	if t == nil {
		return providers.MailboxInfo{}, false
	}
	if box, ok := v.targets[t.Address]; ok {
		return box.Info, true
	}
	return v.targetInfo()
}

// targetEpoch returns the epoch of a folder of a target, if it was listed.
func (v *visit) targetEpoch(endpoint string, id inventory.FolderID) string {
	for _, f := range v.targets[endpoint].Folders {
		if f.ID == id {
			return f.Epoch
		}
	}
	return ""
}
