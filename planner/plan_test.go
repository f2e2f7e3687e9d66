package planner

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

func TestFirstCopyNamesEveryFolderAndTheSecondPlanIsEmpty(t *testing.T) {
	in := input(user("anna@contoso.test")).with("anna@contoso.test",
		fresh(folder("INBOX", inventory.RoleInbox, 3), folder("Projects", "", 2), folder("Projects/2024", "", 0)))
	p := mustPlan(t, in)
	expect(t, p, `
		copy mailbox anna@contoso.test
		  INBOX > INBOX +3 ~0 m0 -0 r0
		  Projects > Projects new +2 ~0 m0 -0 r0
		  Projects/2024 > Projects/2024 new`)
	if w := p.Summary.Work; w.New != 5 || w.Bytes != 5000 {
		t.Errorf("work %+v", w)
	}
	second := mustPlan(t, applied(in, p))
	if !second.Empty() {
		t.Errorf("second plan:\n%s", story(second))
	}
	expect(t, second, "keep mailbox anna@contoso.test")
}

// migrated is anna's mailbox after a run, with the given folders.
func migrated(t *testing.T, folders ...inventory.Folder) Input {
	in := input(user("anna@contoso.test")).with("anna@contoso.test", fresh(folders...))
	return applied(in, mustPlan(t, in))
}

func TestOnlyWhatChangedIsInTheNextPlan(t *testing.T) {
	in := migrated(t, folder("INBOX", inventory.RoleInbox, 3), folder("Old", "", 2), folder("Quiet", "", 9))
	box := in.Mailboxes["anna@contoso.test"]
	box.Deltas = map[inventory.FolderID]Delta{
		"INBOX": {Work: plan.Work{New: 100, Bytes: 1 << 20, Changed: 50}},
		"Old":   {Work: plan.Work{Moved: 20, Deleted: 20}},
	}
	p := mustPlan(t, in.with("anna@contoso.test", box))
	expect(t, p, `
		sync mailbox anna@contoso.test
		  INBOX > INBOX +100 ~50 m0 -0 r0
		  Old > Old +0 ~0 m20 -20 r0`)
	if p.Steps[0].Unchanged != 1 {
		t.Errorf("unchanged %d", p.Steps[0].Unchanged)
	}
	in.Migration.Deletions = "keep"
	if p := mustPlan(t, in); p.Summary.Work.Deleted != 0 {
		t.Errorf("with deletions = keep the plan deletes %d", p.Summary.Work.Deleted)
	}
}

func TestRenamedFolderFollowsWithoutCopying(t *testing.T) {
	in := migrated(t, folder("INBOX", inventory.RoleInbox, 3), folder("A", "", 2), folder("A/sub", "", 1))
	box := in.Mailboxes["anna@contoso.test"]
	box.Source = []inventory.Folder{folder("INBOX", inventory.RoleInbox, 3), folder("B", "", 2), folder("B/sub", "", 1)}
	box.Renames = map[inventory.FolderID]inventory.FolderID{"B": "A", "B/sub": "A/sub"}
	box.Targets = map[string]TargetMailbox{newServer: {Folders: box.knownTargets()}}
	in.with("anna@contoso.test", box)
	p := mustPlan(t, in)
	expect(t, p, `
		sync mailbox anna@contoso.test
		  B > B from A
		  B/sub > B/sub from A/sub`)
	if second := mustPlan(t, applied(in, p)); !second.Empty() {
		t.Errorf("second plan:\n%s", story(second))
	}
}

func (m Mailbox) knownTargets() []inventory.Folder {
	var list []inventory.Folder
	for _, k := range m.Known {
		list = append(list, inventory.Folder{ID: k.Target, Path: k.TargetPath, Holds: inventory.Mail, Role: k.Role})
	}
	return list
}

