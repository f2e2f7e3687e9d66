package mem

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/internal/match"
)

// folder is one folder and its history: everything that happened has a
// number, and items are listed in the order of their last number.
type folder struct {
	identity   string
	path       inventory.Path
	role       inventory.Role
	holds      inventory.Ability
	subscribed bool
	container  bool
	epoch      int
	uid        uint64 // last given out
	sequence   uint64 // last given out
	items      map[inventory.ItemID]*item
	log        []entry // by sequence
	bytes      int64
}

type item struct {
	inventory.Item
	format inventory.Format
	// content is nil when open makes it, or when it was discarded.
	content []byte
	open    func() io.Reader
	digest  inventory.Digest
	facts   *match.Facts
	added   uint64 // sequence of its arrival in the folder
	changed uint64 // sequence of its last change
}

// entry is one fact of the history; it is void when the item has changed since.
type entry struct {
	sequence uint64
	id       inventory.ItemID
	item     *item // nil: removed
}

func (e entry) current() bool { return e.item == nil || e.item.changed == e.sequence }

func (f *folder) id() inventory.FolderID { return inventory.FolderID(f.path.String()) }

func (f *folder) end() inventory.Cursor {
	return position{epoch: f.epoch, after: f.sequence}.cursor()
}

func (f *folder) describe(c Config) inventory.Folder {
	d := inventory.Folder{
		ID: f.id(), Path: slices.Clone(f.path), Role: f.role, Holds: f.holds, Container: f.container,
		Subscribed: f.subscribed, Items: int64(len(f.items)), Bytes: f.bytes,
		State: fmt.Sprintf("%d.%d", f.epoch, f.sequence), Identity: f.identity,
		Epoch: strconv.Itoa(f.epoch), End: f.end(),
	}
	if c.HideSizes {
		d.Bytes = -1
	}
	if c.HideState {
		d.State = ""
	}
	if c.HideIdentity {
		d.Identity = ""
	}
	return d
}

func (f *folder) add(it *item) inventory.ItemID {
	f.uid++
	it.ID = inventory.ItemID(strconv.FormatUint(f.uid, 10))
	f.touch(it)
	it.added = it.changed
	f.items[it.ID] = it
	f.bytes += it.Size
	return it.ID
}

func (f *folder) touch(it *item) {
	f.sequence++
	it.changed = f.sequence
	f.log = append(f.log, entry{f.sequence, it.ID, it})
}

func (f *folder) remove(id inventory.ItemID) (*item, bool) {
	it, ok := f.items[id]
	if !ok {
		return nil, false
	}
	delete(f.items, id)
	f.bytes -= it.Size
	f.sequence++
	it.changed = f.sequence
	f.log = append(f.log, entry{sequence: f.sequence, id: id})
	return it, true
}

// renumber gives every item a new ID under a new epoch, in the old order.
func (f *folder) renumber() {
	old := f.sorted()
	f.epoch++
	f.items, f.log, f.bytes, f.sequence = map[inventory.ItemID]*item{}, nil, 0, 0
	f.uid += 1000
	for _, it := range old {
		copied := *it
		f.add(&copied)
	}
}

// sorted returns the items in the order of their IDs.
func (f *folder) sorted() []*item {
	all := make([]*item, 0, len(f.items))
	for _, it := range f.items {
		all = append(all, it)
	}
	slices.SortFunc(all, func(a, b *item) int { return compareIDs(a.ID, b.ID) })
	return all
}

// since returns the history after a sequence.
func (f *folder) since(sequence uint64) []entry {
	i := sort.Search(len(f.log), func(i int) bool { return f.log[i].sequence > sequence })
	return f.log[i:]
}

func compareIDs(a, b inventory.ItemID) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare([]byte(a), []byte(b))
}

func (it *item) reader() (io.Reader, error) {
	switch {
	case it.open != nil:
		return it.open(), nil
	case it.content != nil:
		return bytes.NewReader(it.content), nil
	}
	return nil, &providers.Error{Kind: providers.Gone, Code: "mem-discarded", Op: "fetch", Subject: string(it.ID)}
}

// seal computes the digests of the content, which does not change afterwards.
func (it *item) seal() {
	r, err := it.reader()
	if err != nil {
		return
	}
	sum := sha256.New()
	facts, _ := match.Read(it.Class, io.TeeReader(r, sum))
	it.facts = &facts
	sum.Sum(it.digest[:0])
}

func (it *item) matches(print inventory.Fingerprint) bool {
	if !match.Cheap(print, it.Item) {
		return false
	}
	if !match.NeedsContent(print) {
		return true
	}
	if it.facts == nil {
		it.seal()
	}
	return it.facts != nil && it.facts.Agrees(print)
}

func second(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Truncate(time.Second)
}
