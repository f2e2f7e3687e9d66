package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// ItemID names an item within its folder in the words of its endpoint.
type ItemID string

// Class is the class of an item: one of the open classes below, or a vendor's
// own ("IPM.Post"), which some endpoints can carry in their own format.
type Class string

// The open classes of items.
const (
	ClassMessage Class = "message"
	ClassEvent   Class = "event"
	ClassContact Class = "contact"
	ClassTask    Class = "task"
	ClassNote    Class = "note"
)

// Format is how the content of an item is written down.
type Format string

// The open formats. A vendor's own stream has a name of its own
// ("exchange-fts").
const (
	FormatRFC5322   Format = "rfc5322"
	FormatICalendar Format = "icalendar" // RFC 5545: events, tasks, journal notes
	FormatVCard     Format = "vcard"     // RFC 6350 or 2426
)

// Item is what listing tells of an item without fetching it.
type Item struct {
	ID ItemID
	// Version changes when the content of the item changes. Empty on
	// endpoints whose items are immutable (IMAP).
	Version string
	Class   Class
	Size    int64 // bytes of the content; -1 is unknown
	Flags   Flags
	// Received is when the item arrived in its mailbox (IMAP INTERNALDATE),
	// with the zone the endpoint stated; zero is unknown. To the second.
	Received time.Time
}

// Flags is a set of IMAP system flags ("\Seen") and keywords, kept as one
// string: sorted, separated by one space, system flags in their canonical
// spelling, without \Recent. Equal sets are equal strings. RFC 9051 section
// 2.3.2 compares flags without regard to case; the first spelling seen wins.
type Flags string

// The system flags of RFC 9051 section 2.3.2.
const (
	Seen     = `\Seen`
	Answered = `\Answered`
	Flagged  = `\Flagged`
	Deleted  = `\Deleted`
	Draft    = `\Draft`
)

// MakeFlags makes a set of names in any order, dropping \Recent, doubles and
// empty names.
func MakeFlags(names ...string) Flags {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		name = canonicalFlag(name)
		if name == "" || strings.EqualFold(name, `\Recent`) || containsFold(kept, name) {
			continue
		}
		kept = append(kept, name)
	}
	slices.Sort(kept)
	return Flags(strings.Join(kept, " "))
}

func canonicalFlag(name string) string {
	for _, system := range [...]string{Seen, Answered, Flagged, Deleted, Draft} {
		if strings.EqualFold(name, system) {
			return system
		}
	}
	return name
}

// List returns the names in the set, sorted; nil when it is empty.
func (f Flags) List() []string { return strings.Fields(string(f)) }

// Has reports whether name is in the set, without regard to case.
func (f Flags) Has(name string) bool { return containsFold(f.List(), name) }

// Diff returns what must be added to and removed from f to make it to.
func (f Flags) Diff(to Flags) (add, remove Flags) {
	if f == to {
		return "", ""
	}
	return to.without(f), f.without(to)
}

// Apply returns f with add added and remove removed.
func (f Flags) Apply(add, remove Flags) Flags {
	return MakeFlags(append(f.without(remove).List(), add.List()...)...)
}

func (f Flags) without(other Flags) Flags {
	drop := other.List()
	return MakeFlags(slices.DeleteFunc(f.List(), func(name string) bool { return containsFold(drop, name) })...)
}

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Digest is the SHA-256 of the content of an item, byte for byte. The zero
// Digest is unknown.
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal, or "" when it is unknown.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// IsZero reports whether the digest is unknown.
func (d Digest) IsZero() bool { return d == Digest{} }

// Fingerprint is what makes an item recognisable on another endpoint, or on
// the same one under another ID.
type Fingerprint struct {
	Class    Class
	Received time.Time // compared to the second, as an instant
	// Size is that of the content in bytes; -1 is unknown.
	Size int64
	// Loose is the SHA-256 of the content without its CR and LF bytes: servers
	// that repair line ends still hold the same message. See [LooseHash].
	Loose Digest
	// UID is the identity that the content itself carries (iCalendar and
	// vCard UID); empty for messages.
	UID string
}
