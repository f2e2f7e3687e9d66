package imap

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// pipelined is how many commands are sent before their answers are read: few
// enough for the buffers of both sides.
const pipelined = 50

// listing gathers the folders of a mailbox.
type listing struct {
	session    *session
	folders    []inventory.Folder
	at         map[string]int // name on the wire to position
	subscribed map[string]bool
	status     map[string]folderStatus
	only       string // the one name to list; "" is all
}

type folderStatus struct {
	messages, size       int64
	uidValidity, uidNext uint32
	highestModSeq        uint64
	mailboxID            string
}

// Folders implements [providers.Mailbox].
func (s *session) Folders(ctx context.Context) ([]inventory.Folder, error) {
	l := &listing{session: s, at: map[string]int{}, subscribed: map[string]bool{}, status: map[string]folderStatus{}}
	if err := l.run(ctx); err != nil {
		return nil, s.fail("list folders", err)
	}
	l.finish()
	return l.folders, nil
}

func (l *listing) run(ctx context.Context) error {
	if err := l.session.all(ctx, l.hear, append(l.session.unselect(), l.commands()...)...); err != nil {
		return err
	}
	l.subscribe()
	return l.askStatus(ctx)
}

// unselect leaves the open folder: servers answer STATUS of it with what they
// have told this session, not with what is there (RFC 9051 section 6.3.11).
// CLOSE would remove what users have marked.
func (s *session) unselect() []*wire.Command {
	if s.selected == nil {
		return nil
	}
	if !s.has("UNSELECT") {
		return []*wire.Command{wire.Cmd("NOOP")}
	}
	s.selected = nil
	return []*wire.Command{wire.Cmd("UNSELECT")}
}

// commands are LIST with everything it can return, and LSUB where it cannot
// return subscriptions.
func (l *listing) commands() []*wire.Command {
	extended := l.session.has("LIST-EXTENDED")
	var commands []*wire.Command
	for _, pattern := range l.patterns() {
		command := wire.Cmd("LIST").Str("").Str(pattern)
		if extended {
			command.Atom("RETURN").List(l.returns()...)
		}
		commands = append(commands, command)
		if !extended {
			commands = append(commands, wire.Cmd("LSUB").Str("").Str(pattern))
		}
	}
	return commands
}

// patterns cover the inbox and the personal namespace. A name with a wildcard
// in it lists others too.
func (l *listing) patterns() []string {
	if l.only != "" {
		return []string{l.only}
	}
	if prefix := l.session.layout.personal.prefix; prefix != "" {
		return []string{inbox, prefix + "*"}
	}
	return []string{"*"}
}

func (l *listing) returns() []string {
	returns := []string{"SUBSCRIBED"}
	if l.session.has("SPECIAL-USE") {
		returns = append(returns, "SPECIAL-USE")
	}
	if l.session.has("LIST-STATUS") {
		returns = append(returns, "STATUS ("+strings.Join(l.session.statusItems(), " ")+")")
	}
	return returns
}

// has reports a capability, also one that IMAP4rev2 includes.
func (s *session) has(name string) bool {
	if s.conn.Has(name) {
		return true
	}
	switch name {
	case "NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "STATUS=SIZE":
		return s.conn.Has("IMAP4REV2")
	}
	return false
}

func (s *session) statusItems() []string {
	items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
	if s.condstore {
		items = append(items, "HIGHESTMODSEQ")
	}
	if s.has("STATUS=SIZE") {
		items = append(items, "SIZE")
	}
	// Cyrus 3.6.1 answers MAILBOXID in STATUS with bytes of freed memory, among
	// them line ends.
	if s.has("OBJECTID") && !strings.HasPrefix(s.product, "Cyrus") {
		items = append(items, "MAILBOXID")
	}
	return items
}

func (l *listing) hear(r wire.Response) {
	switch r.Name {
	case "LIST":
		l.add(r)
	case "LSUB":
		l.subscribed[r.Value(2).Text] = true
	case "STATUS":
		l.status[canonical(r.Value(0).Text)] = readStatus(r.Value(1))
	}
}

// canonical is the key of a name: the inbox has no case.
func canonical(name string) string {
	if strings.EqualFold(name, inbox) {
		return inbox
	}
	return name
}

