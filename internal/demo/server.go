// Package demo is a small organisation on this machine: an embedded IMAP
// server whose mailboxes hold generated mail, for `cutover demo`. Equal seeds
// make equal organisations.
package demo

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Server is the running organisation.
type Server struct {
	// Addr is the loopback address that it listens on.
	Addr *net.TCPAddr
	// Accounts are the addresses of its mailboxes, sorted.
	Accounts []string
	// Password is that of every account.
	Password string
	// Messages and Bytes are what the mailboxes hold in all.
	Messages, Bytes int64
	server          *imapserver.Server
}

// Start generates an organisation and serves it on a random loopback port
// until Close.
func Start(seed uint64) (*Server, error) {
	s := &Server{Password: "demo-password"}
	memory := imapmemserver.New()
	for _, person := range people {
		user := imapmemserver.NewUser(person.address(), s.Password)
		if err := s.fill(user, newWriter(seed, person)); err != nil {
			return nil, fmt.Errorf("fill mailbox %s: %w", person.address(), err)
		}
		memory.AddUser(user)
		s.Accounts = append(s.Accounts, person.address())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the demo server: %w", err)
	}
	s.Addr = listener.Addr().(*net.TCPAddr)
	s.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return memory.NewSession(), nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapListExtended: {},
			imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapESearch: {}, imap.CapSpecialUse: {},
		},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	})
	go s.server.Serve(listener)
	return s, nil
}

// Close ends the server with its connections.
func (s *Server) Close() error { return s.server.Close() }

func (s *Server) fill(user *imapmemserver.User, w *writer) error {
	for _, folder := range w.folders() {
		if err := user.Create(folder.name, &imap.CreateOptions{SpecialUse: folder.use}); err != nil {
			return err
		}
		if err := user.Subscribe(folder.name); err != nil {
			return err
		}
		for range folder.messages {
			m := w.message(folder)
			options := &imap.AppendOptions{Flags: m.flags, Time: m.received}
			if _, err := user.Append(folder.name, literal{bytes.NewReader(m.body)}, options); err != nil {
				return err
			}
			s.Messages++
			s.Bytes += int64(len(m.body))
		}
	}
	return nil
}

// literal makes a reader an imap.LiteralReader.
type literal struct{ *bytes.Reader }

// Size returns the length of the whole.
func (l literal) Size() int64 { return l.Reader.Size() }
