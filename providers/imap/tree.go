package imap

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// CreateFolder implements [providers.Mailbox]. Where the server can do what is
// asked, it costs one round trip.
func (s *session) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	name, err := s.layout.name(f.Path)
	if err != nil {
		return inventory.Folder{}, err
	}
	made, refused, err := s.create(ctx, f, name)
	if err == nil && made == nil {
		err = refused
		if err == nil {
			err = &providers.Error{Kind: providers.Other, Code: codeFolderMissing, Op: "create folder", Subject: f.Path.String(), Err: errors.New("the server created it but does not list it")}
		}
	}
	if err != nil {
		return inventory.Folder{}, s.createError(f.Path, err)
	}
	return *made, nil
}

// create makes a folder and its parents, lists it and learns which keywords it
// keeps, all in one round trip. What exists is refused by the server, which is
// as good: the answer to the last CREATE is returned as refused, and only
// counts if the folder is not there then, and made is nil.
func (s *session) create(ctx context.Context, f inventory.Folder, name string) (made *inventory.Folder, refused, err error) {
	commands, last, err := s.creation(f, name)
	if err != nil {
		return nil, nil, err
	}
	list := s.listingOf(name)
	listed := len(commands)
	commands = append(append(commands, s.unselect()...), list.commands()...)
	opened := len(commands)
	commands = append(commands, s.openingOf(f, name)...)
	now := &selected{folder: inventory.FolderID(name), writable: true}
	done, err := s.conn.Run(ctx, func(r wire.Response) { list.hear(r); s.hearOpening(now, r) }, commands...)
	if err != nil {
		return nil, nil, err
	}
	if opened < len(commands) && done[opened] == nil {
		s.keepsAnyUnlessTold(now.folder)
	}
	if last >= 0 {
		refused = done[last]
	}
	if refused != nil && attributeOf(f.Role) != "" && !existing(refused) {
		if refused, err = s.createPlain(ctx, f, name); err != nil {
			return nil, nil, err
		}
		made, err = s.lookUp(ctx, name, f.Role)
		return made, refused, err
	}
	if err := errors.Join(done[listed:opened]...); err != nil {
		return nil, nil, err
	}
	made, err = list.one(ctx, f.Role)
	return made, refused, err
}

// creation is the commands that make a folder; last is the one that makes it
// and not its parents, -1 for the inbox, which is always there.
func (s *session) creation(f inventory.Folder, name string) (commands []*wire.Command, last int, err error) {
	for i := 1; i < len(f.Path); i++ {
		parent, err := s.layout.name(f.Path[:i])
		if err != nil {
			return nil, -1, err
		}
		if parent != inbox {
			commands = append(commands, wire.Cmd("CREATE").Str(parent))
		}
	}
	last = -1
	if name != inbox {
		last = len(commands)
		commands = append(commands, s.createCommand(name, f.Role))
	}
	if f.Subscribed {
		commands = append(commands, wire.Cmd("SUBSCRIBE").Str(name))
	}
	return commands, last, nil
}

// openingOf opens and leaves a folder whose keywords will have to be known.
func (s *session) openingOf(f inventory.Folder, name string) []*wire.Command {
	if f.Container || !s.has("UNSELECT") {
		return nil
	}
	return []*wire.Command{wire.Cmd("SELECT").Str(name), wire.Cmd("UNSELECT")}
}

// createPlain tries again without the role, which the server may not give
// twice or at all ("NO [USEATTR]", RFC 6154 section 3).
func (s *session) createPlain(ctx context.Context, f inventory.Folder, name string) (refused, err error) {
	f.Role = inventory.RoleNone
	commands := []*wire.Command{s.createCommand(name, f.Role)}
	if f.Subscribed {
		commands = append(commands, wire.Cmd("SUBSCRIBE").Str(name))
	}
	done, err := s.conn.Run(ctx, nil, commands...)
	if err != nil {
		return nil, err
	}
	return done[0], nil
}

func (s *session) createCommand(name string, role inventory.Role) *wire.Command {
	command := wire.Cmd("CREATE").Str(name)
	if use := attributeOf(role); use != "" && s.has("CREATE-SPECIAL-USE") {
		command.Atom("(USE (" + use + "))")
	}
	return command
}

var existsWords = regexp.MustCompile(`(?i)exists`)

func existing(err error) bool {
	status, ok := asAnswer(err)
	return ok && (status.code == "ALREADYEXISTS" || existsWords.MatchString(status.text))
}

