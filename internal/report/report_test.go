package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/internal/report"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

var update = flag.Bool("update", false, "write the golden files")

var began = time.Date(2024, 3, 4, 9, 0, 0, 0, time.UTC)

func open(t *testing.T) state.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.cutover.db"), sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func must[T any](t *testing.T) func(T, error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// told is a state after a run: one mailbox synced, one with failed items, one
// failed as a whole, a group.
func told(t *testing.T) state.Store {
	t.Helper()
	ctx, store := t.Context(), open(t)
	run := must[state.Run](t)(store.BeginRun(ctx, state.Run{Migration: "contoso", Batch: "pilot", Who: "ops@host", Host: "host", Started: began}))
	recipient := func(r state.Recipient) state.Recipient {
		r.Migration, r.Batch, r.Run = "contoso", "pilot", run.Number
		if r.Kind == "" {
			r.Kind = inventory.KindMailbox
		}
		return must[state.Recipient](t)(store.SaveRecipient(ctx, r))
	}
	folder := func(r state.Recipient, path string) state.Folder {
		return must[state.Folder](t)(store.SaveFolder(ctx, state.Folder{Recipient: r.ID, Ability: inventory.Mail, Source: inventory.FolderID(path), Path: inventory.ParsePath(path), TargetPath: inventory.ParsePath(path), TargetEndpoint: "target.imap.mail"}))
	}
	alice := recipient(state.Recipient{Source: "alice@contoso.test", Target: "alice@contoso.test", Synced: began})
	inbox := folder(alice, "INBOX")
	bob := recipient(state.Recipient{Source: "bob@contoso.test", Target: "robert@contoso.test", Synced: began.Add(time.Minute)})
	archive := folder(bob, `Möwe/a\/b`)
	recipient(state.Recipient{Source: "carol@contoso.test", Target: "carol@contoso.test", Error: "sign in carol@contoso.test: NO [AUTHENTICATIONFAILED] \"who?\"", ErrorCode: "mailbox-denied"})
	recipient(state.Recipient{Kind: inventory.KindGroup, Source: "team@contoso.test", Target: "team@contoso.test", Synced: began})
	err := store.Record(ctx, state.Record{
		Put: []state.Entry{
			{Folder: inbox.ID, Source: "1", Target: "11", Size: 1000, Received: began, Status: state.Copied},
			{Folder: inbox.ID, Source: "2", Target: "12", Size: 500, Received: began, Status: state.Copied},
			{Folder: archive.ID, Source: "7", Target: "7", Size: 20, Received: began, Status: state.Copied},
		},
		Fail: []state.Problem{
			{Recipient: bob.ID, Folder: archive.ID, Source: "8", Code: "item-too-large", Detail: "NO [TOOBIG] line one\r\nline two", Subject: "=cmd|' /C calc'!A0", Size: 40 << 20, Run: run.Number},
			{Recipient: bob.ID, Folder: archive.ID, Source: "9", Code: "unheard-of", Detail: "it said \"no\", twice", Subject: "Grüße", Size: 5, Run: run.Number},
		},
		Lose: []state.Problem{{Recipient: alice.ID, Folder: inbox.ID, Source: "2", Code: "keywords", Detail: "$todo", Run: run.Number}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = store.EndRun(ctx, run.Number, state.RunResult{Ended: began.Add(90 * time.Second), Outcome: "failed", Steps: 4, Failed: 2, Items: 3, Bytes: 1520})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func codes() []providers.Code {
	return []providers.Code{
		{Code: "item-too-large", Title: "The item is too large", Cause: "The target takes no item of this size.", Fix: "Raise the limit of the target, or remove the item."},
		{Code: "mailbox-denied", Title: "The mailbox cannot be opened", Cause: "The server refused.", Fix: "Check the password."},
		{Code: "keywords", Title: "Keywords are lost", Cause: "The target keeps fewer.", Fix: "Nothing to do."},
	}
}

func write(t *testing.T, store state.Store, dir string) report.Summary {
	t.Helper()
	return must[report.Summary](t)(report.Write(t.Context(), report.Options{Store: store, Migration: "contoso", Directory: dir, Codes: codes(), Now: began.Add(time.Hour)}))
}

func TestReportTellsTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "reports")
	summary := write(t, told(t), dir)
	if summary.Recipients != 4 || summary.Failed != 2 || summary.Items != 3 || summary.Bytes != 1520 {
		t.Errorf("summary: %+v", summary)
	}
	entries := must[[]os.DirEntry](t)(os.ReadDir(dir))
	if len(entries) != 8 {
		t.Errorf("%d files: %v", len(entries), entries)
	}
	for _, e := range entries {
		golden(t, e.Name(), must[[]byte](t)(os.ReadFile(filepath.Join(dir, e.Name()))))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := must[[]byte](t)(os.ReadFile(path))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports")
	write(t, told(t), dir)
	if mode := must[os.FileInfo](t)(os.Stat(dir)).Mode().Perm(); mode != 0o700 {
		t.Errorf("directory has mode %o", mode)
	}
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
		if mode := must[os.FileInfo](t)(e.Info()).Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), mode)
		}
	}
}

