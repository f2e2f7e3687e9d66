package imap

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// Changes implements [providers.Mailbox]. How much it costs depends on what
// the server offers:
//
//   - QRESYNC: what changed and what vanished, in one command;
//   - CONDSTORE: what changed, and the UIDs that are there;
//   - neither: UID, flags and date of every message.
//
// A listing of everything is read by ranges of UIDs and tells no sizes: servers
// that keep messages in files may have to read each of them to know. What is
// told as changed has its size.
func (s *session) Changes(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		series := series{session: s, folder: folder, limit: limit, yield: yield}
		if err := series.run(ctx, after); err != nil && !series.stopped {
			yield(providers.Change{}, s.folderError("list changes of", folder, err))
		}
	}
}

// series is one call of Changes.
type series struct {
	session *session
	folder  inventory.FolderID
	limit   int // 0: none
	yield   func(providers.Change, error) bool
	stopped bool

	now    *selected
	at     cursor // what this call continues, or starts
	reset  bool
	before uint32 // UIDNEXT of the cursor the series started with: what was there then
}

// pageSize is how many messages are asked for at a time when the caller sets
// no limit.
const pageSize = 5000

func (r *series) run(ctx context.Context, after inventory.Cursor) error {
	known, err := r.begin(ctx, after)
	if err != nil {
		return err
	}
	if !known {
		return r.page(ctx)
	}
	r.end(0)
	return nil
}

// begin decides how to read on; unchanged says that there is nothing to tell.
func (r *series) begin(ctx context.Context, after inventory.Cursor) (unchanged bool, err error) {
	last, bad := parseCursor(string(after))
	if r.now, err = r.session.open(ctx, r.folder, false, last.kind == 0); err != nil {
		return false, err
	}
	now := r.now
	r.at = cursor{validity: now.uidValidity, next: now.uidNext, modSeq: now.highestModSeq, kind: seriesAll, position: 1}
	switch {
	case after == "":
	case bad != nil, last.validity != now.uidValidity, last.next > now.uidNext:
		// A UIDNEXT that went back is a folder restored from a backup: its
		// UIDs will be used a second time, for other messages.
		r.reset = true
	case last.kind != 0:
		r.at = last
		r.at.position = max(last.position, 1)
	default:
		unchanged = r.continueFrom(last)
	}
	return unchanged, nil
}

// continueFrom starts a series after everything up to last has been told. A
// mod-sequence that went back is of a server that lost its history.
func (r *series) continueFrom(last cursor) (unchanged bool) {
	now := r.now
	if last.modSeq == 0 || now.highestModSeq < last.modSeq || !r.session.condstore {
		r.at.since = uint64(last.next)
		return false
	}
	r.at.since, r.before = last.modSeq, last.next
	r.at.kind = seriesExists
	if r.session.qresync {
		r.at.kind = seriesChanged
		return now.highestModSeq == last.modSeq && now.uidNext == last.next
	}
	return false
}

func (r *series) page(ctx context.Context) error {
	if r.at.kind == seriesChanged && r.before > 0 {
		return r.delta(ctx)
	}
	return r.windows(ctx)
}

// give yields a change and reports whether to go on.
func (r *series) give(c providers.Change) bool {
	if !r.stopped {
		r.stopped = !r.yield(c, nil)
	}
	return !r.stopped
}

// end closes the page; position is the next UID of the series, 0 at its end.
func (r *series) end(position uint32) {
	next := r.at
	next.position = position
	if position == 0 {
		next = cursor{validity: r.at.validity, next: r.at.next, modSeq: r.at.modSeq}
	}
	r.give(providers.Change{Op: providers.End, Cursor: inventory.Cursor(next.String()), More: position != 0,
		Full: r.at.kind.full(), Reset: r.reset})
}

// delta tells what changed and vanished since a mod-sequence (RFC 7162 section
// 3.2.6). If that is more than fits a page, the rest is read by ranges.
func (r *series) delta(ctx context.Context) error {
	changed := changeSet{limit: r.limit}
	request := imapstream.ListRequest{Set: "1:*", ChangedSince: r.at.since, Vanished: true, Size: true}
	err := r.session.list(ctx, request, func(f imapstream.Fact) {
		switch {
		case !f.Vanished:
			changed.add(f)
		case f.UID < r.before:
			changed.vanish(f.UID)
		}
	})
	if err != nil {
		return err
	}
	if changed.forgotten {
		// The server has lost its history and declares everything gone that it
		// does not hold: what it does hold is the shorter answer.
		r.at.kind = seriesExists
		return r.windows(ctx)
	}
	for _, uid := range changed.gone {
		if !r.give(providers.Change{Op: providers.Removed, Item: inventory.Item{ID: itemID(uid)}}) {
			return nil
		}
	}
	facts, position := changed.page()
	r.giveAll(facts)
	r.end(position)
	return nil
}

