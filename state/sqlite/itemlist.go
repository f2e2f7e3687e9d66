package sqlite

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/cutover-mail/cutover/inventory"
)

// A packed list of items holds, for each, an unsigned varint: an even one is
// twice the zigzag difference from the decimal ID before, an odd one twice
// the length of an ID whose bytes follow, plus one. A batch of consecutive
// UIDs takes one byte an item.

// maxDelta bounds the decimal IDs packed as differences, so that these fit.
const maxDelta = 1 << 60

func packItems(items []inventory.ItemID) []byte {
	packed := make([]byte, 0, 2*len(items))
	var last int64
	for _, id := range items {
		if n, ok := number(string(id)); ok && n < maxDelta {
			delta := n - last
			packed = binary.AppendUvarint(packed, uint64(delta<<1^delta>>63)<<1)
			last = n
			continue
		}
		packed = binary.AppendUvarint(packed, uint64(len(id))<<1|1)
		packed = append(packed, id...)
	}
	return packed
}

var errPacked = errors.New("a list of items in doubt cannot be read")

func unpackItems(packed []byte) ([]inventory.ItemID, error) {
	var items []inventory.ItemID
	var last int64
	for len(packed) > 0 {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			return nil, errPacked
		}
		packed = packed[n:]
		if v&1 == 0 {
			zigzag := v >> 1
			last += int64(zigzag>>1) ^ -int64(zigzag&1)
			items = append(items, inventory.ItemID(strconv.FormatInt(last, 10)))
			continue
		}
		size := v >> 1
		if size > uint64(len(packed)) {
			return nil, errPacked
		}
		items = append(items, inventory.ItemID(packed[:size]))
		packed = packed[size:]
	}
	return items, nil
}
