// Package wire speaks the control part of IMAP: commands, pipelined if several
// are given, and their answers as values. Folder names are bytes here, as they
// stand on the wire, because servers hold names that are not valid modified
// UTF-7 and a client that decodes them cannot name those folders again.
//
// Bodies do not pass here: they are streamed by package imapstream over the
// same connection, between two commands.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Conn is a connection used by one goroutine at a time.
type Conn struct {
	conn    net.Conn
	timeout time.Duration
	in      reader
	out     *bufio.Writer
	tags    int
	caps    map[string]bool // nil: not known
	capsAt  int             // counts announcements
	bye     *StatusError
	broken  error
	hide    func(string) string // nil: nothing is hidden

	deadline sync.Mutex // orders cancellation and renewed deadlines
	stopped  bool
}

// New returns a connection over conn. The server may stay silent for timeout.
func New(conn net.Conn, timeout time.Duration) *Conn {
	c := &Conn{conn: conn, timeout: timeout}
	c.reset(conn)
	return c
}

func (c *Conn) reset(conn net.Conn) {
	c.conn = conn
	c.in = reader{br: bufio.NewReader(patient{c})}
	c.out = bufio.NewWriter(patient{c})
}

// patient renews the deadline at every read and write.
type patient struct{ c *Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.c.extend(); err != nil {
		return 0, err
	}
	return p.c.conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.c.extend(); err != nil {
		return 0, err
	}
	return p.c.conn.Write(b)
}

func (c *Conn) extend() error {
	c.deadline.Lock()
	defer c.deadline.Unlock()
	if c.stopped {
		return net.ErrClosed
	}
	return c.conn.SetDeadline(time.Now().Add(c.timeout))
}

// watch interrupts reads and writes when ctx ends. The function returned ends
// the watch; the connection is of no further use if ctx had ended before.
func (c *Conn) watch(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() {
		c.deadline.Lock()
		defer c.deadline.Unlock()
		c.stopped = true
		_ = c.conn.SetDeadline(time.Unix(1, 0))
	})
	return func() {
		stop()
		if ctx.Err() == nil {
			_ = c.conn.SetDeadline(time.Time{})
		}
	}
}

// Hide has every text that the server says from now on rewritten: what it has
// been told in confidence it may say back.
func (c *Conn) Hide(hide func(string) string) { c.hide = hide }

// Hidden returns a text of the server's without what [Conn.Hide] takes out.
func (c *Conn) Hidden(text string) string {
	if c.hide == nil {
		return text
	}
	return c.hide(text)
}

// Net returns the connection below.
func (c *Conn) Net() net.Conn { return c.conn }

// Replace puts a wrapped connection below, between two commands. What was read
// ahead must come first from the new one.
func (c *Conn) Replace(wrap func(conn net.Conn, ahead []byte) net.Conn) {
	ahead, _ := c.in.br.Peek(c.in.br.Buffered())
	c.reset(wrap(c.conn, bytes.Clone(ahead)))
}

// Broken returns why the connection cannot be used any more, or nil.
func (c *Conn) Broken() error { return c.broken }

// fail marks the connection as unusable and names the reason, with the
// server's BYE if it said one.
func (c *Conn) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if c.bye != nil {
		err = c.bye
	}
	if c.broken == nil {
		c.broken = err
	}
	return err
}

// Greeting reads what the server says first. A BYE is an error; preauth says
// that no sign-in is needed.
func (c *Conn) Greeting(ctx context.Context) (preauth bool, err error) {
	defer c.watch(ctx)()
	response, err := c.next()
	if err != nil {
		return false, c.fail(ctx, err)
	}
	switch response.Name {
	case "OK":
		return false, nil
	case "PREAUTH":
		return true, nil
	case "BYE":
		return false, c.fail(ctx, statusError("greeting", response))
	}
	return false, c.fail(ctx, fmt.Errorf("%w: not an IMAP greeting", ErrSyntax))
}

