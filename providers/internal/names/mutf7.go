// Package names holds what several providers need of folder names: modified
// UTF-7 and the rules of [inventory.Naming].
package names

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is the modified base64 of RFC 3501 section 5.1.3.
var encoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

var errUTF7 = errors.New("not modified UTF-7")

// EncodeUTF7 writes s in modified UTF-7 (RFC 3501 section 5.1.3). Bytes that
// are no UTF-8 become U+FFFD.
func EncodeUTF7(s string) string {
	var out strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return !direct(r) })
		if n < 0 {
			n = len(s)
		}
		out.WriteString(strings.ReplaceAll(s[:n], "&", "&-"))
		s = s[n:]
		if n = strings.IndexFunc(s, direct); n < 0 {
			n = len(s)
		}
		if n > 0 {
			out.WriteString("&" + shift(s[:n]) + "-")
		}
		s = s[n:]
	}
	return out.String()
}

func direct(r rune) bool { return r >= 0x20 && r <= 0x7e }

func shift(s string) string {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(unit>>8), byte(unit))
	}
	return encoding.EncodeToString(wide)
}

// DecodeUTF7 is the inverse of [EncodeUTF7]. It refuses what EncodeUTF7 does
// not write, so that no two encoded names have one meaning.
func DecodeUTF7(s string) (string, error) {
	var out strings.Builder
	for rest := s; rest != ""; {
		plain, after, shifted := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !shifted {
			break
		}
		coded, more, ended := strings.Cut(after, "-")
		if !ended {
			return "", errUTF7
		}
		text, err := unshift(coded)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
		rest = more
	}
	if decoded := out.String(); utf8.ValidString(decoded) && EncodeUTF7(decoded) == s {
		return decoded, nil
	}
	return "", errUTF7
}

func unshift(coded string) (string, error) {
	if coded == "" {
		return "&", nil
	}
	wide, err := encoding.DecodeString(coded)
	if err != nil || len(wide)%2 != 0 {
		return "", errUTF7
	}
	units := make([]uint16, len(wide)/2)
	for i := range units {
		units[i] = uint16(wide[2*i])<<8 | uint16(wide[2*i+1])
	}
	return string(utf16.Decode(units)), nil
}
