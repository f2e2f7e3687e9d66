package archive

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// lockFile in the folder of a mailbox is locked while one changes it.
const lockFile = ".cutover.lock"

// box is one mailbox in use; its sessions share what they know of folders.
type box struct {
	endpoint *endpoint
	address  inventory.Address
	dir      string
	sessions int // under the endpoint's lock

	mu      sync.Mutex
	folders map[inventory.FolderID]*folder
	mboxes  map[string]*mbox
}

// root is the Maildir of the mailbox: a folder of that name, or the folder of
// the mailbox itself, as some servers have it.
func (b *box) root() string {
	if !exists(filepath.Join(b.dir, maildirRoot)) && exists(filepath.Join(b.dir, "cur")) {
		return "."
	}
	return maildirRoot
}

// list returns the folders, parents first, without counts.
func (b *box) list() ([]inventory.Folder, error) {
	m, err := readManifest(b.dir)
	if err != nil {
		return nil, err
	}
	var all []inventory.Folder
	if b.endpoint.settings.Format != "mbox" {
		if all, err = b.listMaildirs(m); err != nil {
			return nil, disk("list folders", string(b.address), err)
		}
	}
	if len(m.Folders) == 0 && b.endpoint.settings.Format != "maildir" && !b.endpoint.writes() {
		boxes, err := b.listMboxes()
		if err != nil {
			return nil, disk("list folders", string(b.address), err)
		}
		all = append(all, boxes...)
	}
	all = withParents(all)
	slices.SortFunc(all, func(x, y inventory.Folder) int {
		return cmp.Or(cmp.Compare(len(x.Path), len(y.Path)), slices.Compare(x.Path, y.Path), cmp.Compare(x.Holds, y.Holds))
	})
	return all, nil
}

func (b *box) listMaildirs(m manifest) ([]inventory.Folder, error) {
	var all []inventory.Folder
	for id, f := range m.Folders {
		if exists(filepath.Join(b.dir, filepath.FromSlash(string(id)))) {
			all = append(all, inventory.Folder{ID: id, Path: f.Path, Role: f.Role, Holds: f.Holds, Subscribed: f.Subscribed, Identity: f.Identity})
		}
	}
	root := b.root()
	if _, told := m.Folders[inventory.FolderID(root)]; !told && exists(filepath.Join(b.dir, root, "cur")) {
		all = append(all, inventory.Folder{ID: inventory.FolderID(root), Path: inventory.Path{"INBOX"}, Role: inventory.RoleInbox, Holds: inventory.Mail, Subscribed: true})
	}
	subscribed := b.subscriptions(root)
	dirs, err := os.ReadDir(filepath.Join(b.dir, root))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, dir := range dirs {
		id := inventory.FolderID(root + "/" + dir.Name())
		if _, told := m.Folders[id]; told || !strings.HasPrefix(dir.Name(), ".") || !exists(filepath.Join(b.dir, string(id), "cur")) {
			continue
		}
		all = append(all, inventory.Folder{ID: id, Path: foreignPath(dir.Name()), Role: usualRole(dir.Name()), Holds: inventory.Mail,
			Subscribed: slices.Contains(subscribed, dir.Name()[1:])})
	}
	return all, nil
}

