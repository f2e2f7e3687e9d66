package archive

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// manifestFile lies in the folder of a mailbox and tells what names on disk
// cannot.
const manifestFile = ".cutover-mailbox.json"

type manifest struct {
	Version int               `json:"version"`
	Address inventory.Address `json:"address"`
	// Folders are by their place below the mailbox's folder, with "/".
	Folders map[inventory.FolderID]folderFacts `json:"folders"`
}

type folderFacts struct {
	Path       inventory.Path    `json:"path"`
	Role       inventory.Role    `json:"role,omitempty"`
	Holds      inventory.Ability `json:"holds"`
	Subscribed bool              `json:"subscribed,omitempty"`
	Identity   string            `json:"identity"`
}

func readManifest(dir string) (manifest, error) {
	m := manifest{Folders: map[inventory.FolderID]folderFacts{}}
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, disk("read manifest", filepath.Base(dir), err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, failure(providers.Other, "archive-manifest", "read manifest", filepath.Base(dir), err.Error())
	}
	if m.Version > 1 {
		return m, failure(providers.Other, "archive-version", "read manifest", filepath.Base(dir), "it was written by a newer version")
	}
	if m.Folders == nil {
		m.Folders = map[inventory.FolderID]folderFacts{}
	}
	return m, nil
}

// write replaces the manifest, and Dovecot's list of subscriptions with it.
func (m manifest) write(dir string, durable bool) error {
	m.Version = 1
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(dir, manifestFile), append(text, '\n'), durable); err != nil {
		return err
	}
	var subscribed []string
	for id, f := range m.Folders {
		if f.Subscribed && f.Holds == inventory.Mail {
			subscribed = append(subscribed, dovecotName(id)+"\n")
		}
	}
	slices.Sort(subscribed)
	if !exists(filepath.Join(dir, maildirRoot)) {
		return nil
	}
	return replaceFile(filepath.Join(dir, maildirRoot, "subscriptions"), []byte(strings.Join(subscribed, "")), durable)
}

// dovecotName is what Dovecot calls the folder, with its separator ".".
func dovecotName(id inventory.FolderID) string {
	name := strings.TrimPrefix(strings.TrimPrefix(string(id), maildirRoot), "/.")
	if name == "" {
		return "INBOX"
	}
	return name
}

// maildirRoot is the Maildir below the folder of a mailbox; the other
// abilities have folders of their name.
const maildirRoot = "Maildir"

// place is where a folder of this path is put.
func place(path inventory.Path, holds inventory.Ability) inventory.FolderID {
	if holds != inventory.Mail {
		return inventory.FolderID(string(holds) + "/" + itemsName(path))
	}
	if len(path) == 1 && strings.EqualFold(path[0], "INBOX") {
		return maildirRoot
	}
	return inventory.FolderID(maildirRoot + "/" + maildirName(path))
}

// byPath finds the folder at a path.
func (m manifest) byPath(path inventory.Path, holds inventory.Ability) (inventory.FolderID, bool) {
	for id, f := range m.Folders {
		if (f.Holds == inventory.Mail) == (holds == inventory.Mail) && f.Path.String() == path.String() {
			return id, true
		}
	}
	return "", false
}

func newIdentity() string { return rand.Text()[:16] }
