package verify

import (
	"bytes"
	"hash/fnv"
	"mime"
	"strings"

	"github.com/emersion/go-message/charset"
)

// maxHeader is how much of an item is looked at for what identifies it.
const maxHeader = 32 << 10

// header keeps the beginning of what is written to it.
type header struct{ head []byte }

// Write never fails.
func (h *header) Write(p []byte) (int, error) {
	if room := maxHeader - len(h.head); room > 0 {
		h.head = append(h.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (h *header) reset() { h.head = h.head[:0] }

// message hashes what the item calls itself; 0 when it does not.
func (h *header) message() uint64 {
	for _, name := range []string{"Message-ID", "UID"} {
		if id := h.field(name); id != "" {
			sum := fnv.New64a()
			sum.Write([]byte(id))
			return sum.Sum64()
		}
	}
	return 0
}

// subject returns what people recognise the item by.
func (h *header) subject() string {
	for _, name := range []string{"Subject", "SUMMARY", "FN"} {
		if s := h.field(name); s != "" {
			return printable(decodeWords(s))
		}
	}
	return ""
}

// field returns the unfolded value of the first field of a name. It serves
// RFC 5322 headers and the content lines of iCalendar and vCard alike.
func (h *header) field(name string) string {
	rest := h.head
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimRight(line, "\r")) == 0 {
			return ""
		}
		value, ok := fieldValue(line, name)
		if !ok {
			continue
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			line, rest, _ = bytes.Cut(rest, []byte("\n"))
			value += " " + strings.TrimSpace(string(line))
		}
		return strings.TrimSpace(value)
	}
	return ""
}

func fieldValue(line []byte, name string) (string, bool) {
	field, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return "", false
	}
	field, _, _ = bytes.Cut(bytes.TrimSpace(field), []byte(";"))
	return strings.TrimSpace(string(value)), strings.EqualFold(string(field), name)
}

func decodeWords(s string) string {
	decoder := mime.WordDecoder{CharsetReader: charset.Reader}
	if decoded, err := decoder.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}

// maxSubject is how much of a subject is shown, in runes.
const maxSubject = 120

// printable drops what would upset a terminal or a table, and cuts.
func printable(s string) string {
	kept := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if runes := []rune(kept); len(runes) > maxSubject {
		return string(runes[:maxSubject-1]) + "…"
	}
	return kept
}
