package survey

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// moves tells items that went from one folder of a mailbox to another from
// those that were deleted and those that are new. Candidates agree in size and
// second of arrival; the digest decides, after the content has been read.
// What cannot be decided within the limits counts as deleted and new, so
// that a plan never names fewer deletions than apply makes.
type moves struct {
	limit    int64 // bytes to read
	departed []departure
	deleted  map[inventory.FolderID]int64
	arrivals []arrival
}

// maxCandidates bounds what is remembered of one mailbox.
const maxCandidates = 500_000

// trait is what is known of an item on both sides of a move.
type trait struct{ received, size int64 }

// departure is an item that this tool wrote and that left its source folder.
type departure struct {
	trait
	digest inventory.Digest
	folder inventory.FolderID
	// released items are not deleted if they are not found.
	released, found bool
}

// arrival is an item that the ledger of its folder does not know.
type arrival struct {
	trait
	id     inventory.ItemID
	class  inventory.Class
	folder inventory.FolderID
}

// A run keeps two kinds of entry under keys that no item of the source has:
// replacedPrefix begins that of the first version of an item it has written
// anew, until that version is deleted, which no plan has to name; voidPrefix
// that of an item whose ID has become void, which cannot be told to have moved.
const (
	replacedPrefix = "~replaced~"
	voidPrefix     = "~void~"
)

// left notes an entry whose item is gone from its folder. What this tool found
// on the target is neither moved nor deleted there. What a user has taken away
// on the target is not deleted either, but the item is known wherever it goes.
func (m *moves) left(folder inventory.FolderID, e state.Entry) {
	if e.Status == state.Adopted || strings.HasPrefix(string(e.Source), replacedPrefix) {
		return
	}
	if e.Status == state.Copied {
		if m.deleted == nil {
			m.deleted = map[inventory.FolderID]int64{}
		}
		m.deleted[folder]++
	}
	if len(m.departed) < maxCandidates && !e.Digest.IsZero() && !strings.HasPrefix(string(e.Source), voidPrefix) {
		m.departed = append(m.departed, departure{
			trait: trait{e.Received.Unix(), e.Size}, digest: e.Digest, folder: folder, released: e.Status == state.Released,
		})
	}
}

// arrived notes an item that may have come from another folder. One of unknown
// size is not looked at, since nobody can say what reading it costs.
func (m *moves) arrived(f inventory.Folder, item inventory.Item) {
	if len(m.arrivals) < maxCandidates && item.Size >= 0 {
		m.arrivals = append(m.arrivals, arrival{trait{item.Received.Unix(), item.Size}, item.ID, item.Class, f.ID})
	}
}

// forget drops what was noted of a folder.
func (m *moves) forget(folder inventory.FolderID) {
	delete(m.deleted, folder)
	m.departed = slices.DeleteFunc(m.departed, func(d departure) bool { return d.folder == folder })
	m.arrivals = slices.DeleteFunc(m.arrivals, func(a arrival) bool { return a.folder == folder })
}

// candidates are the arrivals that some departure may be, within the limit.
func (m *moves) candidates() []arrival {
	if len(m.departed) == 0 {
		return nil
	}
	traits := make(map[trait]bool, len(m.departed))
	for _, d := range m.departed {
		traits[d.trait] = true
	}
	var chosen []arrival
	var bytes int64
	for _, a := range m.arrivals {
		if traits[a.trait] && bytes+a.size <= m.limit {
			chosen, bytes = append(chosen, a), bytes+a.size
		}
	}
	return chosen
}

// take finds the departure from another folder that has this content and that
// no arrival has taken.
func (m *moves) take(index map[trait][]int, a arrival, digest inventory.Digest) (d departure, ok bool) {
	for _, i := range index[a.trait] {
		if d := &m.departed[i]; !d.found && d.digest == digest && d.folder != a.folder {
			d.found = true
			return *d, true
		}
	}
	return d, false
}

func (m *moves) index() map[trait][]int {
	index := make(map[trait][]int, len(m.departed))
	for i, d := range m.departed {
		index[d.trait] = append(index[d.trait], i)
	}
	return index
}

