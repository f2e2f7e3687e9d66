package planner

import (
	"slices"

	"github.com/cutover-mail/cutover/inventory"
)

// rules is a list of include or exclude rules, ready to be asked for many
// recipients.
type rules []compiledRule

type compiledRule struct {
	kinds []inventory.Kind
	any   bool // no globs: every address
	globs globs
}

func compileRules(list []Rule) rules {
	compiled := make(rules, len(list))
	for i, r := range list {
		compiled[i] = compiledRule{kinds: r.Kinds, any: len(r.Match) == 0, globs: compileGlobs(r.Match)}
	}
	return compiled
}

// match reports whether any of the rules selects the recipient.
func (list rules) match(r *inventory.Recipient) bool {
	for _, rule := range list {
		if len(rule.kinds) > 0 && !slices.Contains(rule.kinds, r.Kind) {
			continue
		}
		if rule.any || rule.globs.match(string(r.Address)) {
			return true
		}
	}
	return false
}
