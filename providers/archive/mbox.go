package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// mboxPrefix begins the IDs of folders that are mbox files; the place of the
// file below the mailbox's folder follows.
const mboxPrefix = "mbox:"

// mbox is one mbox file. It is read through when it has changed; an item is
// named by the digest of its content, and by its number among equal ones, so
// that names outlive the removal of other items.
type mbox struct {
	endpoint *endpoint
	path     string

	mu    sync.Mutex
	stamp string
	items []mboxItem
	byID  map[inventory.ItemID]int
}

type mboxItem struct {
	inventory.Item
	start, end int64
}

// listMboxes finds mbox files. Files without the ending .mbox count when they
// begin as one does.
func (b *box) listMboxes() ([]inventory.Folder, error) {
	if info, err := os.Stat(b.dir); err == nil && !info.IsDir() {
		return []inventory.Folder{mboxFolder("", inventory.Path{"INBOX"})}, nil
	}
	var all []inventory.Folder
	err := filepath.WalkDir(b.dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == b.dir {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if base[0] == '.' || base == "cur" || base == "new" || base == "tmp" || base == maildirRoot {
				return filepath.SkipDir
			}
			return nil
		}
		if base[0] == '.' || !entry.Type().IsRegular() || !(strings.HasSuffix(base, ".mbox") || beginsAsMbox(name)) {
			return nil
		}
		place, err := filepath.Rel(b.dir, name)
		if err == nil {
			all = append(all, mboxFolder(filepath.ToSlash(place), mboxPath(place)))
		}
		return err
	})
	return all, err
}

func mboxFolder(place string, path inventory.Path) inventory.Folder {
	f := inventory.Folder{ID: inventory.FolderID(mboxPrefix + place), Path: path, Holds: inventory.Mail, Subscribed: true, Role: usualRole("." + path[len(path)-1])}
	if len(path) == 1 && path[0] == "INBOX" {
		f.Role = inventory.RoleInbox
	}
	return f
}

// mboxPath makes a folder path of a file's place: Thunderbird keeps the
// folders in "Name" in a directory "Name.sbd".
func mboxPath(place string) inventory.Path {
	path := inventory.Path(strings.Split(filepath.ToSlash(place), "/"))
	for i := range path {
		path[i] = strings.TrimSuffix(path[i], ".sbd")
	}
	last := strings.TrimSuffix(path[len(path)-1], ".mbox")
	if len(path) == 1 && (strings.EqualFold(last, "inbox") || last == "mbox" || last == "") {
		last = "INBOX"
	}
	path[len(path)-1] = last
	return path
}

func beginsAsMbox(name string) bool {
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	first, _ := bufio.NewReader(file).ReadSlice('\n')
	return fromLine.Match(first)
}

