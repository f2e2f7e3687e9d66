package archive

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// indexFile is the journal of a folder: one JSON object a line, only ever
// appended to, and written anew when most of it is void.
const indexFile = ".cutover-index.jsonl"

const indexVersion = 1

// line is one line of an index. The first names the journal; the others are
// numbered facts.
type line struct {
	Version int    `json:"v,omitempty"`
	Journal string `json:"journal,omitempty"`
	// Base is the number up to which removals are forgotten.
	Base uint64 `json:"base,omitempty"`

	N  uint64 `json:"n,omitempty"`
	Op string `json:"op,omitempty"` // "put", "set", "del", "sync"
	ID string `json:"id,omitempty"`
	// Added is the number of the item's arrival, where it is not N.
	Added    uint64          `json:"added,omitempty"`
	Name     string          `json:"name,omitempty"` // of the file, where it does not follow from the rest
	New      bool            `json:"new,omitempty"`  // lies in "new", not "cur"
	Class    inventory.Class `json:"class,omitempty"`
	Size     int64           `json:"size,omitempty"`
	Bare     int64           `json:"bare,omitempty"` // LF without CR
	Flags    inventory.Flags `json:"flags,omitempty"`
	Received string          `json:"received,omitempty"` // RFC 3339

	// A sync closes a batch: as long as the folders have these stamps, the
	// index tells all there is.
	Items int64 `json:"items,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	Cur   int64 `json:"cur,omitempty"`
	Fresh int64 `json:"fresh,omitempty"`
}

// parseLine reads one line; ok is false for one that is torn or none of ours.
func parseLine(text []byte) (l line, ok bool) {
	if json.Unmarshal(text, &l) != nil {
		return line{}, false
	}
	switch l.Op {
	case "":
		return l, l.Version > 0 && l.Journal != ""
	case "put", "set", "del":
		return l, l.N > 0 && l.ID != "" && l.ID == filepath.Base(l.ID) && (l.Name == "" || l.Name == filepath.Base(l.Name)) && l.Size >= 0
	case "sync":
		return l, true
	}
	return line{}, false
}

func formatReceived(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// readJournal gives each line after offset to apply, and returns the offset
// after the last whole line.
func readJournal(file *os.File, offset int64, apply func(line, bool)) (int64, error) {
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return offset, err
	}
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return offset, err
		}
		offset += int64(len(text))
		l, ok := parseLine(text)
		apply(l, ok)
	}
}

// lastLine reads the last line of an index without reading the others.
func lastLine(name string) (journal string, last line, ok bool) {
	file, err := os.Open(name)
	if err != nil {
		return "", last, false
	}
	defer file.Close()
	first, err := bufio.NewReader(io.LimitReader(file, 4096)).ReadBytes('\n')
	header, isHeader := parseLine(first)
	info, err2 := file.Stat()
	if err != nil || err2 != nil || !isHeader || header.Version > indexVersion {
		return "", last, false
	}
	tail := make([]byte, min(info.Size(), 1024))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil || !bytes.HasSuffix(tail, []byte("\n")) {
		return "", last, false
	}
	tail = bytes.TrimSuffix(tail, []byte("\n"))
	last, ok = parseLine(tail[bytes.LastIndexByte(tail, '\n')+1:])
	return header.Journal, last, ok && last.Op == "sync"
}

// appendLines adds lines to the index, making it if need be. A torn last line
// is closed first, so that it is passed over as what it is.
func (f *folder) appendLines(lines []line, durable bool) error {
	file, err := os.OpenFile(f.index(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	var text bytes.Buffer
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		f.reset(rand.Text()[:12])
		lines = append([]line{{Version: indexVersion, Journal: f.journal}}, lines...)
	} else if last := make([]byte, 1); true {
		if _, err := file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text.WriteByte('\n')
		}
	}
	if err := encodeLines(&text, lines); err != nil {
		return err
	}
	if _, err := file.Write(text.Bytes()); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	if err := file.Sync(); err != nil || info.Size() > 0 {
		return err
	}
	return syncDir(f.dir)
}

func encodeLines(to *bytes.Buffer, lines []line) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// load reads what the index has to tell since the last time.
func (f *folder) load() error {
	file, err := os.Open(f.index())
	if errors.Is(err, fs.ErrNotExist) {
		f.reset("")
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if f.scanned || f.file == nil || !os.SameFile(f.file, info) || info.Size() < f.offset {
		f.reset("")
	}
	f.file = info
	if _, last, ok := lastLine(f.index()); ok && f.entries == nil && last.Items >= 0 && last.Items < info.Size() {
		f.entries, f.log = make([]entry, 0, last.Items+batchItems), make([]record, 0, last.Items+batchItems)
		f.byID = make(map[string]int32, last.Items)
	}
	newer := false
	f.offset, err = readJournal(file, f.offset, func(l line, ok bool) {
		newer = newer || l.Version > indexVersion
		f.apply(l, ok)
	})
	if newer {
		return failure(providers.Other, "archive-version", "read index", f.dir, "it was written by a newer version")
	}
	return err
}

// apply takes in one line.
func (f *folder) apply(l line, ok bool) {
	f.lines++
	f.synced = nil
	if !ok {
		return
	}
	f.seq = max(f.seq, l.N)
	i, known := f.byID[l.ID]
	switch {
	case l.Op == "":
		f.journal, f.base, f.seq = l.Journal, l.Base, max(f.seq, l.Base)
	case l.Op == "sync":
		f.synced = &l
	case l.Op == "put" && !known:
		f.add(l)
	case known && l.Op == "del":
		f.drop(i, l.N)
	case known:
		f.change(i, l)
	}
}

func (f *folder) add(l line) {
	e := entry{id: l.ID, size: l.Size, bare: l.Bare, label: f.intern(l.Class, l.Flags), fresh: l.New, added: l.N, changed: l.N}
	if l.Added > 0 {
		e.added = l.Added
	}
	if t, err := time.Parse(time.RFC3339, l.Received); err == nil {
		e.setReceived(t)
	}
	i := int32(len(f.entries))
	f.entries = append(f.entries, e)
	f.byID[l.ID] = i
	f.rename(i, l.Name)
	f.log = append(f.log, record{l.N, i})
	f.live, f.bytes = f.live+1, f.bytes+e.size
}

func (f *folder) drop(i int32, n uint64) {
	e := &f.entries[i]
	f.live, f.bytes = f.live-1, f.bytes-e.size
	e.gone, e.changed = true, n
	delete(f.byID, e.id)
	delete(f.names, i)
	f.log = append(f.log, record{n, i})
}

func (f *folder) change(i int32, l line) {
	e := &f.entries[i]
	e.label, e.fresh, e.changed = f.intern(e.class, l.Flags), l.New, l.N
	f.rename(i, l.Name)
	f.log = append(f.log, record{l.N, i})
}

func (f *folder) rename(i int32, name string) {
	delete(f.names, i)
	if name != "" {
		f.names[i] = name
	}
}

// intern keeps one label for each class and set of flags.
func (f *folder) intern(class inventory.Class, flags inventory.Flags) *label {
	want := label{class, flags}
	if f.labels[want] == nil {
		f.labels[want] = &want
	}
	return f.labels[want]
}

// compact writes the index anew when most of its lines are void.
func (f *folder) compact() error {
	if int64(f.lines) < 2*f.live+1000 || f.synced == nil {
		return nil
	}
	var text bytes.Buffer
	lines := []line{{Version: indexVersion, Journal: f.journal, Base: f.seq}}
	for _, r := range f.log {
		if e := &f.entries[r.entry]; !e.gone && e.changed == r.seq {
			lines = append(lines, f.putLine(r.entry))
		}
	}
	if err := encodeLines(&text, append(lines, *f.synced)); err != nil {
		return err
	}
	if err := replaceFile(f.index(), text.Bytes(), f.endpoint.durable); err != nil {
		return err
	}
	return f.load()
}

func (f *folder) putLine(i int32) line {
	e := &f.entries[i]
	l := line{N: e.changed, Op: "put", ID: e.id, Name: f.names[i], New: e.fresh, Class: e.class, Size: e.size, Bare: e.bare,
		Flags: e.flags, Received: formatReceived(e.received())}
	if e.added != e.changed {
		l.Added = e.added
	}
	return l
}
