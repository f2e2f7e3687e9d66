package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// side is one endpoint with what protects it.
type side struct {
	providers.Endpoint
	address string
	info    providers.Info
	gate    pace.Gate
	tokens  *pace.Tokens
}

// openSides asks every endpoint for its limits.
func (r *run) openSides() error {
	var err error
	if r.source, err = r.openSide(r.Plan.Source.Address, r.Source); err != nil {
		return err
	}
	r.targets = make(map[string]*side, len(r.Targets))
	for address, endpoint := range r.Targets {
		if r.targets[address], err = r.openSide(address, endpoint); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) openSide(address string, endpoint providers.Endpoint) (*side, error) {
	info, ok := r.Infos[address]
	if !ok {
		err := r.Retry.Do(r.admit, nil, func() (err error) {
			info, err = endpoint.Info(r.admit)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
	}
	return &side{Endpoint: endpoint, address: address, info: info, tokens: pace.NewTokens(info.Limits.Connections)}, nil
}

// lanes is how many pairs of sessions the run keeps busy.
func (r *run) lanes() int {
	most := 1
	for _, target := range r.targets {
		most = max(most, target.tokens.Cap())
	}
	return min(r.source.tokens.Cap(), most)
}

// perMailbox is how many sessions one mailbox may have; 0 is any number.
func (s *side) perMailbox() int { return s.info.Limits.PerMailbox }

// session is a session that gives its token back when it is closed.
type session struct {
	providers.Mailbox
	side *side
}

// open starts a session, within the limits and when the endpoint may be
// spoken to.
func (s *side) open(ctx context.Context, address inventory.Address) (*session, error) {
	if err := s.tokens.Acquire(ctx); err != nil {
		return nil, err
	}
	err := s.gate.Wait(ctx)
	if err == nil {
		var mailbox providers.Mailbox
		if mailbox, err = s.OpenMailbox(ctx, address); err == nil {
			return &session{Mailbox: mailbox, side: s}, nil
		}
		err = s.verdict(err)
	}
	s.tokens.Release()
	return nil, err
}

func (s *session) close() {
	_ = s.Close() // ending a session on a server that has gone is no failure
	s.side.tokens.Release()
}

// defaultPause is how long an endpoint that asked to be left alone, without
// saying how long, is left alone.
const defaultPause = 10 * time.Second

// verdict names the endpoint in an error and acts on what concerns the whole
// endpoint.
func (s *side) verdict(err error) error {
	if err == nil {
		return nil
	}
	named := fmt.Errorf("%s: %w", s.address, err)
	if e, ok := errors.AsType[*providers.Error](err); ok && e.WholeEndpoint {
		switch e.Kind {
		case providers.Throttled:
			s.gate.Pause(cmpOr(e.RetryAfter, defaultPause))
		case providers.Denied:
			s.gate.Break(named)
		}
	}
	return named
}

func (s *session) verdict(err error) error { return s.side.verdict(err) }

func cmpOr(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
