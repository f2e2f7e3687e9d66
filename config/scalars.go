package config

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// typed evaluates an argument and converts it. ok is false when it is not set,
// or null, or has been reported.
func (l *loader) typed(a *hclsyntax.Attribute, want cty.Type, says string) (value cty.Value, ok bool) {
	if a == nil {
		return cty.NilVal, false
	}
	value = l.value(a.Expr)
	converted, err := convert.Convert(value, want)
	if err != nil {
		l.wrongType(a, says)
		return cty.NilVal, false
	}
	if !converted.IsWhollyKnown() || converted.IsNull() {
		return cty.NilVal, false
	}
	if hasNull(converted) {
		l.wrongType(a, says+" without null")
		return cty.NilVal, false
	}
	return converted, true
}

// hasNull reports whether a list has a null element.
func hasNull(value cty.Value) bool {
	value, _ = value.Unmark()
	if !value.Type().IsListType() || !value.Type().ElementType().IsPrimitiveType() {
		return false
	}
	for it := value.ElementIterator(); it.Next(); {
		if _, element := it.Element(); element.IsNull() {
			return true
		}
	}
	return false
}

// shown is typed for what plans and reports show: nothing sensitive.
func (s *section) shown(name string, want cty.Type, says string) (cty.Value, bool) {
	a := s.attributes[name]
	value, ok := s.l.typed(a, want, says)
	if !ok {
		return value, false
	}
	if marks := marksOf(value); marks != "" {
		s.l.report.error(a.Expr.Range().Ptr(), problem{code: codeSensitive,
			summary: fmt.Sprintf("%q would show a sensitive value", name),
			detail:  fmt.Sprintf("It comes from %s, and plans and reports show this argument.", marks),
			fix:     "use a value that is not sensitive"})
		return cty.NilVal, false
	}
	return value, true
}

func (s *section) str(name string) (string, bool) {
	value, ok := s.shown(name, cty.String, "a string")
	if !ok {
		return "", false
	}
	return value.AsString(), true
}

// text is str for what has to be said.
func (s *section) text(name string) string {
	text, ok := s.str(name)
	if ok && strings.TrimSpace(text) == "" {
		s.invalid(name, codeValue, fmt.Sprintf("%q is empty", name), "write something")
	}
	return text
}

func (s *section) boolean(name string, otherwise bool) bool {
	value, ok := s.shown(name, cty.Bool, "true or false")
	if !ok {
		return otherwise
	}
	return value.True()
}

func (s *section) integer(name string, otherwise, least, most int) int {
	value, ok := s.shown(name, cty.Number, "a number")
	if !ok {
		return otherwise
	}
	n, accuracy := value.AsBigFloat().Int64()
	if accuracy != big.Exact || n < int64(least) || n > int64(most) {
		s.invalid(name, codeValue, fmt.Sprintf("%q is out of range", name), fmt.Sprintf("write a whole number from %d to %d", least, most))
		return otherwise
	}
	return int(n)
}

func (s *section) duration(name string, otherwise time.Duration) time.Duration {
	text, ok := s.str(name)
	if !ok {
		return otherwise
	}
	d, fix := parseDuration(text)
	if fix != "" {
		s.invalid(name, codeDuration, fmt.Sprintf("%q is no duration", text), fix)
		return otherwise
	}
	return d
}

// parseDuration returns a fix when text is no positive duration.
func parseDuration(text string) (d time.Duration, fix string) {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil && d > 0:
		return d, ""
	case err == nil:
		return 0, "write a duration above zero"
	case strings.HasSuffix(text, "d"):
		return 0, "write days in hours: \"48h\" is two days"
	}
	return 0, "write a number with a unit, such as \"30s\", \"15m\" or \"24h\""
}

// oneOf reads a string that has few values.
func (s *section) oneOf(name, otherwise string, allowed ...string) string {
	text, ok := s.str(name)
	if !ok {
		return otherwise
	}
	if !slices.Contains(allowed, text) {
		s.invalid(name, codeValue, fmt.Sprintf("%q cannot be %q", name, text), suggest(text, "write another", allowed))
		return otherwise
	}
	return text
}

// invalid reports the value of an argument.
func (s *section) invalid(name, code, summary, fix string) {
	s.l.report.error(s.attributes[name].Expr.Range().Ptr(), problem{code: code, summary: summary, fix: fix})
}

// element is one string of a list, and where it stands: the whole list where
// that cannot be told.
type element struct {
	text string
	at   hcl.Range
}

// list reads a list of strings; nil is one that is not set.
func (s *section) list(name string) []element {
	value, ok := s.shown(name, cty.List(cty.String), "a list of strings")
	if !ok {
		return nil
	}
	expr := s.attributes[name].Expr
	places, _ := hcl.ExprList(expr)
	list := make([]element, 0, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		_, v := it.Element()
		at := expr.Range()
		if len(places) == value.LengthInt() {
			at = places[len(list)].Range()
		}
		list = append(list, element{v.AsString(), at})
	}
	return list
}

func texts(list []element) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.text)
	}
	return all
}

// identifier reports a label that cannot be used as a name.
func (l *loader) identifier(b *hclsyntax.Block, label int) bool {
	if hclsyntax.ValidIdentifier(b.Labels[label]) {
		return true
	}
	l.report.error(&b.LabelRanges[label], problem{code: codeName, summary: fmt.Sprintf("%q cannot be a name", b.Labels[label]),
		fix: "use letters, digits, - and _, with a letter first"})
	return false
}