// vanished takes everything that this tool copied from folders that are gone
// as departed. With deletions kept it matters only to recognise arrivals.
func (c *comparison) vanished(ctx context.Context) error {
	if c.Migration.Deletions == "keep" && len(c.moves.arrivals) == 0 {
		return nil
	}
	for _, f := range c.gone {
		if f.Items == 0 {
			continue
		}
		for e, err := range c.Store.Entries(ctx, f.ID) {
			if err != nil {
				return stateError{fmt.Errorf("read the ledger: %w", err)}
			}
			c.moves.left(f.Source, e)
		}
	}
	return nil
}

// confirmMoves reads the candidates and turns new and deleted into moved
// where the content agrees.
func (c *comparison) confirmMoves(ctx context.Context) error {
	candidates := c.moves.candidates()
	if len(candidates) == 0 {
		return nil
	}
	index := c.moves.index()
	same := func(a, b arrival) bool { return a.folder == b.folder && a.class == b.class }
	for len(candidates) > 0 {
		n := 1
		for n < len(candidates) && n < fetchSize && same(candidates[0], candidates[n]) {
			n++
		}
		if err := c.confirm(ctx, candidates[:n], index); err != nil {
			return err
		}
		candidates = candidates[n:]
	}
	return nil
}

// fetchSize is how many items are asked for in one Fetch.
const fetchSize = 500

// confirm reads arrivals of one folder and class.
func (c *comparison) confirm(ctx context.Context, batch []arrival, index map[trait][]int) error {
	folder := batch[0].folder
	arrivals := make(map[inventory.ItemID]arrival, len(batch))
	ids := make([]inventory.ItemID, len(batch))
	for i, a := range batch {
		ids[i], arrivals[a.id] = a.id, a
	}
	for got, err := range c.session.Fetch(ctx, folder, ids, c.format(c.folderHolds(folder), batch[0].class)) {
		if err != nil {
			return err
		}
		if got.Err != nil {
			continue // gone again, or unreadable: the run will tell
		}
		digest, err := digestOf(got.Body)
		if err != nil {
			return err
		}
		a := arrivals[got.Item.ID]
		if from, ok := c.moves.take(index, a, digest); ok {
			c.moved(from, a)
		}
	}
	return nil
}

func (c *comparison) folderHolds(id inventory.FolderID) inventory.Ability {
	for _, f := range c.folders {
		if f.ID == id {
			return f.Holds
		}
	}
	return ""
}

// moved books one arrival as a move.
func (c *comparison) moved(from departure, a arrival) {
	if !from.released {
		c.moves.deleted[from.folder]--
	}
	left := c.deltas[from.folder]
	left.Left++
	c.deltas[from.folder] = left
	d := c.deltas[a.folder]
	d.Work.New--
	d.Work.Moved++
	if d.Work.Bytes > 0 {
		d.Work.Bytes -= a.size
	}
	c.deltas[a.folder] = d
}

// countDeleted puts what was not found elsewhere into the deltas.
func (c *comparison) countDeleted() {
	if c.Migration.Deletions == "keep" {
		return
	}
	for folder, n := range c.moves.deleted {
		if n == 0 {
			continue
		}
		d := c.deltas[folder]
		d.Work.Deleted += n
		c.deltas[folder] = d
	}
}

// format returns the format in which the digest of an item was taken: the
// best of the source that the target takes too.
func (c *comparison) format(ability inventory.Ability, class inventory.Class) inventory.Format {
	t := c.serving(ability)
	if t == nil {
		return ""
	}
	takes := formats(t.info, class)
	for _, f := range formats(c.source.info, class) {
		if slices.ContainsFunc(takes, func(x providers.FormatSupport) bool { return x.Format == f.Format }) {
			return f.Format
		}
	}
	if ability == inventory.Mail || ability == "" {
		return inventory.FormatRFC5322
	}
	return ""
}

func formats(info providers.Info, class inventory.Class) []providers.FormatSupport {
	if list, ok := info.Formats[class]; ok {
		return list
	}
	return info.Formats[""]
}

func digestOf(body io.Reader) (d inventory.Digest, err error) {
	if body == nil {
		return d, errors.New("an item was fetched without content")
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, body); err == nil {
		sum.Sum(d[:0])
	}
	return d, err
}
