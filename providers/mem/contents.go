package mem

import (
	"cmp"
	"slices"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Contents is everything in an organisation's mailboxes by address, in a form
// that makes organisations of equal content equal: no IDs, items sorted.
type Contents map[inventory.Address]MailboxContents

// MailboxContents is what a mailbox holds, by the path of the folder.
type MailboxContents map[string]FolderContents

// FolderContents is what a folder is and holds.
type FolderContents struct {
	Role       inventory.Role
	Holds      inventory.Ability
	Subscribed bool
	Items      []ItemContents
}

// ItemContents is one item.
type ItemContents struct {
	Class    inventory.Class
	Flags    inventory.Flags
	Received time.Time // UTC
	Size     int64
	Digest   string // SHA-256 of the content
}

// Contents returns a snapshot of all mailboxes.
func (o *Organisation) Contents() Contents {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := Contents{}
	for address, m := range o.mailboxes {
		all[address] = m.Contents()
	}
	return all
}

// Contents returns a snapshot of the mailbox.
func (m *Mailbox) Contents() MailboxContents {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := MailboxContents{}
	for _, f := range m.folders {
		all[f.path.String()] = f.contents()
	}
	return all
}

func (f *folder) contents() FolderContents {
	c := FolderContents{Role: f.role, Holds: f.holds, Subscribed: f.subscribed}
	for _, it := range f.items {
		if it.digest.IsZero() {
			it.seal()
		}
		c.Items = append(c.Items, ItemContents{it.Class, it.Flags, it.Received.UTC(), it.Size, it.digest.String()})
	}
	slices.SortFunc(c.Items, func(a, b ItemContents) int {
		return cmp.Or(cmp.Compare(a.Digest, b.Digest), a.Received.Compare(b.Received), cmp.Compare(a.Flags, b.Flags))
	})
	return c
}
