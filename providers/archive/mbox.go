package archive

import (
	"io"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

const mboxPrefix = "mbox:"

func (b *box) listMboxes(bool) ([]inventory.Folder, error) { return nil, nil }

type mbox struct{}

func (b *box) mbox(string) (*mbox, error) {
	return nil, failure(providers.Gone, "archive-no-folder", "open folder", "", "there is no such folder")
}
func (*mbox) describe(*inventory.Folder) error                       { return nil }
func (*mbox) page(inventory.Cursor, int) ([]providers.Change, error) { return nil, nil }
func (*mbox) list(inventory.Cursor) ([]inventory.Item, error)        { return nil, nil }
func (*mbox) open(inventory.ItemID) (inventory.Item, io.ReadCloser, error) {
	return inventory.Item{}, nil, nil
}
