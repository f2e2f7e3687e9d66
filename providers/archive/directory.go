package archive

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// directoryFile is a journal of recipients: one JSON object a line, of which
// the last for an address counts.
const (
	directoryFile = ".cutover-directory.jsonl"
	directoryLock = ".cutover-directory.lock"
)

type directoryLine struct {
	Version   int                  `json:"v,omitempty"`
	Recipient *inventory.Recipient `json:"recipient,omitempty"`
}

// directory holds the recipients in memory once they are needed.
type directory struct {
	endpoint *endpoint
	mu       sync.Mutex
	offset   int64
	known    map[inventory.Address]inventory.Recipient
}

func (d *directory) file() string { return filepath.Join(d.endpoint.root, directoryFile) }

// load reads what has been added since the last time.
func (d *directory) load() error {
	if d.known == nil {
		d.known = map[inventory.Address]inventory.Recipient{}
	}
	file, err := os.Open(d.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return disk("read directory", d.endpoint.root, err)
	}
	defer file.Close()
	if _, err := file.Seek(d.offset, io.SeekStart); err != nil {
		return disk("read directory", d.endpoint.root, err)
	}
	for lines := bufio.NewReaderSize(file, 64<<10); ; {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return disk("read directory", d.endpoint.root, err)
		}
		d.offset += int64(len(text))
		var l directoryLine
		if json.Unmarshal(text, &l) != nil {
			continue // torn when the machine stopped: it was not confirmed
		}
		if l.Version > 1 {
			return failure(providers.Other, "archive-version", "read directory", d.endpoint.root, "it was written by a newer version")
		}
		if l.Recipient != nil {
			d.known[l.Recipient.Address] = *l.Recipient
		}
	}
}

// list returns the recipients of the journal, and a mailbox for every folder
// that is one without being in it.
func (d *directory) list() ([]inventory.Recipient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(d.endpoint.root)
	if err != nil && !(d.endpoint.writes() && errors.Is(err, fs.ErrNotExist)) {
		return nil, disk("read archive", d.endpoint.root, err)
	}
	all := make([]inventory.Recipient, 0, len(d.known))
	taken := make(map[string]bool, len(d.known))
	for _, r := range d.known {
		all = append(all, r)
		taken[mailboxName(r.Address)] = true
	}
	for _, file := range files {
		name, isFile := strings.CutSuffix(file.Name(), ".mbox")
		if isFile != file.Type().IsRegular() || isFile && d.endpoint.writes() {
			continue
		}
		if address, ok := d.endpoint.foreignAddress(name); ok && !taken[name] {
			all = append(all, inventory.Recipient{Kind: inventory.KindMailbox, Address: address, Type: inventory.TypeUser})
		}
	}
	slices.SortFunc(all, inventory.CompareRecipients)
	return slices.CompactFunc(all, func(a, b inventory.Recipient) bool { return a.Address == b.Address }), nil
}

// foreignAddress is whose mailbox a folder is, by its name or its manifest.
func (e *endpoint) foreignAddress(name string) (inventory.Address, bool) {
	if strings.HasPrefix(name, ".") {
		return "", false
	}
	if strings.ContainsAny(name, "%~") {
		if m, err := readManifest(filepath.Join(e.root, name)); err == nil && m.Address != "" {
			return m.Address, true
		}
	}
	if !strings.Contains(name, "@") && e.settings.Domain != "" {
		name += "@" + e.settings.Domain
	}
	address, ok := inventory.ParseAddress(name)
	return address, ok && string(address) == name
}

func (d *directory) create(r inventory.Recipient) (created providers.Created, err error) {
	err = d.change(func() error {
		if existing, ok := d.known[r.Address]; ok {
			if existing.Kind != r.Kind {
				return failure(providers.Rejected, "archive-kind-clash", "create recipient", string(r.Address), "the address belongs to a "+string(existing.Kind))
			}
			created.Adopted = true
			return d.endpoint.makeMailbox(existing)
		}
		if err := d.endpoint.makeMailbox(r); err != nil {
			return err
		}
		return d.append(r)
	})
	return created, err
}

func (d *directory) update(r inventory.Recipient) (providers.Created, error) {
	return providers.Created{}, d.change(func() error {
		if existing, ok := d.known[r.Address]; !ok || existing.Kind != r.Kind {
			return failure(providers.Gone, "archive-no-recipient", "update recipient", string(r.Address), "there is no such "+string(r.Kind))
		}
		return d.append(r)
	})
}

// change does work on an up-to-date directory that nobody else is changing.
func (d *directory) change(work func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := os.MkdirAll(d.endpoint.root, 0o700); err != nil {
		return disk("create archive", d.endpoint.root, err)
	}
	unlock, err := lock(filepath.Join(d.endpoint.root, directoryLock), true)
	if err != nil {
		return disk("lock directory", d.endpoint.root, err)
	}
	defer unlock()
	if err := d.load(); err != nil {
		return err
	}
	return disk("write directory", d.endpoint.root, work())
}

func (d *directory) append(r inventory.Recipient) error {
	file, err := os.OpenFile(d.file(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	l := directoryLine{Recipient: &r}
	if info.Size() == 0 {
		l.Version = 1
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if info.Size() > d.offset { // a torn line is left open at the end
		text = append([]byte("\n"), text...)
	}
	if _, err := file.Write(append(text, '\n')); err != nil {
		return err
	}
	if d.endpoint.durable {
		if err := file.Sync(); err != nil {
			return err
		}
		if info.Size() == 0 {
			if err := syncDir(d.endpoint.root); err != nil {
				return err
			}
		}
	}
	return d.load()
}

// makeMailbox makes the folder of a mailbox with an empty INBOX.
func (e *endpoint) makeMailbox(r inventory.Recipient) error {
	if r.Kind != inventory.KindMailbox {
		return nil
	}
	dir := filepath.Join(e.root, mailboxName(r.Address))
	if exists(filepath.Join(dir, manifestFile)) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	inbox := inventory.Folder{Path: inventory.Path{"INBOX"}, Role: inventory.RoleInbox, Holds: inventory.Mail, Subscribed: true}
	m := manifest{Address: r.Address, Folders: map[inventory.FolderID]folderFacts{}}
	b := &box{endpoint: e, address: r.Address, dir: dir}
	if err := b.makeFolder(&m, inbox); err != nil {
		return err
	}
	if err := m.write(dir, e.durable); err != nil || !e.durable {
		return err
	}
	return syncDir(e.root)
}
