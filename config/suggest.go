package config

import (
	"fmt"
	"slices"
	"strings"
)

// suggest asks whether another name was meant; otherwise it lists those there
// are behind the advice given.
func suggest(given, otherwise string, names []string) string {
	if near := nearest(given, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return otherwise
	}
	sorted := slices.Sorted(slices.Values(names))
	return fmt.Sprintf("%s; known are %s", otherwise, strings.Join(slices.Compact(sorted), ", "))
}

// nearest returns the name that differs least from given, or "" when none is
// near enough to be a slip of the fingers.
func nearest(given string, names []string) string {
	best, limit := "", max(1, min(3, len(given)/3))+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := distance(strings.ToLower(given), strings.ToLower(name)); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before, last []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
