package imap

import (
	"unicode/utf8"

	"github.com/cutover-mail/cutover/providers/internal/names"
)

// encodeName writes a name as modified UTF-7.
func encodeName(name string) string { return names.EncodeUTF7(name) }

// readName makes a name of what stands on the wire. Names that are not modified
// UTF-7 are carried as they are: as UTF-8 if they are, else as Latin-1, so that
// different names stay different.
func readName(wire string) string {
	if name, err := names.DecodeUTF7(wire); err == nil {
		return name
	}
	if utf8.ValidString(wire) {
		return wire
	}
	return latin1(wire)
}

func latin1(raw string) string {
	runes := make([]rune, len(raw))
	for i := range len(raw) {
		runes[i] = rune(raw[i])
	}
	return string(runes)
}
