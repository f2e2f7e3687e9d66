package mem

import (
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
)

// position is what a cursor means: everything up to the sequence after has
// been seen in this epoch.
type position struct {
	epoch int
	after uint64
	// full is set in the middle of a series that began at the beginning.
	full bool
	// Without history, a series in progress lists items from the ID above
	// from, and began when the folder had reached began.
	listing bool
	from    inventory.ItemID
	began   uint64
}

func (p position) cursor() inventory.Cursor {
	s := strconv.Itoa(p.epoch) + "." + strconv.FormatUint(p.after, 10)
	if p.full {
		s += ".full"
	}
	if p.listing {
		s += ".list." + string(p.from) + "." + strconv.FormatUint(p.began, 10)
	}
	return inventory.Cursor(s)
}

// parsePosition returns false for a cursor that is none of ours.
func parsePosition(c inventory.Cursor) (p position, ok bool) {
	parts := strings.Split(string(c), ".")
	if len(parts) < 2 {
		return p, false
	}
	epoch, err := strconv.Atoi(parts[0])
	after, err2 := strconv.ParseUint(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return p, false
	}
	p, parts = position{epoch: epoch, after: after}, parts[2:]
	if len(parts) > 0 && parts[0] == "full" {
		p.full, parts = true, parts[1:]
	}
	if len(parts) == 3 && parts[0] == "list" {
		p.listing, p.from = true, inventory.ItemID(parts[1])
		p.began, err = strconv.ParseUint(parts[2], 10, 64)
		return p, err == nil
	}
	return p, len(parts) == 0
}
