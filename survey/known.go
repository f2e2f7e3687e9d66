package survey

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// past is what the state knows of one mailbox.
type past struct {
	recipient state.Recipient
	// seen says that an earlier run has worked on the mailbox.
	seen    bool
	folders []state.Folder
	intents []state.Intent
}

// fewMailboxes is up to how many mailboxes are worth a query each for their
// folders; for more of them all folders are streamed once.
const fewMailboxes = 64

// pasts loads what the state knows of the mailboxes picked, in their order.
func (s *surveyor) pasts(ctx context.Context, in planner.Input, picks []pick) ([]past, error) {
	list := make([]past, len(picks))
	byID := map[int64]*past{}
	for i, p := range picks {
		r, ok := in.Known[planner.RecipientKey{Kind: inventory.KindMailbox, Address: p.source}]
		if ok {
			list[i].recipient, list[i].seen = r, true
			byID[r.ID] = &list[i]
		}
	}
	if len(byID) == 0 {
		return list, nil
	}
	if err := s.loadFolders(ctx, byID); err != nil {
		return nil, fmt.Errorf("read the folders of the state: %w", err)
	}
	return list, nil
}

func (s *surveyor) loadFolders(ctx context.Context, byID map[int64]*past) error {
	if len(byID) <= fewMailboxes {
		for id, p := range byID {
			var err error
			if p.folders, err = s.Store.Folders(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
	for f, err := range s.Store.AllFolders(ctx, s.Migration.Name) {
		if err != nil {
			return err
		}
		if p := byID[f.Recipient]; p != nil {
			p.folders = append(p.folders, f)
		}
	}
	return nil
}

// inDoubt counts the writes of which an interrupted run did not learn the
// outcome, by folder and in all.
func (p past) inDoubt() (byFolder map[int64]int64, all int64) {
	byFolder = map[int64]int64{}
	for _, intent := range p.intents {
		n := int64(len(intent.Items))
		byFolder[intent.Folder] += n
		all += n
	}
	return byFolder, all
}

// targetInfo returns the limits of the target as last read; ok is false when
// they are not known.
func (p past) targetInfo() (info providers.MailboxInfo, ok bool) {
	if p.recipient.TargetInfo == "" {
		return info, false
	}
	return info, json.Unmarshal([]byte(p.recipient.TargetInfo), &info) == nil
}

// failureIndex knows the failed items of every folder. It reads the state
// when it is first asked.
type failureIndex struct {
	once     sync.Once
	byFolder map[int64]map[inventory.ItemID]bool
	err      error
}

// failed returns the items of a folder that failed before.
func (s *surveyor) failed(ctx context.Context, folder int64) (map[inventory.ItemID]bool, error) {
	s.failures.once.Do(func() { s.failures.load(ctx, s.Store, s.Migration.Name) })
	return s.failures.byFolder[folder], s.failures.err
}

func (x *failureIndex) load(ctx context.Context, store state.Store, migration string) {
	x.byFolder = map[int64]map[inventory.ItemID]bool{}
	for p, err := range store.Problems(ctx, migration) {
		if err != nil {
			x.err = fmt.Errorf("read the failures of the state: %w", err)
			return
		}
		if p.Loss || p.Source == "" {
			continue
		}
		items := x.byFolder[p.Folder]
		if items == nil {
			items = map[inventory.ItemID]bool{}
			x.byFolder[p.Folder] = items
		}
		items[p.Source] = true
	}
}