func (l *listing) add(r wire.Response) {
	name := canonical(r.Value(2).Text)
	if _, doubled := l.at[name]; doubled || name == "" || l.only != "" && name != l.only {
		return
	}
	path, ours := l.session.layout.path(name, r.Value(1).Text)
	if !ours || l.only == "" && l.session.endpoint.set.excludes(path) {
		return
	}
	attributes := r.Value(0).Texts()
	folder := inventory.Folder{ID: inventory.FolderID(name), Path: path, Role: roleOf(attributes), Holds: inventory.Mail,
		Container: hasFold(attributes, `\Noselect`) || hasFold(attributes, `\NonExistent`),
		Items:     -1, Bytes: -1}
	if name == inbox {
		folder.Role = inventory.RoleInbox
	}
	folder.Subscribed = hasFold(attributes, `\Subscribed`)
	l.at[name] = len(l.folders)
	l.folders = append(l.folders, folder)
}

func hasFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

func readStatus(items wire.Value) folderStatus {
	out := folderStatus{messages: -1, size: -1}
	items.Pairs(func(name string, value wire.Value) {
		switch name {
		case "MESSAGES":
			out.messages = int64(parseNumber(value.Text))
		case "SIZE":
			out.size = int64(parseNumber(value.Text))
		case "UIDVALIDITY":
			out.uidValidity = uint32(parseNumber(value.Text))
		case "UIDNEXT":
			out.uidNext = uint32(parseNumber(value.Text))
		case "HIGHESTMODSEQ":
			out.highestModSeq = parseNumber(value.Text)
		case "MAILBOXID":
			if len(value.List) > 0 && validObjectID(value.List[0].Text) {
				out.mailboxID = value.List[0].Text
			}
		}
	})
	return out
}

// subscribe adds what LSUB told.
func (l *listing) subscribe() {
	for i := range l.folders {
		f := &l.folders[i]
		f.Subscribed = f.Subscribed || l.subscribed[string(f.ID)]
	}
}

// askStatus asks for the folders whose status LIST did not tell: all of them
// without LIST-STATUS, and those for which the server failed to find it.
func (l *listing) askStatus(ctx context.Context) error {
	var commands []*wire.Command
	for _, f := range l.folders {
		if _, known := l.status[string(f.ID)]; !known && !f.Container {
			commands = append(commands, wire.Cmd("STATUS").Str(string(f.ID)).List(l.session.statusItems()...))
		}
	}
	for batch := range slices.Chunk(commands, pipelined) {
		// A folder that refuses has no counts; opening it will tell why.
		if _, err := l.session.conn.Run(ctx, l.hear, batch...); err != nil {
			return err
		}
	}
	return nil
}

// apply gives the folders their status.
func (l *listing) apply() {
	validities := l.validities()
	for i := range l.folders {
		if status, known := l.status[string(l.folders[i].ID)]; known {
			status.apply(&l.folders[i], l.only == "" && validities[status.uidValidity] == 1)
		}
	}
}

func (l *listing) validities() map[uint32]int {
	count := map[uint32]int{}
	for _, status := range l.status {
		count[status.uidValidity]++
	}
	return count
}

// validObjectID: RFC 8474 section 7, objectid.
func validObjectID(id string) bool {
	for i := range len(id) {
		c := id[i] | 0x20
		if (c < 'a' || c > 'z') && (id[i] < '0' || id[i] > '9') && id[i] != '_' && id[i] != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 255
}

func (l *listing) finish() {
	l.apply()
	guessRoles(l.folders)
	l.distinguish()
	slices.SortStableFunc(l.folders, func(a, b inventory.Folder) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), slices.Compare(a.Path, b.Path))
	})
}

func (st folderStatus) apply(f *inventory.Folder, unique bool) {
	f.Items, f.Bytes = st.messages, st.size
	if st.uidValidity == 0 {
		return
	}
	f.Epoch = fmt.Sprint(st.uidValidity)
	f.End = endCursor(st.uidValidity, st.uidNext)
	if st.highestModSeq > 0 {
		f.State = fmt.Sprintf("%d:%d:%d:%d", st.uidValidity, st.uidNext, st.messages, st.highestModSeq)
	}
	switch {
	case st.mailboxID != "":
		f.Identity = st.mailboxID
	case unique:
		f.Identity = f.Epoch
	}
}

// distinguish gives folders that read the same different paths: a name in
// modified UTF-7 and the same one in bare UTF-8 can stand side by side.
func (l *listing) distinguish() {
	seen := map[string]bool{}
	for i := range l.folders {
		f := &l.folders[i]
		for n := 2; seen[f.Path.String()]; n++ {
			f.Path = slices.Clone(f.Path)
			last := len(f.Path) - 1
			f.Path[last] = fmt.Sprintf("%s (%d)", strings.TrimSuffix(f.Path[last], fmt.Sprintf(" (%d)", n-1)), n)
		}
		seen[f.Path.String()] = true
	}
}
