package names

import (
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
)

// Refusal says why the rules forbid a path, or returns "".
func Refusal(path inventory.Path, rules inventory.Naming) string {
	switch {
	case len(path) == 0:
		return "a path needs a name"
	case rules.MaxDepth > 0 && len(path) > rules.MaxDepth:
		return "the folder lies too deep"
	case slices.Contains(rules.Reserved, path[0]):
		return "the name is reserved"
	}
	total := len(path) - 1
	for _, name := range path {
		size := Length(name, rules.Encoding)
		total += size
		if name == "" || strings.ContainsAny(name, rules.Forbidden) {
			return "a name is empty or holds a forbidden character"
		}
		if rules.MaxName > 0 && size > rules.MaxName {
			return "a name is too long"
		}
	}
	if rules.MaxPath > 0 && total > rules.MaxPath {
		return "the path is too long"
	}
	return ""
}

// Length counts the bytes of a name in the encoding of [inventory.Naming].
func Length(name, encoding string) int {
	if encoding == "utf-7" {
		return len(EncodeUTF7(name))
	}
	return len(name)
}
