package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// folder is one folder of a mailbox and, once it is needed, its index in
// memory: some 150 bytes an item. Several sessions share it.
type folder struct {
	endpoint *endpoint
	dir      string // absolute
	lockFile string // of the mailbox
	holds    inventory.Ability

	mu      sync.Mutex
	file    os.FileInfo
	offset  int64
	lines   int
	journal string
	base    uint64
	seq     uint64
	entries []entry
	log     []record
	byID    map[string]int32
	names   map[int32]string // of files that are not called what they should be
	labels  map[label]*label
	live    int64
	bytes   int64
	synced  *line // the last line, if it is a sync
	// scanned is set where the index does not tell all there is, and may not
	// be mended: entries are then those of the directory, sorted by ID.
	scanned bool
}

type entry struct {
	id   string
	size int64
	bare int64
	*label
	seconds int64 // received; math.MinInt64 is unknown
	zone    int32 // seconds east
	fresh   bool  // lies in "new"
	gone    bool
	added   uint64
	changed uint64 // in a scanned folder: when the file was, in nanoseconds
}

// label is what many items have in common, kept once.
type label struct {
	class inventory.Class
	flags inventory.Flags
}

type record struct {
	seq   uint64
	entry int32
}

func (e *entry) setReceived(t time.Time) {
	_, offset := t.Zone()
	e.seconds, e.zone = t.Unix(), int32(offset)
	if t.IsZero() {
		e.seconds = math.MinInt64
	}
}

func (e *entry) received() time.Time {
	if e.seconds == math.MinInt64 {
		return time.Time{}
	}
	if e.zone == 0 {
		return time.Unix(e.seconds, 0).UTC()
	}
	return time.Unix(e.seconds, 0).In(time.FixedZone("", int(e.zone)))
}

func (f *folder) mail() bool { return f.holds == inventory.Mail }

func (f *folder) index() string { return filepath.Join(f.dir, indexFile) }

// cur is where items lie, tmp where they are written.
func (f *folder) cur() string {
	if f.mail() {
		return filepath.Join(f.dir, "cur")
	}
	return f.dir
}

func (f *folder) tmp() string {
	if f.mail() {
		return filepath.Join(f.dir, "tmp")
	}
	return filepath.Join(f.dir, ".tmp")
}

func (f *folder) stamps() (cur, fresh int64) {
	if f.mail() {
		return stamp(f.cur()), stamp(filepath.Join(f.dir, "new"))
	}
	return f.itemsStamp(), 0
}

// itemsStamp is that of a folder which holds its own index: the index is
// written into after the stamp is taken, which does not change the folder, but
// for the first time, when the index is made.
func (f *folder) itemsStamp() int64 { return stamp(f.dir) }

func (f *folder) reset(journal string) {
	f.file, f.offset, f.lines, f.journal, f.base, f.seq = nil, 0, 0, journal, 0, 0
	f.entries, f.log, f.live, f.bytes, f.synced, f.scanned = nil, nil, 0, 0, nil, false
	f.byID, f.names, f.labels = map[string]int32{}, map[int32]string{}, map[label]*label{}
}

// refresh makes the index in memory tell what is on disk. A target writes what
// it did not tell into the index; the mailbox is locked for that by the caller.
func (f *folder) refresh(write bool) error {
	cur, fresh := f.stamps()
	if cur == 0 {
		return failure(providers.Gone, "archive-no-folder", "read folder", filepath.Base(f.dir), "there is no such folder")
	}
	if err := f.load(); err != nil {
		return disk("read index", filepath.Base(f.dir), err)
	}
	if f.synced != nil && f.synced.Cur == cur && f.synced.Fresh == fresh {
		if write {
			return disk("compact index", filepath.Base(f.dir), f.compact())
		}
		return nil
	}
	found, err := f.scan()
	if err != nil {
		return disk("read folder", filepath.Base(f.dir), err)
	}
	if write {
		return disk("write index", filepath.Base(f.dir), f.reconcile(found))
	}
	f.adopt(found)
	return nil
}

// file returns the path of an item's file.
func (f *folder) path(i int32, k keywords) string {
	e := &f.entries[i]
	name, odd := f.names[i]
	if !odd {
		name = f.fileName(e, k)
	}
	if e.fresh {
		return filepath.Join(f.dir, "new", name)
	}
	return filepath.Join(f.cur(), name)
}

// fileName is what the file of an item is called, when we name it.
func (f *folder) fileName(e *entry, k keywords) string {
	if f.mail() {
		return fmt.Sprintf("%s,S=%d,W=%d:2,%s", e.id, e.size, e.size+e.bare, k.encode(e.flags))
	}
	return e.id + extension(e.class)
}

func extension(class inventory.Class) string {
	if class == inventory.ClassContact {
		return ".vcf"
	}
	return ".ics"
}

// found is an item's file as the directory tells it.
type found struct {
	fileName
	name  string
	fresh bool
}

