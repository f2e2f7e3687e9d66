package servertest

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy forwards connections to a loopback port, and does to them what Fate
// says.
type Proxy struct {
	Port     int
	listener net.Listener
	wait     sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	count    int
}

// Fate is what becomes of one connection. The zero Fate is a long life.
type Fate struct {
	// ToServer and ToClient cut the connection, without a word, after so many
	// bytes in that direction; 0 is never.
	ToServer, ToClient int64
	// Silent keeps the connection open instead, and passes nothing on.
	Silent bool
}

// StartProxy starts a proxy that ends with the test. fate is asked for each
// connection, counted from 0.
func StartProxy(t testing.TB, port int, fate func(connection int) Fate) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Port: l.Addr().(*net.TCPAddr).Port, listener: l, open: map[net.Conn]bool{}}
	p.wait.Go(func() { p.accept(port, fate) })
	t.Cleanup(p.close)
	return p
}

func (p *Proxy) close() {
	p.listener.Close()
	p.Cut()
	p.wait.Wait()
}

// Connections is how many connections there have been.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Cut ends every connection now open.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

func (p *Proxy) accept(port int, fate func(int) Fate) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		f := fate(p.count)
		p.count++
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		p.wait.Go(func() { p.serve(client, server, f) })
	}
}

func (p *Proxy) serve(client, server net.Conn, f Fate) {
	var both sync.WaitGroup
	both.Go(func() { forward(server, client, f.ToServer, f.Silent) })
	both.Go(func() { forward(client, server, f.ToClient, f.Silent) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}

// forward copies until the end, or until limit is reached, and then cuts both.
func forward(to, from net.Conn, limit int64, silent bool) {
	if limit > 0 {
		io.CopyN(to, from, limit)
		if silent {
			io.Copy(io.Discard, from)
		}
	} else {
		io.Copy(to, from)
	}
	to.Close()
	from.Close()
}
