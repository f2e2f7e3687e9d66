package imapstream

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// TapOptions change how a [Tap] behaves.
type TapOptions struct {
	// Idle is how long a stream waits for a byte to move; default 5 minutes.
	Idle time.Duration
	// Buffered are bytes that were read from the connection already and come
	// first, such as the greeting when STARTTLS was spoken before the tap.
	Buffered []byte
	// Hide rewrites what the server says before it stands in an error; nil
	// leaves it.
	Hide func(string) string
}

// Tap is a connection that go-imap works on and that can be taken over between
// its commands. It has no goroutine of its own and copies nothing: go-imap
// reads and writes the connection through it, a stream reads and writes it
// directly.
//
// go-imap always has a Read under way, which is not interrupted when the
// connection is taken. The first bytes after that still arrive in that Read,
// which passes them on to the stream and then waits for the release.
type Tap struct {
	conn net.Conn
	idle time.Duration
	hide func(string) string

	mu      sync.Mutex
	changed *sync.Cond // any field below
	taken   bool
	reading bool   // go-imap waits in conn.Read
	between bool   // go-imap has been given nothing, or whole lines only
	pending []byte // read, and due to whoever reads next
	cause   error  // why the connection has ended
	// readFor and writeFor are the deadlines go-imap asked for, as durations:
	// they start anew at the release.
	readFor, writeFor time.Duration

	in  *reader // buffers of the streams, made by the first
	out *writer
	tag uint64
	// flags and zones are what parsing shares between messages.
	flags flagTable
	zones zoneTable
}

// NewTap wraps a plain or TLS connection. The tap owns it from then on.
func NewTap(conn net.Conn, o TapOptions) *Tap {
	t := &Tap{conn: conn, idle: o.Idle, hide: o.Hide, pending: bytes.Clone(o.Buffered)}
	if t.idle <= 0 {
		t.idle = 5 * time.Minute
	}
	if t.hide == nil {
		t.hide = func(text string) string { return text }
	}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// Take gives the connection to a stream. It waits until go-imap has handled
// everything it was given and reads on, and is legal only while no go-imap
// command is under way, but for the CAPABILITY that go-imap sends by itself. A
// go-imap command that is begun later waits for [Stream.Release]. One stream
// at a time.
//
// Another client than go-imap can be in its place, if it always has a Read
// under way and its tags do not begin with "S".
func (t *Tap) Take() (*Stream, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case t.cause != nil:
			return nil, fmt.Errorf("take over imap connection: %w", t.cause)
		case t.taken:
			return nil, fmt.Errorf("take over imap connection: %w", ErrTaken)
		case t.reading && t.between:
			t.taken = true
			t.conn.SetDeadline(time.Time{})
			return newStream(t), nil
		}
		t.changed.Wait()
	}
}

// release ends the taking; left are bytes that the stream read and did not
// use.
func (t *Tap) release(left []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, left...)
	t.taken = false
	if t.cause == nil {
		t.conn.SetReadDeadline(after(t.readFor))
		t.conn.SetWriteDeadline(after(t.writeFor))
	}
	if len(t.pending) > 0 && t.reading && t.cause == nil {
		// go-imap's Read is still asleep in the connection: wake it for what
		// has come already. A read deadline does not spoil TLS.
		t.conn.SetReadDeadline(time.Unix(1, 0))
	}
	t.changed.Broadcast()
}

func after(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// Err returns why the connection has ended, nil while it is usable.
func (t *Tap) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause
}

// Read is for go-imap: it waits while a stream has the connection.
func (t *Tap) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case t.cause != nil:
			return 0, t.cause
		case t.taken:
			t.changed.Wait()
		case len(t.pending) > 0:
			n := copy(p, t.pending)
			t.pending = t.pending[n:]
			t.given(p[:n])
			return n, nil
		default:
			if n, err, mine := t.readConn(p); mine {
				return n, err
			}
		}
	}
}

