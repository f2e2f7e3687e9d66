package imapstream

import (
	"errors"
	"fmt"
	"strings"
)

// ErrIdle is the cause when the server sent and took no byte for longer than
// [TapOptions].Idle while an answer was due.
var ErrIdle = errors.New("the server has gone silent")

// ErrAbandoned is the cause when a sequence was left before its end, so that
// the connection had to be closed.
var ErrAbandoned = errors.New("the sequence was abandoned")

// ErrTaken is returned by [Tap.Take] while a stream has the connection.
var ErrTaken = errors.New("the connection is taken")

// Status is the verdict of a status response (RFC 9051 section 7.1).
type Status string

// The verdicts that are errors.
const (
	NO  Status = "NO"
	BAD Status = "BAD"
	BYE Status = "BYE"
)

// ResponseError is the server's refusal in its own words. With status NO or
// BAD the connection is still usable, with BYE it is not.
type ResponseError struct {
	Command string // "UID FETCH", "APPEND"
	Status  Status
	// Code is the response code in upper case without its arguments:
	// "OVERQUOTA", "TRYCREATE"; empty when there is none.
	Code string
	// Text is the human-readable rest, at most 1 KiB of it.
	Text string
}

// Error joins command, status, code and text.
func (e *ResponseError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Command, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " [%s]", e.Code)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " %s", e.Text)
	}
	return b.String()
}

// ItemError says that an item was not sent, for a reason on our side of the
// connection: it could not be opened or read, has another size than announced,
// or cannot be written as an APPEND. Nothing of it reached the server's store.
type ItemError struct{ Err error }

// Error names the cause.
func (e *ItemError) Error() string { return "append: item not sent: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ItemError) Unwrap() error { return e.Err }

// SyntaxError is a reply that is not IMAP, or exceeds a limit of this package.
// The connection is not usable after it.
type SyntaxError struct {
	Problem string
	Near    string // at most 80 bytes of the reply
}

// Error quotes the reply.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("reply not understood: %s near %q", e.Problem, e.Near)
}