func (b *box) subscriptions(root string) []string {
	text, err := os.ReadFile(filepath.Join(b.dir, root, "subscriptions"))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

// usualRole guesses by the names that Dovecot and Courier give by default; a
// Maildir tells roles in no other way.
func usualRole(dir string) inventory.Role {
	switch strings.ToLower(dir) {
	case ".sent", ".sent messages", ".sent items":
		return inventory.RoleSent
	case ".drafts":
		return inventory.RoleDrafts
	case ".trash", ".deleted items":
		return inventory.RoleTrash
	case ".junk", ".spam", ".junk e-mail":
		return inventory.RoleJunk
	}
	return inventory.RoleNone
}

// withParents adds a container for every parent that is no folder itself, and
// leaves each role to the first that claims it.
func withParents(all []inventory.Folder) []inventory.Folder {
	seen, roles := map[string]bool{}, map[inventory.Role]bool{}
	for i, f := range all {
		seen[f.Path.String()] = true
		if f.Role != inventory.RoleNone && roles[f.Role] {
			all[i].Role = inventory.RoleNone
		}
		roles[f.Role] = true
	}
	for _, f := range slices.Clone(all) {
		for parent := f.Path.Parent(); parent != nil && !seen[parent.String()]; parent = parent.Parent() {
			seen[parent.String()] = true
			all = append(all, inventory.Folder{ID: inventory.FolderID("container:" + parent.String()), Path: parent, Holds: f.Holds, Container: true})
		}
	}
	return all
}

// view returns the folder of an ID, which is shared by all sessions.
func (b *box) view(id inventory.FolderID) (view, error) {
	if rest, ok := strings.CutPrefix(string(id), mboxPrefix); ok {
		return b.mbox(rest)
	}
	f, err := b.folder(id)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (b *box) folder(id inventory.FolderID) (*folder, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	none := failure(providers.Gone, "archive-no-folder", "open folder", string(id), "there is no such folder")
	holds, ok := b.holds(id)
	if !ok {
		return nil, none
	}
	f := b.folders[id]
	if f == nil {
		f = &folder{endpoint: b.endpoint, dir: filepath.Join(b.dir, filepath.FromSlash(string(id))), lockFile: filepath.Join(b.dir, lockFile), holds: holds}
	}
	if !exists(f.cur()) {
		delete(b.folders, id)
		return nil, none
	}
	b.folders[id] = f
	return f, nil
}

// holds tells by its place what a folder holds, and refuses a place outside
// the mailbox.
func (b *box) holds(id inventory.FolderID) (inventory.Ability, bool) {
	top, rest, below := strings.Cut(string(id), "/")
	if strings.Contains(rest, "/") || rest == ".." || rest == "." || below && rest == "" || strings.Contains(string(id), "\x00") {
		return "", false
	}
	if top == maildirRoot || top == "." {
		return inventory.Mail, !below || strings.HasPrefix(rest, ".")
	}
	ability := inventory.Ability(top)
	return ability, below && ability != inventory.Mail && slices.Contains(inventory.ContentAbilities(), ability)
}

// change does work on the manifest while nobody else changes the mailbox.
func (b *box) change(work func(m *manifest) error) error {
	unlock, err := lock(filepath.Join(b.dir, lockFile), true)
	if err != nil {
		return disk("lock", string(b.address), err)
	}
	defer unlock()
	m, err := readManifest(b.dir)
	for id := range m.Folders { // a rename that was cut off leaves one of two
		if !exists(filepath.Join(b.dir, filepath.FromSlash(string(id)))) {
			delete(m.Folders, id)
		}
	}
	if err == nil {
		err = work(&m)
	}
	return disk("change folders", string(b.address), err)
}

// makeFolder makes a folder and what it lies in, and puts them into m.
func (b *box) makeFolder(m *manifest, f inventory.Folder) error {
	if f.Holds == "" {
		f.Holds = inventory.Mail
	}
	for n := 1; n < len(f.Path); n++ {
		parent := inventory.Folder{Path: f.Path[:n], Holds: f.Holds, Subscribed: f.Subscribed}
		if _, there := m.byPath(parent.Path, f.Holds); !there {
			if err := b.makeOne(m, parent); err != nil {
				return err
			}
		}
	}
	return b.makeOne(m, f)
}

func (b *box) makeOne(m *manifest, f inventory.Folder) error {
	for _, other := range m.Folders {
		if f.Role == other.Role {
			f.Role = inventory.RoleNone
		}
	}
	id := place(f.Path, f.Holds)
	made := &folder{dir: filepath.Join(b.dir, filepath.FromSlash(string(id))), holds: f.Holds}
	dirs := []string{made.tmp(), made.cur()}
	if f.Holds == inventory.Mail {
		dirs = append(dirs, filepath.Join(made.dir, "new"))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if f.Holds == inventory.Mail && id != maildirRoot {
		if err := os.WriteFile(filepath.Join(made.dir, "maildirfolder"), nil, 0o600); err != nil {
			return err
		}
	}
	m.Folders[id] = folderFacts{Path: slices.Clone(f.Path), Role: f.Role, Holds: f.Holds, Subscribed: f.Subscribed, Identity: newIdentity()}
	if !b.endpoint.durable {
		return nil
	}
	return errors.Join(syncDir(made.dir), syncDir(filepath.Dir(made.dir)), syncDir(b.dir))
}
