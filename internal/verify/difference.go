package verify

import "github.com/cutover-mail/cutover/inventory"

// Category is what kind of difference it is.
type Category string

// The categories. Extra, LineEnds and Released are information; the others
// make a comparison unclean.
const (
	// Missing items are on the source and not on the target.
	Missing Category = "missing"
	// Doubled items are on the target more often than on the source.
	Doubled Category = "doubled"
	// DifferentContent, DifferentFlags and DifferentDate items are on both
	// sides and not equal.
	DifferentContent Category = "content"
	DifferentFlags   Category = "flags"
	DifferentDate    Category = "date"
	// KnownFailed items are not on the target, and the last run said so.
	KnownFailed Category = "known failed"
	// LineEnds differ only in CR and LF: a server repairs those by itself.
	LineEnds Category = "line ends changed by the server"
	// Extra items are on the target only: they were there before, or arrived
	// for the user since.
	Extra Category = "extra"
	// Released items were copied, and a user moved or deleted them on the
	// target.
	Released Category = "removed by the user"
)

// Difference is one item that is not the same on both sides.
type Difference struct {
	Category Category          `json:"category"`
	Mailbox  inventory.Address `json:"mailbox"` // of the source
	Folder   inventory.Path    `json:"folder"`  // of the source
	Source   inventory.ItemID  `json:"source_id,omitempty"`
	Target   inventory.ItemID  `json:"target_id,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	// Detail says what differs: both values, or the code of the failure.
	Detail string `json:"detail,omitempty"`
}

// Counts sum up a comparison.
type Counts struct {
	Source      int64 `json:"source_items"`
	Target      int64 `json:"target_items"`
	Same        int64 `json:"same"` // equal in content, flags and date
	Missing     int64 `json:"missing"`
	Doubled     int64 `json:"doubled"`
	Content     int64 `json:"content_differs"`
	Flags       int64 `json:"flags_differ"`
	Date        int64 `json:"date_differs"`
	KnownFailed int64 `json:"known_failed"`
	LineEnds    int64 `json:"line_ends_changed"`
	Extra       int64 `json:"extra"`
	Released    int64 `json:"removed_by_user"`
}

// Add sums two counts.
func (c Counts) Add(d Counts) Counts {
	c.Source += d.Source
	c.Target += d.Target
	c.Same += d.Same
	c.Missing += d.Missing
	c.Doubled += d.Doubled
	c.Content += d.Content
	c.Flags += d.Flags
	c.Date += d.Date
	c.KnownFailed += d.KnownFailed
	c.LineEnds += d.LineEnds
	c.Extra += d.Extra
	c.Released += d.Released
	return c
}

// Clean reports whether the counts hold nothing that is wrong.
func (c Counts) Clean() bool {
	return c.Missing == 0 && c.Doubled == 0 && c.Content == 0 && c.Flags == 0 && c.Date == 0 && c.KnownFailed == 0
}

func (c *Counts) of(category Category) *int64 {
	switch category {
	case Missing:
		return &c.Missing
	case Doubled:
		return &c.Doubled
	case DifferentContent:
		return &c.Content
	case DifferentFlags:
		return &c.Flags
	case DifferentDate:
		return &c.Date
	case KnownFailed:
		return &c.KnownFailed
	case LineEnds:
		return &c.LineEnds
	case Released:
		return &c.Released
	}
	return &c.Extra
}
