package executor

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// pageSize is about how many changes are listed, and compared with the
// ledger, at a time.
const pageSize = 5000

// series is the listing of one folder from its cursor to its end, page by
// page.
type series struct {
	folder *folder
	cursor inventory.Cursor
	ended  bool
	full   bool
	// known says that the ledger has entries to compare with.
	known bool
	// seen are the items that the pages named, as hashes: two items with
	// one hash can only keep an entry from being taken for gone.
	seen []uint64
	seed maphash.Seed
}

// page is one page compared with the ledger.
type page struct {
	fresh   []work
	edits   []flagEdit
	removed []state.Entry
	// stale are first versions of replaced items that are still there.
	stale []state.Entry
	reset bool
}

func (f *folder) startSeries() *series {
	return &series{folder: f, cursor: f.row.Cursor, known: f.row.Items > 0, seed: maphash.MakeSeed()}
}

// next lists and compares the next page. A page that fails changes nothing, so
// that any session may repeat it.
func (s *series) next(ctx context.Context, src *session) (page, error) {
	changes, end, err := s.list(ctx, src)
	if err != nil {
		return page{}, err
	}
	if end.Reset && s.cursor != "" {
		return page{reset: true}, nil
	}
	pg, err := s.compare(ctx, changes)
	if err != nil {
		return page{}, err
	}
	if s.known {
		for _, c := range changes {
			if c.Op != providers.Removed {
				s.seen = append(s.seen, s.hash(c.Item.ID))
			}
		}
	}
	s.cursor, s.full, s.ended = end.Cursor, end.Full, !end.More
	if s.ended && s.full && s.known {
		gone, err := s.gone(ctx)
		if err != nil {
			return page{}, err
		}
		pg.removed = append(pg.removed, gone...)
	}
	return pg, nil
}

func (s *series) list(ctx context.Context, src *session) (changes []providers.Change, end providers.Change, err error) {
	for c, err := range src.Changes(ctx, s.folder.Source, s.cursor, pageSize) {
		switch {
		case err != nil:
			return nil, end, src.verdict(err)
		case c.Op == providers.End:
			return changes, c, nil
		}
		changes = append(changes, c)
	}
	return nil, end, src.verdict(&providers.Error{Kind: providers.Transient, Code: codeOther, Op: "list", Subject: s.folder.name, Response: "the listing did not end"})
}

// compare tells what the changes mean to the ledger.
func (s *series) compare(ctx context.Context, changes []providers.Change) (page, error) {
	known := map[inventory.ItemID]state.Entry{}
	if s.known {
		entries, err := s.folder.lookup(ctx, idsToLookUp(changes))
		if err != nil {
			return page{}, err
		}
		for _, e := range entries {
			known[e.Source] = e
		}
	}
	var pg page
	for _, c := range changes {
		e, ok := known[c.Item.ID]
		switch {
		case c.Op == providers.Removed && ok:
			pg.removed = append(pg.removed, e)
		case c.Op == providers.Listed && !ok:
			pg.fresh = append(pg.fresh, work{Item: c.Item})
		case c.Op == providers.Listed:
			pg.changed(s.folder, e, c.Item)
		}
		if old, ok := known[replacedKey(c.Item.ID)]; ok {
			pg.stale = append(pg.stale, old)
		}
	}
	return pg, nil
}

// changed tells what a change of an item that the ledger knows asks for.
func (pg *page) changed(f *folder, e state.Entry, item inventory.Item) {
	switch {
	case e.Version != item.Version && e.Status == state.Copied:
		pg.fresh = append(pg.fresh, work{Item: item, replaces: &e})
	case e.Version != item.Version:
		if e.Status == state.Adopted {
			f.pass.note(f, codeAdopted, "item "+string(item.ID)+" has changed on the source; the item found on the target is not touched")
		}
		e.Version = item.Version
		pg.edits = append(pg.edits, flagEdit{e, item.Flags})
	case e.Flags != item.Flags:
		pg.edits = append(pg.edits, flagEdit{e, item.Flags})
	}
}

func idsToLookUp(changes []providers.Change) []inventory.ItemID {
	ids := make([]inventory.ItemID, 0, len(changes))
	for _, c := range changes {
		if c.Op == providers.Exists {
			continue
		}
		ids = append(ids, c.Item.ID)
		if c.Item.Version != "" {
			ids = append(ids, replacedKey(c.Item.ID))
		}
	}
	return ids
}

// gone returns the entries that a complete listing did not name.
func (s *series) gone(ctx context.Context) ([]state.Entry, error) {
	slices.Sort(s.seen)
	var gone []state.Entry
	for e, err := range s.folder.pass.Store.Entries(ctx, s.folder.row.ID) {
		if err != nil {
			return nil, s.folder.pass.broken(err)
		}
		if _, named := slices.BinarySearch(s.seen, s.hash(e.Source)); !named {
			gone = append(gone, e)
		}
	}
	return gone, nil
}

func (s *series) hash(id inventory.ItemID) uint64 { return maphash.String(s.seed, string(id)) }

// lookup returns the entries of items of a folder.
func (f *folder) lookup(ctx context.Context, ids []inventory.ItemID) ([]state.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	entries, err := f.pass.Store.Lookup(ctx, f.row.ID, ids)
	if err != nil {
		return nil, f.pass.broken(err)
	}
	return entries, nil
}

// The ledger keeps two kinds of entry under keys that no source item has:
// those whose IDs became void until they are recognised by content, and the
// first versions of replaced items until they are deleted.
const (
	voidPrefix     = "~void~"
	replacedPrefix = "~replaced~"
)

func voidKey(epoch string, id inventory.ItemID) inventory.ItemID {
	return inventory.ItemID(voidPrefix + epoch + "~" + string(id))
}

func isVoid(id inventory.ItemID) bool { return strings.HasPrefix(string(id), voidPrefix) }

func replacedKey(id inventory.ItemID) inventory.ItemID {
	return inventory.ItemID(replacedPrefix + string(id))
}

func isReplaced(id inventory.ItemID) bool { return strings.HasPrefix(string(id), replacedPrefix) }
