package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
)

// maxSame is how many findings of one kind one argument gets: a wrong column
// of a large file is one mistake, not ten thousand.
const maxSame = 20

// address reads one SMTP address.
func (s *section) address(name string) inventory.Address {
	text, ok := s.str(name)
	if !ok {
		return ""
	}
	address, ok := inventory.ParseAddress(text)
	if !ok {
		s.l.badAddress(s.attributes[name].Expr.Range(), text)
	}
	return address
}

// addresses reads a list of them, leaving out what is none.
func (s *section) addresses(name string) []inventory.Address {
	var all []inventory.Address
	for _, a := range s.placedAddresses(name) {
		all = append(all, a.address)
	}
	return all
}

type placedAddress struct {
	address inventory.Address
	at      hcl.Range
}

func (s *section) placedAddresses(name string) (all []placedAddress) {
	bad := 0
	for _, e := range s.list(name) {
		address, ok := inventory.ParseAddress(e.text)
		if ok {
			all = append(all, placedAddress{address, e.at})
			continue
		}
		if bad++; bad <= maxSame {
			s.l.badAddress(e.at, e.text)
		}
	}
	if bad > maxSame {
		s.invalid(name, codeAddress, fmt.Sprintf("%d further elements are no addresses", bad-maxSame), "see whether it is the right column")
	}
	return all
}

func (l *loader) badAddress(at hcl.Range, text string) {
	l.report.error(&at, problem{code: codeAddress, summary: fmt.Sprintf("%q is no address", text), fix: `write it as "name@contoso.test"`})
}

// domains reads a list of domain names, in lower case.
func (s *section) domains(name string) (all []string) {
	first := map[string]hcl.Range{}
	for _, e := range s.list(name) {
		domain := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(e.text), "."))
		if at, double := first[domain]; double {
			s.l.duplicate(e.at, fmt.Sprintf("%q stands twice in %q", domain, name), at)
			continue
		}
		first[domain] = e.at
		if !isDomain(domain) {
			s.l.report.error(&e.at, problem{code: codeAddress, summary: fmt.Sprintf("%q is no domain name", e.text), fix: `write it as "contoso.test"`})
			continue
		}
		all = append(all, domain)
	}
	return all
}

// isDomain looks for slips, not for conformance: what DNS takes is wider.
func isDomain(s string) bool {
	return s != "" && !strings.ContainsAny(s, "@*?/:<>,; \t\r\n\"\x00") && !strings.HasPrefix(s, ".") && !strings.Contains(s, "..")
}

// globs reads a list of patterns over addresses.
func (s *section) globs(name string) []string {
	var all []string
	for _, e := range s.list(name) {
		if fix := globFix(e.text); fix != "" {
			s.l.report.error(&e.at, problem{code: codeGlob, summary: fmt.Sprintf("%q matches no address", e.text), fix: fix})
			continue
		}
		all = append(all, strings.ToLower(e.text))
	}
	return all
}

// globFix returns what to change in a pattern that can match no address.
func globFix(pattern string) string {
	switch {
	case strings.ContainsAny(pattern, " \t\r\n\x00<>,"):
		return "an address has no blanks, commas or angle brackets; write several patterns as a list"
	case strings.ContainsAny(pattern, "[]{}()|^$"):
		return `"*" is any text and "?" any character; there are no other wildcards`
	case !strings.ContainsAny(pattern, "@*"):
		return fmt.Sprintf("write whole addresses: %q", pattern+"@contoso.test")
	}
	return ""
}

// kindNames are the kinds that rules can name.
var kindNames = []string{string(inventory.KindMailbox), string(inventory.KindGroup), string(inventory.KindContact)}

// rule reads an include or exclude block.
func (l *loader) rule(b *hclsyntax.Block) planner.Rule {
	s := l.open(b, layout{attributes: []string{"kinds", "match"}})
	r := planner.Rule{Match: s.globs("match"), Range: toRange(b.DefRange())}
	for _, e := range s.list("kinds") {
		if !slices.Contains(kindNames, e.text) {
			l.report.error(&e.at, problem{code: codeValue, summary: fmt.Sprintf("%q is no kind of recipient", e.text),
				fix: suggest(e.text, "write another", kindNames)})
			continue
		}
		r.Kinds = append(r.Kinds, inventory.Kind(e.text))
	}
	if len(s.attributes) == 0 && b.Type == "exclude" {
		l.report.error(b.DefRange().Ptr(), problem{code: codeMissing, summary: "this exclude leaves nobody", fix: "say whom: match = [...] or kinds = [...]"})
	}
	return r
}

// mappings reads the map blocks: nobody is mapped twice, and no two to one.
func (l *loader) mappings(s *section) (all []planner.Mapping) {
	from, to := map[inventory.Address]hcl.Range{}, map[inventory.Address]hcl.Range{}
	s.each("map", func(b *hclsyntax.Block) {
		inner := l.open(b, layout{required: []string{"to"}})
		m := planner.Mapping{To: inner.address("to"), Range: toRange(b.DefRange())}
		var ok bool
		if m.From, ok = inventory.ParseAddress(b.Labels[0]); !ok {
			l.badAddress(b.LabelRanges[0], b.Labels[0])
			return
		}
		if at, double := from[m.From]; double {
			l.duplicate(b.DefRange(), fmt.Sprintf("%s is mapped twice", m.From), at)
			return
		}
		from[m.From] = b.DefRange()
		if m.To == "" {
			return
		}
		if at, double := to[m.To]; double {
			l.claimed(inner.attributes["to"].Expr.Range(), fmt.Sprintf("two addresses are mapped to %s", m.To), at)
			return
		}
		to[m.To] = inner.attributes["to"].Expr.Range()
		all = append(all, m)
	})
	return all
}

func (l *loader) claimed(at hcl.Range, summary string, first hcl.Range) {
	l.report.error(&at, problem{code: codeClaimed, summary: summary, detail: "The first is at " + toRange(first).String() + ".",
		fix: "remove it from one of them"})
}
