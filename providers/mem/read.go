package mem

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (s *session) Changes(ctx context.Context, id inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		end, err := s.begin(ctx, "Changes")
		if err != nil {
			yield(providers.Change{}, err)
			return
		}
		defer end()
		page, err := s.page(id, after, limit)
		if err != nil {
			yield(providers.Change{}, err)
			return
		}
		for _, change := range page {
			if err := s.alive(ctx, "list changes"); err != nil {
				yield(providers.Change{}, err)
				return
			}
			if !yield(change, nil) {
				return
			}
		}
	}
}

func (s *session) page(id inventory.FolderID, after inventory.Cursor, limit int) ([]providers.Change, error) {
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("list changes", id)
	if err != nil {
		return nil, err
	}
	return f.page(after, limit, c), nil
}

func (s *session) Fetch(ctx context.Context, id inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		end, err := s.begin(ctx, "Fetch")
		if err != nil {
			yield(providers.Fetched{}, err)
			return
		}
		defer end()
		if s.endpoint.organisation.settings().Reverse {
			ids = slices.Clone(ids)
			slices.Reverse(ids)
		}
		for _, itemID := range ids {
			fetched, err := s.fetch(id, itemID, format)
			if err == nil {
				err = s.alive(ctx, "fetch")
			}
			if err != nil {
				yield(providers.Fetched{}, err)
				return
			}
			if !yield(fetched, nil) {
				return
			}
		}
	}
}

func (s *session) fetch(id inventory.FolderID, itemID inventory.ItemID, format inventory.Format) (providers.Fetched, error) {
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("fetch", id)
	if err != nil {
		return providers.Fetched{}, err
	}
	fetched := providers.Fetched{Item: inventory.Item{ID: itemID}, Format: format}
	it, ok := f.items[itemID]
	if !ok {
		fetched.Err = failure(providers.Gone, "mem-no-item", "fetch", string(itemID), "there is no such item")
		return fetched, nil
	}
	fetched.Item = it.Item
	if it.format != format {
		fetched.Err = failure(providers.Rejected, "mem-format", "fetch", string(itemID), "it is held as "+string(it.format))
		return fetched, nil
	}
	fetched.Body, fetched.Err = it.reader()
	return fetched, nil
}

func (s *session) Find(ctx context.Context, id inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	end, err := s.begin(ctx, "Find")
	if err != nil {
		return nil, err
	}
	defer end()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("find", id)
	if err != nil {
		return nil, err
	}
	p, ok := parsePosition(after)
	if !ok || p.epoch != f.epoch {
		p = position{}
	}
	found := make([][]inventory.ItemID, len(prints))
	for _, it := range f.sorted() {
		if it.added <= p.after {
			continue
		}
		for i, print := range prints {
			if it.matches(print) {
				found[i] = append(found[i], it.ID)
			}
		}
	}
	return found, nil
}

func (s *session) Larger(ctx context.Context, id inventory.FolderID, size int64) ([]inventory.Item, error) {
	end, err := s.begin(ctx, "Larger")
	if err != nil {
		return nil, err
	}
	defer end()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("list large items", id)
	if err != nil {
		return nil, err
	}
	var large []inventory.Item
	for _, it := range f.sorted() {
		if it.Size > size {
			large = append(large, it.Item)
		}
	}
	return large, nil
}

func (s *session) Edit(ctx context.Context, id inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		end, err := s.begin(ctx, "Edit")
		if err != nil {
			yield(providers.Edited{}, err)
			return
		}
		defer end()
		for _, edit := range edits {
			err := s.alive(ctx, "edit")
			var edited providers.Edited
			if err == nil {
				edited, err = s.edit(id, edit)
			}
			if err != nil {
				yield(providers.Edited{}, err)
				return
			}
			if !yield(edited, nil) {
				return
			}
		}
	}
}

func (s *session) edit(id inventory.FolderID, edit providers.Edit) (providers.Edited, error) {
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	edited := providers.Edited{ID: edit.ID, Outcome: providers.Done}
	f, err := s.folder("edit", id)
	if err != nil {
		return edited, err
	}
	it, ok := f.items[edit.ID]
	if !ok || !edit.Names(it.Received) {
		edited.Outcome = providers.Missing
		return edited, nil
	}
	switch {
	case edit.Delete && it.Flags != edit.Expect:
		edited.Outcome = providers.Kept
	case edit.Delete:
		s.mailbox.drop(f, edit.ID)
	case edit.MoveTo != "":
		to, err := s.folder("move", edit.MoveTo)
		if err != nil {
			edited.Outcome, edited.Err = 0, err
			return edited, nil
		}
		if edited.MovedTo = move(f, edit.ID, to); c.HideIDs {
			edited.MovedTo = ""
		}
	default:
		var add inventory.Flags
		add, edited.Refused = c.accept(edit.Add)
		if flags := it.Flags.Apply(add, edit.Remove); flags != it.Flags {
			it.Flags = flags
			f.touch(it)
		}
	}
	return edited, nil
}

// accept parts flags into those that are kept and those that are not.
func (c Config) accept(flags inventory.Flags) (kept, refused inventory.Flags) {
	if c.Keywords == nil {
		return flags, ""
	}
	var out, drop []string
	known := inventory.MakeFlags(c.Keywords...)
	for _, flag := range flags.List() {
		if flag[0] == '\\' || known.Has(flag) {
			out = append(out, flag)
		} else {
			drop = append(drop, flag)
		}
	}
	return inventory.MakeFlags(out...), inventory.MakeFlags(drop...)
}

var errContent = errors.New("the content is not as long as was said")
