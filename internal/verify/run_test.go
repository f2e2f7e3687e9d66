package verify_test

import (
	"path/filepath"
	"testing"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/survey"
)

// world is a migration that is planned and run for real.
type world struct {
	*scene
	migration planner.Migration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := newScene(t, alice)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.cutover.db"), sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	from, to := s.source.Endpoint(), s.target.Endpoint()
	t.Cleanup(func() { store.Close(); from.Close(); to.Close() })
	s.store = store
	s.from = survey.Side{Address: "source.mem.old", Provider: "mem", Version: "1", Endpoint: from}
	s.to = survey.Side{Address: "target.mem.new", Provider: "mem", Version: "1", Endpoint: to}
	return &world{s, planner.Migration{Name: "contoso", Deletions: "mirror", Batches: []planner.Batch{{Name: "all", EveryoneElse: true}}}}
}

func (w *world) plan() *plan.Plan {
	w.t.Helper()
	in, err := survey.Gather(w.t.Context(), survey.Request{Tool: "test", Migration: w.migration, Source: w.from, Targets: []survey.Side{w.to}, Store: w.store})
	if err != nil {
		w.t.Fatal(err)
	}
	p, findings := planner.Plan(in)
	if findings.HasErrors() {
		w.t.Fatalf("findings: %+v", findings)
	}
	return p
}

// apply plans, runs, and expects that nothing is left to do and that both
// sides are equal. It returns the work that was planned.
func (w *world) apply() plan.Work {
	w.t.Helper()
	p := w.plan()
	ctx := w.t.Context()
	run, err := w.store.BeginRun(ctx, state.Run{Migration: "contoso", Who: "test", Host: "test", Started: morning})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = executor.Run(ctx, ctx, executor.Options{Plan: p, Source: w.from.Endpoint, Targets: map[string]providers.Endpoint{w.to.Address: w.to.Endpoint}, Store: w.store, Run: run})
	if err != nil {
		w.t.Fatalf("run: %v", err)
	}
	if again := w.plan(); !again.Empty() {
		for _, s := range again.Steps {
			w.t.Errorf("after a clean run is planned again: %s %s: %s %+v", s.Action, s.Source, s.Reason, s.Folders)
		}
	}
	r := w.verify()
	if !r.Clean || r.Counts.Extra > 0 {
		w.t.Errorf("not equal after a clean run: %+v\n%q", r.Counts, told(r))
	}
	work := p.Summary.Work
	work.Bytes = 0
	return work
}

func TestRunsFollowTheSourceExactly(t *testing.T) {
	w := newWorld(t)
	m := w.source.Mailbox(alice)
	for i := range 60 {
		m.Deliver("INBOX", mail(i, "hello"))
	}
	m.Deliver("Projects/Möwe", mail(100, "deep"))
	m.Deliver("Projects/Krähe", mail(101, "deep"))
	m.AddFolder("Archive")
	story := []struct {
		name   string
		change func()
		want   plan.Work
	}{
		{"the first copy", func() {}, plan.Work{New: 62}},
		{"new, flags, moves, deletions", func() {
			ids := m.IDs("INBOX")
			for i := range 10 {
				m.Deliver("INBOX", mail(200+i, "new"))
			}
			for _, id := range ids[:5] {
				m.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Seen))
			}
			for _, id := range ids[10:13] {
				m.Move("INBOX", id, "Archive")
			}
			for _, id := range ids[20:24] {
				m.Delete("INBOX", id)
			}
		}, plan.Work{New: 10, Changed: 5, Moved: 3, Deleted: 4}},
		{"a move alone", func() { m.Move("INBOX", m.IDs("INBOX")[0], "Archive") }, plan.Work{Moved: 1}},
		{"a renamed folder", func() { m.Rename("Projects", "Vögel") }, plan.Work{}},
		{"void item IDs", func() {
			m.ResetEpoch("INBOX")
			m.Deliver("INBOX", mail(300, "after the reset"))
		}, plan.Work{New: 1}},
	}
	for _, chapter := range story {
		t.Run(chapter.name, func(t *testing.T) {
			w.t = t
			chapter.change()
			if got := w.apply(); got != chapter.want {
				t.Errorf("planned %+v, want %+v", got, chapter.want)
			}
		})
	}
}
