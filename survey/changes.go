package survey

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// pageSize is how many changes are asked for at a time, lookupSize how many
// items the ledger is asked for at once.
const (
	pageSize   = 5000
	lookupSize = 1000
)

// series counts the changes of one folder since its cursor.
type series struct {
	*comparison
	folder inventory.Folder
	known  state.Folder
	failed map[inventory.ItemID]bool
	work   plan.Work
	// listed and removed wait for the ledger.
	listed  []inventory.Item
	removed []inventory.ItemID
	// named are the hashes of all items named, in case the series turns out
	// to be a full one.
	named    []uint64
	seed     maphash.Seed
	keywords map[string]bool
}

// changes fills the work of a delta by listing what happened in the folder.
func (c *comparison) changes(ctx context.Context, f inventory.Folder, known state.Folder, delta *planner.Delta) error {
	s := &series{comparison: c, folder: f, known: known, seed: maphash.MakeSeed(), keywords: map[string]bool{}}
	if known.Failed > 0 {
		var err error
		if s.failed, err = c.surveyor.failed(ctx, known.ID); err != nil {
			return stateError{err}
		}
	}
	end, err := s.list(ctx)
	if err != nil {
		return err
	}
	if end.Reset {
		c.moves.forget(f.ID)
		delta.Rematch, delta.Work = "source", grown(f, known)
		return nil
	}
	if end.Full {
		if err := s.missing(ctx); err != nil {
			return err
		}
	}
	delta.Work = s.work
	delta.RefusedKeywords = c.refusedKeywords(f.Holds, s.keywords)
	return nil
}

// list reads all pages and returns the end of the last. A reset ends it
// early.
func (s *series) list(ctx context.Context) (providers.Change, error) {
	cursor := s.known.Cursor
	for page := 0; ; page++ {
		end, err := s.page(ctx, cursor)
		end.Reset = end.Reset && cursor != ""
		if err != nil || end.Reset || !end.More {
			return end, err
		}
		if end.Cursor == cursor {
			return end, fmt.Errorf("list changes of %s: page %d did not move the cursor", s.folder.Path, page+1)
		}
		if !end.Full {
			s.named = nil
		}
		cursor = end.Cursor
	}
}

func (s *series) page(ctx context.Context, after inventory.Cursor) (providers.Change, error) {
	var end providers.Change
	for change, err := range s.session.Changes(ctx, s.folder.ID, after, pageSize) {
		if err != nil {
			return end, err
		}
		switch change.Op {
		case providers.Listed:
			s.listed = append(s.listed, change.Item)
			s.name(change.Item.ID)
		case providers.Exists:
			s.name(change.Item.ID)
		case providers.Removed:
			s.removed = append(s.removed, change.Item.ID)
		case providers.End:
			end = change
		}
		if len(s.listed) >= lookupSize || len(s.removed) >= lookupSize {
			if err := s.flush(ctx); err != nil {
				return end, err
			}
		}
	}
	if end.Op != providers.End {
		return end, errors.New("list changes of " + s.folder.Path.String() + ": the list has no end")
	}
	return end, s.flush(ctx)
}

func (s *series) name(id inventory.ItemID) {
	s.named = append(s.named, maphash.String(s.seed, string(id)))
}

// flush compares what waits with the ledger.
func (s *series) flush(ctx context.Context) error {
	entries, err := s.lookup(ctx, s.known.ID, s.listed)
	if err != nil {
		return err
	}
	for _, item := range s.listed {
		s.count(item, entries)
	}
	s.listed = s.listed[:0]
	return s.flushRemoved(ctx)
}

func (s *series) count(item inventory.Item, entries map[inventory.ItemID]state.Entry) {
	entry, known := entries[item.ID]
	switch {
	case known && entry.Status != state.Copied:
		return // what this tool did not write it does not edit
	case known && entry.Version == item.Version && entry.Flags == item.Flags:
		return
	case known:
		s.work.Changed++
	case s.failed[item.ID]:
		s.work.Retried++
	default:
		s.work.New++
		s.work.Bytes = addSize(s.work.Bytes, item.Size)
		s.moves.arrived(s.folder, item)
	}
	for _, flag := range item.Flags.List() {
		if len(s.keywords) < maxKeywords && !strings.HasPrefix(flag, `\`) {
			s.keywords[flag] = true
		}
	}
}

// addSize sums sizes of which -1 is unknown.
func addSize(sum, size int64) int64 {
	if sum < 0 || size < 0 {
		return -1
	}
	return sum + size
}

func (s *series) flushRemoved(ctx context.Context) error {
	if len(s.removed) == 0 {
		return nil
	}
	entries, err := s.Store.Lookup(ctx, s.known.ID, s.removed)
	if err != nil {
		return stateError{fmt.Errorf("look items up in the ledger: %w", err)}
	}
	s.removed = s.removed[:0]
	for _, e := range entries {
		s.moves.left(s.folder.ID, e)
	}
	return nil
}

// missing takes every ledger entry that the series did not name as gone.
func (s *series) missing(ctx context.Context) error {
	slices.Sort(s.named)
	for e, err := range s.Store.Entries(ctx, s.known.ID) {
		if err != nil {
			return stateError{fmt.Errorf("read the ledger: %w", err)}
		}
		if _, there := slices.BinarySearch(s.named, maphash.String(s.seed, string(e.Source))); !there {
			s.moves.left(s.folder.ID, e)
		}
	}
	return nil
}

// lookup asks the ledger for items.
func (c *comparison) lookup(ctx context.Context, folder int64, items []inventory.Item) (map[inventory.ItemID]state.Entry, error) {
	found := make(map[inventory.ItemID]state.Entry, len(items))
	for chunk := range slices.Chunk(items, lookupSize) {
		ids := make([]inventory.ItemID, len(chunk))
		for i, item := range chunk {
			ids[i] = item.ID
		}
		entries, err := c.Store.Lookup(ctx, folder, ids)
		if err != nil {
			return nil, stateError{fmt.Errorf("look items up in the ledger: %w", err)}
		}
		for _, e := range entries {
			found[e.Source] = e
		}
	}
	return found, nil
}

// maxKeywords bounds how many different keywords of a folder are looked at.
const maxKeywords = 1000

// refusedKeywords returns those in use that the target does not take, sorted.
// Only items listed as new or changed in a known folder are looked at; what a
// new folder holds is not listed at this time, and the run reports it.
func (c *comparison) refusedKeywords(ability inventory.Ability, used map[string]bool) []string {
	limits, ok := c.limits(ability)
	if !ok || limits.Keywords == nil {
		return nil
	}
	var refused []string
	for keyword := range used {
		takes := func(k string) bool { return strings.EqualFold(k, keyword) }
		if !slices.ContainsFunc(limits.Keywords, takes) {
			refused = append(refused, keyword)
		}
	}
	slices.Sort(refused)
	return refused
}
