// Package match compares items with fingerprints, for providers that answer
// Find from content at hand.
package match

import (
	"bytes"
	"io"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Cheap reports whether item agrees with print in every fact that both know
// without reading the content.
func Cheap(print inventory.Fingerprint, item inventory.Item) bool {
	if print.Class != "" && item.Class != "" && print.Class != item.Class {
		return false
	}
	if print.Size >= 0 && item.Size >= 0 && print.Size != item.Size {
		return false
	}
	return SameSecond(print.Received, item.Received)
}

// SameSecond compares instants to the second; an unknown one agrees with any.
func SameSecond(a, b time.Time) bool {
	return a.IsZero() || b.IsZero() || a.Unix() == b.Unix()
}

// NeedsContent reports whether print holds facts that only content tells.
func NeedsContent(print inventory.Fingerprint) bool {
	return !print.Loose.IsZero() || print.UID != ""
}

// Facts are what content tells of itself.
type Facts struct {
	Loose inventory.Digest
	UID   string
}

// Agrees reports whether the facts agree with what print knows of them.
func (f Facts) Agrees(print inventory.Fingerprint) bool {
	return (print.Loose.IsZero() || print.Loose == f.Loose) && (print.UID == "" || print.UID == f.UID)
}

// Read reads content to its end and returns its facts. The UID is looked for
// in classes whose content has one, within its first mebibyte.
func Read(class inventory.Class, content io.Reader) (Facts, error) {
	loose := inventory.NewLooseHash()
	var head bytes.Buffer
	if class != inventory.ClassMessage {
		if _, err := io.Copy(io.MultiWriter(loose, &head), io.LimitReader(content, 1<<20)); err != nil {
			return Facts{}, err
		}
	}
	if _, err := io.Copy(loose, content); err != nil {
		return Facts{}, err
	}
	return Facts{Loose: loose.Digest(), UID: UID(head.Bytes())}, nil
}

// UID returns the value of the first UID property of an iCalendar object or
// vCard (RFC 5545 section 3.8.4.7, RFC 6350 section 6.7.6), unfolded, or "".
func UID(content []byte) string {
	for len(content) > 0 {
		var line []byte
		line, content = unfold(content)
		if len(line) < 4 || !bytes.EqualFold(line[:3], []byte("UID")) || (line[3] != ':' && line[3] != ';') {
			continue
		}
		if i := bytes.IndexByte(line, ':'); i >= 0 {
			return string(bytes.TrimSpace(line[i+1:]))
		}
	}
	return ""
}

// unfold returns the first logical line without its end, and what follows.
func unfold(content []byte) (line, rest []byte) {
	line, rest = cutLine(content)
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		var more []byte
		more, rest = cutLine(rest[1:])
		line = append(bytes.Clone(line), more...)
	}
	return line, rest
}

func cutLine(content []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(content, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}
