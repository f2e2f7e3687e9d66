package planner

import (
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// history is what the state knows of the folders of one mailbox.
type history struct {
	box Mailbox
	// renamed are the IDs that folders had before they were renamed.
	renamed map[inventory.FolderID]bool
	// gone are the folders that the source does not have any more, by path.
	gone []state.Folder
}

func newHistory(box Mailbox) history {
	h := history{box: box}
	if len(box.Renames) > 0 {
		h.renamed = make(map[inventory.FolderID]bool, len(box.Renames))
		for _, old := range box.Renames {
			h.renamed[old] = true
		}
	}
	h.findGone()
	return h
}

// folder finds what the state holds of a source folder, also under the ID it
// had before it was renamed.
func (h *history) folder(id inventory.FolderID) (known state.Folder, ok bool) {
	if old, renamed := h.box.Renames[id]; renamed {
		id = old
	} else if h.renamed[id] {
		return known, false // another folder has taken its name
	}
	known, ok = h.box.Known[id]
	return known, ok
}

func (h *history) findGone() {
	there := len(h.renamed)
	for _, f := range h.box.Source {
		if _, ok := h.box.Known[f.ID]; ok && !h.renamed[f.ID] {
			there++
		}
	}
	if there >= len(h.box.Known) {
		return
	}
	listed := make(map[inventory.FolderID]bool, len(h.box.Source))
	for _, f := range h.box.Source {
		listed[f.ID] = true
	}
	for id, k := range h.box.Known {
		if !listed[id] && !h.renamed[id] {
			h.gone = append(h.gone, k)
		}
	}
	slices.SortFunc(h.gone, func(a, b state.Folder) int {
		if c := slices.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(string(a.Source), string(b.Source))
	})
}

// held are the paths on a target of folders that are gone from the source
// while their items are still there.
func (h *history) held(endpoint string) []inventory.Path {
	var paths []inventory.Path
	for _, k := range h.gone {
		if k.Items > 0 && (k.TargetEndpoint == "" || k.TargetEndpoint == endpoint) {
			paths = append(paths, k.TargetPath)
		}
	}
	return paths
}
