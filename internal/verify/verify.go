// Package verify compares what is on the source with what is on the target,
// item by item, by reading both afresh. It shares nothing with the part that
// copies: of the state it takes which folder went where and which items are
// known to have failed, never what an item looked like.
//
// An item is a record of 56 bytes and its ID while a folder is compared, so
// that folders of hundreds of thousands of items fit in memory; bodies are
// hashed as they stream by.
package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/survey"
)

// Request is what to compare. The endpoints stay open and the caller's.
type Request struct {
	Migration string
	Source    survey.Side
	Targets   []survey.Side
	Store     state.Store
	// Only are the source addresses to compare; empty is every mailbox in the
	// state.
	Only []inventory.Address
	// Quick compares counts, dates and flags, and reads no content.
	Quick bool
	// Limit is how many differences are kept in the Result of each mailbox; 0
	// is 1000. All are counted, and all go to Found.
	Limit int
	// Found, if set, is told of every difference, one call at a time.
	Found func(Difference)
	// Progress, if set, is called after each folder, one call at a time.
	Progress func(Progress)
	Logger   *slog.Logger // may be nil
	Retry    pace.Policy
}

// Progress says how far the comparison is.
type Progress struct {
	Mailbox         inventory.Address
	Folder          inventory.Path
	Items           int64 // on the source, in this folder
	Mailboxes, Done int
}

// Result is what was found.
type Result struct {
	Migration string    `json:"migration"`
	Quick     bool      `json:"quick,omitempty"`
	Mailboxes []Mailbox `json:"mailboxes"` // by source address
	Counts    Counts    `json:"counts"`    // over all mailboxes
	// Problems counts mailboxes and folders that could not be compared.
	Problems int `json:"problems"`
	// Clean says that everything was compared, and that nothing is missing,
	// doubled, or different. Items known to have failed make it unclean.
	Clean bool `json:"clean"`
}

// Mailbox is the comparison of one mailbox.
type Mailbox struct {
	Source  inventory.Address `json:"source"`
	Target  inventory.Address `json:"target"`
	Folders []Folder          `json:"folders,omitempty"`
	Counts  Counts            `json:"counts"`
	// Problem is why the mailbox could not be compared.
	Problem string `json:"problem,omitempty"`
	Code    string `json:"code,omitempty"`
	// Differences are the first ones found, Omitted counts the others.
	Differences []Difference `json:"differences,omitempty"`
	Omitted     int64        `json:"omitted,omitempty"`
	Clean       bool         `json:"clean"`
}

// Folder is the comparison of one folder.
type Folder struct {
	Path       inventory.Path `json:"path"`
	Endpoint   string         `json:"endpoint,omitempty"`
	TargetPath inventory.Path `json:"target_path,omitempty"`
	Counts     Counts         `json:"counts"`
	// Problem is why the folder could not be compared: it is on one side only.
	Problem string `json:"problem,omitempty"`
	Code    string `json:"code,omitempty"`
}

// errNothing is returned when there is no state to tell what went where.
var errNothing = errors.New("there is no state yet, so nothing was migrated that could be verified")

// Run compares. It fails when the state cannot be read, when an endpoint as a
// whole refuses and when ctx ends; all else is in the Result.
func Run(ctx context.Context, req Request) (Result, error) {
	if req.Store == nil {
		return Result{}, errNothing
	}
	v, err := newVerifier(ctx, req)
	if err != nil {
		return Result{}, err
	}
	recipients, err := v.recipients(ctx)
	if err != nil {
		return Result{}, err
	}
	v.total = len(recipients)
	boxes := make([]Mailbox, len(recipients))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(v.parallel)
	for i, r := range recipients {
		group.Go(func() error {
			var err error
			boxes[i], err = v.mailbox(inner, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	return v.sum(boxes), nil
}

// verifier is one Run under way.
type verifier struct {
	Request
	log      *slog.Logger
	source   *endpoint
	targets  map[string]*endpoint
	failed   map[int64]map[inventory.ItemID]string // folder, item: code
	parallel int

	mu    sync.Mutex
	done  int
	total int
}

// endpoint is a side and what it said of itself.
type endpoint struct {
	survey.Side
	info providers.Info
	gate pace.Gate // closed while the endpoint as a whole asks for a pause
}

func newVerifier(ctx context.Context, req Request) (*verifier, error) {
	v := &verifier{Request: req, log: req.Logger, targets: map[string]*endpoint{}}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	if v.Limit <= 0 {
		v.Limit = 1000
	}
	var err error
	if v.source, err = v.introduce(ctx, req.Source); err != nil {
		return nil, err
	}
	v.parallel = max(v.source.info.Limits.Connections, 1)
	for _, side := range req.Targets {
		t, err := v.introduce(ctx, side)
		if err != nil {
			return nil, err
		}
		v.targets[side.Address] = t
		v.parallel = min(v.parallel, max(t.info.Limits.Connections, 1))
	}
	return v, v.readFailures(ctx)
}

func (v *verifier) introduce(ctx context.Context, side survey.Side) (*endpoint, error) {
	e := &endpoint{Side: side}
	err := v.Retry.Do(ctx, nil, func() error {
		var err error
		e.info, err = side.Endpoint.Info(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask %s what it can do: %w", side.Address, err)
	}
	return e, nil
}

// recipients returns the mailboxes of the state that were asked for.
func (v *verifier) recipients(ctx context.Context) ([]state.Recipient, error) {
	wanted := map[inventory.Address]bool{}
	for _, a := range v.Only {
		wanted[a] = true
	}
	var list []state.Recipient
	for r, err := range v.Store.Recipients(ctx, v.Migration) {
		if err != nil {
			return nil, fmt.Errorf("read the recipients of the state: %w", err)
		}
		if r.Kind == inventory.KindMailbox && (len(wanted) == 0 || wanted[r.Source]) {
			list = append(list, r)
			delete(wanted, r.Source)
		}
	}
	for a := range wanted {
		return nil, fmt.Errorf("%s: %w", a, state.ErrNotFound)
	}
	return list, nil
}

// readFailures learns which items are known to have failed.
func (v *verifier) readFailures(ctx context.Context) error {
	v.failed = map[int64]map[inventory.ItemID]string{}
	for p, err := range v.Store.Problems(ctx, v.Migration) {
		if err != nil {
			return fmt.Errorf("read the failures of the state: %w", err)
		}
		if p.Loss || p.Source == "" {
			continue
		}
		if v.failed[p.Folder] == nil {
			v.failed[p.Folder] = map[inventory.ItemID]string{}
		}
		v.failed[p.Folder][p.Source] = p.Code
	}
	return nil
}

func (v *verifier) sum(boxes []Mailbox) Result {
	r := Result{Migration: v.Migration, Quick: v.Quick, Mailboxes: boxes, Clean: true}
	for _, m := range boxes {
		r.Counts = r.Counts.Add(m.Counts)
		if m.Problem != "" {
			r.Problems++
		}
		for _, f := range m.Folders {
			if f.Problem != "" {
				r.Problems++
			}
		}
		r.Clean = r.Clean && m.Clean
	}
	return r
}

// progress reports a finished folder; with a nil path a finished mailbox.
func (v *verifier) progress(mailbox inventory.Address, folder inventory.Path, items int64, finished bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if finished {
		v.done++
	}
	if v.Progress != nil {
		v.Progress(Progress{Mailbox: mailbox, Folder: folder, Items: items, Mailboxes: v.total, Done: v.done})
	}
}
