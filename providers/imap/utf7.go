package imap

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// mUTF7 is the base64 of modified UTF-7 (RFC 3501 section 5.1.3).
var mUTF7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// encodeName writes a name as modified UTF-7. Bytes that are not UTF-8 become
// U+FFFD.
func encodeName(name string) string {
	var out strings.Builder
	for name != "" {
		n := strings.IndexFunc(name, func(r rune) bool { return !direct(r) })
		if n < 0 {
			n = len(name)
		}
		out.WriteString(strings.ReplaceAll(name[:n], "&", "&-"))
		name = name[n:]
		if n = strings.IndexFunc(name, direct); n < 0 {
			n = len(name)
		}
		if n > 0 {
			out.WriteString("&" + mUTF7.EncodeToString(bigEndian(name[:n])) + "-")
			name = name[n:]
		}
	}
	return out.String()
}

// direct characters stand for themselves ("&" as "&-").
func direct(r rune) bool { return r >= 0x20 && r <= 0x7e }

func bigEndian(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// decodeName reads modified UTF-7. ok is false unless encodeName gives the same
// bytes again: other spellings could not be found on the server later.
func decodeName(wire string) (name string, ok bool) {
	var out strings.Builder
	for rest := wire; rest != ""; {
		plain, shifted, found := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !found {
			break
		}
		code, after, closed := strings.Cut(shifted, "-")
		if !closed {
			return "", false
		}
		rest = after
		if code == "" {
			out.WriteByte('&')
			continue
		}
		raw, err := mUTF7.DecodeString(code)
		if err != nil || len(raw)%2 != 0 {
			return "", false
		}
		out.WriteString(fromBigEndian(raw))
	}
	name = out.String()
	return name, encodeName(name) == wire
}

func fromBigEndian(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units))
}

// readName makes a name of what stands on the wire. Names that are not modified
// UTF-7 are carried as they are: as UTF-8 if they are, else as Latin-1, so that
// different names stay different.
func readName(wire string) string {
	if name, ok := decodeName(wire); ok {
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
