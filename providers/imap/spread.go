package imap

import (
	"context"
	"fmt"
	"slices"
)

// spread cuts the UIDs of a folder into ranges of about a page of messages.
type spread struct {
	validity, end uint32
	from          uint32   // UIDs before it are not in uids
	width         uint32   // of a range, when the UIDs are dense
	uids          []uint32 // all of them, when they are not
	count         int      // of a range of uids
}

// sparse is how many UIDs there may be for each message before ranges of a
// fixed width cost more round trips than a search.
const sparse = 8

// ranges prepares to read a series in this folder. A sparse folder is searched
// once a series and session, not once a page.
func (s *session) ranges(ctx context.Context, r *series) (*spread, error) {
	size := r.limit
	if size <= 0 {
		size = pageSize
	}
	kept := s.spread[r.folder]
	if kept != nil && kept.validity == r.at.validity && kept.end == r.at.next && kept.from <= r.at.position && kept.count == size {
		return kept, nil
	}
	made := &spread{validity: r.at.validity, end: r.at.next, from: r.at.position, count: size}
	used := max(int64(r.at.next)-1, 1)
	perMessage := (used + max(r.now.exists, 1) - 1) / max(r.now.exists, 1)
	switch {
	case r.now.exists == 0:
	case perMessage <= sparse || int64(r.at.next) <= int64(size):
		made.width = uint32(min(int64(size)*perMessage, 1<<31))
	default:
		var err error
		if made.uids, err = s.search(ctx, fmt.Sprintf("UID %d:%d", r.at.position, max(r.at.next-1, r.at.position))); err != nil {
			return nil, err
		}
	}
	s.spread[r.folder] = made
	return made, nil
}

// next returns the first range at or after a UID; low is 0 when there is none.
func (p *spread) next(position uint32) (low, high uint32) {
	last := p.end - 1
	if p.width > 0 {
		return position, uint32(min(uint64(position)+uint64(p.width)-1, uint64(last)))
	}
	i, _ := slices.BinarySearch(p.uids, position)
	if i == len(p.uids) {
		return 0, 0
	}
	j := min(i+p.count, len(p.uids)) - 1
	return p.uids[i], min(p.uids[j], last)
}

// more reports whether a range starts at or after a UID.
func (p *spread) more(position uint32) bool {
	low, _ := p.next(position)
	return low != 0
}
