package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// release is the numbers of a version. What follows them ("-rc.1", "+dirty")
// does not count: a build on the way to 0.2 satisfies ">= 0.2".
type release struct {
	numbers [3]int
	given   int // how many were written
}

func parseRelease(s string) (r release, ok bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "v")
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		s = s[:i]
	}
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || r.given == len(r.numbers) {
			return release{}, false
		}
		r.numbers[r.given] = int(n)
		r.given++
	}
	return r, true
}

func (r release) compare(other release) int {
	for i := range r.numbers {
		if c := cmp.Compare(r.numbers[i], other.numbers[i]); c != 0 {
			return c
		}
	}
	return 0
}

// operators of a constraint, longer ones first.
var operators = []string{">=", "<=", "!=", "~>", ">", "<", "="}

// satisfies reports whether a version keeps all constraints, which commas
// separate. ok is false when they cannot be read.
func satisfies(version release, constraints string) (holds, ok bool) {
	holds = true
	for text := range strings.SplitSeq(constraints, ",") {
		one, ok := satisfiesOne(version, strings.TrimSpace(text))
		if !ok {
			return false, false
		}
		holds = holds && one
	}
	return holds, true
}

func satisfiesOne(version release, constraint string) (holds, ok bool) {
	operator := "="
	for _, candidate := range operators {
		if rest, found := strings.CutPrefix(constraint, candidate); found {
			operator, constraint = candidate, rest
			break
		}
	}
	bound, ok := parseRelease(constraint)
	if !ok {
		return false, false
	}
	c := version.compare(bound)
	switch operator {
	case ">=":
		return c >= 0, true
	case "<=":
		return c <= 0, true
	case ">":
		return c > 0, true
	case "<":
		return c < 0, true
	case "!=":
		return c != 0, true
	case "~>":
		return c >= 0 && version.samePrefix(bound), true
	}
	return c == 0, true
}

// samePrefix reports whether all numbers but the last that was written agree:
// "~> 1.2" is any 1.x from 1.2 on.
func (r release) samePrefix(bound release) bool {
	for i := range bound.given - 1 {
		if r.numbers[i] != bound.numbers[i] {
			return false
		}
	}
	return true
}

// checkVersion holds required_version against the version of the tool. One
// that is not numbered satisfies any.
func (l *loader) checkVersion(s *section) {
	text, ok := s.str("required_version")
	if !ok {
		return
	}
	version, numbered := parseRelease(l.options.Version)
	holds, ok := satisfies(version, text)
	switch {
	case !ok:
		s.invalid("required_version", codeVersion, fmt.Sprintf("%q is no version constraint", text), `write one such as ">= 0.1, < 2.0" or "~> 1.2"`)
	case numbered && !holds:
		s.invalid("required_version", codeVersion, fmt.Sprintf("this is cutover %s, and the configuration asks for %s", l.options.Version, text),
			"use a version of cutover that fits, or change required_version")
	}
}
