package survey

import (
	"context"
	"errors"
	"fmt"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
)

// side is an endpoint with what it said of itself.
type side struct {
	Side
	info providers.Info
	// tokens limits the sessions; gate holds them all back while the endpoint
	// as a whole asks for a pause.
	tokens *pace.Tokens
	gate   pace.Gate
	// exists are the recipients of a target with a directory; nil without one.
	exists map[inventory.Address]bool
}

// directories asks every endpoint what it can do, and those with a directory
// for their recipients.
func (s *surveyor) directories(ctx context.Context, in *planner.Input) error {
	if err := s.introduce(ctx, s.source); err != nil {
		return err
	}
	in.Source = s.source.seen()
	for _, t := range s.targets {
		if err := s.introduce(ctx, t); err != nil {
			return err
		}
	}
	var err error
	if in.Recipients, err = s.recipients(ctx, s.source); err != nil {
		return err
	}
	for _, t := range s.targets {
		seen := t.seen()
		if t.info.Has(inventory.Directory) {
			if seen.Recipients, err = s.recipients(ctx, t); err != nil {
				return err
			}
			t.remember(seen.Recipients)
		}
		in.Targets = append(in.Targets, seen)
	}
	return nil
}

func (s *side) seen() planner.Endpoint {
	return planner.Endpoint{Address: s.Address, Provider: s.Provider, Version: s.Version, Info: s.info}
}

func (s *side) remember(recipients []inventory.Recipient) {
	s.exists = make(map[inventory.Address]bool, len(recipients))
	for _, r := range recipients {
		s.exists[r.Address] = true
	}
}

func (s *surveyor) introduce(ctx context.Context, x *side) error {
	err := s.Retry.Do(ctx, nil, func() error {
		var err error
		x.info, err = x.Endpoint.Info(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("ask %s what it can do: %w", x.Address, err)
	}
	x.tokens = pace.NewTokens(x.info.Limits.Connections)
	return nil
}

// recipients lists the directory of an endpoint. A listing that broke off is
// begun again, never continued.
func (s *surveyor) recipients(ctx context.Context, x *side) ([]inventory.Recipient, error) {
	var list []inventory.Recipient
	err := s.Retry.Do(ctx, nil, func() error {
		list = list[:0]
		for r, err := range x.Endpoint.Recipients(ctx) {
			if err != nil {
				return err
			}
			list = append(list, r)
			if len(list)%1000 == 0 {
				s.progress.send(Progress{Stage: StageDirectory, Endpoint: x.Address, Done: int64(len(list))})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the recipients of %s: %w", x.Address, err)
	}
	n := int64(len(list))
	s.progress.send(Progress{Stage: StageDirectory, Endpoint: x.Address, Done: n, Total: n})
	return list, nil
}

// session calls f while a session of the endpoint may be open, and again
// after a verdict that asks for it. A pause that the endpoint asks of everyone
// is kept by everyone.
func (s *surveyor) session(ctx context.Context, x *side, f func() error) error {
	return s.Retry.Do(ctx, nil, func() error {
		if err := x.gate.Wait(ctx); err != nil {
			return err
		}
		if err := x.tokens.Acquire(ctx); err != nil {
			return err
		}
		defer x.tokens.Release()
		err := f()
		if e, ok := errors.AsType[*providers.Error](err); ok && e.WholeEndpoint && pace.Retryable(err) {
			x.gate.Pause(pace.Hint(err))
		}
		return err
	})
}
