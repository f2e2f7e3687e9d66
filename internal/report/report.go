// Package report writes down what a migration has done, from the state alone:
// one row for each recipient, one for each failed item, one for each loss, as
// CSV for people and as JSON for programs, and a summary.
//
// The CSV files are RFC 4180 with CRLF, UTF-8 with a byte order mark: without
// it spreadsheets take the names of users for another encoding. Programs
// read the JSON twins, which have none.
//
// Rows are streamed; what is held is a few numbers for each recipient.
package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// FormatVersion is the version of the JSON files.
const FormatVersion = "1.0"

// The files of a report.
const (
	StatisticsCSV  = "MigrationStatistics.csv"
	StatisticsJSON = "MigrationStatistics.json"
	ErrorsCSV      = "MigrationErrors.csv"
	ErrorsJSON     = "MigrationErrors.json"
	LossesCSV      = "losses.csv"
	LossesJSON     = "losses.json"
	SummaryText    = "summary.txt"
	SummaryJSON    = "summary.json"
)

// Options is what to report.
type Options struct {
	Store     state.Store
	Migration string
	// Directory is made if it does not exist, readable by its owner only.
	Directory string
	// Codes explains the codes of failures and losses.
	Codes []providers.Code
	// Now is the time that the summary names.
	Now time.Time
}

// Status is how far a recipient is.
type Status string

// The statuses.
const (
	Failed   Status = "failed"               // the last pass failed as a whole
	Partly   Status = "synced, items failed" // passed, but for some items
	Synced   Status = "synced"
	Started  Status = "started" // no complete pass yet
	NotBegun Status = "known"   // in the state without any content
)

// Recipient is one row of the statistics.
type Recipient struct {
	Address inventory.Address `json:"address"`
	Target  inventory.Address `json:"target"`
	Kind    inventory.Kind    `json:"kind"`
	Batch   string            `json:"batch,omitempty"`
	Status  Status            `json:"status"`
	Items   int64             `json:"items"`
	Bytes   int64             `json:"bytes"`
	Folders int64             `json:"folders"`
	Failed  int64             `json:"failed_items"`
	// Synced is when the last complete pass began.
	Synced time.Time `json:"last_synced,omitzero"`
	Run    int64     `json:"run,omitempty"`
}

// Problem is one row of the errors or of the losses.
type Problem struct {
	Recipient inventory.Address `json:"recipient"`
	Folder    inventory.Path    `json:"folder,omitempty"`
	Item      inventory.ItemID  `json:"item,omitempty"`
	Subject   string            `json:"subject,omitempty"`
	Code      string            `json:"code"`
	Cause     string            `json:"cause,omitempty"`
	Fix       string            `json:"suggested_fix,omitempty"`
	Detail    string            `json:"detail,omitempty"`
	Attempts  int               `json:"attempts,omitempty"`
	Size      int64             `json:"size,omitempty"`
	Run       int64             `json:"run,omitempty"`
}

// Write makes all files of the report, or changes none of those that are
// there: each is complete in a file of another name before the first is
// renamed. It returns what the summary says.
func Write(ctx context.Context, o Options) (Summary, error) {
	if o.Store == nil {
		return Summary{}, errors.New("there is no state yet, so there is nothing to report")
	}
	out, err := newFolder(o.Directory)
	if err != nil {
		return Summary{}, err
	}
	defer out.abandon()
	w := &writer{Options: o, out: out, explain: index(o.Codes)}
	if err := w.all(ctx); err != nil {
		return Summary{}, fmt.Errorf("write the report: %w", err)
	}
	return w.summary, out.commit()
}

// writer is one Write under way.
type writer struct {
	Options
	out     *folder
	explain map[string]providers.Code
	summary Summary
	counts  map[int64]counts
	address map[int64]inventory.Address
	errs    *table[Problem]
	losses  *table[Problem]
}

// counts are the folders of one recipient summed up.
type counts struct{ folders, items, bytes, failed int64 }

func (w *writer) all(ctx context.Context) error {
	w.summary = Summary{Migration: w.Migration, Made: w.Now.UTC(), Statuses: map[Status]int64{}, Errors: map[string]int64{}, Losses: map[string]int64{}, explain: w.explain}
	if err := w.count(ctx); err != nil {
		return err
	}
	var err error
	if w.errs, err = newTable(w.out, ErrorsCSV, ErrorsJSON, w.Migration, "errors", problemColumns); err != nil {
		return err
	}
	if w.losses, err = newTable(w.out, LossesCSV, LossesJSON, w.Migration, "losses", problemColumns); err != nil {
		return err
	}
	if err := w.recipients(ctx); err != nil {
		return err
	}
	if err := w.problems(ctx); err != nil {
		return err
	}
	if err := errors.Join(w.errs.close(), w.losses.close()); err != nil {
		return err
	}
	if w.summary.LastRun, err = w.lastRun(ctx); err != nil {
		return err
	}
	return w.writeSummary()
}