// createError: what a server says to CREATE without a better code is about the
// name.
func (s *session) createError(path inventory.Path, err error) error {
	out := verdict("create folder", string(s.account.address)+" "+path.String(), err)
	if e, ok := errors.AsType[*providers.Error](out); ok && e.Code == codeRefused {
		e.Kind, e.Code = providers.Rejected, codeFolderName
	}
	return out
}

// lookUp lists one folder; nil when the server does not have it.
func (s *session) lookUp(ctx context.Context, name string, role inventory.Role) (*inventory.Folder, error) {
	l := s.listingOf(name)
	if err := s.all(ctx, l.hear, append(s.unselect(), l.commands()...)...); err != nil {
		return nil, err
	}
	return l.one(ctx, role)
}

func (s *session) listingOf(name string) *listing {
	return &listing{session: s, at: map[string]int{}, subscribed: map[string]bool{}, status: map[string]folderStatus{}, only: canonical(name)}
}

// one finishes the listing of one folder; nil when the server has not told it.
// A role that the server has no attribute for counts as given if a folder of
// this name will be taken for it.
func (l *listing) one(ctx context.Context, role inventory.Role) (*inventory.Folder, error) {
	l.subscribe()
	if err := l.askStatus(ctx); err != nil {
		return nil, err
	}
	if len(l.folders) == 0 {
		return nil, nil
	}
	l.apply()
	f := &l.folders[0]
	for _, known := range roleNames {
		if known.role == role && f.Role == inventory.RoleNone && nameRank(*f, known.names) >= 0 {
			f.Role = role
		}
	}
	return f, nil
}

// RenameFolder implements [providers.Mailbox]. Subscriptions follow, which
// RFC 9051 section 6.3.6 leaves to the client.
func (s *session) RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error) {
	name, err := s.layout.name(to)
	if err != nil {
		return inventory.Folder{}, err
	}
	if string(id) == inbox || name == inbox {
		return inventory.Folder{}, badName(to, "the inbox cannot be renamed or replaced")
	}
	moved, err := s.rename(ctx, string(id), name, to)
	if err != nil {
		return inventory.Folder{}, s.folderError("rename folder", id, err)
	}
	return *moved, nil
}

func (s *session) rename(ctx context.Context, from, to string, path inventory.Path) (*inventory.Folder, error) {
	subscribed, err := s.subscriptions(ctx, from)
	if err != nil {
		return nil, err
	}
	var commands []*wire.Command
	for i := 1; i < len(path); i++ {
		if parent, err := s.layout.name(path[:i]); err == nil && parent != inbox {
			commands = append(commands, wire.Cmd("CREATE").Str(parent))
		}
	}
	s.selected = nil
	done, err := s.conn.Run(ctx, nil, append(commands, wire.Cmd("RENAME").Str(from).Str(to))...)
	if err != nil {
		return nil, err
	}
	if refused := done[len(done)-1]; refused != nil {
		return nil, refused
	}
	if err := s.moveSubscriptions(ctx, subscribed, from, to); err != nil {
		return nil, err
	}
	f, err := s.lookUp(ctx, to, inventory.RoleNone)
	if err == nil && f == nil {
		err = &providers.Error{Kind: providers.Other, Code: codeFolderMissing, Op: "rename folder", Subject: path.String(), Err: errors.New("the server renamed it but does not list it")}
	}
	return f, err
}

// subscriptions lists the names subscribed to at and below a folder.
func (s *session) subscriptions(ctx context.Context, name string) ([]string, error) {
	commands := []*wire.Command{wire.Cmd("LSUB").Str("").Str(name)}
	below := name + s.layout.personal.separator
	if s.layout.personal.separator != "" {
		commands = append(commands, wire.Cmd("LSUB").Str("").Str(below+"*"))
	}
	var names []string
	err := s.all(ctx, func(r wire.Response) {
		if r.Name != "LSUB" || hasFold(r.Value(0).Texts(), `\Noselect`) {
			return
		}
		if got := r.Value(2).Text; got == name || strings.HasPrefix(got, below) && below != name {
			names = append(names, got)
		}
	}, commands...)
	return names, err
}

func (s *session) moveSubscriptions(ctx context.Context, names []string, from, to string) error {
	var commands []*wire.Command
	for _, old := range names {
		commands = append(commands, wire.Cmd("UNSUBSCRIBE").Str(old), wire.Cmd("SUBSCRIBE").Str(to+strings.TrimPrefix(old, from)))
	}
	for len(commands) > 0 {
		n := min(len(commands), pipelined)
		// A refusal is of a subscription that the server moved by itself.
		if _, err := s.conn.Run(ctx, nil, commands[:n]...); err != nil {
			return err
		}
		commands = commands[n:]
	}
	return nil
}
