package survey_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
)

// planned makes the plan of what was gathered.
func planned(t *testing.T, in planner.Input) *plan.Plan {
	t.Helper()
	p, findings := planner.Plan(in)
	if findings.HasErrors() {
		t.Fatalf("findings: %+v", findings)
	}
	return p
}

func TestPlanAfterACleanRunIsEmpty(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test")
	s.source.Mailbox(alice).Deliver("Projects/Möwe", mail(1, "hello"))
	if planned(t, s.gather()).Empty() {
		t.Error("nothing is planned though nothing was copied")
	}
	s.copied(nil)
	if p := planned(t, s.gather()); !p.Empty() {
		t.Errorf("planned: %+v", p.Steps)
	}
}

func TestPlanNamesExactlyWhatChanged(t *testing.T) {
	s := newScene(t, alice)
	s.source.Mailbox(alice).AddFolder("Archive")
	changed(s)
	work := planned(t, s.gather()).Summary.Work
	work.Bytes = 0
	if diff := cmp.Diff(plan.Work{New: 100, Changed: 50, Moved: 20, Deleted: 20}, work); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlanOfAMoveHasBothFolders(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.AddFolder("Archive")
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	m.Move("INBOX", id, "Archive")
	for _, step := range planned(t, s.gather()).Steps {
		if step.Action == plan.Sync && len(step.Folders) == 2 {
			return
		}
	}
	t.Error("no step works on both folders")
}
