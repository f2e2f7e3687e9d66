package imap

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// known is what Find has learnt of a folder, kept for the next call.
type known struct {
	validity, from, next uint32
	exists               int64
	modSeq               uint64
	bySecond             map[int64][]imapstream.Fact
	loose                map[uint32]inventory.Digest
}

// Find implements [providers.Mailbox]. Messages received in the same second
// are candidates; their content is read and compared without line ends, which
// servers repair. Sizes only keep absurd candidates from being read, because
// repaired line ends change them.
func (s *session) Find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	found, err := s.find(ctx, folder, after, prints)
	return found, s.folderError("look for messages in", folder, err)
}

func (s *session) find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	k, from, err := s.survey(ctx, folder, after)
	if err != nil {
		return nil, err
	}
	candidates := make([][]uint32, len(prints))
	unread := map[uint32]bool{}
	for i, print := range prints {
		candidates[i] = k.candidates(print, from)
		for _, uid := range candidates[i] {
			if _, read := k.loose[uid]; !read && !print.Loose.IsZero() {
				unread[uid] = true
			}
		}
	}
	if err := s.readDigests(ctx, k, unread); err != nil {
		return nil, err
	}
	found := make([][]inventory.ItemID, len(prints))
	for i, print := range prints {
		for _, uid := range candidates[i] {
			if print.Loose.IsZero() || k.loose[uid] == print.Loose {
				found[i] = append(found[i], itemID(uid))
			}
		}
	}
	return found, nil
}

// survey lists the folder from the cursor on, unless that is known from an
// earlier call and nothing has changed since.
func (s *session) survey(ctx context.Context, folder inventory.FolderID, after inventory.Cursor) (k *known, from uint32, err error) {
	now, err := s.open(ctx, folder, false, true)
	if err != nil {
		return nil, 0, err
	}
	from = 1
	if validity, next, ok := parseEnd(after); ok && validity == now.uidValidity {
		from = max(next, 1)
	}
	k = s.found[folder]
	if k != nil && k.validity == now.uidValidity && k.from <= from && k.next == now.uidNext && k.exists == now.exists && k.modSeq == now.highestModSeq {
		return k, from, nil
	}
	fresh := &known{validity: now.uidValidity, from: from, next: now.uidNext, exists: now.exists, modSeq: now.highestModSeq,
		bySecond: map[int64][]imapstream.Fact{}, loose: map[uint32]inventory.Digest{}}
	if k != nil && k.validity == now.uidValidity {
		fresh.loose = k.loose
	}
	if now.exists > 0 && from < now.uidNext {
		err = s.list(ctx, imapstream.ListRequest{Set: fmt.Sprintf("%d:%d", from, now.uidNext-1), Size: true}, fresh.add)
	}
	if err != nil {
		return nil, 0, err
	}
	s.found[folder] = fresh
	return fresh, from, nil
}

func (k *known) add(f imapstream.Fact) {
	if f.UID >= k.from && !f.Vanished {
		second := second(f.Received)
		k.bySecond[second] = append(k.bySecond[second], f)
	}
}

// second is the key of a time; 0 stands for unknown.
func second(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func (k *known) candidates(print inventory.Fingerprint, from uint32) []uint32 {
	if print.Class != "" && print.Class != inventory.ClassMessage {
		return nil
	}
	var uids []uint32
	add := func(facts []imapstream.Fact) {
		for _, f := range facts {
			if f.UID >= from && k.sizeFits(f, print) {
				uids = append(uids, f.UID)
			}
		}
	}
	if !print.Received.IsZero() {
		add(k.bySecond[second(print.Received)])
		return uids
	}
	for _, facts := range k.bySecond {
		add(facts)
	}
	return uids
}

// sizeFits: without a digest the size decides. With one, a message with
// repaired line ends is at most twice as long; what servers tell as the size
// can be an estimate.
func (k *known) sizeFits(f imapstream.Fact, print inventory.Fingerprint) bool {
	if f.Size < 0 || print.Size < 0 {
		return true
	}
	if print.Loose.IsZero() {
		return f.Size == print.Size
	}
	const slack = 64 << 10
	return f.Size <= 4*print.Size+slack && print.Size <= 4*f.Size+slack
}

// readDigests reads the messages named and keeps their digests.
func (s *session) readDigests(ctx context.Context, k *known, unread map[uint32]bool) error {
	if len(unread) == 0 {
		return nil
	}
	uids := make([]uint32, 0, len(unread))
	for uid := range unread {
		uids = append(uids, uid)
	}
	return s.stream(func(stream *imapstream.Stream) error {
		for message, err := range stream.Fetch(ctx, uids) {
			if err != nil {
				return err
			}
			if message.Err != nil {
				continue // not ours: what we wrote can be read
			}
			hash := inventory.NewLooseHash()
			if _, err := io.Copy(hash, message.Body); err != nil {
				return err
			}
			k.loose[message.UID] = hash.Digest()
		}
		return nil
	})
}
