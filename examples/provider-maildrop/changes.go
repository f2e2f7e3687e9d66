package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// position is what a cursor of this provider holds. A folder of files has no
// history, and the times of files may be anything; so the cursor remembers a
// mark of each file that was told: what has another one is new or changed.
type position struct {
	// Known are the marks of the last series that was read to its end, eight
	// bytes each.
	Known []byte `json:"known,omitempty"`
	// Told are those of this series so far, and After is the last ID of it.
	Told  []byte `json:"told,omitempty"`
	After string `json:"after,omitempty"`
}

func (p position) cursor() inventory.Cursor {
	data, _ := json.Marshal(p) // bytes and a string of plain text
	return inventory.Cursor(data)
}

// Changes tells of every file that is there, in the order of names, so that
// the caller knows what is gone: that is what Full says.
func (m *mailbox) Changes(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		files, err := m.files(ctx, folder)
		if err != nil {
			yield(providers.Change{}, err)
			return
		}
		end := providers.Change{Op: providers.End, Full: true}
		var p position
		if after != "" && json.Unmarshal([]byte(after), &p) != nil {
			p, end.Reset = position{}, true
		}
		known := marks(p.Known)
		page := rest(files, p.After)
		if end.More = limit > 0 && len(page) > limit; end.More {
			page = page[:limit]
		}
		for _, f := range page {
			if !yield(m.change(f, known[f.mark()]), ctx.Err()) || ctx.Err() != nil {
				return
			}
			p.Told, p.After = binary.BigEndian.AppendUint64(p.Told, f.mark()), escape(f.name)
		}
		if !end.More {
			p = position{Known: p.Told}
		}
		end.Cursor = p.cursor()
		yield(end, nil)
	}
}

// rest returns the files after the one of an ID; files are sorted by name.
func rest(files []file, after string) []file {
	name, _ := unescape(after)
	start, found := slices.BinarySearchFunc(files, name, func(f file, name string) int { return strings.Compare(f.name, name) })
	if found {
		start++
	}
	return files[start:]
}

// marks reads what a cursor holds of them.
func marks(data []byte) map[uint64]bool {
	all := make(map[uint64]bool, len(data)/8)
	for ; len(data) >= 8; data = data[8:] {
		all[binary.BigEndian.Uint64(data)] = true
	}
	return all
}

func (m *mailbox) change(f file, known bool) providers.Change {
	item := m.item(f)
	if known {
		return providers.Change{Op: providers.Exists, Item: inventory.Item{ID: item.ID}}
	}
	return providers.Change{Op: providers.Listed, Item: item}
}
