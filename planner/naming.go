package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/cutover-mail/cutover/inventory"
)

// shortHash is how much of a digest tells cut names apart, "~" before it.
const shortHash = 6

// namer makes names that an endpoint accepts.
type namer struct{ inventory.Naming }

// key is equal for paths that the endpoint may take for the same folder: RFC
// 9051 section 5.1 compares INBOX without regard to case, and many servers
// store names in one Unicode normalisation.
func (n namer) key(p inventory.Path) string {
	s := strings.Join(p, "\x00")
	if len(p) > 0 && strings.EqualFold(p[0], "INBOX") {
		s = "INBOX" + s[len("INBOX"):]
	}
	if isASCII(s) {
		if n.FoldsCase {
			return strings.ToLower(s)
		}
		return s
	}
	if n.FoldsCase {
		s = cases.Fold().String(s)
	}
	return norm.NFC.String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// clean replaces what no name may hold; reason is empty when nothing was.
func (n namer) clean(name string, top bool) (clean, reason string) {
	clean = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || strings.ContainsRune(n.Forbidden, r) {
			return n.substitute()
		}
		return r
	}, name)
	if clean != name {
		reason = "it has characters that the target does not allow"
	}
	if clean == "" {
		clean, reason = string(n.substitute()), "it has no name"
	}
	for top && n.reserved(clean) {
		clean, reason = clean+string(n.substitute()), "the target reserves that name"
	}
	return clean, reason
}

func (n namer) substitute() rune {
	for _, r := range "_-. xyz" {
		if !strings.ContainsRune(n.Forbidden, r) {
			return r
		}
	}
	return 'x'
}

func (n namer) reserved(name string) bool {
	for _, r := range n.Reserved {
		if strings.EqualFold(r, name) {
			return true
		}
	}
	return false
}

// room returns how many bytes a name below parent may have, 0 for no limit.
func (n namer) room(parent inventory.Path) int {
	room := n.MaxName
	if n.MaxPath > 0 {
		left := n.MaxPath
		for _, name := range parent {
			left -= n.length(name) + 1
		}
		if left = max(left, 1); room == 0 || left < room {
			room = left
		}
	}
	return room
}

// shorten cuts a name that is longer than room, marking it with a digest of
// the whole path so that names with the same beginning stay apart.
func (n namer) shorten(name string, whole inventory.Path, room int) (short, reason string) {
	if room == 0 || n.length(name) <= room {
		return name, ""
	}
	sum := sha256.Sum256([]byte(whole.String()))
	mark := n.permitted("~" + hex.EncodeToString(sum[:])[:shortHash])
	return n.cut(name, room-n.length(mark)) + mark, "it is longer than the target allows"
}

// numbered returns name with a number, cut to fit.
func (n namer) numbered(name string, number, room int) string {
	suffix := " (" + strconv.Itoa(number) + ")"
	if strings.ContainsAny(n.Forbidden, "0123456789") {
		suffix = strings.Repeat(string(n.substitute()), number) // digits would all become the same
	}
	suffix = n.permitted(suffix)
	if room > 0 {
		name = n.cut(name, room-n.length(suffix))
	}
	return name + suffix
}

func (n namer) permitted(s string) string {
	clean, _ := n.clean(s, false)
	return clean
}

// cut removes characters from the end until the name has at most limit bytes.
func (n namer) cut(name string, limit int) string {
	limit = max(limit, 0)
	if n.length(name) <= limit {
		return name
	}
	for len(name) > 4*limit { // no encoding makes a character shorter than a quarter
		name = name[:lastRune(name[:min(len(name), 4*limit+1)])]
	}
	for name != "" && n.length(name) > limit {
		name = name[:lastRune(name)]
	}
	return strings.TrimRight(name, " ")
}

// lastRune returns where the last character begins.
func lastRune(s string) int {
	_, size := utf8.DecodeLastRuneInString(s)
	return len(s) - size
}

// length counts the bytes of a name as the endpoint encodes it.
func (n namer) length(name string) int {
	if n.Encoding == "utf-7" {
		return utf7Length(name)
	}
	return len(name)
}

// utf7Length counts the bytes of a name in modified UTF-7, RFC 3501 section
// 5.1.3: "&" is "&-", runs of other than printable ASCII are base64 of UTF-16
// between "&" and "-".
func utf7Length(name string) int {
	total, units := 0, 0
	flush := func() {
		if units > 0 {
			total += 2 + (units*16+5)/6
			units = 0
		}
	}
	for _, r := range name {
		switch {
		case r == '&':
			flush()
			total += 2
		case r >= ' ' && r <= '~':
			flush()
			total++
		case r > 0xffff:
			units += 2
		default:
			units++
		}
	}
	flush()
	return total
}
