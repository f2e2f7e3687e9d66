package archive

import (
	"io"
	"os"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// view is a folder to be read: a Maildir, a folder of files, or an mbox.
type view interface {
	// describe tells counts, state and end; path and role are the manifest's.
	describe(into *inventory.Folder) error
	// page returns one page of changes, End included.
	page(after inventory.Cursor, limit int) ([]providers.Change, error)
	// list returns the items that came after the cursor.
	list(after inventory.Cursor) ([]inventory.Item, error)
	// open returns an item with its true size, and its content.
	open(id inventory.ItemID) (inventory.Item, io.ReadCloser, error)
}

func noItem(op string, id inventory.ItemID) error {
	return failure(providers.Gone, "archive-no-item", op, string(id), "there is no such item")
}

// item tells what the index tells; size is -1 where content has to be read for
// it.
func (f *folder) item(e *entry) inventory.Item {
	item := inventory.Item{ID: inventory.ItemID(e.id), Class: e.class, Size: e.size, Flags: e.flags, Received: e.received()}
	if f.converts(e) {
		if item.Size = -1; e.bare >= 0 {
			item.Size = e.size + e.bare
		}
	}
	return item
}

// converts reports whether the item's bare LF are given as CRLF.
func (f *folder) converts(e *entry) bool {
	return f.endpoint.convert && f.mail() && !ours(e.id) && e.bare != 0
}

func (f *folder) describe(into *inventory.Folder) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cheap(into) {
		return nil
	}
	if err := f.current(); err != nil {
		return err
	}
	into.Items, into.Bytes = f.live, f.bytes
	into.State, into.End = f.state(), f.position().cursor()
	return nil
}

// cheap tells counts by the last line of the index, if it is still true.
func (f *folder) cheap(into *inventory.Folder) bool {
	journal, last, ok := lastLine(f.index())
	if !ok {
		return false
	}
	if cur, fresh := f.stamps(); cur != last.Cur || fresh != last.Fresh {
		return false
	}
	into.Items, into.Bytes = last.Items, last.Bytes
	p := position{journal: journal, after: last.N}
	into.State, into.End = string(p.cursor()), p.cursor()
	return true
}

// current refreshes under the lock of the mailbox.
func (f *folder) current() error {
	unlock, err := lock(f.lockFile, f.endpoint.writes())
	if err != nil {
		return disk("lock", f.lockFile, err)
	}
	defer unlock()
	return f.refresh(f.endpoint.writes())
}

func (f *folder) list(after inventory.Cursor) ([]inventory.Item, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.current(); err != nil {
		return nil, err
	}
	p, ok := parsePosition(after)
	if !ok || p.journal != f.journal || f.scanned {
		p = position{}
	}
	items := make([]inventory.Item, 0, f.live)
	for i := range f.entries {
		if e := &f.entries[i]; !e.gone && e.added > p.after || f.scanned {
			items = append(items, f.item(e))
		}
	}
	return items, nil
}

func (f *folder) open(id inventory.ItemID) (inventory.Item, io.ReadCloser, error) {
	file, e, err := f.openFile(id)
	if err != nil {
		return inventory.Item{ID: id}, nil, err
	}
	item := f.item(&e)
	if f.converts(&e) {
		return openConverted(item, file)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return item, nil, disk("fetch", string(id), err)
	}
	item.Size = info.Size()
	return item, file, nil
}

// openFile opens the file of an item; one that was renamed since the folder
// was read is looked for once more.
func (f *folder) openFile(id inventory.ItemID) (*os.File, entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for round := range 2 {
		if f.byID == nil || round > 0 {
			if err := f.current(); err != nil {
				return nil, entry{}, err
			}
		}
		i, ok := f.byID[string(id)]
		if !ok {
			continue
		}
		k, err := readKeywords(f.dir)
		if err != nil {
			return nil, entry{}, disk("fetch", string(id), err)
		}
		if file, err := os.Open(f.path(i, k)); err == nil {
			return file, f.entries[i], nil
		} else if !os.IsNotExist(err) {
			return nil, entry{}, disk("fetch", string(id), err)
		}
	}
	return nil, entry{}, noItem("fetch", id)
}
