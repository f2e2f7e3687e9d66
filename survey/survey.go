// Package survey looks at both sides of a migration and at the state, and
// hands the planner what it saw. It writes nothing anywhere: no message is
// marked read, no folder made, no state created.
//
// The cost follows what changed. A mailbox in which nothing changed takes one
// session on the source and one listing of its folders; its target is not
// opened. Memory is bounded by what the plan will say, not by what the folders
// hold.
package survey

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// Request is what to look at. The endpoints stay open and the caller's.
type Request struct {
	// Tool is the version of the program, ConfigDigest that of the
	// configuration; both only pass through.
	Tool         string
	ConfigDigest string
	Migration    planner.Migration
	Selection    plan.Selection
	Source       Side
	Targets      []Side // in the order of the configuration
	// Store is the state; nil when there is none yet.
	Store state.Store
	// Progress, if set, is called one call at a time. It must not block for
	// long.
	Progress func(Progress)
	// Logger may be nil.
	Logger *slog.Logger
	Retry  pace.Policy
	// MoveBytes bounds what is read of one mailbox to tell moved items from
	// new ones; 0 is 256 MiB. What is beyond counts as new and deleted.
	MoveBytes int64
}

// Side is one endpoint.
type Side struct {
	Address  string // "source.imap.old"
	Provider string
	Version  string
	Endpoint providers.Endpoint
}

// Stage is a part of a survey.
type Stage string

// The stages, in the order in which they begin.
const (
	StageDirectory Stage = "directory" // recipients listed
	StageMailboxes Stage = "mailboxes" // mailboxes looked at
)

// Progress says how far a survey is.
type Progress struct {
	Stage    Stage
	Endpoint string // whose directory is listed
	Done     int64
	Total    int64 // 0 is unknown
}

// Gather reads both endpoints and the state. A mailbox that cannot be read is
// a Problem of that mailbox. It fails when the source cannot list its
// recipients, when an endpoint as a whole refuses, when the state cannot be
// read, and when ctx ends.
func Gather(ctx context.Context, req Request) (planner.Input, error) {
	s := newSurveyor(req)
	in := planner.Input{
		Tool:         req.Tool,
		ConfigDigest: req.ConfigDigest,
		Migration:    req.Migration,
		Selection:    req.Selection,
		Known:        map[planner.RecipientKey]state.Recipient{},
	}
	if err := s.directories(ctx, &in); err != nil {
		return planner.Input{}, err
	}
	if err := s.readState(ctx, &in); err != nil {
		return planner.Input{}, err
	}
	boxes, err := s.mailboxes(ctx, in)
	if err != nil {
		return planner.Input{}, err
	}
	in.Mailboxes = boxes
	return in, nil
}

// surveyor is one Gather under way.
type surveyor struct {
	Request
	log      *slog.Logger
	source   *side
	targets  []*side
	failures failureIndex
	progress progress
}

func newSurveyor(req Request) *surveyor {
	s := &surveyor{Request: req, log: req.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.MoveBytes <= 0 {
		s.MoveBytes = defaultMoveBytes
	}
	s.progress.report = req.Progress
	s.source = &side{Side: req.Source}
	for _, t := range req.Targets {
		s.targets = append(s.targets, &side{Side: t})
	}
	return s
}

// defaultMoveBytes is what may be read of one mailbox to recognise moves.
const defaultMoveBytes = 256 << 20

// serving returns the target that holds an ability: the first that has it.
// Folders that do not say what they hold hold mail.
func (s *surveyor) serving(ability inventory.Ability) *side {
	if ability == "" {
		ability = inventory.Mail
	}
	for _, t := range s.targets {
		if t.info.Has(ability) {
			return t
		}
	}
	return nil
}

// contentTargets returns the targets that serve what the source holds.
func (s *surveyor) contentTargets() []*side {
	var found []*side
	for _, ability := range inventory.ContentAbilities() {
		if !s.source.info.Has(ability) {
			continue
		}
		if t := s.serving(ability); t != nil && !containsSide(found, t) {
			found = append(found, t)
		}
	}
	return found
}

func containsSide(sides []*side, x *side) bool {
	for _, s := range sides {
		if s == x {
			return true
		}
	}
	return false
}

// readState takes from the store what the planner needs of it.
func (s *surveyor) readState(ctx context.Context, in *planner.Input) error {
	if s.Store == nil {
		return nil
	}
	header, err := s.Store.Header(ctx)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	in.Header = header
	for r, err := range s.Store.Recipients(ctx, s.Migration.Name) {
		if err != nil {
			return fmt.Errorf("read the recipients of the state: %w", err)
		}
		in.Known[planner.RecipientKey{Kind: r.Kind, Address: r.Source}] = r
	}
	in.Rates, err = s.rates(ctx)
	return err
}

// Rates are taken from at most ratedRuns of the latest consideredRuns runs.
const (
	ratedRuns      = 5
	consideredRuns = 100
)

// rates averages the latest runs of the migration that copied something.
func (s *surveyor) rates(ctx context.Context) (planner.Rates, error) {
	runs, err := s.Store.ListRuns(ctx, consideredRuns)
	if err != nil {
		return planner.Rates{}, fmt.Errorf("read the runs of the state: %w", err)
	}
	var items, bytes int64
	var spent time.Duration
	var rates planner.Rates
	for _, run := range runs {
		took := run.Ended.Sub(run.Started)
		if run.Migration != s.Migration.Name || run.Ended.IsZero() || run.Items == 0 || took <= 0 {
			continue
		}
		items, bytes, spent = items+run.Items, bytes+run.Bytes, spent+took
		if rates.Runs++; rates.Runs == ratedRuns {
			break
		}
	}
	if rates.Runs > 0 {
		rates.ItemsPerSecond = float64(items) / spent.Seconds()
		rates.BytesPerSecond = float64(bytes) / spent.Seconds()
	}
	return rates, nil
}

func warning(code, subject, summary, detail, fix string) *diag.Finding {
	return &diag.Finding{Severity: diag.Warning, Code: code, Subject: subject, Summary: summary, Detail: detail, Fix: fix}
}