// next reads one response and keeps what the connection has to know of it.
func (c *Conn) next() (Response, error) {
	response, err := c.in.read()
	if errors.Is(err, ErrSyntax) {
		err = fmt.Errorf("%w%s", ErrSyntax, strings.TrimPrefix(c.Hidden(err.Error()), ErrSyntax.Error()))
	}
	if err != nil {
		return response, err
	}
	if response.Status() {
		response.Text, response.CodeArg = c.Hidden(response.Text), c.Hidden(response.CodeArg)
	}
	switch {
	case response.Name == "BYE":
		c.bye = statusError("session", response)
	case response.Name == "CAPABILITY":
		c.setCaps(Value{List: response.Values}.Texts())
	case response.Status() && response.Code == "CAPABILITY":
		c.setCaps(strings.Fields(response.CodeArg))
	}
	return response, nil
}

func (c *Conn) setCaps(names []string) {
	c.capsAt++
	c.caps = make(map[string]bool, len(names))
	for _, name := range names {
		c.caps[strings.ToUpper(name)] = true
	}
}

// Has reports whether the server announced a capability.
func (c *Conn) Has(name string) bool { return c.caps[name] }

// CapValue returns what follows "=" in an announced capability: "APPENDLIMIT=5".
func (c *Conn) CapValue(name string) (string, bool) {
	for announced := range c.caps {
		if value, found := strings.CutPrefix(announced, name+"="); found {
			return value, true
		}
	}
	return "", false
}

// CapsVersion counts the announcements of capabilities so far.
func (c *Conn) CapsVersion() int { return c.capsAt }

// ForgetCaps makes the next call of Capabilities ask the server: signing in
// and TLS void what was announced before (RFC 9051 section 6.1.1).
func (c *Conn) ForgetCaps() { c.caps = nil }

// Capabilities asks for the capabilities unless they are known.
func (c *Conn) Capabilities(ctx context.Context) error {
	if c.caps != nil {
		return nil
	}
	return c.Do(ctx, Cmd("CAPABILITY"), nil)
}

// Do runs one command. Each sees every untagged response meanwhile; it may be
// nil. An answer NO or BAD is a *StatusError; after any other error the
// connection is broken.
func (c *Conn) Do(ctx context.Context, command *Command, each func(Response)) error {
	statuses, err := c.Run(ctx, each, command)
	if err != nil {
		return err
	}
	return statuses[0]
}

// Run sends commands without waiting between them and returns the outcome of
// each: nil or a *StatusError. The commands must not depend on each other's
// result (RFC 9051 section 5.5), and be few enough that the server can answer
// while more arrive.
func (c *Conn) Run(ctx context.Context, each func(Response), commands ...*Command) ([]error, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	for _, command := range commands {
		if err := command.check(); err != nil {
			return nil, err
		}
	}
	defer c.watch(ctx)()
	run := &run{conn: c, each: each, open: map[string]int{}, done: make([]error, len(commands)), commands: commands}
	if err := run.all(); err != nil {
		return nil, c.fail(ctx, err)
	}
	return run.done, nil
}

// run is one call of Run.
type run struct {
	conn     *Conn
	each     func(Response)
	open     map[string]int // tag to position
	done     []error
	commands []*Command
	said     []string // continuation requests not used yet
}

func (r *run) all() error {
	for i := range r.commands {
		if err := r.send(i); err != nil {
			return err
		}
	}
	if err := r.conn.out.Flush(); err != nil {
		return r.explain(err)
	}
	for len(r.open) > 0 {
		if err := r.step(); err != nil {
			return err
		}
	}
	return nil
}

// explain prefers what the server said before it closed to the failed write.
func (r *run) explain(err error) error {
	for r.conn.bye == nil {
		if _, readErr := r.conn.next(); readErr != nil {
			break
		}
	}
	return err
}

func (r *run) send(i int) error {
	c := r.conn
	c.tags++
	tag := "c" + strconv.Itoa(c.tags)
	r.open[tag] = i
	fmt.Fprintf(c.out, "%s %s", tag, r.commands[i].name)
	for _, a := range r.commands[i].args {
		c.out.WriteByte(' ')
		if !a.literal {
			c.out.WriteString(a.text)
			continue
		}
		if sent, err := r.literal(tag, a.text); err != nil || !sent {
			return err
		}
	}
	_, err := c.out.WriteString("\r\n")
	return err
}