func TestRenameOntoAFolderOfTheTargetLeavesBothWhereTheyAre(t *testing.T) {
	in := migrated(t, folder("A", "", 2), folder("B", "", 1))
	box := in.Mailboxes["anna@contoso.test"]
	box.Renames = map[inventory.FolderID]inventory.FolderID{"A": "B", "B": "A"}
	box.Targets = map[string]TargetMailbox{newServer: {Folders: box.knownTargets()}}
	p := mustPlan(t, in.with("anna@contoso.test", box))
	expect(t, p, `
		sync mailbox anna@contoso.test
		  A > B
		  B > A`)
}

func TestNewFolderTakesTheNameOfARenamedOneOnlyWithANumber(t *testing.T) {
	in := migrated(t, folder("A", "", 2))
	box := in.Mailboxes["anna@contoso.test"]
	box.Source = []inventory.Folder{folder("A", "", 7), folder("B", "", 2)}
	box.Renames = map[inventory.FolderID]inventory.FolderID{"B": "A"}
	box.Targets = map[string]TargetMailbox{newServer: {Folders: box.knownTargets()}}
	p := mustPlan(t, in.with("anna@contoso.test", box))
	expect(t, p, `
		sync mailbox anna@contoso.test
		  A > A (2) new +7 ~0 m0 -0 r0
		  B > B from A`)
}

func TestFolderGoneFromTheSourceIsOnlyEmptied(t *testing.T) {
	in := migrated(t, folder("INBOX", inventory.RoleInbox, 3), folder("Gone", "", 2))
	box := in.Mailboxes["anna@contoso.test"]
	box.Source = box.Source[:1]
	box.Deltas = map[inventory.FolderID]Delta{"Gone": {Work: plan.Work{Deleted: 2}}}
	in.with("anna@contoso.test", box)
	expect(t, mustPlan(t, in), `
		sync mailbox anna@contoso.test
		  Gone > Gone +0 ~0 m0 -2 r0`)
	in.Migration.Deletions = "keep"
	if p := mustPlan(t, in); !p.Empty() {
		t.Errorf("with deletions = keep:\n%s", story(p))
	}
}

// TestASourceThatLooksEmptyIsPointedOut: what a lost disk looks like is shown
// before it is mirrored.
func TestASourceThatLooksEmptyIsPointedOut(t *testing.T) {
	for deleted, want := range map[int64]int{15: 0, 16: 1, 30: 1} {
		in := migrated(t, folder("INBOX", inventory.RoleInbox, 10), folder("A", "", 20))
		box := in.Mailboxes["anna@contoso.test"]
		box.Deltas = map[inventory.FolderID]Delta{"INBOX": {Work: plan.Work{Deleted: 10}}, "A": {Work: plan.Work{Deleted: deleted - 10}}}
		_, findings := Plan(in.with("anna@contoso.test", box))
		if got := codes(findings); len(got) != want || want == 1 && got[0] != "most-deleted anna@contoso.test" {
			t.Errorf("%d of 30 deleted: %v", deleted, got)
		}
		in.Migration.Deletions = "keep"
		if _, findings := Plan(in); len(findings) > 0 {
			t.Errorf("with deletions = keep: %v", codes(findings))
		}
	}
}

func TestDoubtAndFailureKeepAMailboxInThePlan(t *testing.T) {
	in := migrated(t, folder("INBOX", inventory.RoleInbox, 3))
	box := in.Mailboxes["anna@contoso.test"]
	box.InDoubt = 2
	p := mustPlan(t, in.with("anna@contoso.test", box))
	if s := p.Steps[0]; s.Action != plan.Sync || !strings.Contains(s.Reason, "2 writes of an interrupted run in doubt") {
		t.Errorf("%s: %s", s.Action, s.Reason)
	}
	box.InDoubt, box.Deltas = 0, map[inventory.FolderID]Delta{"INBOX": {Work: plan.Work{Retried: 4}}}
	p = mustPlan(t, in.with("anna@contoso.test", box))
	if s := p.Steps[0]; s.Action != plan.Sync || !strings.Contains(s.Reason, "4 items failed before") {
		t.Errorf("%s: %s", s.Action, s.Reason)
	}
	known := in.Known[RecipientKey{inventory.KindMailbox, "anna@contoso.test"}]
	known.Synced = time.Time{}
	in.Known[RecipientKey{inventory.KindMailbox, "anna@contoso.test"}] = known
	if s := mustPlan(t, in).Steps[0]; s.Action != plan.Copy || !strings.Contains(s.Reason, "not finished") {
		t.Errorf("%s: %s", s.Action, s.Reason)
	}
}

