package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/rogpeppe/go-internal/testscript"
)

// mailPassword is that of every account.
const mailPassword = "a-long-password-of-the-scripts"

// mailServer is an IMAP server inside the test.
type mailServer struct {
	address string
	users   map[string]*imapmemserver.User
}

// startServer is `server PORTVARIABLE ACCOUNT...`: starts an IMAP server; imap
// and hold talk to the one started last.
func startServer(ts *testscript.TestScript, _ bool, args []string) {
	memory := imapmemserver.New()
	s := &mailServer{users: map[string]*imapmemserver.User{}}
	for _, name := range args[1:] {
		user := imapmemserver.NewUser(name, mailPassword)
		ts.Check(user.Create("INBOX", nil))
		memory.AddUser(user)
		s.users[name] = user
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := imapserver.New(&imapserver.Options{
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
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
	s.address = l.Addr().String()
	worldOf(ts).server = s
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Setenv("CUTOVER_VAR_password", mailPassword)
}

// changeMail is what a user does with another program:
//
//	imap ACCOUNT create FOLDER
//	imap ACCOUNT append FOLDER COUNT [BYTES]
//	imap ACCOUNT flag FOLDER SET FLAG
//	imap ACCOUNT move FOLDER SET FOLDER
//	imap ACCOUNT delete FOLDER SET
//
// A SET holds sequence numbers: 1:20.
func changeMail(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	account, do, folder, rest := args[0], args[1], args[2], args[3:]
	switch do {
	case "create":
		ts.Check(w.server.users[account].Create(folder, nil))
		return
	case "append":
		ts.Check(w.append(w.server.users[account], folder, rest))
		return
	}
	c, err := imapclient.DialInsecure(w.server.address, nil)
	ts.Check(err)
	defer c.Close()
	ts.Check(c.Login(account, mailPassword).Wait())
	_, err = c.Select(folder, nil).Wait()
	ts.Check(err)
	set := sequence(ts, rest[0])
	switch do {
	case "flag":
		ts.Check(c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.Flag(rest[1])}}, nil).Close())
	case "move":
		_, err := c.Move(set, rest[1]).Wait()
		ts.Check(err)
	case "delete":
		ts.Check(c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
		ts.Check(c.Expunge().Close())
	default:
		ts.Fatalf("imap cannot %q", do)
	}
}

func sequence(ts *testscript.TestScript, text string) imap.SeqSet {
	var set imap.SeqSet
	first, last, found := strings.Cut(text, ":")
	a, err := strconv.Atoi(first)
	ts.Check(err)
	b := a
	if found {
		b, err = strconv.Atoi(last)
		ts.Check(err)
	}
	set.AddRange(uint32(a), uint32(b))
	return set
}

// append puts messages into a folder, each unlike all others.
func (w *world) append(user *imapmemserver.User, folder string, args []string) error {
	count, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	size := 0
	if len(args) > 1 {
		if size, err = strconv.Atoi(args[1]); err != nil {
			return err
		}
	}
	for range count {
		w.count++
		received := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(w.count) * time.Minute)
		if _, err := user.Append(folder, letter{bytes.NewReader(message(w.count, size))}, &imap.AppendOptions{Time: received}); err != nil {
			return err
		}
	}
	return nil
}

func message(number, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Anna Berg <anna@contoso.test>\r\nTo: Wei Zhang <wei@contoso.test>\r\nSubject: Letter %d\r\n"+
		"Message-ID: <%d@contoso.test>\r\nDate: Wed, 01 May 2024 08:00:00 +0000\r\n\r\nThis is letter %d.\r\n", number, number, number)
	for b.Len() < size {
		fmt.Fprintf(&b, "Letter %d goes on and on, as letters do, until nobody reads any further.\r\n", number)
	}
	return b.Bytes()
}

type letter struct{ *bytes.Reader }

// Size is the length of the whole.
func (l letter) Size() int64 { return l.Reader.Size() }

// gate is a proxy that lets so many bytes of each connection through to the
// client, and holds what follows until it is opened.
type gate struct {
	limit  int
	once   sync.Once
	held   chan struct{} // closed when it holds the first connection
	opened chan struct{}
}

// holdMail is `hold PORTVARIABLE BYTES`: each connection to the server
// started last stops after that many bytes from it.
func holdMail(ts *testscript.TestScript, _ bool, args []string) {
	bytes, err := strconv.Atoi(args[1])
	ts.Check(err)
	g := &gate{limit: bytes, held: make(chan struct{}), opened: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	w := worldOf(ts)
	w.gate = g
	go g.serve(l, w.server.address)
}

func (g *gate) serve(l net.Listener, address string) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", address)
		if err != nil {
			client.Close()
			continue
		}
		go func() {
			io.Copy(server, client)
			server.Close()
		}()
		go func() {
			io.Copy(client, &gated{Conn: server, gate: g, left: g.limit})
			client.Close()
		}()
	}
}

type gated struct {
	net.Conn
	gate *gate
	left int
}

// Read waits while the gate holds.
func (g *gated) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if g.left -= n; g.left < 0 {
		g.gate.once.Do(func() { close(g.gate.held) })
		<-g.gate.opened
	}
	return n, err
}

// awaitHeld is `held`: waits until the gate holds.
func awaitHeld(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-worldOf(ts).gate.held:
	case <-time.After(patience):
		ts.Fatalf("nothing was held")
	}
}

// releaseMail is `release`: opens the gate for good.
func releaseMail(ts *testscript.TestScript, _ bool, _ []string) { close(worldOf(ts).gate.opened) }