// literal sends a string as a literal; sent is false when the server ended the
// command instead of asking for it.
func (r *run) literal(tag, text string) (sent bool, err error) {
	c := r.conn
	if c.Has("LITERAL+") || len(text) <= 4096 && (c.Has("LITERAL-") || c.Has("IMAP4REV2")) {
		fmt.Fprintf(c.out, "{%d+}\r\n%s", len(text), text)
		return true, nil
	}
	fmt.Fprintf(c.out, "{%d}\r\n", len(text))
	if err := c.out.Flush(); err != nil {
		return false, r.explain(err)
	}
	for len(r.said) == 0 {
		if err := r.step(); err != nil {
			return false, err
		}
		if _, open := r.open[tag]; !open {
			return false, nil
		}
	}
	r.said = r.said[1:]
	_, err = c.out.WriteString(text)
	return true, err
}

// step reads one response.
func (r *run) step() error {
	response, err := r.conn.next()
	if err != nil {
		return err
	}
	switch response.Tag {
	case "+":
		r.said = append(r.said, response.Text)
	case "*":
		if r.each != nil {
			r.each(response)
		}
	default:
		return r.complete(response)
	}
	return nil
}

func (r *run) complete(response Response) error {
	i, open := r.open[response.Tag]
	if !open {
		return fmt.Errorf("%w: unknown tag %q", ErrSyntax, clip(response.Tag))
	}
	delete(r.open, response.Tag)
	if response.Name != "OK" {
		r.done[i] = statusError(r.commands[i].name, response)
	} else if r.each != nil {
		r.each(response) // tagged OK carries codes such as COPYUID
	}
	return nil
}

// Raw runs a command whose continuation lines come from answer, one line for
// each request: the exchange of AUTHENTICATE.
func (c *Conn) Raw(ctx context.Context, command *Command, answer func(request string) (string, error)) error {
	if c.broken != nil {
		return c.broken
	}
	defer c.watch(ctx)()
	r := &run{conn: c, open: map[string]int{}, done: make([]error, 1), commands: []*Command{command}}
	if err := r.exchange(answer); err != nil {
		return c.fail(ctx, err)
	}
	return r.done[0]
}

func (r *run) exchange(answer func(string) (string, error)) error {
	if err := r.send(0); err != nil {
		return err
	}
	var refused error
	for {
		if err := r.conn.out.Flush(); err != nil {
			return r.explain(err)
		}
		if err := r.step(); err != nil {
			return err
		}
		if len(r.open) == 0 {
			if r.done[0] != nil { // the server's words tell more
				refused = nil
			}
			return refused
		}
		if len(r.said) == 0 {
			continue
		}
		line, err := answer(r.said[0])
		if err != nil {
			line, refused = "*", err
		}
		r.said = r.said[1:]
		fmt.Fprintf(r.conn.out, "%s\r\n", line)
	}
}

// StartTLS asks for TLS and shakes hands. What the server sent before is
// dropped: it was not protected.
func (c *Conn) StartTLS(ctx context.Context, config *tls.Config) error {
	if err := c.Do(ctx, Cmd("STARTTLS"), nil); err != nil {
		return err
	}
	if c.in.br.Buffered() > 0 {
		return c.fail(ctx, errors.New("the server sent data between STARTTLS and the handshake"))
	}
	secure := tls.Client(c.conn, config)
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return c.fail(ctx, err)
	}
	if err := secure.HandshakeContext(ctx); err != nil {
		return c.fail(ctx, err)
	}
	c.reset(secure)
	c.ForgetCaps()
	return nil
}

// Close says LOGOUT, without waiting for more than a moment, and closes the
// connection.
func (c *Conn) Close() error {
	if c.broken == nil {
		c.broken = net.ErrClosed
		_ = c.conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
		c.tags++
		_, _ = fmt.Fprintf(c.conn, "c%d LOGOUT\r\n", c.tags)
	}
	return c.conn.Close()
}
