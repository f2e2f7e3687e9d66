package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// reader reads one mailbox of one side, over one session at a time.
type reader struct {
	*verifier
	side    *endpoint
	address inventory.Address
	session providers.Mailbox
	folders []inventory.Folder
	digests *digester
}

// do calls f with a session. After a verdict that asks for it, f is called
// again, on a new session.
func (r *reader) do(ctx context.Context, f func() error) error {
	return r.Retry.Do(ctx, nil, func() error {
		if err := r.side.gate.Wait(ctx); err != nil {
			return err
		}
		if r.session == nil {
			session, err := r.side.Endpoint.OpenMailbox(ctx, r.address)
			if err != nil {
				return err
			}
			r.session = session
		}
		err := f()
		if pace.Retryable(err) {
			r.close()
		}
		if e, ok := errors.AsType[*providers.Error](err); ok && e.WholeEndpoint {
			r.side.gate.Pause(pace.Hint(err))
		}
		return err
	})
}

func (r *reader) close() {
	if r.session != nil {
		r.session.Close()
		r.session = nil
	}
}

func (r *reader) list(ctx context.Context) error {
	return r.do(ctx, func() (err error) {
		r.folders, err = r.session.Folders(ctx)
		return err
	})
}

func (r *reader) folder(id inventory.FolderID) (inventory.Folder, bool) {
	i := slices.IndexFunc(r.folders, func(f inventory.Folder) bool { return f.ID == id })
	if i < 0 {
		return inventory.Folder{}, false
	}
	return r.folders[i], true
}

// Sizes of requests.
const (
	pageSize  = 5000
	fetchSize = 500
)

// read makes records of all items of a folder. A session that breaks costs
// the page it was on, which is listed and read again.
func (r *reader) read(ctx context.Context, folder inventory.FolderID, format formatOf) (*records, error) {
	out := &records{flags: newFlagTable()}
	gone := map[inventory.ItemID]bool{}
	var cursor inventory.Cursor
	for {
		end, err := r.page(ctx, out, gone, folder, cursor, format)
		if err != nil {
			return nil, err
		}
		if !end.More {
			out.settle(gone)
			return out, nil
		}
		if end.Cursor == cursor {
			return nil, errors.New("list items: the cursor does not move")
		}
		cursor = end.Cursor
	}
}

// formatOf chooses the format in which items of a class are compared.
type formatOf func(inventory.Class) inventory.Format

func (r *reader) page(ctx context.Context, out *records, gone map[inventory.ItemID]bool, folder inventory.FolderID, after inventory.Cursor, format formatOf) (providers.Change, error) {
	var end providers.Change
	items, ids := len(out.list), len(out.ids)
	err := r.do(ctx, func() error {
		out.list, out.ids = out.list[:items], out.ids[:ids]
		var page []inventory.Item
		var err error
		if page, end, err = r.listPage(ctx, folder, after, gone); err != nil {
			return err
		}
		if r.Quick {
			return addQuick(out, page)
		}
		return r.fetch(ctx, out, folder, page, format)
	})
	return end, err
}

func (r *reader) listPage(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, gone map[inventory.ItemID]bool) ([]inventory.Item, providers.Change, error) {
	var page []inventory.Item
	var end providers.Change
	for change, err := range r.session.Changes(ctx, folder, after, pageSize) {
		if err != nil {
			return nil, end, err
		}
		switch change.Op {
		case providers.Listed:
			page = append(page, change.Item)
			delete(gone, change.Item.ID)
		case providers.Removed:
			gone[change.Item.ID] = true
		case providers.End:
			end = change
		}
	}
	if end.Op != providers.End {
		return nil, end, errors.New("list items: the list has no end")
	}
	if end.Reset && after != "" {
		return nil, end, &providers.Error{Kind: providers.Transient, Op: "list items", Err: errors.New("the folder was replaced while it was read")}
	}
	return page, end, nil
}

// addQuick makes records of what listing tells: the date stands in for the
// content. Not the size: not every listing tells it, and servers count it
// differently.
func addQuick(out *records, page []inventory.Item) error {
	for _, item := range page {
		var k key
		if !item.Received.IsZero() {
			binary.BigEndian.PutUint64(k[8:], uint64(item.Received.Unix()))
		}
		if err := out.add(item, k, k, 0); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads and hashes the items of a page.
func (r *reader) fetch(ctx context.Context, out *records, folder inventory.FolderID, page []inventory.Item, format formatOf) error {
	byFormat := map[inventory.Format][]inventory.Item{}
	for _, item := range page {
		f := format(item.Class)
		byFormat[f] = append(byFormat[f], item)
	}
	for f, items := range byFormat {
		for chunk := range slices.Chunk(items, fetchSize) {
			if err := r.fetchChunk(ctx, out, folder, chunk, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) fetchChunk(ctx context.Context, out *records, folder inventory.FolderID, chunk []inventory.Item, format inventory.Format) error {
	listed := make(map[inventory.ItemID]inventory.Item, len(chunk))
	ids := make([]inventory.ItemID, len(chunk))
	for i, item := range chunk {
		ids[i], listed[item.ID] = item.ID, item
	}
	if r.digests == nil {
		r.digests = newDigester()
	}
	d := r.digests
	for got, err := range r.session.Fetch(ctx, folder, ids, format) {
		if err != nil {
			return err
		}
		item, ok := listed[got.Item.ID]
		if !ok {
			return fmt.Errorf("fetch: item %s was not asked for, or came twice", got.Item.ID)
		}
		delete(listed, got.Item.ID)
		if providers.KindOf(got.Err) == providers.Gone {
			continue
		}
		if err := d.read(got); err != nil {
			return err
		}
		if err := out.add(item, d.strictKey(), d.looseKey(), d.header.message()); err != nil {
			return err
		}
	}
	if len(listed) > 0 {
		return &providers.Error{Kind: providers.Transient, Op: "fetch", Err: fmt.Errorf("%d of %d items did not come", len(listed), len(chunk))}
	}
	return nil
}

// digester hashes one item after the other.
type digester struct {
	strict hash.Hash
	loose  *inventory.LooseHash
	header header
	sum    inventory.Digest
	buffer []byte
}

func newDigester() *digester { return &digester{strict: sha256.New(), buffer: make([]byte, 64<<10)} }

// read hashes the content. An item that has none to give hashes as what
// stands for it, the words of the server, so that it pairs with no other.
func (d *digester) read(got providers.Fetched) error {
	d.strict.Reset()
	d.loose = inventory.NewLooseHash()
	d.header.reset()
	everything := io.MultiWriter(d.strict, d.loose, &d.header)
	if got.Err != nil {
		fmt.Fprintf(everything, "unreadable %s: %v", got.Item.ID, got.Err)
		return nil
	}
	if got.Body == nil {
		return fmt.Errorf("fetch: item %s came without content", got.Item.ID)
	}
	n, err := io.CopyBuffer(everything, onlyReader{got.Body}, d.buffer)
	if err == nil && got.Item.Size >= 0 && n != got.Item.Size {
		err = &providers.Error{Kind: providers.Transient, Op: "fetch", Subject: string(got.Item.ID), Err: io.ErrUnexpectedEOF}
	}
	return err
}

// onlyReader hides WriterTo, so that the one buffer is used.
type onlyReader struct{ io.Reader }

func (d *digester) strictKey() key {
	d.strict.Sum(d.sum[:0])
	return key(d.sum[:16])
}

func (d *digester) looseKey() key {
	sum := d.loose.Digest()
	return key(sum[:16])
}
