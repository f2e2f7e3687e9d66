package imap

import (
	"context"
	"errors"
	"iter"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// Fetch implements [providers.Mailbox]. Messages that the server does not send
// are Gone.
func (s *session) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		f := fetch{session: s, folder: folder, yield: yield}
		if err := f.run(ctx, ids, format); err != nil && !f.stopped {
			yield(providers.Fetched{}, s.folderError("fetch from", folder, err))
		}
	}
}

// fetch is one call of Fetch.
type fetch struct {
	session *session
	folder  inventory.FolderID
	yield   func(providers.Fetched, error) bool
	stopped bool
	missing map[uint32]bool
}

func (f *fetch) run(ctx context.Context, ids []inventory.ItemID, format inventory.Format) error {
	if format != inventory.FormatRFC5322 {
		return &providers.Error{Kind: providers.Unsupported, Code: codeUnsupported, Op: "fetch as", Subject: string(format)}
	}
	uids, err := parseUIDs(ids)
	if err != nil || len(uids) == 0 {
		return err
	}
	if _, err := f.session.open(ctx, f.folder, false, false); err != nil {
		return err
	}
	f.missing = make(map[uint32]bool, len(uids))
	for _, uid := range uids {
		f.missing[uid] = true
	}
	err = f.pass(ctx, uids)
	if refusedSome(err) {
		return f.singly(ctx, uids)
	}
	if err != nil || f.stopped {
		return err
	}
	f.giveGone(uids)
	return nil
}

func parseUIDs(ids []inventory.ItemID) ([]uint32, error) {
	uids := make([]uint32, len(ids))
	for i, id := range ids {
		uid, err := parseUID(id)
		if err != nil {
			return nil, err
		}
		uids[i] = uid
	}
	return uids, nil
}

// refusedSome reports whether the server answered that it will not give some
// of the messages, and not that it cannot at present.
func refusedSome(err error) bool {
	status, ok := asAnswer(err)
	if !ok || status.name == "BYE" {
		return false
	}
	switch judge(status).kind {
	case providers.Throttled, providers.Transient, providers.Denied:
		return false
	}
	return true
}

func (f *fetch) pass(ctx context.Context, uids []uint32) error {
	return f.session.stream(func(stream *imapstream.Stream) error {
		for message, err := range stream.Fetch(ctx, uids) {
			if err != nil {
				return err
			}
			delete(f.missing, message.UID)
			if !f.give(fetched(message)) {
				return nil
			}
		}
		return nil
	})
}

func (f *fetch) give(out providers.Fetched) bool {
	f.stopped = !f.yield(out, nil)
	return !f.stopped
}

func fetched(m imapstream.Message) providers.Fetched {
	out := providers.Fetched{Format: inventory.FormatRFC5322, Body: m.Body, Item: inventory.Item{ID: itemID(m.UID), Class: inventory.ClassMessage,
		Size: m.Size, Flags: m.Flags, Received: m.Received}}
	if m.Err != nil {
		out.Body = nil
		out.Err = &providers.Error{Kind: providers.Rejected, Code: codeUnreadable, Op: "fetch message", Subject: string(out.Item.ID), Err: m.Err}
	}
	return out
}

// giveGone tells which messages did not come.
func (f *fetch) giveGone(uids []uint32) {
	for _, uid := range uids {
		if !f.missing[uid] {
			continue
		}
		delete(f.missing, uid)
		gone := &providers.Error{Kind: providers.Gone, Code: codeItemGone, Op: "fetch message", Subject: string(itemID(uid)), Err: errors.New("the server has no such message")}
		if !f.give(providers.Fetched{Item: inventory.Item{ID: itemID(uid), Size: -1}, Err: gone}) {
			return
		}
	}
}

// singly asks for each missing message alone, so that those which the server
// cannot read do not hold up the others.
func (f *fetch) singly(ctx context.Context, uids []uint32) error {
	for _, uid := range uids {
		if !f.missing[uid] {
			continue
		}
		err := f.pass(ctx, []uint32{uid})
		if refusedSome(err) {
			delete(f.missing, uid)
			f.give(providers.Fetched{Item: inventory.Item{ID: itemID(uid), Size: -1}, Err: unreadable(uid, err)})
			err = nil
		}
		if err != nil || f.stopped {
			return err
		}
	}
	f.giveGone(uids)
	return nil
}

func unreadable(uid uint32, err error) error {
	status, _ := asAnswer(err)
	return &providers.Error{Kind: providers.Rejected, Code: codeUnreadable, Op: "fetch message", Subject: string(itemID(uid)), Response: status.words}
}
