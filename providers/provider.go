// Package providers is the contract between cutover and the servers it moves
// mail between. A provider plays no part in deciding what moves: it lists,
// fetches, stores and edits what it is told to, tries once, and answers errors
// with a verdict (see [Error]).
//
// The same contract is served in process and by plugin processes over gRPC;
// package providers/plugin holds the adapters, package providers/providertest
// the suite that every provider passes both ways.
package providers

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// Role is the side an endpoint stands on.
type Role string

// The sides.
const (
	Source Role = "source"
	Target Role = "target"
)

// Provider makes endpoints of one kind. Methods may be called concurrently.
type Provider interface {
	// Describe says what the provider is and can do, without any I/O.
	Describe() Description
	// Open checks the settings and returns an endpoint, without any network
	// traffic: the first call that needs a server connects. A setting that is
	// wrong is a *SettingError, several are joined with errors.Join.
	Open(ctx context.Context, options Options) (Endpoint, error)
}

// Options is what an endpoint is opened with.
type Options struct {
	Role     Role
	Name     string // the block label in the configuration
	Settings Settings
	// Folder is where relative paths in the settings start.
	Folder string
}

// Endpoint is one configured server, or set of files. Its methods may be
// called concurrently. No call but a Mailbox's use of its own session may take
// more connections than Limits.Connections in all; callers keep to that number
// of sessions, and endpoint calls (Recipients) count as one each.
//
// A provider that lacks an ability answers the methods of that ability with an
// *Error of kind Unsupported.
type Endpoint interface {
	// Info tells abilities and limits. It may sign in to find out; what it
	// returns stays true for the life of the endpoint.
	Info(ctx context.Context) (Info, error)
	// Recipients lists the directory in any order. A source without a
	// directory ability lists the mailboxes that its settings name.
	Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error]
	// CreateRecipient creates what does not exist. It is idempotent: an
	// existing recipient of the same kind and address is adopted, and Adopted
	// says so; one of another kind is an error of kind Rejected.
	CreateRecipient(ctx context.Context, recipient inventory.Recipient, password string) (Created, error)
	// UpdateRecipient makes the named recipient equal to the one given in
	// every field but Kind and Address. Members that do not exist are
	// reported in Created.Missing and left out.
	UpdateRecipient(ctx context.Context, recipient inventory.Recipient) (Created, error)
	// OpenMailbox starts a session on one mailbox: one connection, or none
	// where the protocol has none. Errors: Gone (there is no such mailbox, and
	// signing in does not create one), Denied (credentials or rights).
	OpenMailbox(ctx context.Context, address inventory.Address) (Mailbox, error)
	// Close releases everything, ending sessions still open.
	Close() error
}

// Created is the outcome of creating or updating a recipient.
type Created struct {
	Adopted bool
	// Missing are members that the endpoint does not know and could not add.
	Missing []inventory.Address
}

// Mailbox is one session. It is used by one goroutine at a time; a sequence
// counts as in use until it is drained or abandoned. Open several sessions to
// work on one mailbox in parallel. After an error of kind Transient or
// Throttled from a method other than OpenMailbox the session may be broken:
// close it and open another.
type Mailbox interface {
	// Info tells what this mailbox can take.
	Info(ctx context.Context) (MailboxInfo, error)
	// Folders lists all folders, parents before children, with counts and
	// states, in as few round trips as the endpoint allows.
	Folders(ctx context.Context) ([]inventory.Folder, error)
	// CreateFolder creates the folder at f.Path with f.Role, f.Holds and
	// f.Subscribed, and every missing parent. An existing folder at that path
	// is returned as it is. A role that the endpoint will not set is not an
	// error: the folder returned has the role it got.
	CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error)
	// RenameFolder moves a folder with everything below it.
	RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error)
	// Changes streams what happened in a folder after the cursor, at most
	// about limit changes (0: no limit), and ends with one Change whose Op is
	// End. An empty cursor starts with everything that is there. It does not
	// mark anything read, or change anything else.
	Changes(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[Change, error]
	// Fetch streams the content of the items named, in any order, one Fetched
	// for each ID, in the format asked for. It marks nothing read.
	Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[Fetched, error]
	// Put stores a stream of items and yields one Stored for each, in any
	// order. It pulls from items on a goroutine of its own, which has ended
	// when the returned sequence ends, and keeps as many writes under way as
	// the endpoint takes; it must not wait for further items while items of
	// more than PutWindow bytes, or PutWindowItems items, await their result.
	// Results come only after the endpoint has confirmed the item as
	// durable. When the sequence ends with an error, the items that
	// had no result are in doubt. Abandoning the sequence, or
	// cancelling ctx, leaves every item without a result in doubt.
	Put(ctx context.Context, items iter.Seq[Outgoing]) iter.Seq2[Stored, error]
	// Find looks for items that are in the folder already: position i of the
	// answer lists the IDs of all items that match prints[i], none if there is
	// none. Only items after the cursor are considered; an empty cursor, or one
	// that has lost its validity, is the whole folder. A match agrees in every
	// fact of the fingerprint that is known; content is read only where
	// the cheap facts leave candidates.
	Find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error)
	// Larger lists the items of a folder whose content is larger than size
	// bytes, with their IDs and sizes at least. It is how a plan finds what a
	// target's MailboxInfo.MaxItemSize refuses, where Changes does not tell
	// sizes; it costs no more than a search on the server, or a listing.
	Larger(ctx context.Context, folder inventory.FolderID, size int64) ([]inventory.Item, error)
	// Edit changes flags of, moves or deletes items, yielding one Edited for
	// each edit in any order.
	Edit(ctx context.Context, folder inventory.FolderID, edits []Edit) iter.Seq2[Edited, error]
	// Close ends the session. It does not fail because the server has gone.
	Close() error
}

