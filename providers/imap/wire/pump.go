package wire

import (
	"net"
	"sync"
)

// maxUnread bounds what a server can send unasked before it has to wait.
const maxUnread = 1 << 20

// pump is a connection on which a Read is always under way, which is what an
// imapstream.Tap needs to hand the connection over at the end of a line. What
// arrives is kept until it is read.
type pump struct {
	net.Conn

	mu      sync.Mutex
	changed *sync.Cond
	unread  []byte
	err     error
}

// Pump returns conn with a goroutine that reads it until it ends.
func Pump(conn net.Conn) net.Conn {
	p := &pump{Conn: conn}
	p.changed = sync.NewCond(&p.mu)
	go p.run()
	return p
}

func (p *pump) run() {
	buf := make([]byte, 32<<10)
	for {
		n, err := p.Conn.Read(buf)
		if !p.keep(buf[:n], err) {
			return
		}
	}
}

func (p *pump) keep(data []byte, err error) (more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unread = append(p.unread, data...)
	p.err = err
	p.changed.Broadcast()
	for len(p.unread) > maxUnread && p.err == nil {
		p.changed.Wait()
	}
	return p.err == nil
}

// Read waits for what the goroutine reads.
func (p *pump) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.unread) == 0 && p.err == nil {
		p.changed.Wait()
	}
	if len(p.unread) == 0 {
		return 0, p.err
	}
	n := copy(b, p.unread)
	if p.unread = p.unread[n:]; len(p.unread) == 0 {
		p.unread = nil
	}
	p.changed.Broadcast()
	return n, nil
}

// Close ends the goroutine too.
func (p *pump) Close() error {
	err := p.Conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = net.ErrClosed
	}
	p.changed.Broadcast()
	return err
}
