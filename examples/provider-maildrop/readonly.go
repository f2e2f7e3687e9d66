package main

import (
	"context"
	"iter"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// readOnly is the part of a session that only targets have.
type readOnly struct{}

func (readOnly) CreateFolder(context.Context, inventory.Folder) (inventory.Folder, error) {
	return inventory.Folder{}, sourceOnly("create a folder")
}

func (readOnly) RenameFolder(context.Context, inventory.FolderID, inventory.Path) (inventory.Folder, error) {
	return inventory.Folder{}, sourceOnly("rename a folder")
}

func (readOnly) Put(context.Context, iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) { yield(providers.Stored{}, sourceOnly("store")) }
}

func (readOnly) Find(context.Context, inventory.FolderID, inventory.Cursor, []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	return nil, sourceOnly("find")
}

func (readOnly) Edit(context.Context, inventory.FolderID, []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) { yield(providers.Edited{}, sourceOnly("edit")) }
}
