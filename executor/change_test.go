package executor_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

func TestNewItemIDsOnTheSource(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 120)
	for range 3 {
		w.source.Mailbox(anna).Deliver("INBOX", message("INBOX", 7))
	}
	w.must()
	box := w.source.Mailbox(anna)
	box.Delete("INBOX", ids[0])
	box.SetFlags("INBOX", ids[1], inventory.MakeFlags(inventory.Flagged))
	box.ResetEpoch("INBOX")
	w.deliver(anna, "INBOX", 4)
	result := w.must()
	w.same()
	if result.Items != 4 || w.events.codes()["item-ids-void"] != 1 {
		t.Errorf("copied %d items, told %v", result.Items, w.events.codes())
	}
	if result := w.must(); result.Items != 0 {
		t.Errorf("then copied %d items", result.Items)
	}
}

func TestNewItemIDsOnTheTarget(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 60)
	w.must()
	w.target.Mailbox(anna).ResetEpoch("INBOX")
	w.source.Mailbox(anna).Delete("INBOX", ids[3])
	w.source.Mailbox(anna).SetFlags("INBOX", ids[4], inventory.MakeFlags(inventory.Answered))
	result := w.must()
	if result.Items != 0 {
		t.Errorf("copied %d items", result.Items)
	}
	// The item that is gone from the source was recognised by its digest.
	w.same()
}

// TestNewItemIDsOnBothSides: what the target's IDs named before, they do not
// name any more, even where the source cannot help to recognise the items.
func TestNewItemIDsOnBothSides(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 60)
	w.must()
	theirs := w.target.Mailbox(anna)
	theirs.Delete("INBOX", theirs.IDs("INBOX")[1])
	own := mem.Item{Content: []byte("Subject: my own\r\n\r\n"), Received: message("INBOX", 2).Received, Flags: message("INBOX", 2).Flags}
	theirs.Deliver("INBOX", own)
	theirs.ResetEpoch("INBOX")
	ours := w.source.Mailbox(anna)
	for _, i := range []int{2, 5, 7} {
		ours.Delete("INBOX", ids[i])
	}
	ours.SetFlags("INBOX", ids[4], inventory.MakeFlags(inventory.Answered))
	ours.ResetEpoch("INBOX")
	if result := w.must(); result.Items != 0 {
		t.Errorf("copied %d items", result.Items)
	}
	if got := len(theirs.IDs("INBOX")); got != 60-1-3+1 {
		t.Errorf("the target has %d items: one the user took, three are gone from the source, one is the user's own", got)
	}
	w.sound()
	ours.Delete("INBOX", ours.IDs("INBOX")[10])
	w.must()
	if got := len(theirs.IDs("INBOX")); got != 60-1-3+1-1 {
		t.Errorf("the target has %d items after a further deletion", got)
	}
}

// TestIDsGivenTwice: a target restored from a backup gives IDs a second time.
// What has such an ID is not ours to delete.
func TestIDsGivenTwice(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 5)
	w.must()
	theirs := w.target.Mailbox(anna)
	before := theirs.IDs("INBOX")
	theirs.Restore("INBOX", 4)
	id := theirs.Deliver("INBOX", mem.Item{Content: []byte("Subject: my own\r\n\r\n"), Received: message("INBOX", 9).Received, Flags: message("INBOX", 4).Flags})
	if id != before[4] {
		t.Fatalf("the ID is %s, not %s", id, before[4])
	}
	w.source.Mailbox(anna).Delete("INBOX", ids[4])
	w.must()
	if got := theirs.IDs("INBOX"); len(got) != 5 {
		t.Errorf("the user's own item was deleted: %v", got)
	}
}

func TestNewItemIDsAfterAnInterruption(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 300)
	w.connect()
	w.to.On("Put", 1).AfterItems(50).Lost(20).Then(&providers.Error{Kind: providers.Denied, Op: "append"})
	if result, err := w.run(); err != nil || result.Failed != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	w.source.Mailbox(anna).ResetEpoch("INBOX")
	w.must()
	w.same()
}

