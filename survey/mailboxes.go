package survey

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
)

// pick is a mailbox that the planner wants looked at.
type pick struct{ source, target inventory.Address }

// mailboxes looks at the selected mailboxes, each once, as many at a time as
// the source takes sessions.
func (s *surveyor) mailboxes(ctx context.Context, in planner.Input) (map[inventory.Address]planner.Mailbox, error) {
	picks := selected(in)
	pasts, err := s.pasts(ctx, in, picks)
	if err != nil {
		return nil, err
	}
	boxes := make([]planner.Mailbox, len(picks))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(s.source.tokens.Cap())
	for i := range picks {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			v := &visit{surveyor: s, pick: picks[i], past: pasts[i]}
			if err := v.run(inner); err != nil {
				return fmt.Errorf("look at %s: %w", picks[i].source, err)
			}
			boxes[i], pasts[i] = v.box, past{}
			s.progress.mailboxDone(len(picks))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return byAddress(picks, boxes), nil
}

// selected asks the planner which mailboxes matter.
func selected(in planner.Input) []pick {
	chosen := planner.Select(in).Mailboxes()
	picks := make([]pick, len(chosen))
	for i, c := range chosen {
		picks[i] = pick{source: c.Recipient.Address, target: c.Target}
	}
	return picks
}

func byAddress(picks []pick, boxes []planner.Mailbox) map[inventory.Address]planner.Mailbox {
	seen := make(map[inventory.Address]planner.Mailbox, len(picks))
	for i, p := range picks {
		seen[p.source] = boxes[i]
	}
	return seen
}

// stateError marks an error of the store: it ends the survey, whereas an
// error of a server is a problem of its mailbox.
type stateError struct{ error }

func (e stateError) Unwrap() error { return e.error }

// fatal reports whether err ends the whole survey.
func fatal(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	if _, ok := errors.AsType[stateError](err); ok {
		return true
	}
	e, ok := errors.AsType[*providers.Error](err)
	return ok && e.WholeEndpoint
}
