package imapstream

import (
	"bytes"
	"slices"
	"strconv"
)

// maxSet bounds the set of one command: RFC 7162 section 4 has servers take
// lines of 8,192 octets.
const maxSet = 8000

// uidSets writes sorted UIDs as sets of at most maxSet bytes each.
func uidSets(sorted []uint32) []string {
	var sets []string
	var set []byte
	for i := 0; i < len(sorted); {
		j := i
		for j+1 < len(sorted) && sorted[j+1] == sorted[j]+1 {
			j++
		}
		if len(set) > maxSet-22 {
			sets = append(sets, string(set))
			set = set[:0]
		}
		if len(set) > 0 {
			set = append(set, ',')
		}
		set = strconv.AppendUint(set, uint64(sorted[i]), 10)
		if j > i {
			set = append(set, ':')
			set = strconv.AppendUint(set, uint64(sorted[j]), 10)
		}
		i = j + 1
	}
	if len(set) > 0 {
		sets = append(sets, string(set))
	}
	return sets
}

// sortedUIDs returns the UIDs in order, each once, without 0.
func sortedUIDs(uids []uint32) []uint32 {
	sorted := slices.Compact(slices.Sorted(slices.Values(uids)))
	if len(sorted) > 0 && sorted[0] == 0 {
		sorted = sorted[1:]
	}
	return sorted
}

// eachRange calls f for each range of a set such as "100:105,108", low number
// first, until f returns false. ok is false when set is no set of numbers.
func eachRange(set []byte, f func(low, high uint32) bool) (ok bool) {
	for part := range bytes.SplitSeq(set, []byte(",")) {
		first, last, isRange := bytes.Cut(part, []byte(":"))
		low, ok := parseUID(first)
		if !ok {
			return false
		}
		high := low
		if isRange {
			if high, ok = parseUID(last); !ok {
				return false
			}
		}
		if !f(min(low, high), max(low, high)) {
			return true
		}
	}
	return true
}