func (w *writer) count(ctx context.Context) error {
	w.counts = map[int64]counts{}
	for f, err := range w.Store.AllFolders(ctx, w.Migration) {
		if err != nil {
			return fmt.Errorf("read the folders: %w", err)
		}
		c := w.counts[f.Recipient]
		w.counts[f.Recipient] = counts{c.folders + 1, c.items + f.Items, c.bytes + f.Bytes, c.failed + f.Failed}
	}
	return nil
}

// recipients writes the statistics, and the failures of whole recipients.
func (w *writer) recipients(ctx context.Context) error {
	rows, err := newTable(w.out, StatisticsCSV, StatisticsJSON, w.Migration, "recipients", recipientColumns)
	if err != nil {
		return err
	}
	w.address = map[int64]inventory.Address{}
	for r, err := range w.Store.Recipients(ctx, w.Migration) {
		if err != nil {
			return fmt.Errorf("read the recipients: %w", err)
		}
		w.address[r.ID] = r.Source
		row := w.row(r)
		w.summary.add(row)
		if err := rows.write(row); err != nil {
			return err
		}
		if r.Error == "" && r.ErrorCode == "" {
			continue
		}
		if err := w.problem(w.errs, w.summary.Errors, state.Problem{Code: r.ErrorCode, Detail: r.Error, Run: r.Run}, r.Source, nil); err != nil {
			return err
		}
	}
	return rows.close()
}

func (w *writer) row(r state.Recipient) Recipient {
	c := w.counts[r.ID]
	return Recipient{
		Address: r.Source, Target: r.Target, Kind: r.Kind, Batch: r.Batch, Status: status(r, c),
		Items: c.items, Bytes: c.bytes, Folders: c.folders, Failed: c.failed, Synced: r.Synced.UTC(), Run: r.Run,
	}
}

func status(r state.Recipient, c counts) Status {
	switch {
	case r.Error != "" || r.ErrorCode != "":
		return Failed
	case !r.Synced.IsZero() && c.failed > 0:
		return Partly
	case !r.Synced.IsZero():
		return Synced
	case c.folders > 0:
		return Started
	}
	return NotBegun
}

// problems writes the failed items and the losses.
func (w *writer) problems(ctx context.Context) error {
	var paths map[int64]inventory.Path
	var of int64
	for p, err := range w.Store.Problems(ctx, w.Migration) {
		if err != nil {
			return fmt.Errorf("read the failures: %w", err)
		}
		if p.Folder != 0 && (paths == nil || of != p.Recipient) {
			if paths, err = w.paths(ctx, p.Recipient); err != nil {
				return err
			}
			of = p.Recipient
		}
		rows, byCode := w.errs, w.summary.Errors
		if p.Loss {
			rows, byCode = w.losses, w.summary.Losses
		}
		var path inventory.Path
		if p.Folder != 0 {
			path = paths[p.Folder]
		}
		if err := w.problem(rows, byCode, p, w.address[p.Recipient], path); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) paths(ctx context.Context, recipient int64) (map[int64]inventory.Path, error) {
	folders, err := w.Store.Folders(ctx, recipient)
	if err != nil {
		return nil, fmt.Errorf("read the folders: %w", err)
	}
	paths := make(map[int64]inventory.Path, len(folders))
	for _, f := range folders {
		paths[f.ID] = f.Path
	}
	return paths, nil
}

func (w *writer) problem(rows *table[Problem], byCode map[string]int64, p state.Problem, who inventory.Address, folder inventory.Path) error {
	byCode[p.Code]++
	code := w.explain[p.Code]
	return rows.write(Problem{
		Recipient: who, Folder: folder, Item: p.Source, Subject: p.Subject, Code: p.Code, Cause: code.Cause, Fix: code.Fix,
		Detail: p.Detail, Attempts: p.Attempts, Size: p.Size, Run: p.Run,
	})
}

// lastRun returns the latest run of the migration, or nil.
func (w *writer) lastRun(ctx context.Context) (*state.Run, error) {
	runs, err := w.Store.ListRuns(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("read the runs: %w", err)
	}
	for _, r := range runs {
		if r.Migration == w.Migration {
			return &r, nil
		}
	}
	return nil, nil
}
