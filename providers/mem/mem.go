// Package mem is a mail organisation in memory that stands on either side of a
// migration. It has every ability and keeps a real history of each folder, so
// that tests and benchmarks of plans and runs need no server. What it offers
// and how odd it behaves is set with [Organisation.Configure].
package mem

import (
	"slices"
	"strings"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Organisation is recipients and what their mailboxes hold. Its methods, and
// those of the endpoints over it, may be called concurrently.
type Organisation struct {
	mu         sync.RWMutex
	config     Config
	recipients map[inventory.Address]inventory.Recipient
	order      []inventory.Address // of creation
	passwords  map[inventory.Address]string
	mailboxes  map[inventory.Address]*Mailbox

	use usage
}

// Config is how an organisation behaves as an endpoint. The zero value of each
// field but the first five is the most helpful behaviour.
type Config struct {
	Identity  string              // "mem:" and a name
	Product   string              // shown to people
	Abilities []inventory.Ability // all, unless changed
	Limits    providers.Limits    // 4 connections, unless changed
	Formats   map[inventory.Class][]providers.FormatSupport
	Notes     []providers.Loss

	Naming inventory.Naming
	// MaxItemSize refuses larger items; 0 is no limit.
	MaxItemSize int64
	// Quota and QuotaItems bound each mailbox; 0 is no limit.
	Quota, QuotaItems int64
	// Keywords are the keywords that are kept; nil is any.
	Keywords []string
	// HideIDs tells no IDs in Stored and Edited, as servers without UIDPLUS.
	HideIDs bool
	// HideSizes lists items with size -1, and folders with -1 bytes.
	HideSizes bool
	// HideState leaves Folder.State empty, so that nothing is known unchanged.
	HideState bool
	// HideIdentity leaves Folder.Identity empty, so that renames are not told.
	HideIdentity bool
	// NoHistory answers Changes with a full listing, removals left out.
	NoHistory bool
	// Page bounds every page of Changes, whatever the caller asks; 0 does not.
	Page int
	// PutBatch holds results back until that many items are stored, as servers
	// that confirm batches; at most providers.PutWindowItems.
	PutBatch int
	// Reverse fetches in reverse order, since callers may rely on none.
	Reverse bool
	// Discard keeps digests and sizes of what is Put, not the content. Fetch
	// then answers Gone.
	Discard bool
}

// New returns an empty organisation that holds everything, with 4 connections
// and no limits.
func New() *Organisation {
	return &Organisation{
		config: Config{
			Identity:  "mem:organisation",
			Product:   "in-memory organisation",
			Abilities: append([]inventory.Ability{inventory.Directory}, inventory.ContentAbilities()...),
			Limits:    providers.Limits{Connections: 4},
			Formats:   OpenFormats(),
		},
		recipients: map[inventory.Address]inventory.Recipient{},
		passwords:  map[inventory.Address]string{},
		mailboxes:  map[inventory.Address]*Mailbox{},
	}
}

// OpenFormats returns the open format of each open class, without losses.
func OpenFormats() map[inventory.Class][]providers.FormatSupport {
	only := func(f inventory.Format) []providers.FormatSupport { return []providers.FormatSupport{{Format: f}} }
	return map[inventory.Class][]providers.FormatSupport{
		inventory.ClassMessage: only(inventory.FormatRFC5322),
		inventory.ClassEvent:   only(inventory.FormatICalendar),
		inventory.ClassTask:    only(inventory.FormatICalendar),
		inventory.ClassNote:    only(inventory.FormatICalendar),
		inventory.ClassContact: only(inventory.FormatVCard),
	}
}

// Configure changes the behaviour and returns the organisation. Endpoints
// opened before see the change, except for what their Info has told.
func (o *Organisation) Configure(change func(*Config)) *Organisation {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.config)
	return o
}

func (o *Organisation) settings() Config {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.config
}

// AddMailbox adds a user's mailbox with an INBOX, or returns the one there is.
func (o *Organisation) AddMailbox(address inventory.Address) *Mailbox {
	o.AddRecipient(inventory.Recipient{Kind: inventory.KindMailbox, Address: address, Type: inventory.TypeUser})
	return o.Mailbox(address)
}

// AddRecipient adds a recipient of any kind unless its address is taken, and
// reports whether it did.
func (o *Organisation) AddRecipient(r inventory.Recipient) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.addRecipient(r)
}

func (o *Organisation) addRecipient(r inventory.Recipient) bool {
	if _, taken := o.recipients[r.Address]; taken {
		return false
	}
	o.recipients[r.Address] = r
	o.order = append(o.order, r.Address)
	if r.Kind == inventory.KindMailbox {
		o.mailboxes[r.Address] = newMailbox(o, r.Address)
	}
	return true
}

// RemoveRecipient removes a recipient with all it holds.
func (o *Organisation) RemoveRecipient(address inventory.Address) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.recipients, address)
	delete(o.mailboxes, address)
	delete(o.passwords, address)
	o.order = slices.DeleteFunc(o.order, func(a inventory.Address) bool { return a == address })
}

// Mailbox returns the mailbox of address, or nil.
func (o *Organisation) Mailbox(address inventory.Address) *Mailbox {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mailboxes[address]
}

// Recipient returns the recipient of address.
func (o *Organisation) Recipient(address inventory.Address) (inventory.Recipient, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	r, ok := o.recipients[address]
	return r, ok
}

// Recipients returns all recipients, sorted.
func (o *Organisation) Recipients() []inventory.Recipient {
	all := o.listRecipients()
	slices.SortFunc(all, inventory.CompareRecipients)
	return all
}

func (o *Organisation) listRecipients() []inventory.Recipient {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := make([]inventory.Recipient, 0, len(o.order))
	for _, address := range o.order {
		all = append(all, o.recipients[address])
	}
	return all
}

// Password returns the password that the recipient was created with.
func (o *Organisation) Password(address inventory.Address) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.passwords[address]
}

// Sessions returns how many sessions are open on endpoints over o, and how
// many were at most, Recipients calls included.
func (o *Organisation) Sessions() (open, most int) { return o.use.sessions() }

// Calls returns how often the named method of Endpoint or Mailbox was called.
func (o *Organisation) Calls(method string) int { return o.use.count(method) }

// folded compares names as endpoints that fold case do.
func folded(a, b inventory.Path) bool { return strings.EqualFold(a.String(), b.String()) }