func TestWhatUsersDoOnTheTargetWins(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 10)
	w.must()
	here, there := w.source.Mailbox(anna), w.target.Mailbox(anna)
	copies := there.IDs("INBOX")
	there.SetFlags("INBOX", copies[0], inventory.MakeFlags(inventory.Flagged)) // and gone from the source
	here.Delete("INBOX", ids[0])
	there.Delete("INBOX", copies[1]) // and flagged on the source
	here.SetFlags("INBOX", ids[1], inventory.MakeFlags(inventory.Flagged))
	there.Move("INBOX", copies[3], "Mine") // and moved on the source
	here.Move("INBOX", ids[3], "Archive")
	there.SetFlags("INBOX", copies[6], inventory.MakeFlags("$Mine")) // \Answered comes, $Mine stays
	here.SetFlags("INBOX", ids[6], inventory.MakeFlags(inventory.Answered))
	there.Deliver("INBOX", mem.Item{Content: []byte("Subject: mine\r\n\r\n")})
	for range 2 {
		result := w.must()
		if result.Items != 0 {
			t.Errorf("copied %d items", result.Items)
		}
	}
	got := there.Contents()
	if len(got["INBOX"].Items) != 9 || len(got["Mine"].Items) != 1 || len(got["Archive"].Items) != 0 {
		t.Errorf("the target has %d, %d and %d items", len(got["INBOX"].Items), len(got["Mine"].Items), len(got["Archive"].Items))
	}
	var merged bool
	for _, it := range got["INBOX"].Items {
		merged = merged || it.Flags == inventory.MakeFlags("$Mine", inventory.Answered)
	}
	if !merged {
		t.Error("flags of both sides were not merged")
	}
	w.sound()
}

func TestKeepDeletesNothing(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 10)
	w.must()
	w.deletions = "keep"
	w.source.Mailbox(anna).Delete("INBOX", ids[0])
	w.must()
	if got := len(w.target.Mailbox(anna).IDs("INBOX")); got != 10 {
		t.Errorf("the target has %d items", got)
	}
	if rows, _ := w.store.Folders(t.Context(), 1); rows[0].Items != 9 {
		t.Errorf("the ledger has %d items", rows[0].Items)
	}
}

func TestMoreDeletionsThanPlannedArePutOff(t *testing.T) {
	for _, history := range []bool{true, false} {
		w := newWorld(t, anna)
		w.source.Configure(func(c *mem.Config) { c.NoHistory = !history })
		ids := w.deliver(anna, "INBOX", 10)
		w.must()
		for _, id := range ids[:3] {
			w.source.Mailbox(anna).Delete("INBOX", id)
		}
		w.deleted = 2
		w.must()
		if got := len(w.target.Mailbox(anna).IDs("INBOX")); got != 10 || w.events.codes()["deletions-postponed"] != 1 {
			t.Errorf("the target has %d items, told %v", got, w.events.codes())
		}
		w.deleted = 3
		w.must()
		w.same()
	}
}

func TestWhatIsOnTheTargetAlreadyIsAdopted(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "INBOX", 50)
	for i := range 20 {
		w.target.Mailbox(anna).Deliver("INBOX", message("INBOX", i))
	}
	w.target.Mailbox(anna).Deliver("INBOX", mem.Item{Content: []byte("Subject: new mail\r\n\r\n")})
	result := w.must()
	if result.Items != 30 || w.events.sum().Matched != 20 {
		t.Fatalf("copied %d, matched %+v", result.Items, w.events.sum())
	}
	w.source.Mailbox(anna).Delete("INBOX", ids[0])  // adopted: stays
	w.source.Mailbox(anna).Delete("INBOX", ids[40]) // ours: goes
	w.source.Mailbox(anna).SetFlags("INBOX", ids[1], inventory.MakeFlags("$Other"))
	w.must()
	if got := len(w.target.Mailbox(anna).IDs("INBOX")); got != 50 {
		t.Errorf("the target has %d items", got)
	}
	if w.events.sum().Changed != 0 {
		t.Error("an adopted item was changed")
	}
	w.sound()
}

