package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// connect opens a connection, protected as the settings say, up to the point
// where signing in can begin. Capabilities are known then.
func (e *endpoint) connect(ctx context.Context) (conn *wire.Conn, preauth bool, err error) {
	raw, err := e.reach(ctx)
	if err != nil {
		return nil, false, err
	}
	conn = wire.New(raw, e.set.timeout)
	preauth, err = e.greet(ctx, conn)
	if err != nil {
		conn.Net().Close()
		return nil, false, verdict("connect to", e.address(), err)
	}
	return conn, preauth, nil
}

func (e *endpoint) address() string { return net.JoinHostPort(e.set.host, e.set.port) }

// reach dials, and shakes hands when TLS comes first.
func (e *endpoint) reach(ctx context.Context) (net.Conn, error) {
	dialing, cancel := context.WithTimeout(ctx, e.set.timeout)
	defer cancel()
	raw, err := e.dial(dialing, "tcp", e.address())
	if err != nil {
		return nil, e.unreachable(ctx, err)
	}
	if e.set.security != "tls" {
		return raw, nil
	}
	secure := tls.Client(raw, e.tlsConfig())
	if err := secure.HandshakeContext(dialing); err != nil {
		raw.Close()
		return nil, verdict("connect to", e.address(), err)
	}
	return secure, nil
}

func (e *endpoint) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &providers.Error{Kind: providers.Transient, Code: codeUnreachable, Op: "connect to", Subject: e.address(), WholeEndpoint: true, Err: err}
}

func (e *endpoint) tlsConfig() *tls.Config {
	name := e.set.serverName
	if name == "" {
		name = e.set.host
	}
	return &tls.Config{ServerName: name, RootCAs: e.set.roots, MinVersion: tls.VersionTLS12}
}

func (e *endpoint) greet(ctx context.Context, conn *wire.Conn) (preauth bool, err error) {
	if preauth, err = conn.Greeting(ctx); err != nil {
		return false, err
	}
	if e.set.security == "starttls" {
		// A server that is already past the sign-in cannot be protected any
		// more (RFC 9051 section 7.1.4).
		if preauth {
			return false, tlsRefused("the server lets in without TLS (PREAUTH)")
		}
		if err := e.startTLS(ctx, conn); err != nil {
			return false, err
		}
	}
	return preauth, conn.Capabilities(ctx)
}

// startTLS asks for TLS whatever the server announced before: an attacker
// could have taken STARTTLS out of an unprotected announcement.
func (e *endpoint) startTLS(ctx context.Context, conn *wire.Conn) error {
	err := conn.StartTLS(ctx, e.tlsConfig())
	if status, refused := errors.AsType[*wire.StatusError](err); refused {
		return tlsRefused("the server refused STARTTLS: " + status.Words())
	}
	return err
}

func tlsRefused(why string) error {
	return &providers.Error{Kind: providers.Denied, Code: codeTLS, Op: "start TLS", WholeEndpoint: true, Err: errors.New(why)}
}
