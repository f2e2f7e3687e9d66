// Package state is the contract of the store that remembers what cutover has
// done: which source item became which target item, which writes are in
// doubt, what failed, who holds the lock. Package state/sqlite is the default
// store; package state/statetest exercises any of them.
//
// Everything that must be true together is written in one call of
// [Ledger.Record], which is atomic and durable when it returns: after a crash
// of the process or of the machine, either all of it is there or nothing.
package state

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Store is a state. Its methods may be called concurrently.
type Store interface {
	Locker
	Runs
	Mailboxes
	Ledger
	// Header tells what state this is. Serial grows with every run that wrote.
	Header(ctx context.Context) (Header, error)
	// Check verifies the integrity of the store and of what it holds: every
	// reference resolves, no target item is claimed twice in one folder. It
	// returns one sentence for each fault.
	Check(ctx context.Context) ([]string, error)
	Close() error
}

// Header identifies a state. A plan names the header it was made on.
type Header struct {
	// Lineage is random, made with the state, and never changes.
	Lineage string `json:"lineage"`
	// Serial counts the runs begun on the state.
	Serial int64 `json:"serial"`
	// Version is that of the schema.
	Version int `json:"version"`
}

// Errors that callers tell apart.
var (
	// ErrNotFound is returned for a mailbox or run that is not in the state.
	ErrNotFound = errors.New("not in the state")
	// ErrPlanUsed is returned when a saved plan is applied a second time.
	ErrPlanUsed = errors.New("this plan has been applied already")
	// ErrNewer is returned when a newer program has written the state.
	ErrNewer = errors.New("the state was written by a newer version of cutover")
	// ErrLockLost is the cause of a lease's context when another has taken
	// the lock.
	ErrLockLost = errors.New("the state lock was lost")
	// ErrStopRequested is the cause of a lease's Stop context when `cutover
	// stop` has asked for it.
	ErrStopRequested = errors.New("stop was requested")
	// ErrFull is wrapped by writes that found no space. Nothing of the write
	// was kept.
	ErrFull = errors.New("no space left for the state")
	// ErrTaken is wrapped when a Rekey would replace the entry of another item.
	ErrTaken = errors.New("the key belongs to another item")
	// ErrDamaged is wrapped when what is stored cannot be trusted.
	ErrDamaged = errors.New("the state is damaged")
)

// Locker keeps the state to one writer.
type Locker interface {
	// Lock takes the lock, or returns a *LockedError that names the holder. A
	// lock whose holder has stopped renewing it for longer than StaleAfter, or
	// whose process is gone from this host, is taken over.
	Lock(ctx context.Context, holder Holder) (Lease, error)
	// Locked returns the present holder, or nil.
	Locked(ctx context.Context) (*Holder, error)
	// Unlock removes the lock of the holder with this ID, whoever that is.
	Unlock(ctx context.Context, id string) error
	// RequestStop asks the present holder to stop; false when there is none.
	RequestStop(ctx context.Context, who string) (bool, error)
}

// StaleAfter is how long a lock outlives its last renewal.
const StaleAfter = 30 * time.Second

// Lease is a held lock. It is renewed in the background until Release.
type Lease interface {
	// Context dies with cause ErrLockLost when the lock is lost.
	Context() context.Context
	// Stop dies with cause ErrStopRequested when a stop is requested.
	Stop() context.Context
	// Release gives the lock back; a second call does nothing.
	Release() error
}

// Holder says who holds the lock.
type Holder struct {
	ID        string    `json:"id"` // random, one for each attempt to lock
	Operation string    `json:"operation"`
	Who       string    `json:"who"` // user@host
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Since     time.Time `json:"since"`
	Renewed   time.Time `json:"renewed"`
}

// LockedError is returned when another holds the lock.
type LockedError struct{ Holder Holder }

// Error names the holder and since when.
func (e *LockedError) Error() string {
	h := e.Holder
	return "the state is locked by " + h.Who + " (" + h.Operation + ", since " + h.Since.UTC().Format(time.RFC3339) + ", lock " + h.ID + ")"
}

