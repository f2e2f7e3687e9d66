package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/providers"
)

func index(codes []providers.Code) map[string]providers.Code {
	m := make(map[string]providers.Code, len(codes))
	for _, c := range codes {
		m[c.Code] = c
	}
	return m
}

// UnknownCodeError is returned for a code that nothing explains.
type UnknownCodeError struct {
	Code string
	// Near are codes that may have been meant, sorted.
	Near []string
}

// Error names the codes that are near.
func (e *UnknownCodeError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("no code %q is known", e.Code)
	}
	return fmt.Sprintf("no code %q is known; did you mean %s?", e.Code, strings.Join(e.Near, ", "))
}

// Explain finds a code. The error is an *UnknownCodeError.
func Explain(codes []providers.Code, name string) (providers.Code, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	unknown := &UnknownCodeError{Code: name}
	for _, c := range codes {
		if c.Code == name {
			return c, nil
		}
		if near(c.Code, name) {
			unknown.Near = append(unknown.Near, c.Code)
		}
	}
	slices.Sort(unknown.Near)
	unknown.Near = slices.Compact(unknown.Near)
	return providers.Code{}, unknown
}

// near reports whether two codes share a word of some length.
func near(code, name string) bool {
	words := strings.Split(code, "-")
	for _, word := range strings.Split(name, "-") {
		if len(word) > 3 && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) || len(w) > 3 && strings.HasPrefix(word, w) }) {
			return true
		}
	}
	return false
}

// ExplainText is what `cutover explain` prints of a code.
func ExplainText(c providers.Code) string {
	return fmt.Sprintf("%s: %s\n\nCause: %s\n\nFix: %s\n", c.Code, c.Title, c.Cause, c.Fix)
}
