package mem

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Mailbox is one mailbox as a test tells its story: what its owner and other
// people do to it. Folders are named by their path, as [inventory.ParsePath]
// reads it; a folder that is named but not there is made.
type Mailbox struct {
	organisation *Organisation
	address      inventory.Address

	mu       sync.Mutex
	folders  []*folder
	byPath   map[string]*folder
	identity int // last given out
	used     int64
	count    int64
}

// Item is an item as it arrives. Only Content is needed.
type Item struct {
	Class    inventory.Class // message, or what the folder holds
	Format   inventory.Format
	Flags    inventory.Flags
	Received time.Time
	Content  []byte
	// Open makes Size bytes of content instead, the same ones each time.
	Open func() io.Reader
	Size int64
}

func newMailbox(o *Organisation, address inventory.Address) *Mailbox {
	m := &Mailbox{organisation: o, address: address, byPath: map[string]*folder{}}
	if slices.Contains(o.config.Abilities, inventory.Mail) {
		m.make(inventory.Folder{Path: inventory.Path{"INBOX"}, Role: inventory.RoleInbox, Holds: inventory.Mail, Subscribed: true})
	}
	return m
}

// Address returns whose mailbox it is.
func (m *Mailbox) Address() inventory.Address { return m.address }

// AddFolder adds a folder for mail, and its parents, and returns its ID.
func (m *Mailbox) AddFolder(path string) inventory.FolderID {
	return m.AddFolderOf(inventory.Folder{Path: inventory.ParsePath(path), Holds: inventory.Mail, Subscribed: true})
}

// AddFolderOf adds a folder with the path, role, class, container and
// subscription of f, or returns the ID of the one at that path.
func (m *Mailbox) AddFolderOf(f inventory.Folder) inventory.FolderID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.make(f).id()
}

// make creates a folder and what it lies in. Of two claims to a role the first
// wins.
func (m *Mailbox) make(f inventory.Folder) *folder {
	if existing := m.byPath[f.Path.String()]; existing != nil {
		return existing
	}
	if f.Holds == "" {
		f.Holds = inventory.Mail
	}
	if parent := f.Path.Parent(); parent != nil {
		m.make(inventory.Folder{Path: parent, Holds: f.Holds, Subscribed: f.Subscribed})
	}
	if f.Role != inventory.RoleNone && slices.ContainsFunc(m.folders, func(o *folder) bool { return o.role == f.Role }) {
		f.Role = inventory.RoleNone
	}
	m.identity++
	made := &folder{
		identity: fmt.Sprintf("folder-%d", m.identity), path: slices.Clone(f.Path), role: f.Role, holds: f.Holds,
		subscribed: f.Subscribed, container: f.Container, epoch: 1, items: map[inventory.ItemID]*item{},
	}
	m.folders = append(m.folders, made)
	m.byPath[made.path.String()] = made
	return made
}

func (m *Mailbox) at(path string) *folder {
	return m.make(inventory.Folder{Path: inventory.ParsePath(path), Subscribed: true})
}

// Deliver adds an item, as the last, and returns its ID.
func (m *Mailbox) Deliver(path string, it Item) inventory.ItemID {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.at(path)
	return m.store(f, newItem(it, f.holds))
}

func newItem(it Item, holds inventory.Ability) *item {
	if it.Class == "" {
		it.Class = classes[holds]
	}
	if it.Format == "" {
		it.Format = formats[it.Class]
	}
	made := &item{format: it.Format, content: it.Content, open: it.Open}
	made.Item = inventory.Item{Class: it.Class, Size: it.Size, Flags: it.Flags, Received: second(it.Received)}
	if it.Open == nil {
		made.content = append([]byte{}, it.Content...)
		made.Size = int64(len(it.Content))
	}
	if it.Class != inventory.ClassMessage {
		made.Version = "1"
	}
	return made
}

func (m *Mailbox) store(f *folder, it *item) inventory.ItemID {
	m.used += it.Size
	m.count++
	return f.add(it)
}

// SetFlags gives an item other flags. Like the methods below it reports
// whether the item was there.
func (m *Mailbox) SetFlags(path string, id inventory.ItemID, flags inventory.Flags) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.at(path)
	it, ok := f.items[id]
	if ok && it.Flags != flags {
		it.Flags = flags
		f.touch(it)
	}
	return ok
}

// Replace gives an item other content, and a new version.
func (m *Mailbox) Replace(path string, id inventory.ItemID, content []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.at(path)
	it, ok := f.items[id]
	if !ok {
		return false
	}
	m.used += int64(len(content)) - it.Size
	f.bytes += int64(len(content)) - it.Size
	it.content, it.open, it.facts, it.digest = append([]byte{}, content...), nil, nil, inventory.Digest{}
	it.Size = int64(len(content))
	f.touch(it)
	it.Version = fmt.Sprint(it.changed)
	return true
}

// Move moves an item to another folder and returns its ID there, or "".
func (m *Mailbox) Move(path string, id inventory.ItemID, to string) inventory.ItemID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return move(m.at(path), id, m.at(to))
}

func move(from *folder, id inventory.ItemID, to *folder) inventory.ItemID {
	it, ok := from.remove(id)
	if !ok {
		return ""
	}
	moved := *it
	return to.add(&moved)
}

// Delete removes an item.
func (m *Mailbox) Delete(path string, id inventory.ItemID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.drop(m.at(path), id)
}

func (m *Mailbox) drop(f *folder, id inventory.ItemID) bool {
	it, ok := f.remove(id)
	if ok {
		m.used -= it.Size
		m.count--
	}
	return ok
}

// Rename moves a folder with everything below it. It keeps its identity and
// item IDs; its folder ID changes.
func (m *Mailbox) Rename(path, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rename(m.at(path), inventory.ParsePath(to))
}

func (m *Mailbox) rename(f *folder, to inventory.Path) {
	if parent := to.Parent(); parent != nil {
		m.make(inventory.Folder{Path: parent, Holds: f.holds, Subscribed: true})
	}
	old := f.path
	for _, other := range m.folders {
		if below(other.path, old) {
			delete(m.byPath, other.path.String())
			other.path = append(slices.Clone(to), other.path[len(old):]...)
		}
	}
	for _, other := range m.folders {
		m.byPath[other.path.String()] = other
	}
}

// below reports whether path is top or lies in it.
func below(path, top inventory.Path) bool {
	return len(path) >= len(top) && slices.Equal(path[:len(top)], top)
}

// RemoveFolder removes a folder with everything in it and below it.
func (m *Mailbox) RemoveFolder(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	top := m.at(path).path
	m.folders = slices.DeleteFunc(m.folders, func(f *folder) bool {
		if !below(f.path, top) {
			return false
		}
		for id := range f.items {
			m.drop(f, id)
		}
		delete(m.byPath, f.path.String())
		return true
	})
}

// ResetEpoch renumbers a folder: all its item IDs and cursors become void.
func (m *Mailbox) ResetEpoch(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(path).renumber()
}

// Restore puts a folder back to when it held its first n items, at least one: what came
// later is gone, and its IDs are given out again, under the same epoch.
func (m *Mailbox) Restore(path string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.at(path)
	items := f.sorted()
	for _, it := range items[n:] {
		m.drop(f, it.ID)
	}
	f.uid, _ = strconv.ParseUint(string(items[n-1].ID), 10, 64)
}

// IDs returns the IDs of the items in a folder, in order.
func (m *Mailbox) IDs(path string) []inventory.ItemID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []inventory.ItemID
	for _, it := range m.at(path).sorted() {
		ids = append(ids, it.ID)
	}
	return ids
}
