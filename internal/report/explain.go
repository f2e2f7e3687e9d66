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
		return fmt.Sprintf("no code %q is known; cutover explain, without a code, lists all", e.Code)
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
	}
	unknown.Near = nearest(codes, name)
	return providers.Code{}, unknown
}

// nearest returns the codes that may be meant: those spelt almost so, or else
// those that share a word.
func nearest(codes []providers.Code, name string) []string {
	var spelt, shared []string
	for _, c := range codes {
		switch {
		case distance(c.Code, name) <= max(1, len(name)/5):
			spelt = append(spelt, c.Code)
		case near(c.Code, name):
			shared = append(shared, c.Code)
		}
	}
	if len(spelt) > 0 {
		shared = spelt
	}
	slices.Sort(shared)
	return slices.Compact(shared)
}

// distance is how many letters must be added, taken or replaced to make one
// word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// near reports whether two codes share a word of some length.
func near(code, name string) bool {
	words, meant := strings.Split(code, "-"), strings.Split(name, "-")
	if len(meant) > 1 {
		meant = meant[1:] // the first word is whose code it is
	}
	for _, word := range meant {
		if len(word) > 3 && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, word) || len(w) > 3 && strings.HasPrefix(word, w) }) {
			return true
		}
	}
	return false
}

// ExplainText is what `cutover explain` prints of a code.
func ExplainText(c providers.Code) string {
	return fmt.Sprintf("%s: %s\n\nCause: %s\n\nFix: %s\n", c.Code, c.Title, c.Cause, c.Fix)
}