func TestMailboxThatCannotBeOpenedDoesNotHoldUpTheOthers(t *testing.T) {
	in := input(user("anna@contoso.test"), user("bob@contoso.test"))
	in.with("anna@contoso.test", Mailbox{Problem: &diag.Finding{Code: "mailbox-missing", Summary: "there is no mailbox", Fix: "create it"}})
	in.with("bob@contoso.test", fresh(folder("INBOX", inventory.RoleInbox, 1)))
	p, findings := Plan(in)
	expect(t, p, `
		skip mailbox anna@contoso.test
		copy mailbox bob@contoso.test
		  INBOX > INBOX +1 ~0 m0 -0 r0`)
	if len(findings) != 1 || findings[0].Severity != diag.Error || findings[0].Fix != "create it" {
		t.Errorf("findings %+v", findings)
	}
}

func TestLossesAreRefusedUntilWaived(t *testing.T) {
	in := input(user("anna@contoso.test"), group("all@contoso.test", "anna@contoso.test"))
	box := fresh(folder("INBOX", inventory.RoleInbox, 3), folder("All", inventory.RoleAll, 3), folder("Calendar", inventory.RoleCalendar, 4), folder("Tasks", inventory.RoleTasks, 0))
	box.Source[2].Holds, box.Source[3].Holds = inventory.Calendars, inventory.Tasks
	box.Deltas = map[inventory.FolderID]Delta{"INBOX": {
		Work: plan.Work{New: 3, Bytes: 9}, RefusedKeywords: []string{"$Work"},
		Oversize: []plan.Oversize{{Path: inventory.Path{"INBOX"}, ID: "7", Size: 40 << 20, Max: 25 << 20}},
	}}
	in.with("anna@contoso.test", box)
	p, findings := Plan(in)
	want := []string{"calendars-not-held", "groups-not-held", "keywords-refused", "oversize-items"}
	var got []string
	for _, l := range p.Losses {
		got = append(got, l.Code)
		in.Migration.Waivers = append(in.Migration.Waivers, Waiver{Code: l.Code, Reason: "agreed"})
	}
	if !slices.Equal(got, want) {
		t.Errorf("losses %v, want %v", got, want)
	}
	if len(findings) != 4 || !strings.Contains(findings[0].Fix, "waive \"calendars-not-held\" {\n    reason = ") {
		t.Errorf("findings %+v", findings)
	}
	if views := strings.Join(p.Steps[0].Notes, ""); !strings.Contains(views, "All") {
		t.Errorf("notes %q", views)
	}
	if p, findings = Plan(in); findings.HasErrors() || p.Losses[0].Blocking || p.Losses[0].Waived != "agreed" {
		t.Errorf("waived: %v %+v", codes(findings), p.Losses)
	}
}

func TestQuotaIsSeenBeforehand(t *testing.T) {
	in := input(user("anna@contoso.test"))
	box := fresh(folder("INBOX", inventory.RoleInbox, 3000))
	target := box.Targets[newServer]
	target.Info.Quota, target.Info.Used = 4<<20, 2<<20
	box.Targets[newServer] = target
	p := mustPlan(t, in.with("anna@contoso.test", box))
	if len(p.Findings) != 1 || p.Findings[0].Code != "target-quota" || !strings.Contains(p.Findings[0].Summary, "2.9 MiB to copy, 2.0 MiB free of 4.0 MiB") {
		t.Errorf("%+v", p.Findings)
	}
}

