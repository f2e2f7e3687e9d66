package imap

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// Edit implements [providers.Mailbox]. Edits of one kind are done together,
// after one look at the messages they name.
//
// A server without UIDPLUS cannot remove single messages: EXPUNGE would remove
// whatever users have marked. Messages stay there, marked \Deleted.
func (s *session) Edit(ctx context.Context, folder inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		if len(edits) == 0 {
			return
		}
		e := &edit{session: s, folder: folder, yield: yield}
		if err := e.run(ctx, edits); err != nil && !e.stopped {
			yield(providers.Edited{}, s.folderError("edit in", folder, err))
		}
	}
}

// edit is one call of Edit.
type edit struct {
	session *session
	folder  inventory.FolderID
	yield   func(providers.Edited, error) bool
	stopped bool
	now     map[uint32]imapstream.Fact
}

// flagChange is what several messages have in common.
type flagChange struct{ add, remove, refused inventory.Flags }

// work is edits sorted by kind.
type work struct {
	flags   map[flagChange][]uint32
	moves   map[inventory.FolderID][]uint32
	deletes []uint32
}

func (e *edit) run(ctx context.Context, edits []providers.Edit) error {
	uids := make([]uint32, len(edits))
	for i, change := range edits {
		uid, err := parseUID(change.ID)
		if err != nil {
			return err
		}
		uids[i] = uid
	}
	if _, err := e.session.open(ctx, e.folder, true, false); err != nil {
		return err
	}
	if err := e.look(ctx, uids); err != nil {
		return err
	}
	w := work{flags: map[flagChange][]uint32{}, moves: map[inventory.FolderID][]uint32{}}
	for i, change := range edits {
		e.sort(&w, uids[i], change)
	}
	return e.do(ctx, w)
}

// look learns which of the messages are there, with their flags.
func (e *edit) look(ctx context.Context, uids []uint32) error {
	e.now = make(map[uint32]imapstream.Fact, len(uids))
	sorted := slices.Compact(slices.Sorted(slices.Values(uids)))
	for _, set := range sets(sorted) {
		request := imapstream.ListRequest{Set: set, ModSeq: e.session.tracked()}
		if err := e.session.list(ctx, request, func(f imapstream.Fact) { e.now[f.UID] = f }); err != nil {
			return err
		}
	}
	return nil
}

// tracked reports whether messages of the open folder have mod-sequences.
func (s *session) tracked() bool { return s.condstore && s.selected.highestModSeq > 0 }

func (e *edit) sort(w *work, uid uint32, change providers.Edit) {
	now, there := e.now[uid]
	switch {
	case !there, !change.Names(now.Received):
		e.give(providers.Edited{ID: change.ID, Outcome: providers.Missing})
	case change.Delete && !sameFlags(now.Flags, change.Expect):
		e.give(providers.Edited{ID: change.ID, Outcome: providers.Kept})
	case change.Delete:
		w.deletes = append(w.deletes, uid)
	case change.MoveTo == e.folder:
		e.give(providers.Edited{ID: change.ID, Outcome: providers.Done, MovedTo: change.ID})
	case change.MoveTo != "":
		w.moves[change.MoveTo] = append(w.moves[change.MoveTo], uid)
	default:
		add, refused := e.session.keepFlags(e.folder, change.Add)
		remove, _ := splitFlags(change.Remove, []string{`\*`})
		key := flagChange{add, remove, refused}
		w.flags[key] = append(w.flags[key], uid)
	}
}

// sameFlags leaves \Deleted aside: it says that the user wants the message gone
// too, or that we were interrupted.
func sameFlags(now, expect inventory.Flags) bool {
	add, remove := now.Apply("", inventory.Deleted).Diff(expect.Apply("", inventory.Deleted))
	return add == "" && remove == ""
}

func (e *edit) give(out providers.Edited) {
	if !e.stopped {
		e.stopped = !e.yield(out, nil)
	}
}

func (e *edit) do(ctx context.Context, w work) error {
	for _, change := range slices.SortedFunc(maps.Keys(w.flags), compareChanges) {
		if err := e.store(ctx, change, w.flags[change]); err != nil {
			return err
		}
	}
	for _, to := range slices.Sorted(maps.Keys(w.moves)) {
		if err := e.eachSet(w.moves[to], func(set string, uids []uint32) error { return e.move(ctx, set, uids, to) }); err != nil {
			return err
		}
	}
	return e.eachSet(w.deletes, func(set string, uids []uint32) error { return e.remove(ctx, set, uids) })
}

func compareChanges(a, b flagChange) int {
	return slices.Compare([]inventory.Flags{a.add, a.remove, a.refused}, []inventory.Flags{b.add, b.remove, b.refused})
}

// eachSet calls f with sets that fit a command and the UIDs in them.
func (e *edit) eachSet(uids []uint32, f func(set string, uids []uint32) error) error {
	slices.Sort(uids)
	uids = slices.Compact(uids)
	const each = 500 // at most 5,500 bytes
	for part := range slices.Chunk(uids, each) {
		if e.stopped {
			return nil
		}
		if err := f(sets(part)[0], part); err != nil {
			return err
		}
	}
	return nil
}