// readConn reads for go-imap with t.mu released meanwhile. mine is false when
// a stream got the bytes.
func (t *Tap) readConn(p []byte) (n int, err error, mine bool) {
	t.reading = true
	t.changed.Broadcast()
	t.mu.Unlock()
	n, err = t.conn.Read(p)
	t.mu.Lock()
	t.reading = false
	t.changed.Broadcast()
	if t.taken || len(t.pending) > 0 {
		// Taken since, or woken by release.
		t.pending = append(t.pending, p[:n]...)
		if err != nil && !isTimeout(err) {
			t.failLocked(err)
		} else if !t.taken {
			t.conn.SetReadDeadline(after(t.readFor))
		}
		return 0, nil, false
	}
	t.given(p[:n])
	if err != nil {
		t.failLocked(err)
	}
	return n, err, true
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// given notes what go-imap gets. A line that ends in a literal is not over.
func (t *Tap) given(p []byte) {
	if len(p) > 0 {
		t.between = p[len(p)-1] == '\n' && !bytes.HasSuffix(p, []byte("}\r\n"))
	}
}

// streamRead reads for the stream.
func (t *Tap) streamRead(p []byte) (int, error) {
	t.mu.Lock()
	for t.cause == nil && len(t.pending) == 0 && t.reading {
		t.changed.Wait()
	}
	if len(t.pending) > 0 {
		n := copy(p, t.pending)
		t.pending = t.pending[n:]
		t.mu.Unlock()
		return n, nil
	}
	cause := t.cause
	t.mu.Unlock()
	if cause != nil {
		return 0, cause
	}
	n, err := t.conn.Read(p)
	if n > 0 {
		return n, nil
	}
	return 0, t.fail(err)
}

// Write is for go-imap: it waits while a stream has the connection.
func (t *Tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	for t.taken && t.cause == nil {
		t.changed.Wait()
	}
	cause := t.cause
	t.mu.Unlock()
	if cause != nil {
		return 0, cause
	}
	return t.conn.Write(p)
}

// fail ends the connection for the reason given, unless it has ended already,
// and returns the reason it has ended for.
func (t *Tap) fail(reason error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failLocked(reason)
	return t.cause
}

// failLocked releases t.mu while it closes: a TLS connection takes leave,
// which can last seconds.
func (t *Tap) failLocked(reason error) {
	if t.cause != nil {
		return
	}
	if reason == io.EOF || reason == nil {
		reason = io.ErrUnexpectedEOF
	}
	t.cause = reason
	t.changed.Broadcast()
	t.mu.Unlock()
	t.conn.Close()
	t.mu.Lock()
}

// Close closes the connection, also while a stream has it.
func (t *Tap) Close() error {
	t.mu.Lock()
	if t.cause == nil {
		t.cause = net.ErrClosed
	}
	t.changed.Broadcast()
	t.mu.Unlock()
	return t.conn.Close()
}

// LocalAddr returns the address of the connection.
func (t *Tap) LocalAddr() net.Addr { return t.conn.LocalAddr() }

// RemoteAddr returns the address of the connection.
func (t *Tap) RemoteAddr() net.Addr { return t.conn.RemoteAddr() }

// SetDeadline is for go-imap; it takes effect while no stream has the
// connection.
func (t *Tap) SetDeadline(d time.Time) error {
	if err := t.SetReadDeadline(d); err != nil {
		return err
	}
	return t.SetWriteDeadline(d)
}

// SetReadDeadline is for go-imap, as SetDeadline.
func (t *Tap) SetReadDeadline(d time.Time) error {
	return t.setDeadline(d, &t.readFor, t.conn.SetReadDeadline)
}

// SetWriteDeadline is for go-imap, as SetDeadline.
func (t *Tap) SetWriteDeadline(d time.Time) error {
	return t.setDeadline(d, &t.writeFor, t.conn.SetWriteDeadline)
}

func (t *Tap) setDeadline(d time.Time, asked *time.Duration, set func(time.Time) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	*asked = 0
	if !d.IsZero() {
		*asked = max(time.Until(d), 1)
	}
	if t.taken {
		return nil
	}
	return set(d)
}
