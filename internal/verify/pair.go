package verify

import "cmp"

// pairing is the outcome of holding two lists against each other.
type pairing struct {
	// source and target are what found no counterpart.
	source, target []record
}

// pairUp walks two lists sorted by the same order, groups them by same and
// pairs within each group: equal date and flags first, then in order. What is
// over on either side is returned. both is called for each pair, over for
// each group with a surplus on the target, with the size of the group on the
// source.
func pairUp(source, target []record, same func(a, b record) int, both func(a, b record), over func(sourceCount int, surplus []record)) pairing {
	var rest pairing
	for len(source) > 0 || len(target) > 0 {
		s, t := nextGroup(source, target, same)
		source, target = source[len(s):], target[len(t):]
		sourceCount := len(s)
		s, t = pairEqual(s, t, both)
		n := min(len(s), len(t))
		for i := range n {
			both(s[i], t[i])
		}
		rest.source = append(rest.source, s[n:]...)
		if len(t) > n {
			if over != nil && sourceCount > 0 {
				over(sourceCount, t[n:])
			} else {
				rest.target = append(rest.target, t[n:]...)
			}
		}
	}
	return rest
}

// nextGroup returns the records of the smallest key at the head of both lists.
func nextGroup(source, target []record, same func(a, b record) int) (s, t []record) {
	switch {
	case len(source) == 0:
		return nil, target[:run(target, same)]
	case len(target) == 0:
		return source[:run(source, same)], nil
	}
	switch c := same(source[0], target[0]); {
	case c < 0:
		return source[:run(source, same)], nil
	case c > 0:
		return nil, target[:run(target, same)]
	}
	return source[:run(source, same)], target[:run(target, same)]
}

func run(list []record, same func(a, b record) int) int {
	n := 1
	for n < len(list) && same(list[0], list[n]) == 0 {
		n++
	}
	return n
}

// pairEqual pairs the members of a group that agree in date and flags, and
// returns the others in their order.
func pairEqual(s, t []record, both func(a, b record)) (restS, restT []record) {
	if len(s) == 1 && len(t) == 1 {
		return s, t
	}
	i, j := 0, 0
	for i < len(s) && j < len(t) {
		switch c := cmp.Or(cmp.Compare(s[i].received, t[j].received), cmp.Compare(s[i].flags, t[j].flags)); {
		case c < 0:
			restS = append(restS, s[i])
			i++
		case c > 0:
			restT = append(restT, t[j])
			j++
		default:
			both(s[i], t[j])
			i, j = i+1, j+1
		}
	}
	return append(restS, s[i:]...), append(restT, t[j:]...)
}
