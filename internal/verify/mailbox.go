package verify

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// mailbox compares one mailbox. The error it returns ends the run.
func (v *verifier) mailbox(ctx context.Context, r state.Recipient) (Mailbox, error) {
	c := &comparison{verifier: v, box: Mailbox{Source: r.Source, Target: r.Target}}
	known, err := v.Store.Folders(ctx, r.ID)
	if err != nil {
		return Mailbox{}, fmt.Errorf("read the folders of %s in the state: %w", r.Source, err)
	}
	if err := c.run(ctx, known); err != nil {
		if ctx.Err() != nil {
			return Mailbox{}, context.Cause(ctx)
		}
		if _, ok := errors.AsType[stateError](err); ok {
			return Mailbox{}, err
		}
		v.log.Warn("mailbox cannot be verified", "mailbox", r.Source, "error", err)
		c.box.Problem, c.box.Code = err.Error(), problemCode(err)
	}
	c.box.Clean = c.clean()
	v.progress(r.Source, nil, 0, true)
	return c.box, nil
}

// comparison is one mailbox being compared.
type comparison struct {
	*verifier
	box    Mailbox
	source *reader
	folder state.Folder // the one being compared
}

// stateError marks an error of the store.
type stateError struct{ error }

func (e stateError) Unwrap() error { return e.error }

func (c *comparison) clean() bool {
	for _, f := range c.box.Folders {
		if f.Problem != "" {
			return false
		}
	}
	return c.box.Problem == "" && c.box.Counts.Clean()
}

// run compares the folders target by target, holding one session on each side.
func (c *comparison) run(ctx context.Context, known []state.Folder) error {
	c.source = &reader{verifier: c.verifier, side: c.verifier.source, address: c.box.Source}
	defer c.source.close()
	if err := c.source.list(ctx); err != nil {
		return fmt.Errorf("read %s on %s: %w", c.box.Source, c.source.side.Address, err)
	}
	for name, folders := range byEndpoint(known) {
		if err := c.endpoint(ctx, name, folders); err != nil {
			return err
		}
	}
	c.unmapped(known)
	return nil
}

// byEndpoint groups the folders that were migrated, in the order of the state.
func byEndpoint(known []state.Folder) func(yield func(string, []state.Folder) bool) {
	var names []string
	groups := map[string][]state.Folder{}
	for _, f := range known {
		if f.Target == "" {
			continue
		}
		if groups[f.TargetEndpoint] == nil {
			names = append(names, f.TargetEndpoint)
		}
		groups[f.TargetEndpoint] = append(groups[f.TargetEndpoint], f)
	}
	return func(yield func(string, []state.Folder) bool) {
		for _, name := range names {
			if !yield(name, groups[name]) {
				return
			}
		}
	}
}

func (c *comparison) endpoint(ctx context.Context, name string, folders []state.Folder) error {
	side, ok := c.targets[name]
	if !ok {
		return fmt.Errorf("the state names target %s, which the configuration does not have", name)
	}
	target := &reader{verifier: c.verifier, side: side, address: c.box.Target}
	defer target.close()
	if err := target.list(ctx); err != nil {
		return fmt.Errorf("read %s on %s: %w", c.box.Target, name, err)
	}
	for _, f := range folders {
		if err := c.compare(ctx, f, target); err != nil {
			return fmt.Errorf("read folder %s: %w", f.Path, err)
		}
	}
	return nil
}

// compare reads a folder on both sides at the same time.
func (c *comparison) compare(ctx context.Context, f state.Folder, target *reader) error {
	from, onSource := c.source.folder(f.Source)
	if !onSource && f.Items == 0 && f.Failed == 0 {
		return nil // a run has followed its removal
	}
	c.folder = f
	result := Folder{Path: f.Path, Endpoint: f.TargetEndpoint, TargetPath: f.TargetPath}
	defer func() {
		c.box.Folders = append(c.box.Folders, result)
		c.box.Counts = c.box.Counts.Add(result.Counts)
		c.progress(c.box.Source, f.Path, result.Counts.Source, false)
	}()
	if !onSource {
		result.Problem, result.Code = "the folder is not on the source any more: sync first", codeFolderGone
		return nil
	}
	to, onTarget := target.folder(f.Target)
	if !onTarget {
		result.Problem, result.Code = "the folder is not on the target", codeFolderMissing
		result.Counts.Source, result.Counts.Missing = max(from.Items, 0), max(from.Items, 0)
		return nil
	}
	if from.Container {
		return nil
	}
	format := c.formats(target.side)
	var s, t *records
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) { s, err = c.source.read(inner, f.Source, format); return err })
	group.Go(func() (err error) { t, err = target.read(inner, to.ID, format); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	m := &match{comparison: c, target: target, s: s, t: t, counts: &result.Counts}
	err := m.run(ctx)
	if lost(f.Items, result.Counts.Source) && lost(f.Items, result.Counts.Target) {
		result.Problem, result.Code = fmt.Sprintf("%d items were migrated, and both sides have lost most of them", f.Items), codeFolderEmptied
	}
	return err
}

// lost reports whether a side has less than half of the items that the state
// has of a folder, a few aside: two empty mailboxes are equal, and no proof
// that anything arrived.
func lost(known, now int64) bool { return known > 20 && now*2 < known }

// formats returns the choice of format: the best that the source gives and
// the target takes, which is the one that items travelled in.
func (c *comparison) formats(target *endpoint) formatOf {
	return func(class inventory.Class) inventory.Format {
		takes := supported(target.info, class)
		for _, give := range supported(c.source.side.info, class) {
			for _, take := range takes {
				if give.Format == take.Format {
					return give.Format
				}
			}
		}
		return ""
	}
}

func supported(info providers.Info, class inventory.Class) []providers.FormatSupport {
	if list, ok := info.Formats[class]; ok {
		return list
	}
	return info.Formats[""]
}

// unmapped tells of folders with items that no run has carried over.
func (c *comparison) unmapped(known []state.Folder) {
	mapped := map[inventory.FolderID]bool{}
	for _, f := range known {
		mapped[f.Source] = f.Target != ""
	}
	for _, f := range c.source.folders {
		if mapped[f.ID] || f.Container || f.Items == 0 || f.Role.View() || !c.serves(f.Holds) {
			continue
		}
		n := max(f.Items, 0)
		folder := Folder{Path: f.Path, Counts: Counts{Source: n, Missing: n},
			Problem: "the folder has not been migrated", Code: codeFolderUnmigrated}
		c.box.Folders = append(c.box.Folders, folder)
		c.box.Counts = c.box.Counts.Add(folder.Counts)
	}
}

// serves reports whether some target holds what the folder holds.
func (c *comparison) serves(ability inventory.Ability) bool {
	if ability == "" {
		ability = inventory.Mail
	}
	for _, t := range c.targets {
		if t.info.Has(ability) {
			return true
		}
	}
	return false
}