func TestStateOfOtherServersOrAddressesIsNotUsed(t *testing.T) {
	for name, change := range map[string]func(*state.Recipient){
		"endpoint-moved":       func(r *state.Recipient) { r.SourceIdentity = "imap://elsewhere" },
		"target-address-moved": func(r *state.Recipient) { r.Target = "other@contoso.test" },
	} {
		in := migrated(t, folder("INBOX", inventory.RoleInbox, 3))
		key := RecipientKey{inventory.KindMailbox, "anna@contoso.test"}
		known := in.Known[key]
		change(&known)
		in.Known[key] = known
		p, findings := Plan(in)
		if len(findings) != 1 || findings[0].Code != name || p.Steps[0].Action != plan.Skip {
			t.Errorf("%s: %v, %s", name, codes(findings), story(p))
		}
	}
}

func TestMigratedRecipientThatIsGoneStaysOnTheTarget(t *testing.T) {
	in := migrated(t, folder("INBOX", inventory.RoleInbox, 3))
	in.Recipients = nil
	p := mustPlan(t, in)
	expect(t, p, "skip mailbox anna@contoso.test")
	if !p.Empty() || codes(p.Findings)[0] != "recipient-gone anna@contoso.test" {
		t.Errorf("%v", codes(p.Findings))
	}
}

func TestFormatsAreNegotiatedInTheOrderOfTheSource(t *testing.T) {
	in := input(user("anna@contoso.test")).with("anna@contoso.test", fresh(folder("INBOX", inventory.RoleInbox, 3)))
	in.Source.Info.Formats = map[inventory.Class][]providers.FormatSupport{
		inventory.ClassMessage: {{Format: "exchange-fts"}, {Format: inventory.FormatRFC5322, Loses: []providers.Loss{{Code: "mapi-properties"}}}},
	}
	p, findings := Plan(in)
	if r := p.Steps[0].Folders[0].Routes; len(r) != 1 || r[0].Format != inventory.FormatRFC5322 {
		t.Errorf("routes %v", r)
	}
	if got := codes(findings); !slices.Equal(got, []string{"loss-not-waived mapi-properties"}) {
		t.Errorf("%v", got)
	}
	in.Source.Info.Formats = map[inventory.Class][]providers.FormatSupport{inventory.ClassMessage: {{Format: "exchange-fts"}}}
	if _, findings = Plan(in); !slices.Equal(codes(findings), []string{"loss-not-waived no-common-format"}) {
		t.Errorf("%v", codes(findings))
	}
}

func TestStepKeepsItsIDWhateverItsCounts(t *testing.T) {
	in := input(user("anna@contoso.test")).with("anna@contoso.test", fresh(folder("INBOX", inventory.RoleInbox, 3)))
	first := mustPlan(t, in)
	second := mustPlan(t, in.with("anna@contoso.test", fresh(folder("INBOX", inventory.RoleInbox, 99))))
	if first.Steps[0].ID != second.Steps[0].ID {
		t.Error("more mail changed the ID of the step")
	}
	if first.Basis.Inventory != second.Basis.Inventory {
		t.Error("more mail changed the inventory digest")
	}
	third := mustPlan(t, in.with("anna@contoso.test", fresh(folder("INBOX", inventory.RoleInbox, 3), folder("New", "", 0))))
	if first.Basis.Inventory == third.Basis.Inventory {
		t.Error("a new folder did not change the inventory digest")
	}
}

func TestEveryCodeEmittedIsExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, c := range Codes() {
		if explained[c.Code] || c.Title == "" || c.Cause == "" || c.Fix == "" {
			t.Errorf("%q is there twice or says nothing", c.Code)
		}
		explained[c.Code] = true
	}
	for _, ability := range inventory.ContentAbilities() {
		if code := notHeld(string(ability), "").Code; !explained[code] {
			t.Errorf("%s is not explained", code)
		}
	}
	if names := slices.Sorted(maps.Keys(explained)); len(names) < 30 {
		t.Errorf("only %v", names)
	}
}
