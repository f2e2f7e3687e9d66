// Package plan is the artifact between reviewing and doing: the ordered steps
// that lead from what is to what the configuration asks for, with everything
// that apply needs to check that it still holds. It is data through and
// through; what is shown is what runs.
package plan

import (
	"time"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// FormatVersion is the version of the JSON form. The minor number grows with
// additions that old readers may ignore, the major with all else.
const FormatVersion = "1.0"

// Plan is the whole. Equal inputs give equal plans, byte for byte.
type Plan struct {
	FormatVersion string `json:"format_version"`
	// Tool is the version of cutover that made the plan; apply refuses
	// another.
	Tool      string `json:"tool_version"`
	Migration string `json:"migration"`
	// Basis is what the plan was made on; apply refuses when any of it has
	// moved.
	Basis Basis `json:"basis"`
	// Selection is what -batch, -target and -exclude chose.
	Selection Selection  `json:"selection,omitzero"`
	Source    Endpoint   `json:"source"`
	Targets   []Endpoint `json:"targets"`
	// Deletions is the policy: "mirror" or "keep".
	Deletions string `json:"deletions"`
	// Batches are in the order in which they run.
	Batches  []Batch       `json:"batches"`
	Steps    []Step        `json:"steps"`
	Findings diag.Findings `json:"findings,omitempty"`
	// Losses are those of all steps, folded by code.
	Losses   []LossSummary `json:"losses,omitempty"`
	Summary  Summary       `json:"summary"`
	Estimate Estimate      `json:"estimate,omitzero"`
}

// Basis is what a plan rests on.
type Basis struct {
	Lineage string `json:"lineage"`
	Serial  int64  `json:"serial"`
	// Config is the digest of the configuration as evaluated, secrets
	// replaced by their names.
	Config string `json:"config_digest"`
	// Inventory is the digest of the selected recipients as listed, of both
	// sides, and of the folder trees of their mailboxes: which folders there
	// are, not how much is in them.
	Inventory string `json:"inventory_digest"`
}

// Selection narrows a plan.
type Selection struct {
	Batch   string   `json:"batch,omitempty"`
	Target  []string `json:"target,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// Endpoint is how a plan names an endpoint.
type Endpoint struct {
	Address  string `json:"address"` // "source.imap.old"
	Provider string `json:"provider"`
	Version  string `json:"provider_version"`
	Identity string `json:"identity"`
}

// Batch is a named group of recipients.
type Batch struct {
	Name    string   `json:"name"`
	Members int      `json:"members"`
	After   []string `json:"after,omitempty"`
}

// StepID is derived from the content of a step: the same work has the same ID
// in every plan.
type StepID string

// Action is what a step does.
type Action string

// The actions.
const (
	Create Action = "create" // the recipient, on a target with a directory
	Update Action = "update" // directory facts of the recipient
	Copy   Action = "copy"   // content, for the first time
	Sync   Action = "sync"   // content that changed since
	Keep   Action = "keep"   // nothing has changed
	Skip   Action = "skip"   // left out, for Reason
)

// Step is one unit of work on one recipient.
type Step struct {
	ID     StepID `json:"id"`
	Action Action `json:"action"`
	// Kind and Source name the recipient, Target its address on the target.
	Kind   inventory.Kind    `json:"kind"`
	Source inventory.Address `json:"source"`
	Target inventory.Address `json:"target,omitempty"`
	Batch  string            `json:"batch,omitempty"`
	// Endpoint is the address of the target that the step writes to.
	Endpoint string   `json:"endpoint,omitempty"`
	Needs    []StepID `json:"needs,omitempty"`
	Reason   string   `json:"reason"` // one clause, for people
	// Notes are facts of the step that are neither loss nor finding: views
	// that are not copied, members that come with a later batch.
	Notes []string `json:"notes,omitempty"`

	// Recipient is what Create and Update write; Before what Update replaces.
	Recipient *inventory.Recipient `json:"recipient,omitempty"`
	Before    *inventory.Recipient `json:"before,omitempty"`

	// Folders are those that Copy and Sync work on.
	Folders []Folder `json:"folders,omitempty"`
	// Unchanged counts the folders of a Sync step that need no work.
	Unchanged int              `json:"unchanged_folders,omitempty"`
	Work      Work             `json:"work,omitzero"` // sum over Folders
	Losses    []providers.Loss `json:"losses,omitempty"`
	// Oversize are items that the target will not take.
	Oversize []Oversize `json:"oversize,omitempty"`
}

// Folder is the work on one folder.
type Folder struct {
	Source inventory.FolderID `json:"source_id"`
	Path   inventory.Path     `json:"path"`
	Role   inventory.Role     `json:"role,omitempty"`
	Holds  inventory.Ability  `json:"holds"`
	// Endpoint is the address of the target that holds it.
	Endpoint string `json:"endpoint"`
	// Target is where it goes. Renamed says why that differs from Path.
	Target  inventory.Path `json:"target_path"`
	Renamed string         `json:"renamed,omitempty"`
	// Create says that the target folder does not exist yet.
	Create bool `json:"create,omitempty"`
	// Container folders are created and hold no items.
	Container  bool `json:"container,omitempty"`
	Subscribed bool `json:"subscribed,omitempty"`
	// MovedFrom is where the folder stood on the target until it was renamed
	// on the source.
	MovedFrom inventory.Path `json:"moved_from,omitempty"`
	Epoch     string         `json:"epoch,omitempty"` // of the source
	// Rematch says that source or target void the item IDs known before:
	// items are recognised by content and only the others copied.
	Rematch string `json:"rematch,omitempty"` // "source", "target"
	Work    Work   `json:"work,omitzero"`
	// Routes are how items travel, by class.
	Routes []Route `json:"routes,omitempty"`
}

// Route is the format in which items of one class travel.
type Route struct {
	Class  inventory.Class  `json:"class,omitempty"` // "" is every class not named
	Format inventory.Format `json:"format"`
}

// Work counts what there is to do. New items of a Copy step are an estimate as
// of planning: what arrives until apply comes along. Deleted is a bound: apply
// deletes no more than the plan shows.
type Work struct {
	New     int64 `json:"new,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`   // of New; -1 when unknown
	Changed int64 `json:"changed,omitempty"` // content or flags
	Moved   int64 `json:"moved,omitempty"`   // between folders; counted where they arrive
	Deleted int64 `json:"deleted,omitempty"`
	Retried int64 `json:"retried,omitempty"` // failed before; not in New
}

// Zero reports whether there is nothing to do.
func (w Work) Zero() bool { return w == Work{} }

// Add sums two counts.
func (w Work) Add(v Work) Work {
	w.New += v.New
	w.Bytes += max(v.Bytes, 0)
	w.Changed += v.Changed
	w.Moved += v.Moved
	w.Deleted += v.Deleted
	w.Retried += v.Retried
	return w
}

// Oversize is an item larger than the target takes.
type Oversize struct {
	Path inventory.Path   `json:"path"`
	ID   inventory.ItemID `json:"id"`
	Size int64            `json:"size"`
	Max  int64            `json:"max"`
}

// LossSummary is one loss over all steps.
type LossSummary struct {
	Code   string `json:"code"`
	Detail string `json:"detail"` // of the first
	Steps  int    `json:"steps"`
	// Waived is the reason the configuration gives; a loss without one keeps
	// the plan from being applied.
	Waived string `json:"waived,omitempty"`
	// Blocking losses have to be waived before apply.
	Blocking bool `json:"blocking,omitempty"`
}

// Summary counts steps and work.
type Summary struct {
	Actions map[Action]int         `json:"actions"`
	Kinds   map[inventory.Kind]int `json:"kinds"`
	Work    Work                   `json:"work"`
	Folders int                    `json:"folders"` // with work
	Renamed int                    `json:"renamed"` // folders with another name on the target
}

// Estimate is how long apply may take.
type Estimate struct {
	Duration time.Duration `json:"duration_ns"`
	// Basis says where the rates come from.
	Basis string `json:"basis"`
}

// Empty reports whether apply would do nothing.
func (p *Plan) Empty() bool {
	for _, s := range p.Steps {
		if s.Action != Keep && s.Action != Skip {
			return false
		}
	}
	return true
}
