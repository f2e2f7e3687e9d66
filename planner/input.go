// Package planner turns what is wanted and what is there into a plan. It does
// no I/O and reads no clock.
package planner

import (
	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// Input is all that a plan depends on.
type Input struct {
	Tool         string
	Header       state.Header
	ConfigDigest string
	Migration    Migration
	Selection    plan.Selection
	Source       Endpoint
	Targets      []Endpoint // in the order of the configuration
	// Recipients are those of the source, and those that a batch names though
	// the source does not have them are findings.
	Recipients []inventory.Recipient
	// Known is what the state holds, by kind and source address.
	Known map[RecipientKey]state.Recipient
	// Mailboxes are what was seen of each mailbox that Selected chose.
	Mailboxes map[inventory.Address]Mailbox
	// Rates are those measured in earlier runs; zero is none.
	Rates Rates
	// Findings were made while the input was gathered.
	Findings diag.Findings
}

// RecipientKey names a recipient.
type RecipientKey struct {
	Kind    inventory.Kind
	Address inventory.Address
}

// Migration is the desired state.
type Migration struct {
	Name            string
	AcceptedDomains []string
	Include         []Rule // none: everything
	Exclude         []Rule
	Map             []Mapping
	Batches         []Batch
	// Deletions is "mirror" or "keep".
	Deletions string
	Waivers   []Waiver
}

// Rule selects recipients. An empty list matches everything.
type Rule struct {
	Kinds []inventory.Kind
	Match []string // globs over addresses: "*@contoso.test"
	Range *diag.Range
}

// Mapping gives a recipient another address on the target.
type Mapping struct {
	From, To inventory.Address
	Range    *diag.Range
}

// Batch is a group of recipients.
type Batch struct {
	Name         string
	Members      []inventory.Address
	Match        []string // globs, in addition to Members
	EveryoneElse bool
	After        []string
	Range        *diag.Range
}

// Waiver accepts a loss.
type Waiver struct {
	Code, Reason string
	Range        *diag.Range
}

// Endpoint is what the planner knows of an endpoint.
type Endpoint struct {
	Address  string // "target.imap.mail"
	Provider string
	Version  string
	Info     providers.Info
	// Recipients are those that exist already, of a target with a directory.
	Recipients []inventory.Recipient
}

// Mailbox is what was seen of one mailbox on both sides.
type Mailbox struct {
	// Problem keeps the mailbox from being migrated: it could not be opened.
	Problem *diag.Finding
	// Source are the folders of the source, Known what the state holds of them
	// by source folder ID.
	Source []inventory.Folder
	Known  map[inventory.FolderID]state.Folder
	// Deltas are the changes since, by source folder; a folder without one, or
	// one whose State equals Known's, is unchanged.
	Deltas map[inventory.FolderID]Delta
	// Targets are what each target holds, by endpoint address; absent when it
	// was not looked at because nothing is new.
	Targets map[string]TargetMailbox
	// Renames are source folders whose known mapping has another source ID:
	// new ID to old ID.
	Renames map[inventory.FolderID]inventory.FolderID
	// InDoubt counts writes that an interrupted run left in doubt.
	InDoubt int64
}

// TargetMailbox is the target's side of a mailbox.
type TargetMailbox struct {
	Info    providers.MailboxInfo
	Folders []inventory.Folder
}

// Delta is what changed in one folder.
type Delta struct {
	Work plan.Work
	// Left counts items that went to other folders of the mailbox, where Work
	// counts them as Moved. A folder that items only left has no Work and has to
	// be in the plan all the same: without its list no move is recognised.
	Left int64
	// Rematch is set when IDs known before are void: "source" or "target".
	Rematch string
	// Oversize are new items larger than the target takes.
	Oversize []plan.Oversize
	// Refused are the keywords in use that the target will not keep.
	RefusedKeywords []string
}

// Rates are what earlier runs achieved.
type Rates struct {
	ItemsPerSecond, BytesPerSecond float64
	// Runs is how many runs they come from.
	Runs int
}