// outcome yields the same outcome for several messages, unless the error is
// not about them.
func (e *edit) outcome(uids []uint32, err error, done func(uid uint32) providers.Edited) error {
	if err != nil {
		err = e.session.folderError("edit in", e.folder, err)
		switch providers.KindOf(err) {
		case providers.Transient, providers.Throttled:
			return err
		}
		if _, ok := errors.AsType[*providers.Error](err); !ok {
			return err
		}
	}
	for _, uid := range uids {
		out := providers.Edited{ID: itemID(uid), Err: err}
		if err == nil {
			out = done(uid)
		}
		e.give(out)
	}
	return nil
}

func (e *edit) store(ctx context.Context, change flagChange, uids []uint32) error {
	return e.eachSet(uids, func(set string, uids []uint32) error {
		var commands []*wire.Command
		if change.add != "" {
			commands = append(commands, wire.Cmd("UID STORE").Atom(set).Atom("+FLAGS.SILENT").List(change.add.List()...))
		}
		if change.remove != "" {
			commands = append(commands, wire.Cmd("UID STORE").Atom(set).Atom("-FLAGS.SILENT").List(change.remove.List()...))
		}
		err := e.session.all(ctx, nil, commands...)
		return e.outcome(uids, err, func(uid uint32) providers.Edited {
			return providers.Edited{ID: itemID(uid), Outcome: providers.Done, Refused: change.refused}
		})
	})
}

// all runs commands and returns the first refusal, if any.
func (s *session) all(ctx context.Context, each func(wire.Response), commands ...*wire.Command) error {
	done, err := s.conn.Run(ctx, each, commands...)
	if err != nil {
		return err
	}
	for _, refused := range done {
		if refused != nil {
			return refused
		}
	}
	return nil
}

// move uses MOVE (RFC 6851), or COPY and removal.
func (e *edit) move(ctx context.Context, set string, uids []uint32, to inventory.FolderID) error {
	moved := map[uint32]uint32{}
	hear := func(r wire.Response) {
		if r.Code == "COPYUID" {
			readCopyUID(r.CodeArg, moved)
		}
	}
	name := "UID COPY"
	if e.session.has("MOVE") {
		name = "UID MOVE"
	}
	err := e.session.all(ctx, hear, wire.Cmd(name).Atom(set).Str(string(to)))
	if err == nil && name == "UID COPY" {
		_, err = e.expunge(ctx, set, 0)
	}
	return e.outcome(uids, err, func(uid uint32) providers.Edited {
		out := providers.Edited{ID: itemID(uid), Outcome: providers.Done}
		if new, told := moved[uid]; told {
			out.MovedTo = itemID(new)
		}
		return out
	})
}

// readCopyUID reads "38505 304,319:320 3956:3958" (RFC 4315 section 3).
func readCopyUID(arg string, moved map[uint32]uint32) {
	fields := strings.Fields(arg)
	if len(fields) != 3 {
		return
	}
	old, err1 := appendSet(nil, fields[1])
	new, err2 := appendSet(nil, fields[2])
	if err1 != nil || err2 != nil || len(old) != len(new) {
		return
	}
	for i := range old {
		moved[old[i]] = new[i]
	}
}

func (e *edit) remove(ctx context.Context, set string, uids []uint32) error {
	var seen uint64
	for _, uid := range uids {
		seen = max(seen, e.now[uid].ModSeq)
	}
	touched, err := e.expunge(ctx, set, seen)
	return e.outcome(uids, err, func(uid uint32) providers.Edited {
		if touched[uid] {
			return providers.Edited{ID: itemID(uid), Outcome: providers.Kept}
		}
		return providers.Edited{ID: itemID(uid), Outcome: providers.Done}
	})
}

// expunge marks messages and removes them. With unchangedSince, messages that
// were touched after that mod-sequence are left alone and returned (RFC 7162
// section 3.1.3): what happened between the look and the removal counts.
func (e *edit) expunge(ctx context.Context, set string, unchangedSince uint64) (touched map[uint32]bool, err error) {
	touched = map[uint32]bool{}
	mark := wire.Cmd("UID STORE").Atom(set)
	if unchangedSince > 0 {
		mark.List("UNCHANGEDSINCE", strconv.FormatUint(unchangedSince, 10))
	}
	mark.Atom("+FLAGS.SILENT").List(inventory.Deleted)
	err = e.session.all(ctx, func(r wire.Response) {
		if r.Code == "MODIFIED" {
			modified, _ := appendSet(nil, r.CodeArg)
			for _, uid := range modified {
				touched[uid] = true
			}
		}
	}, mark)
	if err != nil || !e.session.has("UIDPLUS") {
		return touched, err
	}
	marked, err := appendSet(nil, set)
	if err != nil {
		return touched, err
	}
	marked = slices.DeleteFunc(marked, func(uid uint32) bool { return touched[uid] })
	for _, rest := range sets(marked) {
		if err := e.session.all(ctx, nil, wire.Cmd("UID EXPUNGE").Atom(rest)); err != nil {
			return touched, err
		}
	}
	return touched, nil
}
