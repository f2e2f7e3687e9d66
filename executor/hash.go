package executor

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// hashed is what reading an item told.
type hashed struct {
	item   inventory.Item
	digest inventory.Digest
	loose  inventory.Digest
	// bare says that there are line ends that a server may repair, so that
	// the size of the stored item may differ.
	bare bool
	err  error // the verdict on this item alone
}

// print is the fingerprint by which the item is looked up on the target.
func (h *hashed) print() inventory.Fingerprint {
	print := inventory.Fingerprint{Class: h.item.Class, Received: h.item.Received, Size: h.item.Size, Loose: h.loose}
	if h.bare {
		print.Size = -1
	}
	return print
}

// readSize is how many items are read for comparison at a time.
const readSize = 500

// hashItems reads items from a session and calls each with what it found, for
// every item that the server answered.
func (p *pass) hashItems(ctx context.Context, from *session, f *folder, folder inventory.FolderID, items []inventory.Item, each func(hashed)) error {
	reader := newHasher()
	facts := make(map[inventory.ItemID]inventory.Item, len(items))
	for _, item := range items {
		facts[item.ID] = item
	}
	for format, ids := range f.byFormat(items) {
		for fetched, err := range from.Fetch(ctx, folder, ids, format) {
			if err != nil {
				return from.verdict(err)
			}
			h := hashed{item: mergeFacts(facts[fetched.Item.ID], fetched.Item), err: fetched.Err}
			if h.err == nil {
				if err := reader.read(fetched.Body, &h); err != nil {
					return from.verdict(fmt.Errorf("item %s: %w", fetched.Item.ID, brokenBody(err)))
				}
			}
			each(h)
		}
	}
	return nil
}

// byFormat sorts the IDs of items by the format in which they travel.
func (f *folder) byFormat(items []inventory.Item) map[inventory.Format][]inventory.ItemID {
	all := map[inventory.Format][]inventory.ItemID{}
	for _, item := range items {
		format := f.format(item.Class)
		all[format] = append(all[format], item.ID)
	}
	return all
}

// mergeFacts completes what the listing told with what the fetch tells.
func mergeFacts(listed, fetched inventory.Item) inventory.Item {
	if listed == (inventory.Item{ID: listed.ID}) {
		return fetched
	}
	merged := listed
	merged.Size = fetched.Size
	if merged.Received.IsZero() {
		merged.Received = fetched.Received
	}
	if merged.Class == "" {
		merged.Class = fetched.Class
	}
	if merged.Version == "" {
		merged.Version = fetched.Version
	}
	return merged
}

// brokenBody makes the failure of a body a reason to try again, unless the
// provider has given a verdict.
func brokenBody(err error) error {
	if providers.KindOf(err) != providers.Other || providers.CodeOf(err) != "" {
		return err
	}
	return &providers.Error{Kind: providers.Transient, Code: codeOther, Op: "read", Response: "the content ended early", Err: err}
}

// hasher computes both digests of a body.
type hasher struct {
	strict hash.Hash
	buffer []byte
}

func newHasher() *hasher { return &hasher{sha256.New(), make([]byte, 64<<10)} }

func (r *hasher) read(body io.Reader, h *hashed) error {
	r.strict.Reset()
	loose := inventory.NewLooseHash()
	var ends lineEnds
	size := int64(0)
	for {
		n, err := body.Read(r.buffer)
		part := r.buffer[:n]
		r.strict.Write(part)
		_, _ = loose.Write(part)
		ends.write(part)
		size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if h.item.Size >= 0 && size < h.item.Size {
		return io.ErrUnexpectedEOF
	}
	h.item.Size = size
	r.strict.Sum(h.digest[:0])
	h.loose, h.bare = loose.Digest(), ends.bare()
	return nil
}

// lineEnds looks for CR and LF that do not stand together.
type lineEnds struct {
	afterCR bool
	found   bool
}

func (l *lineEnds) write(part []byte) {
	for _, b := range part {
		if (b == '\n') != l.afterCR {
			l.found = true
		}
		l.afterCR = b == '\r'
	}
}

func (l *lineEnds) bare() bool { return l.found || l.afterCR }