// changeSet keeps the first changed messages, by UID, of a listing of any
// length and in any order.
type changeSet struct {
	limit     int
	facts     []imapstream.Fact
	more      uint32 // lowest UID that was left out; 0 is none
	gone      []uint32
	forgotten bool
}

// maxGone is how many vanished UIDs are told one by one.
const maxGone = 200_000

func (c *changeSet) add(f imapstream.Fact) {
	if c.more > 0 && f.UID >= c.more {
		return
	}
	c.facts = append(c.facts, f)
	if c.limit > 0 && len(c.facts) >= 4*c.limit {
		c.cut()
	}
}

func (c *changeSet) cut() {
	slices.SortFunc(c.facts, compareFacts)
	if c.limit > 0 && len(c.facts) > c.limit {
		c.more = c.facts[c.limit].UID
		c.facts = c.facts[:c.limit]
	}
}

func (c *changeSet) vanish(uid uint32) {
	if len(c.gone) >= maxGone {
		c.forgotten, c.gone = true, nil
	}
	if !c.forgotten {
		c.gone = append(c.gone, uid)
	}
}

// page returns what fits a page, and the UID at which the next one starts, 0
// when there is none.
func (c *changeSet) page() ([]imapstream.Fact, uint32) {
	if c.more > 0 || c.limit > 0 && len(c.facts) > 2*c.limit {
		c.cut()
	}
	slices.SortFunc(c.facts, compareFacts)
	return c.facts, c.more
}

// giveAll yields facts as Listed, those outside the series left out: messages
// that arrived after it began belong to the next one.
func (r *series) giveAll(facts []imapstream.Fact) bool {
	for _, f := range facts {
		if f.UID < r.at.next && !r.give(providers.Change{Op: providers.Listed, Item: item(f)}) {
			return false
		}
	}
	return true
}

// windows reads a series by ranges of UIDs until the page is full.
func (r *series) windows(ctx context.Context) error {
	ranges, err := r.session.ranges(ctx, r)
	if err != nil {
		return err
	}
	position := r.at.position
	for told := 0; position != 0 && position < r.at.next; {
		low, high := ranges.next(position)
		if low == 0 {
			break
		}
		n, err := r.window(ctx, low, high)
		if err != nil || r.stopped {
			return err
		}
		told += n
		position = high + 1
		if r.limit > 0 && told >= (r.limit+1)/2 && position != 0 && position < r.at.next && ranges.more(position) {
			r.end(position)
			return nil
		}
	}
	r.end(0)
	return nil
}

// window tells what there is to tell of the UIDs from low to high.
func (r *series) window(ctx context.Context, low, high uint32) (told int, err error) {
	var facts []imapstream.Fact
	for _, request := range r.requests(low, high) {
		err := r.session.list(ctx, request, func(f imapstream.Fact) {
			if !f.Vanished && f.UID >= low && f.UID <= high {
				facts = append(facts, f)
			}
		})
		if err != nil {
			return 0, err
		}
	}
	slices.SortFunc(facts, compareFacts)
	if !r.giveAll(facts) || r.at.kind != seriesExists {
		return len(facts), nil
	}
	exists, err := r.exists(ctx, fmt.Sprintf("%d:%d", low, high), facts)
	return len(facts) + exists, err
}

// requests are the listings that tell what there is to tell of a range. What a
// listing of everything tells as new to its reader, has its size as well: it
// may be a message that was moved, which is recognised by it.
func (r *series) requests(low, high uint32) []imapstream.ListRequest {
	set := func(low, high uint32) string { return fmt.Sprintf("%d:%d", low, high) }
	if r.at.kind != seriesAll {
		return []imapstream.ListRequest{{Set: set(low, high), ChangedSince: r.at.since, Size: true}}
	}
	known := r.at.since
	switch {
	case known == 0 || uint64(high) < known:
		return []imapstream.ListRequest{{Set: set(low, high)}}
	case uint64(low) >= known:
		return []imapstream.ListRequest{{Set: set(low, high), Size: true}}
	}
	return []imapstream.ListRequest{{Set: set(low, uint32(known)-1)}, {Set: set(uint32(known), high), Size: true}}
}

// exists tells the messages of a range that are there and were not listed.
func (r *series) exists(ctx context.Context, set string, listed []imapstream.Fact) (told int, err error) {
	uids, err := r.session.search(ctx, "UID "+set)
	if err != nil {
		return 0, err
	}
	for _, uid := range uids {
		_, found := slices.BinarySearchFunc(listed, uid, func(f imapstream.Fact, uid uint32) int { return compareFacts(f, imapstream.Fact{UID: uid}) })
		if found {
			continue
		}
		if !r.give(providers.Change{Op: providers.Exists, Item: inventory.Item{ID: itemID(uid)}}) {
			return told, nil
		}
		told++
	}
	return told, nil
}
