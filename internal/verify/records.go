package verify

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
)

// key is a digest cut to 128 bits.
type key [16]byte

// record is what is kept of one item: no pointers, so that a large folder
// costs the garbage collector nothing.
type record struct {
	strict, loose key
	message       uint64 // hash of the Message-ID, or of the UID; 0 is none
	received      int64  // Unix seconds; unknownTime is unknown
	flags         uint32 // index into records.flags
	id            uint32 // offset into records.ids
}

const unknownTime = math.MinInt64

// records are the items of one folder on one side.
type records struct {
	list  []record
	ids   []byte // each with its length before it
	flags *flagTable
}

// flagTable numbers sets of flags; both sides of a folder share one.
type flagTable struct {
	index map[inventory.Flags]uint32
	sets  []inventory.Flags
}

func newFlagTable() *flagTable { return &flagTable{index: map[inventory.Flags]uint32{}} }

func (t *flagTable) number(f inventory.Flags) uint32 {
	n, ok := t.index[f]
	if !ok {
		n = uint32(len(t.sets))
		t.index[f], t.sets = n, append(t.sets, f)
	}
	return n
}

// add appends a record for an item.
func (r *records) add(item inventory.Item, strict, loose key, message uint64) error {
	if len(r.ids)+len(item.ID)+binary.MaxVarintLen32 > math.MaxUint32 {
		return fmt.Errorf("the item IDs of one folder take more than 4 GiB")
	}
	x := record{strict: strict, loose: loose, message: message, received: unknownTime, id: uint32(len(r.ids))}
	if !item.Received.IsZero() {
		x.received = item.Received.Unix()
	}
	x.flags = r.flags.number(item.Flags)
	r.ids = binary.AppendUvarint(r.ids, uint64(len(item.ID)))
	r.ids = append(r.ids, item.ID...)
	r.list = append(r.list, x)
	return nil
}

func (r *records) id(x record) inventory.ItemID {
	n, w := binary.Uvarint(r.ids[x.id:])
	start := int(x.id) + w
	return inventory.ItemID(r.ids[start : start+int(n)])
}

// settle drops all but the last record of an item, and those of items that
// have gone: folders change while they are read page by page.
func (r *records) settle(gone map[inventory.ItemID]bool) {
	if len(gone) == 0 && !r.repeats() {
		return
	}
	kept := len(r.list)
	for i := len(r.list) - 1; i >= 0; i-- {
		id := r.id(r.list[i])
		if gone[id] {
			continue
		}
		gone[id] = true
		kept--
		r.list[kept] = r.list[i]
	}
	r.list = r.list[kept:]
}

// repeats reports whether an item seems to have more than one record.
func (r *records) repeats() bool {
	seed := maphash.MakeSeed()
	sums := make([]uint64, len(r.list))
	for i, x := range r.list {
		sums[i] = maphash.String(seed, string(r.id(x)))
	}
	slices.Sort(sums)
	for i := 1; i < len(sums); i++ {
		if sums[i] == sums[i-1] {
			return true
		}
	}
	return false
}

func byStrict(a, b record) int {
	return cmp.Or(bytes.Compare(a.strict[:], b.strict[:]), cmp.Compare(a.received, b.received), cmp.Compare(a.flags, b.flags))
}

func sameStrict(a, b record) int { return bytes.Compare(a.strict[:], b.strict[:]) }

func byLoose(a, b record) int {
	return cmp.Or(bytes.Compare(a.loose[:], b.loose[:]), cmp.Compare(a.received, b.received), cmp.Compare(a.flags, b.flags))
}

func sameLoose(a, b record) int { return bytes.Compare(a.loose[:], b.loose[:]) }

func byMessage(a, b record) int {
	return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.received, b.received), cmp.Compare(a.flags, b.flags))
}

func sameMessage(a, b record) int {
	return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.received, b.received))
}
