package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// minSecret is the length in bytes under which a sensitive value cannot be
// told from ordinary text.
const minSecret = 4

// redacted stands where a secret would.
const redacted = "(sensitive)"

// mark is carried by every value that comes from something sensitive, and
// names what that is: "var.password", "env.SRC_MASTER".
type mark string

// secrets are the sensitive values seen.
type secrets struct{ seen map[string]bool }

func newSecrets() *secrets { return &secrets{seen: map[string]bool{}} }

func (s *secrets) add(value string) {
	if len(value) >= minSecret {
		s.seen[value] = true
	}
}

// addMarked adds every marked string in value.
func (s *secrets) addMarked(value cty.Value) {
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsMarked() {
			s.addAll(v)
			return false, nil
		}
		return true, nil
	})
}

// addAll adds every string, and every number, in value.
func (s *secrets) addAll(value cty.Value) {
	value, _ = value.UnmarkDeep()
	_ = cty.Walk(value, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsKnown() && !v.IsNull() {
			switch v.Type() {
			case cty.String:
				s.add(v.AsString())
			case cty.Number:
				s.add(v.AsBigFloat().Text('f', -1))
			}
		}
		return true, nil
	})
}

// list returns the values, longest first.
func (s *secrets) list() []string {
	list := make([]string, 0, len(s.seen))
	for value := range s.seen {
		list = append(list, value)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return list
}

// redactor takes secrets out of text.
type redactor struct{ text, line *strings.Replacer }

func (s *secrets) redactor() redactor {
	var text, line []string
	for _, value := range s.list() {
		text = append(text, value, redacted)
		line = append(line, quote(value), stars(quote(value)), value, stars(value))
	}
	return redactor{strings.NewReplacer(text...), strings.NewReplacer(line...)}
}

// quote writes a value as it stands between quotes in HCL.
func quote(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(value)
}

// marksOf returns the names of what is sensitive in value, sorted and joined.
func marksOf(value cty.Value) string {
	var names []string
	for m := range cty.ValueMarksOfTypeDeep[mark](value) {
		if !slices.Contains(names, string(m)) {
			names = append(names, string(m))
		}
	}
	slices.Sort(names)
	return strings.Join(names, "+")
}

// touchesSecret reports whether an expression uses anything sensitive, as far
// as that can be told of one that failed.
func touchesSecret(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	if expr == nil || ctx == nil || callsEnv(expr) {
		return true
	}
	for _, traversal := range expr.Variables() {
		value, _ := traversal.TraverseAbs(ctx)
		if value.ContainsMarked() {
			return true
		}
	}
	return false
}
