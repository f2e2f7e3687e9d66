package view

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

var updateRuns = flag.Bool("update-runs", false, "write the goldens of runs")

// story is a run with everything that can happen in one.
func story(send func(at time.Time, e event.Event)) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	tell := func(after time.Duration, e event.Event) {
		at = at.Add(after)
		send(at, e)
	}
	inbox := inventory.Path{"INBOX"}
	work := plan.Work{New: 1000, Bytes: 50 << 20}
	tell(0, event.RunStarted{Run: 7, Batch: "pilot", Steps: 3, Work: work.Add(plan.Work{New: 1, Changed: 2})})
	tell(0, event.StepStarted{Step: "create:carla", Action: plan.Create, Kind: inventory.KindMailbox, Source: "carla@contoso.test", Target: "carla@contoso.test"})
	tell(time.Second, event.StepFinished{Step: "create:carla", Outcome: event.Done})
	tell(0, event.StepStarted{Step: "copy:anna", Action: plan.Copy, Kind: inventory.KindMailbox, Source: "anna@contoso.test", Target: "anna@contoso.test", Work: work})
	tell(0, event.StepStarted{Step: "sync:berta", Action: plan.Sync, Kind: inventory.KindMailbox, Source: "berta@contoso.test", Target: "b.new@contoso.test", Work: plan.Work{New: 1, Changed: 2}})
	tell(2*time.Second, event.Progressed{Step: "copy:anna", Folder: inbox, Items: 400, Bytes: 20 << 20})
	tell(time.Second, event.Retried{Step: "sync:berta", Attempt: 1, Wait: 30 * time.Second, Code: "imap-busy", Error: "source.imap.old: NO [INUSE] later\x1b[31m"})
	tell(8*time.Second, event.Progressed{Step: "copy:anna", Folder: inbox, Items: 590, Bytes: 29 << 20, Matched: 9})
	tell(0, event.ItemFailed{Step: "copy:anna", Folder: inbox, Item: "17", Code: "item-too-large", Error: "60000000 bytes, and the target takes 50000000"})
	tell(0, event.Lost{Step: "copy:anna", Folder: inbox, Item: "18", Code: "keyword-refused", Detail: "the target does not keep $Label1"})
	tell(0, event.Noted{Step: "sync:berta", Folder: inbox, Code: "deletions-postponed", Detail: "4 items would be deleted, the plan shows 2; nothing is deleted"})
	tell(time.Second, event.StepFinished{Step: "copy:anna", Outcome: event.Failed, Items: 990, Bytes: 49 << 20, Failed: 1})
	tell(time.Second, event.StepFinished{Step: "sync:berta", Outcome: event.Failed, Code: "imap-busy", Error: "source.imap.old: NO [INUSE] later"})
	tell(0, event.RunFinished{Run: 7, Outcome: event.Failed, Steps: 3, Failed: 2, Items: 990, Bytes: 49 << 20, Elapsed: 14 * time.Second})
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateRuns {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

func TestARunAsLines(t *testing.T) {
	var out bytes.Buffer
	v := NewRunPlain(&out, RunOptions{Zone: time.UTC})
	story(v.Send)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "run_plain.txt", out.Bytes())
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a server's escape sequence reaches the terminal")
	}
}

func TestARunAsJSON(t *testing.T) {
	var out bytes.Buffer
	v := NewRunJSON(&out)
	story(v.Send)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "run.jsonl", out.Bytes())
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["type"] == "unknown" || fields["at"] == nil {
			t.Errorf("line %q: %v", line, err)
		}
	}
}

func TestARunOnATerminalEndsWithItsSummary(t *testing.T) {
	var out bytes.Buffer
	v := NewRunTerminal(&out, RunOptions{})
	story(v.Send)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Run 7 finished with failures in 14 s: 990 items (49 MiB)", "item-too-large 1", "retry  berta@contoso.test to b.new@contoso.test", "3 of 3 steps"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}
