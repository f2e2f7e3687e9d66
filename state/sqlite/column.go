package sqlite

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// idColumn is how an item ID is stored: a decimal number without leading
// zeros as an integer, anything else as text. Both come back as they were.
func idColumn(id inventory.ItemID) any {
	if n, ok := number(string(id)); ok {
		return n
	}
	return string(id)
}

func number(s string) (int64, bool) {
	if s == "" || len(s) > 19 || (s[0] == '0' && s != "0") {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func columnID(v any) (inventory.ItemID, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case int64:
		return inventory.ItemID(strconv.FormatInt(v, 10)), nil
	case string:
		return inventory.ItemID(v), nil
	}
	return "", fmt.Errorf("an item ID is stored as %T", v)
}

// targetColumn is idColumn, with nothing for the unknown.
func targetColumn(id inventory.ItemID) any {
	if id == "" {
		return nil
	}
	return idColumn(id)
}

// compareIDs orders as the store does: numbers, then text by its bytes.
func compareIDs(a, b inventory.ItemID) int {
	m, aNumber := number(string(a))
	n, bNumber := number(string(b))
	switch {
	case aNumber && bNumber:
		return cmp.Compare(m, n)
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return cmp.Compare(a, b)
}

func digestColumn(d inventory.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

func columnDigest(b []byte) (d inventory.Digest, err error) {
	if n := copy(d[:], b); len(b) != 0 && (n != len(d) || len(b) != len(d)) {
		return d, fmt.Errorf("a digest has %d bytes", len(b))
	}
	return d, nil
}

func secondsColumn(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func columnSeconds(v *int64) time.Time {
	if v == nil {
		return time.Time{}
	}
	return time.Unix(*v, 0).UTC()
}

func instantColumn(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}

func columnInstant(v *int64) time.Time {
	if v == nil {
		return time.Time{}
	}
	return time.Unix(0, *v).UTC()
}

func textColumn(s string) any {
	if s == "" {
		return nil
	}
	return s
}
