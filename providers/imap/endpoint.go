package imap

import (
	"context"
	"errors"
	"iter"
	"net"
	"strings"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// endpoint is one server. Its sessions share the limit of connections.
type endpoint struct {
	set    *settings
	role   providers.Role
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tokens *tokens
	slots  chan struct{}

	mu     sync.Mutex
	info   *providers.Info
	open   map[*session]struct{}
	closed bool
	// validities are those of the folders opened so far.
	validities map[folderKey]uint32
}

type folderKey struct {
	address inventory.Address
	folder  inventory.FolderID
}

// noteValidity returns the UIDVALIDITY seen before. A listing renews it; other
// uses rely on the one that their IDs come from.
func (e *endpoint) noteValidity(address inventory.Address, folder inventory.FolderID, now uint32, renew bool) (before uint32, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := folderKey{address, folder}
	before, known = e.validities[key]
	if renew || !known {
		e.validities[key] = now
		known = known && !renew
	}
	return before, known
}

func newEndpoint(set *settings, role providers.Role, dial func(context.Context, string, string) (net.Conn, error)) *endpoint {
	return &endpoint{set: set, role: role, dial: dial, tokens: newTokens(set.token, set.folder),
		slots: make(chan struct{}, set.connections), open: map[*session]struct{}{}, validities: map[folderKey]uint32{}}
}

// Info implements [providers.Endpoint]. It connects, but does not sign in: an
// endpoint whose accounts are open to anyone has none to try.
func (e *endpoint) Info(ctx context.Context) (providers.Info, error) {
	e.mu.Lock()
	known := e.info
	e.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	product, err := e.product(ctx)
	if err != nil {
		return providers.Info{}, err
	}
	info := providers.Info{
		Identity:  e.set.identity(),
		Product:   product,
		Abilities: []inventory.Ability{inventory.Mail},
		Limits:    providers.Limits{Connections: e.set.connections, Settle: e.set.settle},
		Formats:   map[inventory.Class][]providers.FormatSupport{inventory.ClassMessage: {{Format: inventory.FormatRFC5322}}},
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.info = &info
	return info, nil
}

func (e *endpoint) product(ctx context.Context) (string, error) {
	if err := e.acquire(ctx); err != nil {
		return "", err
	}
	defer e.release()
	conn, _, err := e.connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return identify(ctx, conn)
}

// identify asks the server who it is (RFC 2971); "" when it does not say.
func identify(ctx context.Context, conn *wire.Conn) (string, error) {
	if !conn.Has("ID") {
		return "", nil
	}
	var product string
	err := conn.Do(ctx, idCommand(), func(r wire.Response) { hearProduct(&product, r) })
	if _, refused := errors.AsType[*wire.StatusError](err); refused {
		return "", nil
	}
	return product, verdict("identify", "the server", err)
}

func idCommand() *wire.Command { return wire.Cmd("ID").List(`"name"`, `"cutover"`) }

func hearProduct(product *string, r wire.Response) {
	if r.Name != "ID" {
		return
	}
	var name, version string
	r.Value(0).Pairs(func(key string, value wire.Value) {
		switch key {
		case "NAME":
			name = value.Text
		case "VERSION":
			version = value.Text
		}
	})
	*product = strings.TrimSpace(name + " " + version)
}

// Recipients implements [providers.Endpoint]: the accounts of the settings.
func (e *endpoint) Recipients(context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		for _, a := range e.set.accounts {
			r := inventory.Recipient{Kind: inventory.KindMailbox, Type: inventory.TypeUser, Address: a.address, DisplayName: a.displayName}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// CreateRecipient implements [providers.Endpoint].
func (e *endpoint) CreateRecipient(context.Context, inventory.Recipient, string) (providers.Created, error) {
	return providers.Created{}, unsupported("create a recipient")
}

// UpdateRecipient implements [providers.Endpoint].
func (e *endpoint) UpdateRecipient(context.Context, inventory.Recipient) (providers.Created, error) {
	return providers.Created{}, unsupported("update a recipient")
}

// OpenMailbox implements [providers.Endpoint]. It waits while as many sessions
// are open as the settings allow.
func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	a, named := e.set.find(address)
	if !named {
		return nil, &providers.Error{Kind: providers.Gone, Code: codeNotNamed, Op: "open mailbox", Subject: string(address),
			Err: errors.New("the settings name no such account")}
	}
	if err := e.acquire(ctx); err != nil {
		return nil, err
	}
	s, err := e.startSession(ctx, a)
	if err != nil {
		e.release()
		return nil, err
	}
	return s, nil
}

func (e *endpoint) startSession(ctx context.Context, a account) (*session, error) {
	conn, preauth, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.newSession(ctx, conn, a, preauth)
	if err == nil {
		err = e.adopt(s)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (e *endpoint) adopt(s *session) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return net.ErrClosed
	}
	e.open[s] = struct{}{}
	return nil
}

func (e *endpoint) forget(s *session) {
	e.mu.Lock()
	_, open := e.open[s]
	delete(e.open, s)
	e.mu.Unlock()
	if open {
		e.release()
	}
}

func (e *endpoint) acquire(ctx context.Context) error {
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e *endpoint) release() { <-e.slots }

// Close implements [providers.Endpoint]. It cuts the connections of sessions
// still open; their owners see them as lost.
func (e *endpoint) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.open {
		_ = s.conn.Net().Close()
	}
	return nil
}
