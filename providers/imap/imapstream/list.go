package imapstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// ListRequest says which messages of the selected folder to list, and what of
// them.
type ListRequest struct {
	// Set is a set of UIDs as on the wire: "1:*", "17:99,120". A set that ends
	// in "*" names the last message even if its UID is below the range.
	Set string
	// ChangedSince, if not 0, lists only messages whose MODSEQ is higher
	// (CONDSTORE, RFC 7162).
	ChangedSince uint64
	// Vanished also tells which messages of Set are gone since ChangedSince.
	// It needs QRESYNC enabled.
	Vanished bool
	Size     bool // tell Fact.Size
	ModSeq   bool // tell Fact.ModSeq; needs CONDSTORE; ChangedSince implies it
}

// Fact is what is cheaply known of one message.
type Fact struct {
	UID uint32
	// Flags of equal value share memory.
	Flags inventory.Flags
	// Received is INTERNALDATE with its zone; zero if the server sent
	// something that is no date.
	Received time.Time
	Size     int64  // RFC822.SIZE; -1 is unknown
	ModSeq   uint64 // 0 is unknown
	// Vanished messages are gone; only UID is set. The server may name UIDs
	// that never existed.
	Vanished bool
}

// maxVanished bounds the UIDs that one answer may declare gone.
const maxVanished = 1 << 26

// ErrIncomplete is returned by [Stream.List] at its end when the server left
// out attributes that were asked for.
var ErrIncomplete = errors.New("the server left out attributes")

// List streams facts of the selected folder in the server's order, usually by
// UID. It allocates nothing per message. A message whose flags change
// meanwhile is listed once. A sequence that is left early reads the rest of
// the answer. A *ResponseError ends the sequence, not the connection.
func (s *Stream) List(ctx context.Context, r ListRequest) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		end, err := s.begin(ctx)
		if err != nil {
			yield(Fact{}, fmt.Errorf("list messages: %w", err))
			return
		}
		defer end()
		l := lister{s: s, yield: yield, missing: map[uint32]bool{}}
		err = s.run("UID FETCH", r.command(), l.untagged)
		if err == nil && len(l.missing) > 0 {
			err = fmt.Errorf("%w of %d messages", ErrIncomplete, len(l.missing))
		}
		if err != nil && !l.stopped {
			yield(Fact{}, fmt.Errorf("list messages: %w", err))
		}
	}
}

func (r ListRequest) command() string {
	var b strings.Builder
	fmt.Fprintf(&b, "UID FETCH %s (UID FLAGS INTERNALDATE", r.Set)
	if r.Size {
		b.WriteString(" RFC822.SIZE")
	}
	if r.ModSeq || r.ChangedSince > 0 {
		b.WriteString(" MODSEQ")
	}
	b.WriteString(")")
	if r.ChangedSince > 0 {
		fmt.Fprintf(&b, " (CHANGEDSINCE %d", r.ChangedSince)
		if r.Vanished {
			b.WriteString(" VANISHED")
		}
		b.WriteString(")")
	}
	return b.String()
}

type lister struct {
	s       *Stream
	yield   func(Fact, error) bool
	stopped bool
	at      attributes
	// last is the highest UID told. missing are higher ones of which only
	// some attributes came so far: a change of flags told of its own accord,
	// or a server that does not tell all.
	last     uint32
	missing  map[uint32]bool
	vanished uint64
}

func (l *lister) give(f Fact) {
	if !l.stopped {
		l.stopped = !l.yield(f, nil)
	}
}

func (l *lister) untagged() error {
	s := l.s
	if hasWord(s.line[s.pos:], "VANISHED") {
		return l.gone()
	}
	word, ok := s.messageData()
	if !ok || !bytes.EqualFold(word, []byte("FETCH")) {
		return s.skipOther()
	}
	a := &l.at
	if err := s.fetchReply(a, nil); err != nil {
		return err
	}
	l.fact(a)
	return nil
}

const maxMissing = 100_000

func (l *lister) fact(a *attributes) {
	switch {
	case a.uid == 0:
	case !a.hasFlags || !a.hasReceived:
		if a.uid > l.last && len(l.missing) < maxMissing {
			l.missing[a.uid] = true
		}
	default:
		if len(l.missing) > 0 {
			delete(l.missing, a.uid)
		}
		l.last = max(l.last, a.uid)
		l.give(Fact{UID: a.uid, Flags: a.flags, Received: a.received, Size: a.size, ModSeq: a.modSeq})
	}
}

// gone reads "VANISHED (EARLIER) 41,43:116" of RFC 7162 section 3.2.10.
func (l *lister) gone() error {
	set := bytes.TrimSpace(l.s.line[l.s.pos+len("VANISHED"):])
	if rest, ok := bytes.CutPrefix(set, []byte("(")); ok {
		_, set, _ = bytes.Cut(rest, []byte(")"))
		set = bytes.TrimSpace(set)
	}
	excess := false
	ok := len(set) == 0 || eachRange(set, func(low, high uint32) bool {
		l.vanished += uint64(high-low) + 1
		excess = l.vanished > maxVanished
		for uid := uint64(low); uid <= uint64(high) && !l.stopped && !excess; uid++ {
			l.give(Fact{UID: uint32(uid), Size: -1, Vanished: true})
		}
		return !l.stopped && !excess
	})
	if !ok {
		return l.s.syntax("set of UIDs expected")
	}
	if excess {
		return l.s.syntax("more vanished messages than a folder can hold")
	}
	return nil
}

// skipOther passes an untagged response that is of no interest.
func (s *Stream) skipOther() error {
	for _, status := range [...]string{"OK", "NO", "BAD", "PREAUTH"} {
		if hasWord(s.line[2:], status) {
			return nil // its text may look like a literal
		}
	}
	return s.skipRest()
}
