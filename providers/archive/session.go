package archive

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/internal/match"
)

// session is one session on a mailbox. It holds no file open between calls.
type session struct {
	endpoint *endpoint
	box      *box
	closed   atomic.Bool
}

func (s *session) Close() error {
	if s.closed.CompareAndSwap(false, true) {
		s.endpoint.leave(s.box)
	}
	return nil
}

func (s *session) alive(ctx context.Context, op string) error {
	if s.closed.Load() || s.endpoint.ended.Load() {
		return failure(providers.Transient, "archive-closed", op, string(s.box.address), "the session is closed")
	}
	return ctx.Err()
}

// Info tells what names are held: every one, but for NUL and the empty name.
func (s *session) Info(ctx context.Context) (providers.MailboxInfo, error) {
	return providers.MailboxInfo{Naming: inventory.Naming{Forbidden: "\x00"}}, s.alive(ctx, "info")
}

func (s *session) Folders(ctx context.Context) ([]inventory.Folder, error) {
	if err := s.alive(ctx, "list folders"); err != nil {
		return nil, err
	}
	all, err := s.box.list()
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, f := range all {
		err := s.describe(&f)
		if providers.KindOf(err) == providers.Gone {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept = append(kept, f)
	}
	return kept, nil
}

func (s *session) describe(f *inventory.Folder) error {
	if f.Container {
		return nil
	}
	v, err := s.box.view(f.ID)
	if err != nil {
		return err
	}
	return v.describe(f)
}

func (s *session) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	if err := s.writable(ctx, "create folder"); err != nil {
		return f, err
	}
	if err := checkPath(f.Path); err != nil {
		return f, err
	}
	err := s.box.change(func(m *manifest) error {
		if _, there := m.byPath(f.Path, f.Holds); there {
			return nil
		}
		if err := s.box.makeFolder(m, f); err != nil {
			return err
		}
		return m.write(s.box.dir, s.endpoint.durable)
	})
	if err != nil {
		return f, err
	}
	return s.at(f.Path, f.Holds)
}

// at describes the folder at a path.
func (s *session) at(path inventory.Path, holds inventory.Ability) (inventory.Folder, error) {
	m, err := readManifest(s.box.dir)
	if err != nil {
		return inventory.Folder{}, err
	}
	if holds == "" {
		holds = inventory.Mail
	}
	id, ok := m.byPath(path, holds)
	if !ok {
		return inventory.Folder{}, failure(providers.Gone, "archive-no-folder", "open folder", path.String(), "there is no such folder")
	}
	facts := m.Folders[id]
	f := inventory.Folder{ID: id, Path: facts.Path, Role: facts.Role, Holds: facts.Holds, Subscribed: facts.Subscribed, Identity: facts.Identity}
	return f, s.describe(&f)
}

func checkPath(path inventory.Path) error {
	for _, name := range path {
		for i := range len(name) {
			if name[i] == 0 {
				return failure(providers.Rejected, "archive-name", "create folder", path.String(), "a name holds NUL")
			}
		}
		if name == "" {
			return failure(providers.Rejected, "archive-name", "create folder", path.String(), "a name is empty")
		}
	}
	if len(path) == 0 {
		return failure(providers.Rejected, "archive-name", "create folder", "", "a path needs a name")
	}
	return nil
}

func (s *session) writable(ctx context.Context, op string) error {
	if !s.endpoint.writes() {
		return failure(providers.Unsupported, "archive-read-only", op, string(s.box.address), "a source is never written to")
	}
	return s.alive(ctx, op)
}

func (s *session) Changes(ctx context.Context, id inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		var page []providers.Change
		err := s.alive(ctx, "list changes")
		if err == nil {
			var v view
			if v, err = s.box.view(id); err == nil {
				page, err = v.page(after, limit)
			}
		}
		for _, change := range page {
			if err = s.alive(ctx, "list changes"); err != nil {
				break
			}
			if !yield(change, nil) {
				return
			}
		}
		if err != nil {
			yield(providers.Change{}, err)
		}
	}
}

func (s *session) Fetch(ctx context.Context, id inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		v, err := s.box.view(id)
		if err != nil {
			yield(providers.Fetched{}, err)
			return
		}
		for _, itemID := range ids {
			if err := s.alive(ctx, "fetch"); err != nil {
				yield(providers.Fetched{}, err)
				return
			}
			if more, err := fetchOne(v, itemID, format, yield); err != nil {
				yield(providers.Fetched{}, err)
				return
			} else if !more {
				return
			}
		}
	}
}

func fetchOne(v view, id inventory.ItemID, format inventory.Format, yield func(providers.Fetched, error) bool) (more bool, err error) {
	item, body, err := v.open(id)
	if err != nil {
		if providers.KindOf(err) != providers.Gone {
			return false, err
		}
		return yield(providers.Fetched{Item: item, Format: format, Err: err}, nil), nil
	}
	defer body.Close()
	if have := formatOf(item.Class); have != format {
		err := failure(providers.Rejected, "archive-format", "fetch", string(id), "it is held as "+string(have))
		return yield(providers.Fetched{Item: item, Format: format, Err: err}, nil), nil
	}
	return yield(providers.Fetched{Item: item, Format: format, Body: body}, nil), nil
}

func formatOf(class inventory.Class) inventory.Format {
	switch class {
	case inventory.ClassEvent, inventory.ClassTask, inventory.ClassNote:
		return inventory.FormatICalendar
	case inventory.ClassContact:
		return inventory.FormatVCard
	}
	return inventory.FormatRFC5322
}

