package inventory

import "strings"

// FolderID names a folder of one mailbox in the words of its endpoint. It is
// opaque; equal IDs name the same folder for as long as it is not renamed,
// and across renames where the endpoint can tell (see Folder.Identity).
type FolderID string

// Role is the special use of a folder, independent of its name. The mail roles
// are those of RFC 6154 and RFC 8457, and "inbox" of RFC 9051.
type Role string

// The roles of folders.
const (
	RoleNone      Role = ""
	RoleInbox     Role = "inbox"
	RoleSent      Role = "sent"
	RoleDrafts    Role = "drafts"
	RoleJunk      Role = "junk"
	RoleTrash     Role = "trash"
	RoleArchive   Role = "archive"
	RoleAll       Role = "all"     // a view of every message, not a place: never copied
	RoleFlagged   Role = "flagged" // a view
	RoleImportant Role = "important"
	RoleCalendar  Role = "calendar"
	RoleContacts  Role = "contacts"
	RoleTasks     Role = "tasks"
	RoleNotes     Role = "notes"
)

// View reports whether a folder of this role shows items that live elsewhere.
// Copying a view would double them.
func (r Role) View() bool { return r == RoleAll || r == RoleFlagged }

// Path is the names from the root to a folder, in UTF-8, without separators:
// a name may hold any character, also "/" and ".".
type Path []string

// String joins the names with "/", writing a "/" or "\" inside a name with a
// "\" before it, so that different paths have different strings.
func (p Path) String() string {
	escaped := make([]string, len(p))
	for i, name := range p {
		escaped[i] = pathEscaper.Replace(name)
	}
	return strings.Join(escaped, "/")
}

var pathEscaper = strings.NewReplacer(`\`, `\\`, `/`, `\/`)

// ParsePath is the inverse of [Path.String].
func ParsePath(s string) Path {
	if s == "" {
		return nil
	}
	var path Path
	var name strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			name.WriteByte(s[i])
		case s[i] == '/':
			path = append(path, name.String())
			name.Reset()
		default:
			name.WriteByte(s[i])
		}
	}
	return append(path, name.String())
}

// Parent returns the path of the folder above, nil at the top.
func (p Path) Parent() Path {
	if len(p) <= 1 {
		return nil
	}
	return p[:len(p)-1]
}

// Folder is one folder of a mailbox and what is cheaply known of it.
type Folder struct {
	ID   FolderID `json:"id"`
	Path Path     `json:"path"`
	Role Role     `json:"role,omitempty"`
	// Holds is what class of item the folder is for.
	Holds Ability `json:"holds"`
	// Container folders hold folders but never items (IMAP \Noselect).
	Container  bool `json:"container,omitempty"`
	Subscribed bool `json:"subscribed,omitempty"`
	// Items and Bytes are counts as of the listing; -1 is unknown.
	Items int64 `json:"items"`
	Bytes int64 `json:"bytes"`
	// State changes whenever anything in the folder has changed. Equal states,
	// both not empty, mean that nothing has.
	State string `json:"state,omitempty"`
	// Identity stays the same when the folder is renamed and differs between
	// the folders of one mailbox. Empty when the endpoint cannot tell.
	Identity string `json:"identity,omitempty"`
	// Epoch names the validity of the item IDs in this folder (IMAP
	// UIDVALIDITY): when it changes, all IDs known before are void. Empty on
	// endpoints whose IDs never lose validity.
	Epoch string `json:"epoch,omitempty"`
	// End is the position after the last item: items that arrive later are
	// after it. A [Cursor] for Find; not necessarily one for Changes.
	End Cursor `json:"end,omitempty"`
}

// Cursor is a position in the history of a folder, in the words of its
// endpoint: "everything before this has been seen". Empty is the beginning.
type Cursor string

// Naming is what an endpoint demands of folder names. The zero value demands
// nothing.
type Naming struct {
	// Forbidden are the characters that no name may hold.
	Forbidden string `json:"forbidden,omitempty"`
	// MaxName and MaxPath are limits in bytes, as the endpoint encodes names
	// (with Encoding), separators included; 0 is none.
	MaxName int `json:"max_name,omitempty"`
	MaxPath int `json:"max_path,omitempty"`
	// Encoding is how names are counted: "utf-8" (the default), or "utf-7" for
	// modified UTF-7 of RFC 3501 section 5.1.3.
	Encoding string `json:"encoding,omitempty"`
	// FoldsCase endpoints cannot hold names that differ only in case.
	FoldsCase bool `json:"folds_case,omitempty"`
	// MaxDepth is the longest path that can be created; 0 is no limit.
	MaxDepth int `json:"max_depth,omitempty"`
	// Reserved are first names of a path that cannot be created as such.
	Reserved []string `json:"reserved,omitempty"`
	// InboxLeaf endpoints cannot hold folders below the inbox.
	InboxLeaf bool `json:"inbox_leaf,omitempty"`
}
