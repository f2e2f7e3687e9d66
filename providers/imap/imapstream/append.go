package imapstream

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// AppendOptions say what the server can do, and can be trusted to do: some
// announce MULTIAPPEND or LITERAL+ and fail at it.
type AppendOptions struct {
	MultiAppend  bool // RFC 3502: several messages in one command, all or none
	LiteralPlus  bool // RFC 7888 LITERAL+: content is sent without waiting
	LiteralMinus bool // RFC 7888 LITERAL-: the same up to 4,096 bytes
	// Binary sends a message that the server refused, and that holds a NUL
	// byte, once more as literal8 (RFC 3516). Other messages are never sent
	// that way: servers re-encode what is.
	Binary bool
	// BatchItems and BatchBytes bound one MULTIAPPEND; 0 is 100 messages, and
	// 6 MiB, so that two fit the window. A larger message goes alone.
	BatchItems int
	BatchBytes int64
	// WindowItems and WindowBytes bound what has been pulled and has no result
	// yet; 0 is providers.PutWindowItems and providers.PutWindow.
	WindowItems int
	WindowBytes int64
	// Linger is how long an incomplete batch waits for further items while
	// the server has nothing to do; 0 is 200 ms.
	Linger time.Duration
}

func (o AppendOptions) withDefaults() AppendOptions {
	set(&o.BatchItems, 100)
	set(&o.BatchBytes, 6<<20)
	set(&o.WindowItems, providers.PutWindowItems)
	set(&o.WindowBytes, providers.PutWindow)
	set(&o.Linger, 200*time.Millisecond)
	if !o.MultiAppend {
		o.BatchItems = 1
	}
	return o
}

func set[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Item is a message to be appended.
type Item struct {
	Key uint64 // the caller's name for it
	// Folder is the mailbox name as on the wire (modified UTF-7, or UTF-8 where
	// that is enabled), without quotes.
	Folder   string
	Flags    inventory.Flags
	Received time.Time // INTERNALDATE; zero leaves it to the server
	Size     int64
	// Open returns the content from its start, exactly Size bytes. It is
	// called again when the item has to be sent again. One reader is open at a
	// time, and closed before the result is told.
	Open func() (io.ReadCloser, error)
}

// Result is the outcome of one Item.
type Result struct {
	Key uint64
	// UID and UIDValidity are those of the message (APPENDUID, RFC 4315), 0
	// where the server does not tell.
	UID, UIDValidity uint32
	// Err says why nothing of this item is stored: a *ResponseError with the
	// server's words, or an *ItemError.
	Err error
}

// Append stores a stream of messages and yields one result for each, in any
// order, after the server has confirmed it. Items are pulled on a goroutine of
// its own, which has ended when the sequence ends; commands are sent on
// another one while answers are read. Consecutive items of one folder share a
// MULTIAPPEND; if the server refuses one, its messages are sent again one by
// one, so that only the culprit fails.
//
// The sequence ends with an error when the connection does; items without a
// result are in doubt then: stored or not. That is so for each of them,
// including those never sent. A content that turns out shorter or longer than
// Size after its first part has left also ends the connection: nothing is
// ever padded or cut. Leaving the sequence early closes the connection.
func (s *Stream) Append(ctx context.Context, o AppendOptions, items iter.Seq[Item]) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		end, err := s.begin(ctx)
		if err != nil {
			yield(Result{}, fmt.Errorf("append messages: %w", err))
			return
		}
		defer end()
		a := newAppender(ctx, s, o.withDefaults())
		go a.pull(items)
		go a.write()
		defer a.wait()
		stopped, err := a.read(yield)
		switch {
		case stopped:
			s.tap.fail(ErrAbandoned)
		case err != nil:
			s.tap.fail(err)
		}
		a.stop()
		if err != nil && !stopped {
			yield(Result{}, fmt.Errorf("append messages: %w", err))
		}
	}
}
