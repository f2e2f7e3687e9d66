package archive

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (s *session) Edit(ctx context.Context, id inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		err := s.writable(ctx, "edit")
		for len(edits) > 0 && err == nil {
			var done []providers.Edited
			if err = s.alive(ctx, "edit"); err != nil {
				break
			}
			n := chunk(edits)
			done, err = s.editSome(id, edits[:n])
			edits = edits[n:]
			for _, edited := range done {
				if !yield(edited, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(providers.Edited{}, err)
		}
	}
}

// chunk counts the edits that are made together: to one target folder, and
// none to an item that is edited already.
func chunk(edits []providers.Edit) int {
	seen := map[inventory.ItemID]bool{}
	for n, edit := range edits {
		if n == batchItems || seen[edit.ID] || edit.MoveTo != edits[0].MoveTo {
			return n
		}
		seen[edit.ID] = true
	}
	return len(edits)
}

func (s *session) editSome(id inventory.FolderID, edits []providers.Edit) ([]providers.Edited, error) {
	f, err := s.box.folder(id)
	if err != nil {
		return nil, err
	}
	to := f
	if move := edits[0].MoveTo; move != "" {
		if to, err = s.box.folder(move); err != nil || to.mail() != f.mail() {
			if err == nil {
				err = failure(providers.Rejected, "archive-name", "move", string(move), "the folder holds another class of item")
			}
			return refuse(edits, err), nil
		}
	}
	unlock, err := lockBoth(f, to)
	if err != nil {
		return nil, disk("lock", string(id), err)
	}
	defer unlock()
	done, err := f.edit(edits, to)
	return done, disk("edit", string(id), err)
}

func refuse(edits []providers.Edit, err error) []providers.Edited {
	all := make([]providers.Edited, len(edits))
	for i, edit := range edits {
		all[i] = providers.Edited{ID: edit.ID, Err: err}
	}
	return all
}

// lockBoth locks two folders, which may be one, in the order of their names,
// then the mailbox.
func lockBoth(a, b *folder) (unlock func(), err error) {
	first, second := a, b
	if b.dir < a.dir {
		first, second = b, a
	}
	first.mu.Lock()
	if second != first {
		second.mu.Lock()
	}
	free, err := lock(a.lockFile, true)
	unlock = func() {
		if err == nil {
			free()
		}
		if second != first {
			second.mu.Unlock()
		}
		first.mu.Unlock()
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// edit makes edits to different items, all moving to one folder if any moves.
func (f *folder) edit(edits []providers.Edit, to *folder) ([]providers.Edited, error) {
	if err := f.refresh(true); err != nil {
		return nil, err
	}
	if to != f {
		if err := to.refresh(true); err != nil {
			return nil, err
		}
	}
	work := &editing{from: f, to: to}
	var err error
	if work.keywords, err = readKeywords(f.dir); err != nil {
		return nil, err
	}
	for _, edit := range edits {
		if err := work.plan(edit); err != nil {
			return nil, err
		}
	}
	return work.done, work.carryOut()
}

// editing is what is to be written and done for a series of edits.
type editing struct {
	from, to *folder
	keywords keywords
	done     []providers.Edited
	remove   []string
	moves    []string // from, to, from, to
	lines    []line   // for from
	arrivals []line   // for to
	moved    []movedItem
}

type movedItem struct {
	path string
	id   string
}

func (w *editing) plan(edit providers.Edit) error {
	edited := providers.Edited{ID: edit.ID, Outcome: providers.Done}
	i, ok := w.from.byID[string(edit.ID)]
	if !ok {
		edited.Outcome = providers.Missing
		w.done = append(w.done, edited)
		return nil
	}
	e := &w.from.entries[i]
	if !edit.Names(e.received()) {
		edited.Outcome = providers.Missing
		w.done = append(w.done, edited)
		return nil
	}
	n := w.from.seq + uint64(len(w.lines)) + 1
	switch {
	case edit.Delete && e.flags != edit.Expect:
		edited.Outcome = providers.Kept
	case edit.Delete:
		w.remove = append(w.remove, w.from.path(i, w.keywords))
		w.lines = append(w.lines, line{N: n, Op: "del", ID: e.id})
	case edit.MoveTo != "" && w.to == w.from:
		edited.MovedTo = edit.ID
	case edit.MoveTo != "":
		arrival := w.from.putLine(i)
		arrival.N, arrival.Added, arrival.New, arrival.Name = w.to.seq+uint64(len(w.arrivals))+1, 0, false, ""
		w.arrivals = append(w.arrivals, arrival)
		w.moved = append(w.moved, movedItem{w.from.path(i, w.keywords), e.id})
		w.lines = append(w.lines, line{N: n, Op: "del", ID: e.id})
		edited.MovedTo = edit.ID
	default:
		if err := w.setFlags(i, n, e.flags.Apply(edit.Add, edit.Remove)); err != nil {
			return err
		}
	}
	w.done = append(w.done, edited)
	return nil
}

func (w *editing) setFlags(i int32, n uint64, flags inventory.Flags) error {
	e := &w.from.entries[i]
	if flags == e.flags {
		return nil
	}
	if w.from.mail() {
		more, grown := w.keywords.with(flags)
		if grown {
			if err := more.write(w.from.dir, w.from.endpoint.durable); err != nil {
				return err
			}
		}
		old := w.from.path(i, w.keywords)
		w.keywords = more
		changed := *e
		changed.label = &label{e.class, flags}
		w.moves = append(w.moves, old, filepath.Join(w.from.cur(), w.from.fileName(&changed, more)))
	}
	w.lines = append(w.lines, line{N: n, Op: "set", ID: e.id, Flags: flags})
	return nil
}

// carryOut removes first and tells later; what is renamed is told first. What
// is not told when the machine stops, the next listing finds.
func (w *editing) carryOut() error {
	for _, name := range w.remove {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := w.arrive(); err != nil {
		return err
	}
	if err := w.from.record(w.lines); err != nil {
		return err
	}
	for i := 0; i < len(w.moves); i += 2 {
		if err := os.Rename(w.moves[i], w.moves[i+1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if w.from.endpoint.durable {
		if err := syncDir(w.from.cur()); err != nil {
			return err
		}
	}
	return w.from.settle()
}

// arrive moves files to the other folder.
func (w *editing) arrive() error {
	if len(w.moved) == 0 {
		return nil
	}
	k, err := readKeywords(w.to.dir)
	if err != nil {
		return err
	}
	grown := false
	for _, l := range w.arrivals {
		more, changed := k.with(l.Flags)
		k, grown = more, grown || changed
	}
	if grown && w.to.mail() {
		if err := k.write(w.to.dir, w.to.endpoint.durable); err != nil {
			return err
		}
	}
	if err := w.to.record(w.arrivals); err != nil {
		return err
	}
	for _, item := range w.moved {
		if err := os.Rename(item.path, w.to.path(w.to.byID[item.id], k)); err != nil {
			return err
		}
	}
	if w.to.endpoint.durable {
		if err := syncDir(w.to.cur()); err != nil {
			return err
		}
	}
	return w.to.settle()
}
