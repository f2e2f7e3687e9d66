package survey

import (
	"context"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// visit is the look at one mailbox.
type visit struct {
	*surveyor
	past
	pick pick
	box  planner.Mailbox

	look      sync.Once
	targets   map[string]planner.TargetMailbox
	targetErr *sideError
}

// run fills box. The error it returns ends the survey.
func (v *visit) run(ctx context.Context) error {
	if v.seen {
		var err error
		if v.intents, err = v.Store.Intents(ctx, v.recipient.ID); err != nil {
			return stateError{err}
		}
	}
	var ahead sync.WaitGroup
	if !v.seen {
		ahead.Go(func() { v.lookAtTargets(ctx) })
	}
	err := v.readSource(ctx)
	ahead.Wait()
	if err == nil && v.targetErr != nil {
		err = v.targetErr
	}
	return v.conclude(ctx, err)
}

func (v *visit) conclude(ctx context.Context, err error) error {
	v.box.Targets = v.targets
	v.box.Known = v.knownByID()
	_, v.box.InDoubt = v.inDoubt()
	if err == nil {
		return nil
	}
	if fatal(ctx, err) {
		return err
	}
	v.log.Warn("mailbox cannot be read", "mailbox", v.pick.source, "error", err)
	v.box.Problem = v.problem(err)
	return nil
}

func (v *visit) knownByID() map[inventory.FolderID]state.Folder {
	if len(v.folders) == 0 {
		return nil
	}
	known := make(map[inventory.FolderID]state.Folder, len(v.folders))
	for _, f := range v.folders {
		known[f.Source] = f
	}
	return known
}

// readSource lists the folders and compares those that changed. A session
// that broke is replaced and the mailbox read from the start: nothing was
// counted yet.
func (v *visit) readSource(ctx context.Context) error {
	return v.session(ctx, v.source, func() error {
		v.box = planner.Mailbox{}
		session, err := v.source.Endpoint.OpenMailbox(ctx, v.pick.source)
		if err != nil {
			return v.sourceError(err)
		}
		defer session.Close()
		return v.readSession(ctx, session)
	})
}

func (v *visit) readSession(ctx context.Context, session providers.Mailbox) error {
	folders, err := session.Folders(ctx)
	if err != nil {
		return v.sourceError(err)
	}
	v.box.Source = folders
	c := newComparison(v, session, folders)
	if c.needsTarget() {
		v.lookAtTargets(ctx)
		if v.targetErr != nil {
			return nil // told by run, once, without trying the source again
		}
	}
	if err := c.run(ctx); err != nil {
		return v.sourceError(err)
	}
	v.box.Renames = c.renames
	v.box.Deltas = c.deltas
	return nil
}