func TestSpreadsheetFindsNoFormula(t *testing.T) {
	dir := t.TempDir()
	write(t, told(t), dir)
	text := must[[]byte](t)(os.ReadFile(filepath.Join(dir, report.ErrorsCSV)))
	rows := must[[][]string](t)(csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll())
	if len(rows) != 4 || len(rows[1]) != len(rows[0]) {
		t.Fatalf("%d rows: %q", len(rows), rows)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("cell %q would be taken for a formula", cell)
			}
		}
	}
}

func TestFailedReportLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	store := told(t)
	write(t, store, dir)
	before := must[[]byte](t)(os.ReadFile(filepath.Join(dir, report.StatisticsCSV)))
	store.Close()
	_, err := report.Write(t.Context(), report.Options{Store: store, Migration: "contoso", Directory: dir, Now: began})
	if err == nil {
		t.Fatal("a report was made of a closed state")
	}
	after := must[[]byte](t)(os.ReadFile(filepath.Join(dir, report.StatisticsCSV)))
	if !bytes.Equal(before, after) {
		t.Error("the report that was there has changed")
	}
	if entries := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(entries) != 8 {
		t.Errorf("files were left behind: %v", entries)
	}
}

func TestEmptyMigrationMakesValidFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, open(t), dir)
	for _, name := range []string{report.StatisticsJSON, report.ErrorsJSON, report.LossesJSON, report.SummaryJSON} {
		if text := must[[]byte](t)(os.ReadFile(filepath.Join(dir, name))); !json.Valid(text) {
			t.Errorf("%s is not JSON:\n%s", name, text)
		}
	}
}

func TestNoStateIsNoReport(t *testing.T) {
	if _, err := report.Write(t.Context(), report.Options{Directory: t.TempDir()}); err == nil {
		t.Error("reported on nothing")
	}
}

func TestExplainFindsCodesAndNamesTheNear(t *testing.T) {
	c, err := report.Explain(codes(), " Item-Too-Large ")
	if err != nil || !strings.Contains(report.ExplainText(c), "Raise the limit") {
		t.Errorf("%v, %v", c, err)
	}
	_, err = report.Explain(codes(), "item-large")
	unknown, ok := errors.AsType[*report.UnknownCodeError](err)
	if !ok || !cmp.Equal(unknown.Near, []string{"item-too-large"}) {
		t.Errorf("%v", err)
	}
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "plain", "a=1", "\ufeff=1", "＝1", "\x00=1", "\xff=1", "\"quoted\", and\r\nbroken"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := report.Cell(s)
		first := strings.TrimLeft(cell, " ")
		if first != "" && strings.ContainsAny(first[:1], "=+-@\t\r\n") {
			t.Fatalf("%q became %q, which is a formula", s, cell)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		if err := w.Write([]string{cell, "next"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		row, err := csv.NewReader(&b).Read()
		if err != nil || len(row) != 2 || row[1] != "next" {
			t.Fatalf("%q was read as %q, %v", cell, row, err)
		}
	})
}