// Runs remembers each apply.
type Runs interface {
	// BeginRun numbers and records a run, raising the serial. With a plan
	// digest it also marks that plan as used, or returns ErrPlanUsed.
	BeginRun(ctx context.Context, run Run) (Run, error)
	// EndRun records how the run ended.
	EndRun(ctx context.Context, number int64, result RunResult) error
	// ListRuns returns the runs, newest first; limit 0 is all.
	ListRuns(ctx context.Context, limit int) ([]Run, error)
}

// Run is one apply of one batch or of everything.
type Run struct {
	Number       int64     `json:"number"` // set by BeginRun
	Migration    string    `json:"migration"`
	Batch        string    `json:"batch,omitempty"`
	Who          string    `json:"who"`
	Host         string    `json:"host"`
	Started      time.Time `json:"started"`
	ConfigDigest string    `json:"config_digest"`
	PlanDigest   string    `json:"plan_digest,omitempty"` // of a saved plan
	RunResult
}

// RunResult is how a run ended; the zero Ended is one that did not.
type RunResult struct {
	Ended   time.Time `json:"ended,omitzero"`
	Outcome string    `json:"outcome,omitempty"` // "done", "failed", "stopped"
	Steps   int       `json:"steps"`
	Failed  int       `json:"failed"` // steps
	Items   int64     `json:"items"`  // copied
	Bytes   int64     `json:"bytes"`
}

// Mailboxes remembers recipients and folders.
type Mailboxes interface {
	// Recipients returns all known recipients, ordered by migration, then
	// address, then kind.
	Recipients(ctx context.Context, migration string) iter.Seq2[Recipient, error]
	// SaveRecipient inserts or replaces by (Migration, Kind, Source address)
	// and returns it with its ID. The ID never changes.
	SaveRecipient(ctx context.Context, r Recipient) (Recipient, error)
	// RemoveRecipient forgets a recipient with its folders and ledger.
	RemoveRecipient(ctx context.Context, id int64) error
	// Folders returns the folders of a mailbox, ordered by source path.
	Folders(ctx context.Context, recipient int64) ([]Folder, error)
	// AllFolders streams the folders of every mailbox of a migration, those
	// of one recipient together.
	AllFolders(ctx context.Context, migration string) iter.Seq2[Folder, error]
	// SaveFolder inserts (ID 0) or replaces a folder and returns it with its
	// ID. Its counts are kept by Record and ignored here.
	SaveFolder(ctx context.Context, f Folder) (Folder, error)
}

// Recipient is what the state knows of one recipient.
type Recipient struct {
	ID        int64             `json:"id"`
	Migration string            `json:"migration"`
	Kind      inventory.Kind    `json:"kind"`
	Source    inventory.Address `json:"source"`
	Target    inventory.Address `json:"target"`
	// SourceIdentity and TargetIdentity are those of the endpoints
	// (providers.Info.Identity) between which it was migrated.
	SourceIdentity string `json:"source_identity"`
	TargetIdentity string `json:"target_identity"`
	Batch          string `json:"batch,omitempty"`
	// Created says that this tool created it on the target.
	Created bool `json:"created,omitempty"`
	// Digest is that of the directory facts last written to the target.
	Digest string `json:"digest,omitempty"`
	// Run is the number of the last run that worked on it.
	Run int64 `json:"run,omitempty"`
	// Synced is when the last complete pass over it began.
	Synced time.Time `json:"synced,omitzero"`
	// Error and ErrorCode are why the last pass failed as a whole.
	Error     string `json:"error,omitempty"`
	ErrorCode string `json:"error_code,omitempty"`
	// Target limits as last read, so that planning need not sign in there:
	// providers.MailboxInfo as JSON.
	TargetInfo string `json:"target_info,omitempty"`
}

// Folder is the mapping of one source folder, and how far it has been seen.
type Folder struct {
	ID        int64              `json:"id"`
	Recipient int64              `json:"recipient"`
	Ability   inventory.Ability  `json:"ability"`
	Source    inventory.FolderID `json:"source"`
	Path      inventory.Path     `json:"path"` // of the source
	Role      inventory.Role     `json:"role,omitempty"`
	Identity  string             `json:"identity,omitempty"`
	Epoch     string             `json:"epoch,omitempty"` // of the source
	// State is that of the source folder when Cursor had been reached with
	// nothing left to do; a folder of equal state needs no work.
	State  string           `json:"state,omitempty"`
	Cursor inventory.Cursor `json:"cursor,omitempty"`

	Target      inventory.FolderID `json:"target,omitempty"` // empty until created
	TargetPath  inventory.Path     `json:"target_path"`
	TargetEpoch string             `json:"target_epoch,omitempty"`
	// TargetEndpoint is the name of the target that holds it.
	TargetEndpoint string `json:"target_endpoint,omitempty"`

	// Items, Bytes and Failed count the ledger of the folder; kept by Record.
	Items  int64 `json:"items"`
	Bytes  int64 `json:"bytes"`
	Failed int64 `json:"failed"`
}