func TestFoldersRenamedOnTheSource(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "Old", 5)
	w.deliver(anna, "Old/Below", 5)
	w.must()
	w.source.Mailbox(anna).Rename("Old", "New")
	w.deliver(anna, "New/Below", 1)
	w.planned = func(p *plan.Plan) {
		for i := range p.Steps[0].Folders {
			f := &p.Steps[0].Folders[i]
			if f.Path[0] == "New" {
				f.MovedFrom = append(inventory.Path{"Old"}, f.Path[1:]...)
			}
		}
	}
	if result := w.must(); result.Items != 1 {
		t.Errorf("copied %d items", result.Items)
	}
	w.same()
}

// TestFoldersSwapNames: a plan leaves swapped folders where they are, and what
// is known of their items stays known.
func TestFoldersSwapNames(t *testing.T) {
	w := newWorld(t, anna)
	left := w.deliver(anna, "Left", 10)
	w.deliver(anna, "Right", 20)
	w.must()
	box := w.source.Mailbox(anna)
	box.Rename("Left", "x")
	box.Rename("Right", "Left")
	box.Rename("x", "Right")
	w.planned = func(p *plan.Plan) {
		for i := range p.Steps[0].Folders {
			f := &p.Steps[0].Folders[i]
			f.Target = map[string]inventory.Path{"Left": {"Right"}, "Right": {"Left"}}[f.Path.String()]
			if f.Target == nil {
				f.Target = f.Path
			}
		}
	}
	if result := w.must(); result.Items != 0 || len(w.events.codes()) > 0 {
		t.Errorf("copied %d items, told %v", result.Items, w.events.codes())
	}
	box.Delete("Right", left[3])
	w.must()
	if l, r := len(w.target.Mailbox(anna).IDs("Left")), len(w.target.Mailbox(anna).IDs("Right")); l != 9 || r != 20 {
		t.Errorf("the target has %d and %d items", l, r)
	}
	w.sound()
}

// TestAFolderUnderTheNameOfAnother: renamed, and another one made under its
// name; the new name comes after the old one in the plan.
func TestAFolderUnderTheNameOfAnother(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "Name", 10)
	w.must()
	box := w.source.Mailbox(anna)
	box.Rename("Name", "Zeta")
	for i := range 3 {
		box.Deliver("Name", message("anew", i))
	}
	w.planned = func(p *plan.Plan) {
		for i := range p.Steps[0].Folders {
			switch f := &p.Steps[0].Folders[i]; f.Path.String() {
			case "Name":
				f.Target = inventory.Path{"Name (2)"}
			case "Zeta":
				f.MovedFrom = inventory.Path{"Name"}
			}
		}
	}
	if result := w.must(); result.Items != 3 || w.events.sum().Matched > 0 {
		t.Errorf("copied %d items, told %v", result.Items, w.events.codes())
	}
	if n := len(w.target.Mailbox(anna).IDs("Zeta")); n != 10 {
		t.Errorf("the renamed folder has %d items", n)
	}
	w.sound()
}

func TestItemsThatChangeTheirContent(t *testing.T) {
	w := newWorld(t, anna)
	box := w.source.Mailbox(anna)
	box.AddFolderOf(inventory.Folder{Path: inventory.Path{"Calendar"}, Holds: inventory.Calendars})
	event := func(s string) []byte {
		return []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + s + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	}
	a := box.Deliver("Calendar", mem.Item{Content: event("a")})
	box.Deliver("Calendar", mem.Item{Content: event("b")})
	w.must()
	w.same()
	for _, text := range []string{"a2", "a3"} {
		box.Replace("Calendar", a, event(text))
		w.connect()
		w.to.On("Put", 1).After().Then(dropped())
		w.must()
		w.same()
	}
	w.must()
	w.same()
}

