package imap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// session is one signed-in connection. It implements [providers.Mailbox].
type session struct {
	endpoint *endpoint
	account  account
	conn     *wire.Conn
	tap      *imapstream.Tap
	layout   layout
	product  string // what the server says it is, "" when it does not
	// condstore and qresync tell what the server keeps of changes (RFC 7162).
	condstore, qresync bool

	selected *selected
	// permanent are the flags that folders keep, learnt when they were opened.
	permanent map[inventory.FolderID][]string
	found     map[inventory.FolderID]*known
	spread    map[inventory.FolderID]*spread
}

// selected is the folder that is open, as the server told when it was opened.
type selected struct {
	folder        inventory.FolderID
	writable      bool
	exists        int64
	uidValidity   uint32
	uidNext       uint32
	highestModSeq uint64 // 0: the folder has none
}

// storing is how much longer than others a server may be silent while it
// stores or reads messages: it syncs a hundred files, or one of 150 MB.
const storing = 5

func (e *endpoint) newSession(ctx context.Context, conn *wire.Conn, a account, preauth bool) (*session, error) {
	if !preauth {
		if err := e.signIn(ctx, conn, a); err != nil {
			return nil, err
		}
	}
	s := &session{endpoint: e, account: a, conn: conn, permanent: map[inventory.FolderID][]string{},
		found: map[inventory.FolderID]*known{}, spread: map[inventory.FolderID]*spread{}}
	conn.Replace(func(raw net.Conn, ahead []byte) net.Conn {
		s.tap = imapstream.NewTap(raw, imapstream.TapOptions{Idle: storing * e.set.timeout, Buffered: ahead, Hide: conn.Hidden})
		return wire.Pump(s.tap)
	})
	return s, s.fail("open mailbox", s.prepare(ctx))
}

// prepare switches on change tracking and learns where folders are, in one
// round trip once the capabilities are known.
func (s *session) prepare(ctx context.Context) error {
	if err := s.conn.Capabilities(ctx); err != nil {
		return err
	}
	s.condstore = s.conn.Has("CONDSTORE") || s.conn.Has("QRESYNC")
	commands := []*wire.Command{s.delimiterCommand()}
	if s.conn.Has("QRESYNC") && (s.conn.Has("ENABLE") || s.conn.Has("IMAP4REV2")) {
		commands = append(commands, wire.Cmd("ENABLE").Atom("QRESYNC"))
	}
	if s.conn.Has("ID") {
		commands = append(commands, idCommand())
	}
	var spaces layoutAnswer
	done, err := s.conn.Run(ctx, func(r wire.Response) {
		spaces.hear(r)
		hearProduct(&s.product, r)
		if r.Name == "ENABLED" {
			for _, v := range r.Values {
				s.qresync = s.qresync || v.Is("QRESYNC")
			}
		}
	}, commands...)
	if err != nil {
		return err
	}
	if done[0] != nil {
		return done[0]
	}
	s.product = s.conn.Hidden(s.product)
	s.layout = spaces.layout(s.endpoint.set.prefix)
	return nil
}

func (s *session) delimiterCommand() *wire.Command {
	if s.conn.Has("NAMESPACE") || s.conn.Has("IMAP4REV2") {
		return wire.Cmd("NAMESPACE")
	}
	return wire.Cmd("LIST").Str("").Str("")
}

// fail says what an error of this session means.
func (s *session) fail(op string, err error) error {
	return verdict(op, string(s.account.address), err)
}

func (s *session) folderError(op string, folder inventory.FolderID, err error) error {
	return verdict(op, string(s.account.address)+" "+strconv.Quote(string(folder)), err)
}

// open selects a folder: with EXAMINE unless it is going to be written to, so
// that nothing is marked and \Recent is not taken from the user's next session.
// A folder that is open already is opened again only when fresh counts are
// wanted.
func (s *session) open(ctx context.Context, folder inventory.FolderID, write, fresh bool) (*selected, error) {
	if now := s.selected; now != nil && now.folder == folder && !fresh && (now.writable || !write) {
		return now, nil
	}
	name := "EXAMINE"
	if write {
		name = "SELECT"
	}
	command := wire.Cmd(name).Str(string(folder))
	if s.condstore && !s.qresync {
		command.List("CONDSTORE")
	}
	now := &selected{folder: folder, writable: write}
	s.selected = nil
	err := s.conn.Do(ctx, command, func(r wire.Response) { s.hearOpening(now, r) })
	if err != nil {
		return nil, s.openError(folder, err)
	}
	if now.uidNext == 0 && now.exists > 0 {
		if err := s.findNext(ctx, now); err != nil {
			return nil, s.openError(folder, err)
		}
	}
	if err := s.checkValidity(now, fresh); err != nil {
		return nil, err
	}
	s.selected = now
	return now, nil
}

// findNext asks for the last UID where the server did not tell UIDNEXT, which
// RFC 2060 did not demand.
func (s *session) findNext(ctx context.Context, now *selected) error {
	return s.conn.Do(ctx, wire.Cmd("FETCH").Atom("*").List("UID"), func(r wire.Response) {
		if r.Name == "FETCH" {
			r.Value(0).Pairs(func(name string, value wire.Value) {
				if name == "UID" {
					now.uidNext = uint32(parseNumber(value.Text)) + 1
				}
			})
		}
	})
}

// checkValidity compares with what sessions of this endpoint saw before: IDs
// from then name other messages once UIDVALIDITY has changed.
func (s *session) checkValidity(now *selected, fresh bool) error {
	before, known := s.endpoint.noteValidity(s.account.address, now.folder, now.uidValidity, fresh)
	if !known || before == now.uidValidity {
		return nil
	}
	return &providers.Error{Kind: providers.Transient, Code: codeValidity, Op: "open folder", Subject: string(s.account.address) + " " + strconv.Quote(string(now.folder)),
		Err: fmt.Errorf("UIDVALIDITY was %d and is %d", before, now.uidValidity)}
}

func (s *session) hearOpening(now *selected, r wire.Response) {
	if r.Name == "EXISTS" {
		now.exists = int64(r.Number)
	}
	switch r.Code {
	case "UIDVALIDITY":
		now.uidValidity = uint32(parseNumber(r.CodeArg))
	case "UIDNEXT":
		now.uidNext = uint32(parseNumber(r.CodeArg))
	case "HIGHESTMODSEQ":
		now.highestModSeq = parseNumber(r.CodeArg)
	case "PERMANENTFLAGS":
		if !now.writable {
			return // opened for reading, a folder keeps no flag at all
		}
		s.permanent[now.folder] = strings.Fields(strings.Trim(r.CodeArg, "()"))
	}
}

// openError: a NO to opening a folder means that it is not there, unless the
// server says something else (RFC 9051 section 6.3.2).
func (s *session) openError(folder inventory.FolderID, err error) error {
	verdict := s.folderError("open folder", folder, err)
	if e, ok := errors.AsType[*providers.Error](verdict); ok && e.Code == codeRefused {
		e.Kind, e.Code = providers.Gone, codeFolderMissing
	}
	return verdict
}

// parseNumber reads a number of the server; what is none is 0. Zoho has sent
// negative mod-sequences.
func parseNumber(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// stream runs work on the connection's fast path.
func (s *session) stream(work func(*imapstream.Stream) error) error {
	if err := s.conn.Broken(); err != nil {
		return err
	}
	stream, err := s.tap.Take()
	if err != nil {
		return err
	}
	defer stream.Release()
	return work(stream)
}

// Close implements [providers.Mailbox].
func (s *session) Close() error {
	_ = s.conn.Close()
	s.endpoint.forget(s)
	return nil
}