// Ledger remembers items.
type Ledger interface {
	// Record writes all of it or nothing. It is durable when it returns nil.
	Record(ctx context.Context, r Record) error
	// Lookup returns the entries of the items named that are in the ledger,
	// in any order.
	Lookup(ctx context.Context, folder int64, items []inventory.ItemID) ([]Entry, error)
	// Entries streams the ledger of a folder in an order of the store's own.
	Entries(ctx context.Context, folder int64) iter.Seq2[Entry, error]
	// Intents returns the writes of a mailbox that are in doubt.
	Intents(ctx context.Context, recipient int64) ([]Intent, error)
	// Problems streams the failures and losses of a migration, ordered by
	// recipient, folder and item.
	Problems(ctx context.Context, migration string) iter.Seq2[Problem, error]
}

// Entry is the ledger of one item.
type Entry struct {
	Folder  int64
	Source  inventory.ItemID
	Version string           // of the source
	Target  inventory.ItemID // empty while unknown
	// Flags are those of the source as last carried over, and so those that
	// the target had from us.
	Flags    inventory.Flags
	Size     int64
	Received time.Time // to the second, UTC
	Digest   inventory.Digest
	Status   Status
}

// Status is what an entry means.
type Status uint8

// The statuses.
const (
	Copied   Status = iota + 1 // written by this tool
	Adopted                    // found on the target: never edited or deleted there
	Released                   // a user moved or deleted it on the target: it is theirs
)

// Record is one atomic write. It is carried out in the order of the fields.
type Record struct {
	// Intend journals writes that are about to begin. The store sets no IDs:
	// Intent.ID is the caller's, unique (a random 63-bit number does).
	Intend []Intent
	// Rekey gives entries a new source ID, folder (of the same mailbox) or
	// both, all at the same time, so that one may take what another leaves. Their
	// failures and losses go with them. An entry that is not there is
	// ErrNotFound, a key that another entry keeps ErrTaken.
	Rekey []Rekey
	// Put inserts or replaces entries by (Folder, Source) and forgets the
	// failures of the same items.
	Put []Entry
	// Drop removes entries and failures of items gone from the source.
	Drop []Key
	// Fail records failures, replacing an earlier one of the same item.
	Fail []Problem
	// Lose records losses; an equal one is kept once.
	Lose []Problem
	// Resolve takes items out of intents; an intent without items is removed.
	Resolve []Resolution
	// Folders replaces folders, as SaveFolder does.
	Folders []Folder
	// Recipients replaces recipients, as SaveRecipient does.
	Recipients []Recipient
}

// Key names an item.
type Key struct {
	Folder int64
	Source inventory.ItemID
}

// Rekey gives an entry a new key.
type Rekey struct{ From, To Key }

// Intent says that items of one source folder are about to be written to one
// target folder. Until each is resolved it is in doubt whether it is there.
type Intent struct {
	ID        int64
	Recipient int64
	Folder    int64
	// After is the end of the target folder before the first of the writes:
	// what they wrote is after it.
	After inventory.Cursor
	Items []inventory.ItemID
}

// Resolution takes items out of an intent; nil Items means all.
type Resolution struct {
	Intent int64
	Items  []inventory.ItemID
}

// Problem is an item that failed, or something lost.
type Problem struct {
	Recipient int64 // required
	Folder    int64 // 0: the mailbox as a whole
	Source    inventory.ItemID
	Code      string
	Detail    string // what the server said; without secrets
	Subject   string // what people recognise the item by; may be empty
	Loss      bool   // set by the store from where it was written
	Size      int64
	Run       int64
	Attempts  int // counted by the store
}
