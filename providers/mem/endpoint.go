package mem

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// endpoint is one side's view of an organisation.
type endpoint struct {
	organisation *Organisation
	role         providers.Role
	info         providers.Info

	mu       sync.Mutex
	sessions map[*session]bool
	closed   bool
}

// Endpoint returns an endpoint over the organisation. The overrides change
// what its Info tells, and with it which abilities and how many sessions it
// has. Without the directory ability it lists the mailboxes.
func (o *Organisation) Endpoint(overrides ...func(*providers.Info)) providers.Endpoint {
	return o.endpoint("", overrides...)
}

func (o *Organisation) endpoint(role providers.Role, overrides ...func(*providers.Info)) *endpoint {
	c := o.settings()
	info := providers.Info{
		Identity: c.Identity, Product: c.Product, Abilities: slices.Clone(c.Abilities),
		Limits: c.Limits, Formats: c.Formats, Notes: c.Notes, SignIn: true,
	}
	for _, override := range overrides {
		override(&info)
	}
	return &endpoint{organisation: o, role: role, info: info, sessions: map[*session]bool{}}
}

func (e *endpoint) Info(ctx context.Context) (providers.Info, error) {
	e.organisation.use.call("Info")
	return e.info, ctx.Err()
}

func (e *endpoint) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		e.organisation.use.call("Recipients")
		if !e.info.Has(inventory.Directory) && e.role == providers.Target {
			yield(inventory.Recipient{}, unsupported("list recipients"))
			return
		}
		e.organisation.use.enter()
		defer e.organisation.use.leave()
		for _, r := range e.organisation.listRecipients() {
			if !e.info.Has(inventory.Directory) && r.Kind != inventory.KindMailbox {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(inventory.Recipient{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (e *endpoint) CreateRecipient(ctx context.Context, r inventory.Recipient, password string) (providers.Created, error) {
	e.organisation.use.call("CreateRecipient")
	if err := e.ready(ctx, "create recipient"); err != nil {
		return providers.Created{}, err
	}
	return e.organisation.create(r, password)
}

func (e *endpoint) UpdateRecipient(ctx context.Context, r inventory.Recipient) (providers.Created, error) {
	e.organisation.use.call("UpdateRecipient")
	if err := e.ready(ctx, "update recipient"); err != nil {
		return providers.Created{}, err
	}
	return e.organisation.update(r)
}

func (e *endpoint) ready(ctx context.Context, op string) error {
	if !e.info.Has(inventory.Directory) {
		return unsupported(op)
	}
	return ctx.Err()
}

func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	e.organisation.use.call("OpenMailbox")
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := e.organisation.Mailbox(address)
	if m == nil {
		return nil, failure(providers.Gone, "mem-no-mailbox", "open mailbox", string(address), "there is no such mailbox")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.admit(address); err != nil {
		return nil, err
	}
	s := &session{endpoint: e, mailbox: m}
	e.sessions[s] = true
	e.organisation.use.enter()
	return s, nil
}

// admit refuses what the caller has promised not to do.
func (e *endpoint) admit(address inventory.Address) error {
	if e.closed {
		return failure(providers.Other, "mem-misuse", "open mailbox", string(address), "the endpoint is closed")
	}
	if limit := e.info.Limits.Connections; limit > 0 && len(e.sessions) >= limit {
		return failure(providers.Other, "mem-misuse", "open mailbox", string(address), "more sessions than Limits.Connections allows")
	}
	same := 0
	for s := range e.sessions {
		if s.mailbox.address == address {
			same++
		}
	}
	if limit := e.info.Limits.PerMailbox; limit > 0 && same >= limit {
		return failure(providers.Other, "mem-misuse", "open mailbox", string(address), "more sessions than Limits.PerMailbox allows")
	}
	return nil
}

func (e *endpoint) drop(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s] {
		delete(e.sessions, s)
		e.organisation.use.leave()
	}
}

func (e *endpoint) Close() error {
	e.mu.Lock()
	open := make([]*session, 0, len(e.sessions))
	for s := range e.sessions {
		open = append(open, s)
	}
	e.closed = true
	e.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	return nil
}
