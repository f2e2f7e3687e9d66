package mem

import (
	"sort"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// page collects one page of changes under the mailbox's lock.
func (f *folder) page(after inventory.Cursor, limit int, c Config) []providers.Change {
	if c.Page > 0 && (limit <= 0 || limit > c.Page) {
		limit = c.Page
	}
	p, ok := parsePosition(after)
	reset := after != "" && (!ok || p.epoch != f.epoch)
	if after == "" || reset {
		p = position{epoch: f.epoch, full: true}
	}
	var page []providers.Change
	if c.NoHistory {
		page = f.listingPage(p, limit)
	} else {
		page = f.historyPage(p, limit)
	}
	page[len(page)-1].Reset = reset
	if c.HideSizes {
		for i := range page {
			page[i].Item.Size = -1
		}
	}
	return page
}

// historyPage tells what has happened since p.after, in order. A series from
// the beginning leaves out removals of items it has not told of.
func (f *folder) historyPage(p position, limit int) []providers.Change {
	var page []providers.Change
	full, started, next := p.full, p.after > 0, p.after
	for _, e := range f.since(p.after) {
		if limit > 0 && len(page) == limit {
			p.after = next
			return append(page, providers.Change{Op: providers.End, Cursor: p.cursor(), More: true, Full: full})
		}
		next = e.sequence
		switch {
		case e.item == nil && started:
			page = append(page, providers.Change{Op: providers.Removed, Item: inventory.Item{ID: e.id}})
		case e.item != nil && e.current():
			page = append(page, providers.Change{Op: providers.Listed, Item: e.item.Item})
		}
	}
	end := position{epoch: f.epoch, after: f.sequence}
	return append(page, providers.Change{Op: providers.End, Cursor: end.cursor(), Full: full})
}

// listingPage names every item, in pages by ID.
func (f *folder) listingPage(p position, limit int) []providers.Change {
	if !p.listing {
		p.listing, p.from, p.began = true, "", f.sequence
	}
	items := f.sorted()
	i := sort.Search(len(items), func(i int) bool { return compareIDs(items[i].ID, p.from) > 0 })
	var page []providers.Change
	for _, it := range items[i:] {
		if limit > 0 && len(page) == limit {
			return append(page, providers.Change{Op: providers.End, Cursor: p.cursor(), More: true, Full: true})
		}
		p.from = it.ID
		if it.changed > p.after {
			page = append(page, providers.Change{Op: providers.Listed, Item: it.Item})
		} else {
			page = append(page, providers.Change{Op: providers.Exists, Item: inventory.Item{ID: it.ID}})
		}
	}
	end := position{epoch: f.epoch, after: p.began}
	return append(page, providers.Change{Op: providers.End, Cursor: end.cursor(), Full: true})
}
