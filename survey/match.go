package survey

import (
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// matchFolders finds what the state knows of each folder of the source: the
// folder of the same identity if both tell one, else the one of the same ID.
// renames names, for each folder whose mapping stands under another ID, that
// other ID; gone are the mappings that no folder answers to.
//
// IDs may be names: after a rename another folder can stand under the old
// name, and two folders can have swapped theirs. A mapping that a rename has
// taken is therefore not also that of the folder under its ID.
func matchFolders(folders []inventory.Folder, known []state.Folder) (
	mapped map[inventory.FolderID]state.Folder, renames map[inventory.FolderID]inventory.FolderID, gone []state.Folder,
) {
	mapped = make(map[inventory.FolderID]state.Folder, len(folders))
	byID := make(map[inventory.FolderID]state.Folder, len(known))
	byIdentity := uniqueIdentities(folders, known)
	for _, k := range known {
		byID[k.Source] = k
	}
	taken := map[inventory.FolderID]bool{}
	for _, f := range folders {
		k, ok := byIdentity[f.Identity]
		if !ok || k.Source == f.ID || sameIdentity(byID, f) {
			continue
		}
		if renames == nil {
			renames = map[inventory.FolderID]inventory.FolderID{}
		}
		mapped[f.ID], renames[f.ID], taken[k.Source] = k, k.Source, true
	}
	for _, f := range folders {
		if _, done := mapped[f.ID]; done || taken[f.ID] {
			continue
		}
		if k, ok := byID[f.ID]; ok {
			mapped[f.ID], taken[f.ID] = k, true
		}
	}
	for _, k := range known {
		if !taken[k.Source] {
			gone = append(gone, k)
		}
	}
	return mapped, renames, gone
}

// sameIdentity reports whether the mapping under the folder's own ID is that
// of this very folder.
func sameIdentity(byID map[inventory.FolderID]state.Folder, f inventory.Folder) bool {
	k, ok := byID[f.ID]
	return ok && k.Identity == f.Identity
}

// uniqueIdentities indexes the mappings by identity, leaving out identities
// that more than one folder of either side bears.
func uniqueIdentities(folders []inventory.Folder, known []state.Folder) map[string]state.Folder {
	count := map[string]int{}
	for _, f := range folders {
		count[f.Identity]++
	}
	index := map[string]state.Folder{}
	double := map[string]bool{}
	for _, k := range known {
		if _, there := index[k.Identity]; there || count[k.Identity] > 1 || k.Identity == "" {
			double[k.Identity] = true
		}
		index[k.Identity] = k
	}
	for identity := range double {
		delete(index, identity)
	}
	return index
}
