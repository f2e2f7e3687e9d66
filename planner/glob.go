package planner

import "strings"

// globs is a list of patterns over addresses, compiled so that asking it costs
// the same however many plain addresses are among them. "*" is any characters,
// also none, "?" is one; everything else is itself, without regard to case.
type globs struct {
	exact    map[string]bool
	suffixes []string // of patterns that are "*" and plain text
	patterns []string
}

func compileGlobs(list []string) globs {
	g := globs{exact: make(map[string]bool)}
	for _, p := range list {
		p = strings.ToLower(strings.TrimSpace(p))
		switch {
		case p == "":
		case !strings.ContainsAny(p, "*?"):
			g.exact[p] = true
		case p[0] == '*' && !strings.ContainsAny(p[1:], "*?"):
			g.suffixes = append(g.suffixes, p[1:])
		default:
			g.patterns = append(g.patterns, p)
		}
	}
	return g
}

// match reports whether any pattern matches a lower-case address.
func (g globs) match(address string) bool {
	if g.exact[address] {
		return true
	}
	for _, s := range g.suffixes {
		if strings.HasSuffix(address, s) {
			return true
		}
	}
	for _, p := range g.patterns {
		if matchGlob(p, address) {
			return true
		}
	}
	return false
}

// matchGlob takes time proportional to the product of the lengths at worst.
func matchGlob(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