// PutWindow and PutWindowItems bound what a provider may hold back in Put:
// see [Mailbox]. A single item may be larger than PutWindow.
const (
	PutWindow      = 12 << 20
	PutWindowItems = 1000
)

// MailboxInfo is what one mailbox can take.
type MailboxInfo struct {
	Naming inventory.Naming
	// MaxItemSize is the largest content that Put takes, in bytes; 0 is
	// unknown or without limit.
	MaxItemSize int64
	// Quota and Used are bytes of storage; 0 quota is none or unknown.
	Quota, Used int64
	// QuotaItems and UsedItems count items in the same way.
	QuotaItems, UsedItems int64
	// Keywords are the keywords that flags may hold; nil is any.
	Keywords []string
}

// ChangeOp is what happened to an item.
type ChangeOp uint8

// The changes.
const (
	// Listed items are new or changed; Change.Item tells all that is known.
	Listed ChangeOp = iota + 1
	// Exists items are there and unchanged; only Item.ID is set.
	Exists
	// Removed items are gone; only Item.ID is set.
	Removed
	// End closes the stream.
	End
)

// Change is one fact of the history of a folder.
type Change struct {
	Op   ChangeOp
	Item inventory.Item
	// Cursor continues after this page; End only.
	Cursor inventory.Cursor
	// More says that another page follows at Cursor; End only.
	More bool
	// Full says that all pages since the empty or the given cursor, together,
	// named every item that exists, so that any other is gone. Where it is
	// false, removals were told one by one. End only, equal on every page of a
	// series that More holds together.
	Full bool
	// Reset says that the cursor had lost its validity (IMAP UIDVALIDITY): the
	// stream starts from the beginning, and all item IDs known before are
	// void. End only.
	Reset bool
}

// Fetched is the content of one item, or why there is none.
type Fetched struct {
	Item   inventory.Item // ID always; the rest as the fetch told it, Size always
	Format inventory.Format
	// Body is Item.Size bytes, readable until the next step of the sequence.
	Body io.Reader
	// Err is the verdict on this item alone: Gone, Rejected.
	Err error
}

// Outgoing is an item to be stored.
type Outgoing struct {
	// Key is the caller's name for the item, unique within one Put.
	Key      uint64
	Folder   inventory.FolderID
	Class    inventory.Class
	Format   inventory.Format
	Flags    inventory.Flags
	Received time.Time
	Size     int64
	// Open returns the content from its start: Size bytes. It may be called
	// again while the item has no result. Close the reader before yielding
	// the result.
	Open func() (io.ReadCloser, error)
}

// Stored is the outcome of one Outgoing.
type Stored struct {
	Key uint64
	// ID is the item's ID in its folder; empty where the endpoint does not
	// tell, so that it has to be looked up with Find when it is needed.
	ID inventory.ItemID
	// Refused are flags that the endpoint would not keep.
	Refused inventory.Flags
	// Err is the verdict on this item alone: Rejected, Quota. Nothing of it
	// is stored.
	Err error
}

// Edit is one change to an item that cutover wrote. Exactly one of the flag
// pair, MoveTo and Delete is set.
type Edit struct {
	ID          inventory.ItemID
	Add, Remove inventory.Flags
	MoveTo      inventory.FolderID
	Delete      bool
	// Expect are the flags that an item to be deleted must still have; with
	// others a user has touched it and it is kept.
	Expect inventory.Flags
	// Received, unless zero, is when the item was received, to the second. One
	// of another time is not the item that cutover wrote, whatever its ID: a
	// server restored from a backup gives IDs a second time. Its outcome is
	// Missing, and nothing is done to it.
	Received time.Time
}

// Names reports whether an item received at that time, zero if unknown, can be
// the one that the edit is for.
func (e Edit) Names(received time.Time) bool {
	return e.Received.IsZero() || received.IsZero() || e.Received.Unix() == received.Unix()
}

// Outcome is what came of an Edit.
type Outcome uint8

// The outcomes.
const (
	Done Outcome = iota + 1
	// Missing items are not in the folder any more, or their ID names another
	// item now (see Edit.Received).
	Missing
	// Kept items differ from what Edit.Expect asked for.
	Kept
)

// Edited is the outcome of one Edit.
type Edited struct {
	ID      inventory.ItemID
	Outcome Outcome
	// MovedTo is the ID in the new folder; empty where the endpoint does not
	// tell.
	MovedTo inventory.ItemID
	// Refused are flags that the endpoint would not keep.
	Refused inventory.Flags
	// Err is the verdict on this edit alone.
	Err error
}
