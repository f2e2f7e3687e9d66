package archive

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// position is a cursor into the journal of a folder: facts up to the number
// after have been told. In a full series everything is named, what has not
// changed since the number known as existing.
type position struct {
	journal string
	after   uint64
	full    bool
	known   uint64
}

func (p position) cursor() inventory.Cursor {
	s := "j." + p.journal + "." + strconv.FormatUint(p.after, 10)
	if p.full {
		s += "." + strconv.FormatUint(p.known, 10)
	}
	return inventory.Cursor(s)
}

func parsePosition(c inventory.Cursor) (p position, ok bool) {
	parts := strings.Split(string(c), ".")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "j" {
		return p, false
	}
	after, err := strconv.ParseUint(parts[2], 10, 64)
	p = position{journal: parts[1], after: after}
	if err == nil && len(parts) == 4 {
		p.full = true
		p.known, err = strconv.ParseUint(parts[3], 10, 64)
	}
	return p, err == nil
}

func (f *folder) position() position { return position{journal: f.journal, after: f.seq} }

func (f *folder) state() string {
	if !f.scanned {
		return string(f.position().cursor())
	}
	cur, fresh := f.stamps()
	return fmt.Sprintf("w.%d.%d", cur, fresh)
}

func (f *folder) page(after inventory.Cursor, limit int) ([]providers.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, isPosition := parsePosition(after)
	w, isWatermark := parseWatermark(after)
	if w.from == "" || !f.scanned { // the pages of one listing are of one listing
		if err := f.current(); err != nil {
			return nil, err
		}
	}
	if limit <= 0 {
		limit = int(f.live) + len(f.log) + 1
	}
	reset := after != "" && !isPosition && !isWatermark
	var page []providers.Change
	switch {
	case f.scanned:
		page = f.watermarkPage(w, limit)
	case isPosition && p.journal == f.journal:
		page = f.journalPage(p, limit)
	default: // from the beginning, or from the history of another index: everything may have changed
		page = f.journalPage(position{journal: f.journal, full: true}, limit)
	}
	page[len(page)-1].Reset = reset
	return page, nil
}

// journalPage tells the history after p.
func (f *folder) journalPage(p position, limit int) []providers.Change {
	if !p.full && p.after < f.base { // removals from that far back are forgotten
		p = position{journal: f.journal, full: true, known: p.after}
	}
	var page []providers.Change
	told, next := p.after, p.after
	from := sort.Search(len(f.log), func(i int) bool { return f.log[i].seq > p.after })
	for _, r := range f.log[from:] {
		e := &f.entries[r.entry]
		if e.changed != r.seq || (e.gone && p.full && told == 0) {
			next = r.seq
			continue
		}
		if len(page) == limit {
			p.after = next
			return append(page, providers.Change{Op: providers.End, Cursor: p.cursor(), More: true, Full: p.full})
		}
		next = r.seq
		switch {
		case e.gone:
			page = append(page, providers.Change{Op: providers.Removed, Item: inventory.Item{ID: inventory.ItemID(e.id)}})
		case p.full && e.changed <= p.known:
			page = append(page, providers.Change{Op: providers.Exists, Item: inventory.Item{ID: inventory.ItemID(e.id)}})
		default:
			page = append(page, providers.Change{Op: providers.Listed, Item: f.item(e)})
		}
	}
	return append(page, providers.Change{Op: providers.End, Cursor: f.position().cursor(), Full: p.full})
}

// watermark is a cursor into a folder of others: everything whose file was
// last changed at or before a time has been told; of those changed at just
// that time, the ones named.
type watermark struct {
	time  int64
	names []string
	// A listing under way goes on after the item from, and will end at next.
	from, next string
}

func (w watermark) cursor() inventory.Cursor {
	s := "w." + strconv.FormatInt(w.time, 10) + "." + strings.Join(w.names, "-")
	if w.from != "" {
		s += "." + hex.EncodeToString([]byte(w.next)) + "." + hex.EncodeToString([]byte(w.from))
	}
	return inventory.Cursor(s)
}

func parseWatermark(c inventory.Cursor) (w watermark, ok bool) {
	parts := strings.Split(string(c), ".")
	if parts[0] != "w" || (len(parts) != 3 && len(parts) != 5) {
		return w, false
	}
	time, err := strconv.ParseInt(parts[1], 10, 64)
	if w.time = time; parts[2] != "" {
		w.names = strings.Split(parts[2], "-")
	}
	if err == nil && len(parts) == 5 {
		next, err1 := hex.DecodeString(parts[3])
		from, err2 := hex.DecodeString(parts[4])
		w.next, w.from = string(next), string(from)
		return w, err1 == nil && err2 == nil
	}
	return w, err == nil
}

// before reports whether the item had been told at the watermark.
func (w watermark) before(e *entry, name string) bool {
	return int64(e.changed) < w.time || int64(e.changed) == w.time && slices.Contains(w.names, shortHash(name))
}

func shortHash(name string) string {
	h := fnv.New64a()
	h.Write([]byte(name))
	return strconv.FormatUint(h.Sum64(), 36)
}

// mark is the watermark of all that has been scanned. When very many files
// were changed at one time, they will be told again.
func (f *folder) mark() watermark {
	var w watermark
	for i := range f.entries {
		switch e := &f.entries[i]; {
		case int64(e.changed) > w.time:
			w = watermark{time: int64(e.changed), names: []string{shortHash(f.names[int32(i)])}}
		case int64(e.changed) == w.time && len(w.names) < 32:
			w.names = append(w.names, shortHash(f.names[int32(i)]))
		}
	}
	return w
}

// watermarkPage names everything, in pages by ID.
func (f *folder) watermarkPage(w watermark, limit int) []providers.Change {
	if w.from == "" {
		w.next = string(f.mark().cursor())
	}
	var page []providers.Change
	from := sort.Search(len(f.entries), func(i int) bool { return f.entries[i].id > w.from })
	for i := from; i < len(f.entries); i++ {
		e := &f.entries[i]
		if len(page) == limit {
			return append(page, providers.Change{Op: providers.End, Cursor: w.cursor(), More: true, Full: true})
		}
		w.from = e.id
		if w.before(e, f.names[int32(i)]) {
			page = append(page, providers.Change{Op: providers.Exists, Item: inventory.Item{ID: inventory.ItemID(e.id)}})
		} else {
			page = append(page, providers.Change{Op: providers.Listed, Item: f.item(e)})
		}
	}
	return append(page, providers.Change{Op: providers.End, Cursor: inventory.Cursor(w.next), Full: true})
}
