package providers

import (
	"errors"
	"strings"
	"time"
)

// Kind says what the caller can do about an error, not where it came from.
type Kind uint8

// The verdicts.
const (
	Other       Kind = iota // a bug or an answer that makes no sense: fail the mailbox
	Throttled               // wait RetryAfter, then the same call again
	Transient               // the same call again, on a new session
	Gone                    // the object does not exist (any more): record, go on
	Rejected                // this item will never be accepted: record, go on
	Quota                   // the mailbox is full: fail the mailbox, the others go on
	Denied                  // credentials or rights: fail the mailbox
	Unsupported             // the endpoint does not have that ability
)

var kindNames = [...]string{"other", "throttled", "transient", "gone", "rejected", "quota", "denied", "unsupported"}

// String returns the verdict in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "other"
}

// ParseKind is the inverse of [Kind.String]; an unknown name is Other.
func ParseKind(s string) Kind {
	for k, name := range kindNames {
		if name == s {
			return Kind(k)
		}
	}
	return Other
}

// Error is a verdict of a provider. Its parts cross to and from plugins
// intact, except that the cause becomes its text.
type Error struct {
	Kind Kind
	// Code names the cause for `cutover explain`: one of the core codes or of
	// Description.Codes.
	Code string
	Op   string // what was tried: "append", "sign in"
	// Subject is what it was tried on: an address, a folder, an item.
	Subject string
	// RetryAfter is the server's own hint; 0 is none.
	RetryAfter time.Duration
	// WholeEndpoint says that every mailbox of the endpoint is concerned, not
	// only the one in use (a throttled tenant, a refused master account).
	WholeEndpoint bool
	// Response is the server's own words, if any.
	Response string
	Err      error // may be nil
}

// Error joins what is known, operation first.
func (e *Error) Error() string {
	var parts []string
	what := strings.TrimSpace(e.Op + " " + e.Subject)
	for _, s := range []string{what, e.Response} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) == 0 {
		parts = append(parts, e.Kind.String())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the verdict in err's chain; Other when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Other
}

// CodeOf returns the code in err's chain, or "" when there is none.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
