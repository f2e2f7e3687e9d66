package imap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// cursor is a position in the history of a folder. Its text is
//
//	v1;<UIDVALIDITY>;<UIDNEXT>;<HIGHESTMODSEQ>
//
// once everything up to there has been told, HIGHESTMODSEQ 0 where there is
// none. Inside a series of pages these are the values at the beginning of the
// series, and what the rest of the series needs follows:
//
//	;<kind>;<next UID>;<mod-sequence, or for every message UIDNEXT, of the cursor that the series started with>
type cursor struct {
	validity uint32
	next     uint32
	modSeq   uint64
	kind     seriesKind // 0: not inside a series
	position uint32
	since    uint64
}

// seriesKind is how a series of pages is read.
type seriesKind byte

const (
	seriesAll     seriesKind = 'a' // every message, as Listed
	seriesChanged seriesKind = 'c' // what changed since a mod-sequence, and what vanished
	seriesExists  seriesKind = 'e' // what changed since a mod-sequence, and what is there
)

func (k seriesKind) full() bool { return k != seriesChanged }

// String returns the text of the cursor.
func (c cursor) String() string {
	text := fmt.Sprintf("v1;%d;%d;%d", c.validity, c.next, c.modSeq)
	if c.kind != 0 {
		text += fmt.Sprintf(";%c;%d;%d", c.kind, c.position, c.since)
	}
	return text
}

var errCursor = errors.New("not a cursor of this provider")

func parseCursor(text string) (cursor, error) {
	parts := strings.Split(text, ";")
	if len(parts) != 4 && len(parts) != 7 || parts[0] != "v1" {
		return cursor{}, errCursor
	}
	var c cursor
	var bad [5]error
	c.validity, bad[0] = parse32(parts[1])
	c.next, bad[1] = parse32(parts[2])
	c.modSeq, bad[2] = strconv.ParseUint(parts[3], 10, 63)
	if len(parts) == 7 {
		if len(parts[4]) != 1 || !strings.Contains("ace", parts[4]) {
			return cursor{}, errCursor
		}
		c.kind = seriesKind(parts[4][0])
		c.position, bad[3] = parse32(parts[5])
		c.since, bad[4] = strconv.ParseUint(parts[6], 10, 63)
	}
	if errors.Join(bad[:]...) != nil {
		return cursor{}, errCursor
	}
	return c, nil
}

func parse32(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// endCursor is the position after the last message, for Find.
func endCursor(validity, next uint32) inventory.Cursor {
	return inventory.Cursor(fmt.Sprintf("%d:%d", validity, next))
}

// parseEnd reads what endCursor made; ok is false for anything else, which
// stands for the beginning.
func parseEnd(c inventory.Cursor) (validity, next uint32, ok bool) {
	first, second, found := strings.Cut(string(c), ":")
	validity, err1 := parse32(first)
	next, err2 := parse32(second)
	return validity, next, found && err1 == nil && err2 == nil
}

// parseUID reads an item ID.
func parseUID(id inventory.ItemID) (uint32, error) {
	uid, err := parse32(string(id))
	if err != nil || uid == 0 {
		return 0, &providers.Error{Kind: providers.Other, Code: codeBadID, Op: "read item ID", Subject: strconv.Quote(string(id)), Err: errors.New("not a UID")}
	}
	return uid, nil
}

func itemID(uid uint32) inventory.ItemID {
	return inventory.ItemID(strconv.FormatUint(uint64(uid), 10))
}
