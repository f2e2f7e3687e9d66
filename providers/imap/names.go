package imap

import (
	"errors"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// namespace is a prefix of folder names and the separator below it (RFC 2342).
type namespace struct {
	prefix, separator string
	foreign           bool // of other users, or shared
}

// layout is how paths and names on the wire belong together:
//
//   - Path{"INBOX"} is the inbox, whatever the server's spelling;
//   - below the personal namespace a path is the name without the prefix, so
//     that "INBOX.Sent" of a server with the prefix "INBOX." is Path{"Sent"}.
//     There, Path{"INBOX", "x"} is "INBOX.INBOX.x";
//   - on servers without a prefix, Path{"INBOX", "x"} is "INBOX/x".
//
// Folders of other users and shared folders take no part.
type layout struct {
	personal namespace
	all      []namespace // longest prefix first
}

// layoutAnswer gathers what the server says of its namespaces.
type layoutAnswer struct {
	spaces    []namespace
	separator string // from LIST
}

func (a *layoutAnswer) hear(r wire.Response) {
	switch r.Name {
	case "NAMESPACE":
		for i := range 3 {
			for _, entry := range r.Value(i).List {
				if texts := entry; len(texts.List) >= 2 {
					a.spaces = append(a.spaces, namespace{prefix: texts.List[0].Text, separator: texts.List[1].Text, foreign: i > 0})
				}
			}
		}
	case "LIST":
		a.separator = r.Value(1).Text
	}
}

func (a *layoutAnswer) layout(prefix *string) layout {
	out := layout{personal: namespace{separator: a.separator}}
	for i, space := range a.spaces {
		if !space.foreign {
			out.personal = space
			a.spaces = slices.Delete(a.spaces, i, i+1)
			break
		}
	}
	if prefix != nil {
		out.personal.prefix = *prefix
	}
	out.all = append([]namespace{out.personal}, a.spaces...)
	slices.SortStableFunc(out.all, func(a, b namespace) int { return len(b.prefix) - len(a.prefix) })
	return out
}

// below reports whether a name lies in a namespace. "INBOX" is without case in
// a prefix, too.
func (n namespace) below(name string) bool {
	if len(name) < len(n.prefix) {
		return false
	}
	head := name[:len(n.prefix)]
	return head == n.prefix || strings.EqualFold(head, n.prefix) && len(head) >= 5 && strings.EqualFold(head[:5], "INBOX")
}

const inbox = "INBOX"

// path returns the path of a name on the wire; ok is false for names that take
// no part: of foreign namespaces, and the bare prefix.
func (l layout) path(name, separator string) (path inventory.Path, ok bool) {
	if strings.EqualFold(name, inbox) {
		return inventory.Path{inbox}, true
	}
	space, found := l.space(name)
	if !found || space.foreign {
		return nil, false
	}
	if separator == "" {
		separator = space.separator
	}
	if space == l.personal {
		name = name[len(space.prefix):]
	}
	if name = strings.TrimSuffix(name, separator); name == "" {
		return nil, false
	}
	names := []string{name}
	if separator != "" {
		names = strings.Split(name, separator)
	}
	for i, raw := range names {
		names[i] = readName(raw)
	}
	if l.personal.prefix == "" && len(names) > 1 && strings.EqualFold(names[0], inbox) {
		names[0] = inbox
	}
	return names, true
}

func (l layout) space(name string) (namespace, bool) {
	for _, space := range l.all {
		if space.below(name) {
			return space, true
		}
	}
	return namespace{}, false
}

// name returns the name on the wire of a path.
func (l layout) name(path inventory.Path) (string, error) {
	if len(path) == 0 {
		return "", badName(path, "a path of no names")
	}
	if len(path) == 1 && strings.EqualFold(path[0], inbox) {
		return inbox, nil
	}
	if len(path) > 1 && l.personal.separator == "" {
		return "", badName(path, "the server has no folders below folders")
	}
	encoded := make([]string, len(path))
	for i, name := range path {
		if name == "" || strings.Contains(name, "\x00") || l.personal.separator != "" && strings.Contains(name, l.personal.separator) {
			return "", badName(path, "a name that is empty or holds NUL or the separator "+l.personal.separator)
		}
		encoded[i] = encodeName(name)
	}
	return l.personal.prefix + strings.Join(encoded, l.personal.separator), nil
}

func badName(path inventory.Path, why string) error {
	return &providers.Error{Kind: providers.Rejected, Code: codeFolderName, Op: "name folder", Subject: path.String(), Err: errors.New(why)}
}