func (b *box) mbox(place string) (*mbox, error) {
	none := failure(providers.Gone, "archive-no-folder", "open folder", place, "there is no such folder")
	name := b.dir
	if place != "" {
		if !filepath.IsLocal(filepath.FromSlash(place)) {
			return nil, none
		}
		name = filepath.Join(b.dir, filepath.FromSlash(place))
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || b.endpoint.writes() {
		return nil, none
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mboxes == nil {
		b.mboxes = map[string]*mbox{}
	}
	if b.mboxes[place] == nil {
		b.mboxes[place] = &mbox{endpoint: b.endpoint, path: name}
	}
	return b.mboxes[place], nil
}

// refresh reads the file through if it has changed.
func (m *mbox) refresh() error {
	file, err := os.Open(m.path)
	if err != nil {
		return disk("read mbox", filepath.Base(m.path), err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return disk("read mbox", filepath.Base(m.path), err)
	}
	now := mboxStamp(info)
	if now == m.stamp {
		return nil
	}
	spans, err := splitMbox(file)
	if err != nil {
		return disk("read mbox", filepath.Base(m.path), err)
	}
	items := make([]mboxItem, 0, len(spans))
	byID := make(map[inventory.ItemID]int, len(spans))
	for _, s := range spans {
		item, err := m.read(file, s)
		if err != nil {
			return disk("read mbox", filepath.Base(m.path), err)
		}
		digest := item.ID
		for n := 2; ; n++ {
			if _, taken := byID[item.ID]; !taken {
				break
			}
			item.ID = digest + inventory.ItemID("-"+strconv.Itoa(n))
		}
		byID[item.ID] = len(items)
		items = append(items, item)
	}
	m.items, m.byID, m.stamp = items, byID, now
	return nil
}

func mboxStamp(info os.FileInfo) string {
	return fmt.Sprintf("b.%d.%d", info.Size(), info.ModTime().UnixNano())
}

func (m *mbox) body(file *os.File, start, end int64) io.Reader {
	var r io.Reader = newUnquoteReader(io.NewSectionReader(file, start, end-start))
	if m.endpoint.convert {
		r = newCRLFReader(r)
	}
	return r
}

// read learns what a message is from its content.
func (m *mbox) read(file *os.File, s span) (mboxItem, error) {
	item := mboxItem{start: s.start, end: s.end}
	sum := sha256.New()
	var head bytes.Buffer
	body := io.TeeReader(m.body(file, s.start, s.end), sum)
	n, err := io.Copy(&head, io.LimitReader(body, 128<<10))
	if err != nil {
		return item, err
	}
	rest, err := io.Copy(io.Discard, body)
	item.Size, item.Class = n+rest, inventory.ClassMessage
	item.ID = inventory.ItemID(hex.EncodeToString(sum.Sum(nil)[:12]))
	header, _ := textproto.NewReader(bufio.NewReader(&head)).ReadMIMEHeader()
	item.Flags = mboxFlags(header)
	if item.Received = parseFrom(s.from); item.Received.IsZero() {
		if date, err := mail.ParseDate(header.Get("Date")); err == nil {
			item.Received = date.Truncate(time.Second)
		}
	}
	return item, err
}

// mboxFlags reads the headers in which mail programs keep flags.
func mboxFlags(header textproto.MIMEHeader) inventory.Flags {
	var names []string
	for letter, flag := range map[string]string{"R": inventory.Seen, "A": inventory.Answered, "F": inventory.Flagged, "D": inventory.Deleted, "T": inventory.Draft} {
		if strings.Contains(header.Get("Status")+header.Get("X-Status"), letter) {
			names = append(names, flag)
		}
	}
	if bits, err := strconv.ParseUint(strings.TrimSpace(header.Get("X-Mozilla-Status")), 16, 16); err == nil {
		for i, flag := range []string{inventory.Seen, inventory.Answered, inventory.Flagged, inventory.Deleted} {
			if bits&(1<<i) != 0 {
				names = append(names, flag)
			}
		}
	}
	return inventory.MakeFlags(names...)
}

func (m *mbox) describe(into *inventory.Folder) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := os.Stat(m.path)
	if err != nil {
		return disk("read mbox", filepath.Base(m.path), err)
	}
	into.State = mboxStamp(info)
	if into.Items, into.Bytes = -1, info.Size(); m.stamp == into.State {
		into.Items = int64(len(m.items))
		return nil
	}
	file, err := os.Open(m.path)
	if err != nil {
		return disk("read mbox", filepath.Base(m.path), err)
	}
	defer file.Close()
	spans, err := splitMbox(file)
	into.Items = int64(len(spans))
	return disk("read mbox", filepath.Base(m.path), err)
}

func (m *mbox) list(inventory.Cursor) ([]inventory.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refresh(); err != nil {
		return nil, err
	}
	all := make([]inventory.Item, len(m.items))
	for i, item := range m.items {
		all[i] = item.Item
	}
	return all, nil
}

func (m *mbox) open(id inventory.ItemID) (inventory.Item, io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refresh(); err != nil {
		return inventory.Item{ID: id}, nil, err
	}
	i, ok := m.byID[id]
	if !ok {
		return inventory.Item{ID: id}, nil, noItem("fetch", id)
	}
	file, err := os.Open(m.path)
	if err != nil {
		return inventory.Item{ID: id}, nil, disk("fetch", string(id), err)
	}
	return m.items[i].Item, converted{m.body(file, m.items[i].start, m.items[i].end), file}, nil
}

// page names everything. The cursor counts the items that were there, with a
// digest of their names: mail is appended to an mbox, as a rule, and what is
// still at its beginning exists.
func (m *mbox) page(after inventory.Cursor, limit int) ([]providers.Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refresh(); err != nil {
		return nil, err
	}
	known, digest, from, ok := parseMboxCursor(after)
	if known > len(m.items) || m.digest(known) != digest {
		known = 0
	}
	var page []providers.Change
	for i := min(from, len(m.items)); i < len(m.items); i++ {
		if limit > 0 && len(page) == limit {
			return append(page, providers.Change{Op: providers.End, Cursor: m.cursor(known, i), More: true, Full: true, Reset: !ok}), nil
		}
		if i < known {
			page = append(page, providers.Change{Op: providers.Exists, Item: inventory.Item{ID: m.items[i].ID}})
		} else {
			page = append(page, providers.Change{Op: providers.Listed, Item: m.items[i].Item})
		}
	}
	return append(page, providers.Change{Op: providers.End, Cursor: m.cursor(len(m.items), 0), Full: true, Reset: !ok}), nil
}

func (m *mbox) digest(n int) string {
	sum := fnv.New64a()
	for _, item := range m.items[:n] {
		io.WriteString(sum, string(item.ID)+" ")
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

func (m *mbox) cursor(known, from int) inventory.Cursor {
	return inventory.Cursor(fmt.Sprintf("b.%d.%s.%d", known, m.digest(known), from))
}

func parseMboxCursor(c inventory.Cursor) (known int, digest string, from int, ok bool) {
	if c == "" {
		return 0, "", 0, true
	}
	parts := strings.Split(string(c), ".")
	if len(parts) != 4 || parts[0] != "b" {
		return 0, "", 0, false
	}
	known, err1 := strconv.Atoi(parts[1])
	from, err2 := strconv.Atoi(parts[3])
	if err1 != nil || err2 != nil || known < 0 || from < 0 {
		return 0, "", 0, false
	}
	return known, parts[2], from, true
}
