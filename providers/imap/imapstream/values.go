package imapstream

import (
	"strings"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// flagTable gives equal flag lists one string. A folder knows few
// combinations; one that knows very many starts the table anew.
type flagTable map[string]inventory.Flags

const maxFlagTable = 4096

// intern makes the flags of a list without its parentheses.
func (t *flagTable) intern(list []byte) inventory.Flags {
	if flags, ok := (*t)[string(list)]; ok {
		return flags
	}
	if *t == nil || len(*t) >= maxFlagTable {
		*t = make(flagTable)
	}
	flags := inventory.MakeFlags(strings.Fields(string(list))...)
	(*t)[string(list)] = flags
	return flags
}

// zoneTable gives equal zones one location.
type zoneTable map[int]*time.Location

func (t *zoneTable) zone(offset int) *time.Location {
	if location, ok := (*t)[offset]; ok {
		return location
	}
	if *t == nil || len(*t) >= maxFlagTable {
		*t = make(zoneTable)
	}
	location := time.UTC
	if offset != 0 {
		location = time.FixedZone("", offset)
	}
	(*t)[offset] = location
	return location
}

// date parses `02-Jan-2006 15:04:05 -0700`, the day with one digit, a space
// before it or two digits (RFC 9051 section 9, date-time). The zero time is a
// date that makes no sense.
func (t *zoneTable) date(b []byte) time.Time {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) > 1 && b[1] == '-' {
		b = append([]byte{'0'}, b...)
	}
	if len(b) != 26 || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return time.Time{}
	}
	month := monthOf(b[3:6])
	var part [7]int
	for i, span := range [...][2]int{{0, 2}, {7, 11}, {12, 14}, {15, 17}, {18, 20}, {22, 24}, {24, 26}} {
		n, ok := parseNumber(b[span[0]:span[1]])
		if !ok {
			return time.Time{}
		}
		part[i] = int(n)
	}
	if month == 0 || part[0] < 1 || part[0] > 31 || part[2] > 23 || part[3] > 59 || part[4] > 60 || part[5] > 23 || part[6] > 59 {
		return time.Time{}
	}
	offset := part[5]*3600 + part[6]*60
	switch b[21] {
	case '-':
		offset = -offset
	case '+':
	default:
		return time.Time{}
	}
	return time.Date(part[1], month, part[0], part[2], part[3], part[4], 0, t.zone(offset))
}

func monthOf(name []byte) time.Month {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	lower := [3]byte{name[0] | 0x20, name[1] | 0x20, name[2] | 0x20}
	if i := strings.Index(names, string(lower[:])); i >= 0 && i%3 == 0 {
		return time.Month(i/3 + 1)
	}
	return 0
}