func TestKeywordsRefusedAreALoss(t *testing.T) {
	w := newWorld(t, anna)
	w.target.Configure(func(c *mem.Config) { c.Keywords = []string{} })
	ids := w.deliver(anna, "INBOX", 6)
	w.must()
	if got := w.events.codes()["keyword-refused"]; got != 2 {
		t.Errorf("%d losses", got)
	}
	for _, id := range ids {
		w.source.Mailbox(anna).Delete("INBOX", id)
	}
	w.must()
	w.same()
}

func TestLargeItemsPassThroughFiles(t *testing.T) {
	w := newWorld(t, anna)
	w.options = nil
	for i := range 6 {
		w.source.Mailbox(anna).Deliver("INBOX", mem.Item{Content: bytes.Repeat([]byte{byte('a' + i), '\r', '\n'}, 1<<20)})
		w.deliver(anna, "INBOX", 3)
	}
	w.must()
	w.same()
}

func TestRecipientsAreCreatedFirst(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 3)
	w.target.RemoveRecipient(anna)
	w.planned = func(p *plan.Plan) {
		r, _ := w.source.Recipient(anna)
		p.Steps[0].Needs = []plan.StepID{"create"}
		p.Steps = append(p.Steps, plan.Step{ID: "create", Action: plan.Create, Kind: r.Kind, Source: anna, Target: anna, Endpoint: there, Recipient: &r})
	}
	result, err := w.run()
	codes := w.events.codes()
	if err != nil || result.Failed != 2 || codes["initial-password"] != 1 || codes["needed-step-failed"] != 1 {
		t.Fatalf("without a password: %+v, %v, %v", result, err, codes)
	}
	w.options = withPassword
	w.must()
	w.same()
	if w.target.Password(anna) != "correct horse" {
		t.Error("the password did not arrive")
	}
	if strings.Contains(w.events.String(), "correct horse") {
		t.Error("the password was told")
	}
}

func TestBatchesFollowEachOther(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(anna, "INBOX", 200)
	w.deliver(berta, "INBOX", 10)
	w.planned = func(p *plan.Plan) {
		p.Steps[0].Batch, p.Steps[1].Batch = "rest", "pilot"
		p.Batches = []plan.Batch{{Name: "pilot"}, {Name: "rest", After: []string{"pilot"}}}
	}
	w.must()
	w.same()
	var order []inventory.Address
	for _, e := range w.events.all {
		switch e := e.(type) {
		case event.StepStarted:
			order = append(order, e.Source)
		case event.StepFinished:
			order = append(order, "done")
		}
	}
	if len(order) != 4 || order[0] != berta || order[1] != "done" {
		t.Errorf("steps ran as %v", order)
	}
}

func TestFoldersDeletedOnTheSource(t *testing.T) {
	w := newWorld(t, anna)
	ids := w.deliver(anna, "Old", 10)
	w.deliver(anna, "INBOX", 5)
	w.must()
	planned := w.plan().Steps[0].Folders
	for _, id := range ids[:4] {
		w.source.Mailbox(anna).Move("Old", id, "INBOX")
	}
	w.source.Mailbox(anna).RemoveFolder("Old")
	w.planned = func(p *plan.Plan) { p.Steps[0].Folders = planned }
	result := w.must()
	got := w.target.Mailbox(anna).Contents()
	if result.Items != 0 || w.events.sum().Moved != 4 || w.events.sum().Deleted != 6 || len(got["INBOX"].Items) != 9 || len(got["Old"].Items) != 0 {
		t.Errorf("copied %d, %+v; %d and %d items", result.Items, w.events.sum(), len(got["INBOX"].Items), len(got["Old"].Items))
	}
	w.sound()
}
