// Package surveytest puts a state into the position that a run leaves behind,
// by a copier of a few lines that keeps everything in memory. Tests of what
// reads a state use it, so that they depend on no executor.
package surveytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/survey"
)

// Copier copies mailboxes whole, for the first time, and records them.
type Copier struct {
	Store          state.Store
	Migration      string
	Source, Target survey.Side
	// Skip, if set, leaves items out: they are recorded as failed.
	Skip func(inventory.Item) bool
	// Now is when the pass began.
	Now time.Time
}

// Mailbox copies one mailbox and records it as synced.
func (c Copier) Mailbox(ctx context.Context, from, to inventory.Address) (state.Recipient, error) {
	source, err := c.Source.Endpoint.OpenMailbox(ctx, from)
	if err != nil {
		return state.Recipient{}, err
	}
	defer source.Close()
	target, err := c.Target.Endpoint.OpenMailbox(ctx, to)
	if err != nil {
		return state.Recipient{}, err
	}
	defer target.Close()
	r, err := c.recipient(ctx, target, from, to)
	if err != nil {
		return r, err
	}
	folders, err := source.Folders(ctx)
	if err != nil {
		return r, err
	}
	for _, f := range folders {
		if err := c.folder(ctx, source, target, r, f); err != nil {
			return r, fmt.Errorf("copy %s: %w", f.Path, err)
		}
	}
	return r, nil
}

func (c Copier) recipient(ctx context.Context, target providers.Mailbox, from, to inventory.Address) (state.Recipient, error) {
	limits, err := target.Info(ctx)
	if err != nil {
		return state.Recipient{}, err
	}
	text, err := json.Marshal(limits)
	if err != nil {
		return state.Recipient{}, err
	}
	sourceInfo, err := c.Source.Endpoint.Info(ctx)
	if err != nil {
		return state.Recipient{}, err
	}
	targetInfo, err := c.Target.Endpoint.Info(ctx)
	if err != nil {
		return state.Recipient{}, err
	}
	return c.Store.SaveRecipient(ctx, state.Recipient{
		Migration: c.Migration, Kind: inventory.KindMailbox, Source: from, Target: to,
		SourceIdentity: sourceInfo.Identity, TargetIdentity: targetInfo.Identity,
		Run: 1, Synced: c.Now, TargetInfo: string(text),
	})
}

func (c Copier) folder(ctx context.Context, source, target providers.Mailbox, r state.Recipient, f inventory.Folder) error {
	made, err := target.CreateFolder(ctx, f)
	if err != nil {
		return err
	}
	known, err := c.Store.SaveFolder(ctx, state.Folder{
		Recipient: r.ID, Ability: f.Holds, Source: f.ID, Path: f.Path, Role: f.Role, Identity: f.Identity, Epoch: f.Epoch,
		Target: made.ID, TargetPath: made.Path, TargetEpoch: made.Epoch, TargetEndpoint: c.Target.Address,
	})
	if err != nil || f.Container {
		return err
	}
	items, cursor, err := list(ctx, source, f.ID)
	if err != nil {
		return err
	}
	record, err := c.items(ctx, source, target, known, items)
	if err != nil {
		return err
	}
	known.State, known.Cursor = f.State, cursor
	record.Folders = []state.Folder{known}
	return c.Store.Record(ctx, record)
}

func list(ctx context.Context, source providers.Mailbox, folder inventory.FolderID) ([]inventory.Item, inventory.Cursor, error) {
	var items []inventory.Item
	var cursor inventory.Cursor
	for {
		more := false
		for change, err := range source.Changes(ctx, folder, cursor, 0) {
			switch {
			case err != nil:
				return nil, "", err
			case change.Op == providers.Listed:
				items = append(items, change.Item)
			case change.Op == providers.End:
				cursor, more = change.Cursor, change.More
			}
		}
		if !more {
			return items, cursor, nil
		}
	}
}

// items stores what is not skipped and returns what is to be recorded.
func (c Copier) items(ctx context.Context, source, target providers.Mailbox, known state.Folder, items []inventory.Item) (state.Record, error) {
	var record state.Record
	var ids []inventory.ItemID
	listed := map[inventory.ItemID]inventory.Item{}
	for _, item := range items {
		if c.Skip != nil && c.Skip(item) {
			record.Fail = append(record.Fail, state.Problem{Recipient: known.Recipient, Folder: known.ID, Source: item.ID, Code: "test-skipped", Detail: "left out", Size: item.Size, Run: 1})
			continue
		}
		ids, listed[item.ID] = append(ids, item.ID), item
	}
	outgoing, err := fetch(ctx, source, known, ids, listed, &record)
	if err != nil {
		return record, err
	}
	each := func(yield func(providers.Outgoing) bool) {
		for _, o := range outgoing {
			if !yield(o) {
				return
			}
		}
	}
	for stored, err := range target.Put(ctx, each) {
		if err != nil || stored.Err != nil {
			return record, fmt.Errorf("put: %v %v", err, stored.Err)
		}
		record.Put[stored.Key].Target = stored.ID
	}
	return record, nil
}

func fetch(ctx context.Context, source providers.Mailbox, known state.Folder, ids []inventory.ItemID, listed map[inventory.ItemID]inventory.Item, record *state.Record) ([]providers.Outgoing, error) {
	var outgoing []providers.Outgoing
	if len(ids) == 0 {
		return nil, nil
	}
	for got, err := range source.Fetch(ctx, known.Source, ids, inventory.FormatRFC5322) {
		if err != nil || got.Err != nil {
			return nil, fmt.Errorf("fetch: %v %v", err, got.Err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil {
			return nil, err
		}
		item := listed[got.Item.ID]
		outgoing = append(outgoing, providers.Outgoing{
			Key: uint64(len(record.Put)), Folder: known.Target, Class: item.Class, Format: got.Format, Flags: item.Flags,
			Received: item.Received, Size: int64(len(body)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		})
		record.Put = append(record.Put, state.Entry{
			Folder: known.ID, Source: item.ID, Version: item.Version, Flags: item.Flags, Size: int64(len(body)),
			Received: item.Received.UTC(), Digest: sha256.Sum256(body), Status: state.Copied,
		})
	}
	return outgoing, nil
}