func (s *session) Find(ctx context.Context, id inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	if err := s.alive(ctx, "find"); err != nil {
		return nil, err
	}
	v, err := s.box.view(id)
	if err != nil {
		return nil, err
	}
	items, err := v.list(after)
	if err != nil {
		return nil, err
	}
	search := newSearch(prints)
	for _, item := range items {
		if err := s.alive(ctx, "find"); err != nil {
			return nil, err
		}
		if err := search.consider(v, item); err != nil {
			return nil, err
		}
	}
	return search.found, nil
}

// search finds the items that match fingerprints. Prints of known size are
// looked up by it, so that many prints on a large folder cost no product.
type search struct {
	prints []inventory.Fingerprint
	found  [][]inventory.ItemID
	bySize map[int64][]int
}

func newSearch(prints []inventory.Fingerprint) *search {
	s := &search{prints: prints, found: make([][]inventory.ItemID, len(prints)), bySize: map[int64][]int{}}
	for i, print := range prints {
		s.bySize[max(print.Size, -1)] = append(s.bySize[max(print.Size, -1)], i)
	}
	return s
}

func (s *search) candidates(item inventory.Item) []int {
	if item.Size < 0 {
		all := make([]int, len(s.prints))
		for i := range all {
			all[i] = i
		}
		return all
	}
	return append(append([]int{}, s.bySize[item.Size]...), s.bySize[-1]...)
}

func (s *search) consider(v view, item inventory.Item) error {
	var facts *match.Facts
	for _, i := range s.candidates(item) {
		print := s.prints[i]
		if !match.Cheap(print, item) {
			continue
		}
		if facts == nil && (match.NeedsContent(print) || item.Size < 0) {
			size, read, err := readFacts(v, item)
			if providers.KindOf(err) == providers.Gone {
				return nil
			}
			if err != nil {
				return err
			}
			item.Size, facts = size, &read
		}
		if match.Cheap(print, item) && (facts == nil || facts.Agrees(print)) {
			s.found[i] = append(s.found[i], item.ID)
		}
	}
	return nil
}

func readFacts(v view, item inventory.Item) (int64, match.Facts, error) {
	opened, body, err := v.open(item.ID)
	if err != nil {
		return 0, match.Facts{}, err
	}
	defer body.Close()
	facts, err := match.Read(item.Class, body)
	return opened.Size, facts, disk("read", string(item.ID), err)
}

func (s *session) Larger(ctx context.Context, id inventory.FolderID, size int64) ([]inventory.Item, error) {
	if err := s.alive(ctx, "list large items"); err != nil {
		return nil, err
	}
	v, err := s.box.view(id)
	if err != nil {
		return nil, err
	}
	items, err := v.list("")
	if err != nil {
		return nil, err
	}
	var large []inventory.Item
	for _, item := range items {
		if item.Size < 0 {
			if item.Size, err = trueSize(v, item.ID); err != nil {
				return nil, err
			}
		}
		if item.Size > size {
			large = append(large, item)
		}
	}
	return large, nil
}

// trueSize opens an item to learn its size; of one that is gone it is 0.
func trueSize(v view, id inventory.ItemID) (int64, error) {
	item, body, err := v.open(id)
	if providers.KindOf(err) == providers.Gone {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return item.Size, body.Close()
}

func (s *session) RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error) {
	if err := s.writable(ctx, "rename folder"); err != nil {
		return inventory.Folder{}, err
	}
	if err := checkPath(to); err != nil {
		return inventory.Folder{}, err
	}
	var holds inventory.Ability
	err := s.box.change(func(m *manifest) error {
		facts, ok := m.Folders[id]
		if !ok {
			return failure(providers.Gone, "archive-no-folder", "rename folder", string(id), "there is no such folder")
		}
		holds = facts.Holds
		return s.box.rename(m, facts, to)
	})
	if err != nil {
		return inventory.Folder{}, err
	}
	return s.at(to, holds)
}

// rename moves a folder and those below it, one after the other. The manifest
// knows both places of one while it moves, and the one that exists counts.
func (b *box) rename(m *manifest, top folderFacts, to inventory.Path) error {
	if _, taken := m.byPath(to, top.Holds); taken || top.Role == inventory.RoleInbox || hasPrefix(to, top.Path) {
		return failure(providers.Rejected, "archive-name", "rename folder", top.Path.String(), "it cannot become "+to.String())
	}
	if parent := to.Parent(); parent != nil {
		if _, there := m.byPath(parent, top.Holds); !there {
			if err := b.makeFolder(m, inventory.Folder{Path: parent, Holds: top.Holds, Subscribed: top.Subscribed}); err != nil {
				return err
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, f := range m.Folders {
		if f.Holds != top.Holds || !hasPrefix(f.Path, top.Path) {
			continue
		}
		f.Path = append(append(inventory.Path{}, to...), f.Path[len(top.Path):]...)
		moved := place(f.Path, f.Holds)
		m.Folders[moved] = f
		if err := b.moveFolder(m, id, moved); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) moveFolder(m *manifest, from, to inventory.FolderID) error {
	if err := m.write(b.dir, b.endpoint.durable); err != nil {
		return err
	}
	old, moved := filepath.Join(b.dir, filepath.FromSlash(string(from))), filepath.Join(b.dir, filepath.FromSlash(string(to)))
	if err := os.Rename(old, moved); err != nil {
		return err
	}
	delete(m.Folders, from)
	delete(b.folders, from)
	if b.endpoint.durable {
		if err := syncDir(filepath.Dir(moved)); err != nil {
			return err
		}
	}
	return m.write(b.dir, b.endpoint.durable)
}

func hasPrefix(path, top inventory.Path) bool {
	return len(path) >= len(top) && path[:len(top)].String() == top.String()
}
