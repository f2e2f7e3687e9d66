package executor_test

import (
	"testing"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/survey"
)

// surveyed plans as apply does: by looking at both sides and the state.
func (w *world) surveyed() *plan.Plan {
	w.t.Helper()
	mailOnly := func(i *providers.Info) { i.Abilities = []inventory.Ability{inventory.Mail} }
	in, err := survey.Gather(w.t.Context(), survey.Request{
		Migration: planner.Migration{Name: "contoso", AcceptedDomains: []string{"contoso.test"}, Deletions: w.deletions},
		Source:    survey.Side{Address: "source.mem.here", Endpoint: w.source.Endpoint(mailOnly)},
		Targets:   []survey.Side{{Address: there, Endpoint: w.target.Endpoint(mailOnly)}},
		Store:     w.store,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p, findings := planner.Plan(in)
	if findings.HasErrors() {
		w.t.Fatalf("findings: %+v", findings)
	}
	return p
}

// settle plans, applies, and expects the next plan to be empty.
func (w *world) settle() (plan.Work, executor.Result) {
	w.t.Helper()
	made := w.surveyed()
	w.planned = func(p *plan.Plan) { *p = *made }
	result := w.must()
	w.same()
	if again := w.surveyed(); !again.Empty() {
		w.t.Fatalf("the next plan is not empty: %+v", again.Steps)
	}
	return made.Summary.Work, result
}

func TestPlansNameExactlyWhatIsDone(t *testing.T) {
	for name, configure := range map[string]func(*mem.Config){
		"history":         func(*mem.Config) {},
		"listing":         func(c *mem.Config) { c.NoHistory = true },
		"nothing helpful": func(c *mem.Config) { c.NoHistory, c.HideSizes, c.HideState, c.HideIdentity = true, true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, anna, berta)
			w.source.Configure(configure)
			ids := w.deliver(anna, "INBOX", 400)
			w.deliver(anna, "Archive", 30)
			w.deliver(anna, "Projects/Old name", 10)
			going := w.deliver(anna, "Going", 10)
			w.deliver(berta, "INBOX", 10)
			w.settle()
			box := w.source.Mailbox(anna)
			w.deliver(anna, "INBOX", 100)
			for _, id := range ids[:50] {
				box.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Flagged, "$Work"))
			}
			for _, id := range ids[50:70] {
				box.Move("INBOX", id, "Archive")
			}
			for _, id := range ids[70:90] {
				box.Delete("INBOX", id)
			}
			work, _ := w.settle()
			if name == "nothing helpful" {
				// Moves are told from new items only when they are read.
				work.New, work.Moved, work.Deleted = work.New-20, work.Moved+20, work.Deleted-20
			}
			if got := w.events.sum(); work.New != 100 || work.Changed != 50 || work.Moved != 20 || work.Deleted != 20 ||
				got.Items != 100 || got.Changed != 50 || got.Moved != 20 || got.Deleted != 20 {
				t.Errorf("planned %+v, done %+v", work, got)
			}
			box.Move("Going", going[0], "INBOX")
			box.ResetEpoch("INBOX")
			w.deliver(anna, "INBOX", 3)
			if work, result := w.settle(); result.Items != 3 {
				t.Errorf("with new item IDs: planned %+v, copied %d, %+v", work, result.Items, w.events.sum())
			}
		})
	}
}

func TestRenamedAndDeletedFoldersSettle(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "Projects/Old name", 10)
	going := w.deliver(anna, "Going", 10)
	w.settle()
	box := w.source.Mailbox(anna)
	box.Rename("Projects", "Tasks")
	w.deliver(anna, "Tasks/Old name", 2)
	for _, id := range going[:4] {
		box.Move("Going", id, "INBOX")
	}
	box.RemoveFolder("Going")
	made := w.surveyed()
	w.planned = func(p *plan.Plan) { *p = *made }
	result := w.must()
	got := w.target.Mailbox(anna).Contents()
	if result.Items != 2 || len(got["Tasks/Old name"].Items) != 12 || len(got["INBOX"].Items) != 4 || len(got["Going"].Items) != 0 {
		t.Errorf("copied %d; %v", result.Items, w.events)
	}
	w.sound()
	if again := w.surveyed(); !again.Empty() {
		t.Errorf("the next plan is not empty: %+v", again.Steps)
	}
}
