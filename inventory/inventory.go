// Package inventory holds the nouns of a mail organisation: recipients, the
// folders of a mailbox, and the items in a folder. It depends on the standard
// library only; every other package speaks in its words.
package inventory

import (
	"cmp"
	"strings"
)

// Address is the primary SMTP address of a recipient in normalised form: see
// [ParseAddress]. Two recipients with equal addresses are the same recipient.
type Address string

// Domain returns the part after the last "@", or "" when there is none.
func (a Address) Domain() string {
	if i := strings.LastIndexByte(string(a), '@'); i >= 0 {
		return string(a[i+1:])
	}
	return ""
}

// ParseAddress trims and lower-cases s. The local part is lower-cased too:
// RFC 5321 section 2.4 lets it be case sensitive, but no mail organisation
// keeps two mailboxes apart by case, and exports differ in theirs. ok is false
// when s is not of the form local@domain.
func ParseAddress(s string) (a Address, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || i == len(s)-1 || strings.ContainsAny(s, " \t\r\n\x00<>,") {
		return "", false
	}
	return Address(s), true
}

// Kind is what a recipient is.
type Kind string

// The kinds of recipient.
const (
	KindMailbox Kind = "mailbox"
	KindGroup   Kind = "group"   // distribution group or mail-enabled security group
	KindContact Kind = "contact" // an external address listed in the directory
)

// MailboxType says whom or what a mailbox belongs to.
type MailboxType string

// The types of mailbox.
const (
	TypeUser      MailboxType = "user"
	TypeShared    MailboxType = "shared"
	TypeRoom      MailboxType = "room"
	TypeEquipment MailboxType = "equipment"
)

// Recipient is one mailbox, group or contact of an organisation.
type Recipient struct {
	Kind        Kind        `json:"kind"`
	Address     Address     `json:"address"`
	Type        MailboxType `json:"type,omitempty"` // mailboxes only
	DisplayName string      `json:"display_name,omitempty"`
	Aliases     []Address   `json:"aliases,omitempty"` // further addresses, sorted
	Hidden      bool        `json:"hidden,omitempty"`  // from address lists
	Members     []Address   `json:"members,omitempty"` // groups only, sorted; may name addresses outside the organisation
	Owners      []Address   `json:"owners,omitempty"`  // groups only, sorted
	Security    bool        `json:"security,omitempty"`
	External    Address     `json:"external,omitempty"` // contacts only: where mail goes
	// Attributes are facts that no field names (phone numbers, X.500
	// addresses, litigation hold), by the name the endpoint gives them.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// CompareRecipients orders by address, then kind.
func CompareRecipients(a, b Recipient) int {
	return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Kind, b.Kind))
}

// Ability is something an endpoint can hold.
type Ability string

// The abilities of endpoints. Each but Directory holds items of one class.
const (
	Directory Ability = "directory"
	Mail      Ability = "mail"
	Calendars Ability = "calendars"
	Contacts  Ability = "contacts"
	Tasks     Ability = "tasks"
	Notes     Ability = "notes"
)

// ContentAbilities lists every ability that holds items, in the order in which
// plans and reports name them.
func ContentAbilities() []Ability {
	return []Ability{Mail, Calendars, Contacts, Tasks, Notes}
}
