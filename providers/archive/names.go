package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/internal/names"
)

// maxFileName is what file systems allow, less the room for our own endings.
const maxFileName = 240

// mailboxName is the name of a mailbox's folder: the address, with "%" and two
// digits for each byte that is not plainly safe in a file name.
func mailboxName(address inventory.Address) string {
	safe := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("@._+-=", c) >= 0
	}
	return shorten(escape(string(address), safe))
}

// maildirName is the name of a Maildir++ folder: "." before each level, names
// in modified UTF-7, and "%" and two digits for what neither Maildir++ nor a
// mail server could have in a name. The true names are in the manifest.
func maildirName(path inventory.Path) string {
	var name strings.Builder
	for _, level := range path {
		name.WriteString("." + safeLevel(level))
	}
	return shorten(name.String())
}

func safeLevel(level string) string {
	encoded := escape(names.EncodeUTF7(level), func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("./%*\\~", c) < 0 || c == ' ' })
	return strings.TrimSuffix(encoded, " ") + strings.Repeat("%20", len(encoded)-len(strings.TrimSuffix(encoded, " ")))
}

// itemsName is the name of a folder of anything but mail.
func itemsName(path inventory.Path) string {
	return strings.TrimPrefix(maildirName(path), ".")
}

func escape(s string, safe func(byte) bool) string {
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; safe(c) && (i > 0 || c != '.') {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	if s == "" {
		return "%"
	}
	return out.String()
}

// shorten keeps a name within what a file system allows; the end of a long one
// becomes a digest of the whole.
func shorten(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxFileName-17] + "~" + hex.EncodeToString(sum[:8])
}

// foreignPath reads the name of a Maildir++ folder that has no manifest.
func foreignPath(dir string) inventory.Path {
	var path inventory.Path
	for level := range strings.SplitSeq(strings.TrimPrefix(dir, "."), ".") {
		if decoded, err := names.DecodeUTF7(level); err == nil {
			level = decoded
		}
		path = append(path, level)
	}
	return path
}

// fileName is the parsed name of a file in cur or new.
type fileName struct {
	base    string // the item's ID
	size    int64  // S=, -1 when absent
	virtual int64  // W=, -1 when absent
	letters string
}

// parseFileName takes any name apart; it never fails.
func parseFileName(name string) fileName {
	f := fileName{size: -1, virtual: -1}
	rest, info, _ := strings.Cut(name, ":")
	if letters, ok := strings.CutPrefix(info, "2,"); ok {
		f.letters, _, _ = strings.Cut(letters, ",")
	}
	f.base = rest
	if base, extra, ok := strings.Cut(rest, ","); ok {
		for field := range strings.SplitSeq(extra, ",") {
			var n int64
			if _, err := fmt.Sscanf(field, "S=%d", &n); err == nil && n >= 0 {
				f.size = n
			} else if _, err := fmt.Sscanf(field, "W=%d", &n); err == nil && n >= 0 {
				f.virtual = n
			}
		}
		f.base = base
	}
	return f
}
