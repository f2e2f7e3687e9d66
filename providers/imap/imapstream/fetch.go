package imapstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Message is one fetched message.
type Message struct {
	UID   uint32
	Flags inventory.Flags
	// Received is as in [Fact].
	Received time.Time
	Size     int64 // of Body in bytes
	// Body is readable until the next step of the sequence; what is left
	// unread then is passed over. It implements io.WriterTo without copying.
	// A failure of the connection shows in Body first and ends the sequence.
	Body io.Reader
	// Err says why this one message has no Body: [ErrNoBody], [ErrNoFlags].
	Err error
}

// ErrNoBody is the error of a message for which the server sent NIL.
var ErrNoBody = errors.New("the server sent no content")

// ErrNoFlags is the error of a message that came without its flags.
var ErrNoFlags = errors.New("the server sent no flags")

// Fetch streams the messages of the selected folder that are named, in the
// server's order, without marking them read. UIDs that do not exist are absent
// from the sequence; so are those for which the server refuses an answer,
// which a *ResponseError at the end of the sequence tells. A sequence that is
// left before its last message closes the connection.
//
// Memory is the buffers of the connection, whatever the size of a message. A
// body that comes before the other attributes, which no known server does, is
// kept meanwhile: in memory up to 1 MiB, in a temporary file beyond.
func (s *Stream) Fetch(ctx context.Context, uids []uint32) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		end, err := s.begin(ctx)
		if err != nil {
			yield(Message{}, fmt.Errorf("fetch messages: %w", err))
			return
		}
		defer end()
		f := fetcher{s: s, yield: yield, wanted: sortedUIDs(uids)}
		f.told, f.left = make([]bool, len(f.wanted)), len(f.wanted)
		if err := f.run(); err != nil && !f.stopped {
			yield(Message{}, fmt.Errorf("fetch messages: %w", err))
		}
	}
}

type fetcher struct {
	s       *Stream
	yield   func(Message, error) bool
	stopped bool
	wanted  []uint32 // sorted
	told    []bool   // by index in wanted
	left    int      // of wanted that were not told
	at      attributes
	late    spool // a body that came before what it belongs to
}

// run gives the commands one after another; a refusal of one does not keep the
// others from being given.
func (f *fetcher) run() error {
	var refused error
	for _, set := range uidSets(f.wanted) {
		err := f.s.run("UID FETCH", "UID FETCH "+set+" (UID FLAGS INTERNALDATE BODY.PEEK[])", f.untagged)
		if refusal, ok := errors.AsType[*ResponseError](err); ok && refusal.Status != BYE {
			// RFC 5530: messages named were expunged meanwhile.
			if refusal.Code != "EXPUNGEISSUED" {
				refused = err
			}
			continue
		}
		if err != nil || f.stopped {
			return err
		}
	}
	return refused
}

func (f *fetcher) untagged() error {
	word, ok := f.s.messageData()
	if !ok || !bytes.EqualFold(word, []byte("FETCH")) {
		return f.s.skipOther()
	}
	defer f.late.drop()
	if err := f.s.fetchReply(&f.at, f.body); err != nil {
		return err
	}
	if f.late.kept {
		return f.give(f.late.message())
	}
	if i := f.index(f.at.uid); i >= 0 && f.at.hasBody && !f.told[i] && !f.at.hasFlags {
		return f.give(Message{Err: ErrNoFlags})
	}
	return nil
}

// index returns the place of a UID in wanted, or -1.
func (f *fetcher) index(uid uint32) int {
	if i, ok := slices.BinarySearch(f.wanted, uid); ok {
		return i
	}
	return -1
}

// body gives the message on while its content is still on the wire, if
// everything else of it is known, and keeps the content otherwise.
func (f *fetcher) body(kind bodyKind, content *literal, quoted []byte) error {
	a := &f.at
	known := a.uid != 0 && a.hasFlags && a.hasReceived
	if a.uid != 0 && f.index(a.uid) < 0 {
		return nil
	}
	switch {
	case !known:
		return f.late.keep(kind, content, quoted)
	case kind == bodyLiteral:
		return f.give(Message{Size: content.left, Body: content})
	case kind == bodyQuoted:
		return f.give(Message{Size: int64(len(quoted)), Body: bytes.NewReader(quoted)})
	}
	return f.give(Message{Err: ErrNoBody})
}

// give completes a message from the attributes and yields it, once for each
// UID.
func (f *fetcher) give(m Message) error {
	i := f.index(f.at.uid)
	if i < 0 || f.told[i] {
		return nil
	}
	if m.Err == nil && !f.at.hasFlags {
		m = Message{Err: ErrNoFlags}
	}
	f.told[i] = true
	f.left--
	m.UID, m.Flags, m.Received = f.at.uid, f.at.flags, f.at.received
	if f.stopped = !f.yield(m, nil); f.stopped && f.left > 0 {
		return ErrAbandoned
	}
	if body, ok := m.Body.(*literal); ok && body.err != nil {
		return body.err
	}
	return nil
}