// scan lists the files of items, by ID in order.
func (f *folder) scan() ([]found, error) {
	var all []found
	collect := func(dir string, fresh bool) error {
		files, err := os.ReadDir(dir)
		for _, file := range files {
			name := file.Name()
			if item, ok := f.parse(name); ok && !file.IsDir() {
				all = append(all, found{item, name, fresh})
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	err := collect(f.cur(), false)
	if f.mail() {
		err = errors.Join(err, collect(filepath.Join(f.dir, "new"), true))
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.base, b.base) })
	return slices.CompactFunc(all, func(a, b found) bool { return a.base == b.base }), err
}

func (f *folder) parse(name string) (fileName, bool) {
	if strings.HasPrefix(name, ".") {
		return fileName{}, false
	}
	if f.mail() {
		parsed := parseFileName(name)
		return parsed, parsed.base != ""
	}
	ext := filepath.Ext(name)
	return fileName{base: strings.TrimSuffix(name, ext), size: -1, virtual: -1}, ext == ".ics" || ext == ".vcf"
}

// facts are those of a file that no index tells of.
func (f *folder) facts(file found, k keywords) (line, int64, error) {
	dir := f.cur()
	if file.fresh {
		dir = filepath.Join(f.dir, "new")
	}
	info, err := os.Stat(filepath.Join(dir, file.name))
	if err != nil {
		return line{}, 0, err
	}
	l := line{Op: "put", ID: file.base, Name: file.name, New: file.fresh, Class: classOf(f.holds), Size: info.Size(),
		Flags: k.decode(file.letters), Received: formatReceived(info.ModTime().UTC())}
	if file.virtual >= l.Size {
		l.Bare = file.virtual - l.Size
	} else if f.mail() && !ours(file.base) {
		l.Bare = -1 // unknown until it is read
	}
	if filepath.Ext(file.name) == ".vcf" && !f.mail() {
		l.Class = inventory.ClassContact
	}
	return l, changeTime(info), nil
}

// reconcile writes into the index what has happened to the folder without us:
// files of a run that was killed, and what other programs have done.
func (f *folder) reconcile(files []found) error {
	k, err := readKeywords(f.dir)
	if err != nil {
		return err
	}
	var lines []line
	n := f.seq
	seen := make(map[int32]bool, len(files))
	for _, file := range files {
		i, known := f.byID[file.base]
		if known {
			seen[i] = true
			if l, changed := f.difference(i, file, k); changed {
				n++
				l.N = n
				lines = append(lines, l)
			}
			continue
		}
		l, _, err := f.facts(file, k)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		n++
		l.N = n
		lines = append(lines, l)
	}
	for i := range f.entries {
		if !f.entries[i].gone && !seen[int32(i)] {
			n++
			lines = append(lines, line{N: n, Op: "del", ID: f.entries[i].id})
		}
	}
	return f.commit(lines)
}

// difference tells what a file's name says that the index does not.
func (f *folder) difference(i int32, file found, k keywords) (line, bool) {
	e := &f.entries[i]
	have, odd := f.names[i]
	if !odd {
		have = f.fileName(e, k)
	}
	if have == file.name && e.fresh == file.fresh {
		return line{}, false
	}
	flags := e.flags
	if f.mail() {
		told := k.decode(file.letters)
		add, remove := k.lettered(e.flags).Diff(told)
		flags = e.flags.Apply(add, remove)
	}
	return line{Op: "set", ID: e.id, Name: file.name, New: file.fresh, Flags: flags}, true
}

// commit records facts of what is on disk already.
func (f *folder) commit(lines []line) error {
	if err := f.record(lines); err != nil {
		return err
	}
	return f.settle()
}

// record appends facts to the index, durably, and takes them in. It comes
// before the files get the names that it tells of, so that what names cannot
// tell is known even if the machine stops between; settle comes after.
func (f *folder) record(lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	if err := f.appendLines(lines, f.endpoint.durable); err != nil {
		return err
	}
	return f.load()
}

// settle says that the index tells all there is. Losing that costs a listing.
func (f *folder) settle() error {
	cur, fresh := f.stamps()
	if !f.mail() && !exists(f.index()) {
		if err := f.appendLines([]line{{Op: "sync"}}, false); err != nil {
			return err
		}
		cur, fresh = f.stamps()
	}
	if f.synced != nil && f.synced.Cur == cur && f.synced.Fresh == fresh {
		return nil
	}
	err := f.appendLines([]line{{N: f.seq, Op: "sync", Items: f.live, Bytes: f.bytes, Cur: cur, Fresh: fresh}}, false)
	if err != nil {
		return err
	}
	return f.load()
}

// adopt makes the entries those of the directory, with what the index knows
// of them, for a source, which writes nothing.
func (f *folder) adopt(files []found) {
	k, _ := readKeywords(f.dir)
	old := &folder{endpoint: f.endpoint, dir: f.dir, holds: f.holds, entries: f.entries, byID: f.byID, names: f.names}
	f.entries, f.byID, f.names, f.log = nil, make(map[string]int32, len(files)), map[int32]string{}, nil
	f.live, f.bytes, f.scanned = 0, 0, true
	f.labels = map[label]*label{}
	for _, file := range files {
		l, ctime, err := f.facts(file, k)
		if err != nil {
			continue // gone since the listing
		}
		if i, known := old.byID[file.base]; known {
			if set, changed := old.difference(i, file, k); changed {
				old.entries[i].label = &label{old.entries[i].class, set.Flags}
			}
			e := &old.entries[i]
			l.Flags, l.Class, l.Received, l.Bare = e.flags, e.class, formatReceived(e.received()), e.bare
		}
		f.add(l)
		f.entries[len(f.entries)-1].changed = uint64(ctime)
	}
}

// ours reports whether this program has named the item.
func ours(id string) bool { return strings.HasSuffix(id, ".cutover") }

func classOf(ability inventory.Ability) inventory.Class {
	switch ability {
	case inventory.Calendars:
		return inventory.ClassEvent
	case inventory.Contacts:
		return inventory.ClassContact
	case inventory.Tasks:
		return inventory.ClassTask
	case inventory.Notes:
		return inventory.ClassNote
	}
	return inventory.ClassMessage
}
