package imap

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// search returns the UIDs of the open folder that match, sorted. With ESEARCH
// (RFC 4731) the answer is a short set, else a list of numbers.
func (s *session) search(ctx context.Context, criteria string) ([]uint32, error) {
	command := wire.Cmd("UID SEARCH")
	if s.has("ESEARCH") {
		command.Atom("RETURN (ALL)")
	}
	var uids []uint32
	var bad error
	err := s.conn.Do(ctx, command.Atom(criteria), func(r wire.Response) {
		switch r.Name {
		case "SEARCH":
			uids, bad = appendNumbers(uids, r)
		case "ESEARCH":
			uids, bad = appendSet(uids, extendedAll(r))
		}
	})
	if err == nil {
		err = bad
	}
	slices.Sort(uids)
	return slices.Compact(uids), err
}

func appendNumbers(uids []uint32, r wire.Response) ([]uint32, error) {
	for _, v := range r.Values {
		if v.Kind == wire.List { // (MODSEQ 5)
			continue
		}
		uid, err := parse32(v.Text)
		if err != nil || uid == 0 {
			return uids, fmt.Errorf("%w: SEARCH with %q", wire.ErrSyntax, v.Text)
		}
		uids = append(uids, uid)
	}
	return uids, nil
}

// extendedAll finds the set in "* ESEARCH (TAG "c1") UID ALL 1:3,7".
func extendedAll(r wire.Response) string {
	for i, v := range r.Values {
		if v.Is("ALL") {
			return r.Value(i + 1).Text
		}
	}
	return ""
}

// maxSet bounds how many UIDs a set of the server may stand for: more than any
// folder holds, less than hurts.
const maxSet = 1 << 25

func appendSet(uids []uint32, set string) ([]uint32, error) {
	if set == "" {
		return uids, nil
	}
	for part := range strings.SplitSeq(set, ",") {
		low, high, err := parseRange(part)
		if err != nil || int(high-low) >= maxSet-len(uids) {
			return uids, fmt.Errorf("%w: set %q", wire.ErrSyntax, part)
		}
		for uid := uint64(low); uid <= uint64(high); uid++ {
			uids = append(uids, uint32(uid))
		}
	}
	return uids, nil
}

func parseRange(part string) (low, high uint32, err error) {
	first, last, isRange := strings.Cut(part, ":")
	if low, err = parse32(first); err != nil || !isRange {
		return low, low, err
	}
	high, err = parse32(last)
	return min(low, high), max(low, high), err
}

// setBytes keeps command lines well below the 8,192 octets that servers must
// take (RFC 7162 section 4).
const setBytes = 6000

// sets writes sorted UIDs as sets, each short enough for one command.
func sets(uids []uint32) []string {
	var out []string
	var set strings.Builder
	for i := 0; i < len(uids); {
		j := i
		for j+1 < len(uids) && uids[j+1] == uids[j]+1 {
			j++
		}
		if set.Len() > setBytes {
			out = append(out, set.String())
			set.Reset()
		}
		if set.Len() > 0 {
			set.WriteByte(',')
		}
		set.WriteString(strconv.FormatUint(uint64(uids[i]), 10))
		if j > i {
			set.WriteString(":" + strconv.FormatUint(uint64(uids[j]), 10))
		}
		i = j + 1
	}
	if set.Len() > 0 {
		out = append(out, set.String())
	}
	return out
}

// list collects facts of the open folder, sorted by UID; gone are those that
// vanished.
func (s *session) list(ctx context.Context, request imapstream.ListRequest, each func(imapstream.Fact)) error {
	return s.stream(func(stream *imapstream.Stream) error {
		for fact, err := range stream.List(ctx, request) {
			if err != nil {
				return err
			}
			each(fact)
		}
		return nil
	})
}

func item(f imapstream.Fact) inventory.Item {
	return inventory.Item{ID: itemID(f.UID), Class: inventory.ClassMessage, Size: f.Size, Flags: f.Flags, Received: f.Received}
}

func compareFacts(a, b imapstream.Fact) int {
	switch {
	case a.UID < b.UID:
		return -1
	case a.UID > b.UID:
		return 1
	}
	return 0
}

// Larger implements [providers.Mailbox].
func (s *session) Larger(ctx context.Context, folder inventory.FolderID, size int64) ([]inventory.Item, error) {
	if _, err := s.open(ctx, folder, false, false); err != nil {
		return nil, err
	}
	items, err := s.larger(ctx, size)
	return items, s.folderError("look for large messages in", folder, err)
}

func (s *session) larger(ctx context.Context, size int64) ([]inventory.Item, error) {
	// RFC 9051 section 6.4.4 takes 32-bit sizes in SEARCH, and some servers
	// take no larger ones.
	uids, err := s.search(ctx, "LARGER "+strconv.FormatInt(min(size, 1<<32-1), 10))
	if err != nil {
		return nil, err
	}
	var items []inventory.Item
	for _, set := range sets(uids) {
		err := s.list(ctx, imapstream.ListRequest{Set: set, Size: true}, func(f imapstream.Fact) {
			if f.Size > size {
				items = append(items, item(f))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return items, nil
}
