package survey_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/survey"
	"github.com/cutover-mail/cutover/survey/surveytest"
)

const alice = inventory.Address("alice@contoso.test")

var morning = time.Date(2024, 3, 4, 9, 0, 0, 0, time.UTC)

// scene is two organisations and a state.
type scene struct {
	t                *testing.T
	source, target   *mem.Organisation
	from, to         survey.Side
	store            *sqlite.Store
	migration        planner.Migration
	selection        plan.Selection
	progress         []survey.Progress
	retry            pace.Policy
	wrapFrom, wrapTo func(providers.Endpoint) providers.Endpoint
}

func newScene(t *testing.T, addresses ...inventory.Address) *scene {
	t.Helper()
	s := &scene{t: t, source: mem.New(), target: mem.New()}
	s.target.Configure(func(c *mem.Config) { c.Identity = "mem:target" })
	s.migration = planner.Migration{Name: "contoso", Deletions: "mirror", Batches: []planner.Batch{{Name: "all", EveryoneElse: true}}}
	for _, a := range addresses {
		s.source.AddMailbox(a)
		s.target.AddMailbox(a)
	}
	return s
}

// open makes the endpoints; organisations are configured by then.
func (s *scene) open() {
	if s.from.Endpoint != nil {
		return
	}
	from, to := s.source.Endpoint(), s.target.Endpoint()
	if s.wrapFrom != nil {
		from = s.wrapFrom(from)
	}
	if s.wrapTo != nil {
		to = s.wrapTo(to)
	}
	s.from = survey.Side{Address: "source.mem.old", Provider: "mem", Version: "1", Endpoint: from}
	s.to = survey.Side{Address: "target.mem.new", Provider: "mem", Version: "1", Endpoint: to}
	s.t.Cleanup(func() { from.Close(); to.Close() })
}

func (s *scene) state() *sqlite.Store {
	if s.store == nil {
		store, err := sqlite.Open(s.t.Context(), filepath.Join(s.t.TempDir(), "test.cutover.db"), sqlite.Options{Create: true})
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { store.Close() })
		s.store = store
	}
	return s.store
}

// copied brings every mailbox over, except what skip leaves out.
func (s *scene) copied(skip func(inventory.Item) bool) {
	s.t.Helper()
	s.open()
	c := surveytest.Copier{Store: s.state(), Migration: "contoso", Source: s.from, Target: s.to, Skip: skip, Now: morning}
	for _, r := range s.source.Recipients() {
		if _, err := c.Mailbox(s.t.Context(), r.Address, r.Address); err != nil {
			s.t.Fatalf("copy %s: %v", r.Address, err)
		}
	}
}

func (s *scene) request() survey.Request {
	s.open()
	r := survey.Request{Tool: "test", ConfigDigest: "c", Migration: s.migration, Selection: s.selection, Source: s.from, Targets: []survey.Side{s.to},
		Retry: s.retry, Progress: func(p survey.Progress) { s.progress = append(s.progress, p) }}
	if s.store != nil {
		r.Store = s.store
	}
	return r
}

func (s *scene) gather() planner.Input {
	s.t.Helper()
	in, err := survey.Gather(s.t.Context(), s.request())
	if err != nil {
		s.t.Fatalf("gather: %v", err)
	}
	return in
}

// calls counts what an organisation is asked while f runs.
func calls(o *mem.Organisation, f func(), methods ...string) map[string]int {
	before := map[string]int{}
	for _, m := range methods {
		before[m] = o.Calls(m)
	}
	f()
	counted := map[string]int{}
	for _, m := range methods {
		if n := o.Calls(m) - before[m]; n > 0 {
			counted[m] = n
		}
	}
	return counted
}

var methods = []string{"OpenMailbox", "Folders", "Changes", "Fetch", "Mailbox.Info", "Find", "Larger", "Put", "Edit", "CreateFolder", "RenameFolder"}

func mail(n int, body string) mem.Item {
	text := fmt.Sprintf("From: a@contoso.test\r\nMessage-ID: <%d@contoso.test>\r\nSubject: mail %d\r\n\r\n%s\r\n", n, n, body)
	return mem.Item{Content: []byte(text), Received: morning.Add(time.Duration(n) * time.Minute)}
}

func work(t *testing.T, in planner.Input, a inventory.Address) map[inventory.FolderID]plan.Work {
	t.Helper()
	box, ok := in.Mailboxes[a]
	if !ok {
		t.Fatalf("%s was not looked at", a)
	}
	if box.Problem != nil {
		t.Fatalf("%s: %+v", a, box.Problem)
	}
	sums := map[inventory.FolderID]plan.Work{}
	for id, d := range box.Deltas {
		w := d.Work
		w.Bytes = 0
		sums[id] = w
	}
	return sums
}

func TestMailboxNeverSeenIsListedOnBothSides(t *testing.T) {
	s := newScene(t, alice)
	s.source.Mailbox(alice).Deliver("INBOX", mail(1, "hello"))
	s.source.Mailbox(alice).AddFolder("Projects/Möwe")
	asked := calls(s.source, func() { s.gather() }, methods...)
	if diff := cmp.Diff(map[string]int{"OpenMailbox": 1, "Folders": 1}, asked); diff != "" {
		t.Errorf("calls on the source (-want +got)\n%s", diff)
	}
	box := s.gather().Mailboxes[alice]
	if len(box.Source) != 3 || box.Source[0].Items != 1 {
		t.Errorf("source folders: %+v", box.Source)
	}
	target, ok := box.Targets["target.mem.new"]
	if !ok || len(target.Folders) != 1 {
		t.Errorf("target: %+v", box.Targets)
	}
	if len(box.Deltas) != 0 || box.Known != nil || box.Problem != nil {
		t.Errorf("unexpected: %+v", box)
	}
}

func TestUnchangedMailboxesCostOneListingEach(t *testing.T) {
	var addresses []inventory.Address
	for i := range 100 {
		addresses = append(addresses, inventory.Address(fmt.Sprintf("user%03d@contoso.test", i)))
	}
	s := newScene(t, addresses...)
	for i, a := range addresses {
		s.source.Mailbox(a).Deliver("INBOX", mail(i, "hello"))
		s.source.Mailbox(a).Deliver("Sent", mail(i, "answer"))
	}
	s.copied(nil)
	var in planner.Input
	var onTarget map[string]int
	onSource := calls(s.source, func() {
		onTarget = calls(s.target, func() { in = s.gather() }, methods...)
	}, methods...)
	if diff := cmp.Diff(map[string]int{"OpenMailbox": 100, "Folders": 100}, onSource); diff != "" {
		t.Errorf("calls on the source (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{}, onTarget); diff != "" {
		t.Errorf("calls on the target (-want +got)\n%s", diff)
	}
	for a, box := range in.Mailboxes {
		if len(box.Deltas) > 0 || len(box.Renames) > 0 || box.Targets != nil || len(box.Known) != 2 {
			t.Fatalf("%s: %+v", a, box)
		}
	}
	if open, most := s.source.Sessions(); open != 0 || most > 4 {
		t.Errorf("%d sessions left open, %d at most", open, most)
	}
}

// changed is the story that the plan has to tell exactly: 100 new, 50 flag
// changes, 20 moved, 20 deleted.
func changed(s *scene) {
	m := s.source.Mailbox(alice)
	for i := range 400 {
		m.Deliver("INBOX", mail(i, strings.Repeat("x", i%7)))
	}
	s.copied(nil)
	ids := m.IDs("INBOX")
	for i := range 100 {
		m.Deliver("INBOX", mail(1000+i, "new"))
	}
	for _, id := range ids[:50] {
		m.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Seen, "project-x"))
	}
	for _, id := range ids[100:120] {
		m.Move("INBOX", id, "Archive")
	}
	for _, id := range ids[200:220] {
		m.Delete("INBOX", id)
	}
}

func TestChangesAreCountedExactly(t *testing.T) {
	for name, configure := range map[string]func(*mem.Config){
		"with history":        func(*mem.Config) {},
		"full listing":        func(c *mem.Config) { c.NoHistory = true },
		"small pages":         func(c *mem.Config) { c.Page = 7 },
		"small, full listing": func(c *mem.Config) { c.Page, c.NoHistory = 7, true },
		"no states":           func(c *mem.Config) { c.HideState = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, alice)
			s.source.Configure(configure)
			s.source.Mailbox(alice).AddFolder("Archive")
			changed(s)
			got := work(t, s.gather(), alice)
			want := map[inventory.FolderID]plan.Work{"INBOX": {New: 100, Changed: 50, Deleted: 20}, "Archive": {Moved: 20}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestKeepingDeletionsPlansNone(t *testing.T) {
	s := newScene(t, alice)
	s.migration.Deletions = "keep"
	s.source.Mailbox(alice).AddFolder("Archive")
	changed(s)
	got := work(t, s.gather(), alice)
	want := map[inventory.FolderID]plan.Work{"INBOX": {New: 100, Changed: 50}, "Archive": {Moved: 20}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNewItemOfSameSizeAndSecondIsNoMove(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.AddFolder("Archive")
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	m.Delete("INBOX", id)
	m.Deliver("Archive", mail(1, "bbbb"))
	got := work(t, s.gather(), alice)
	want := map[inventory.FolderID]plan.Work{"INBOX": {Deleted: 1}, "Archive": {New: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMovesBeyondTheLimitCountAsNewAndDeleted(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.AddFolder("Archive")
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	m.Move("INBOX", id, "Archive")
	req := s.request()
	req.MoveBytes = 10
	in, err := survey.Gather(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := map[inventory.FolderID]plan.Work{"INBOX": {Deleted: 1}, "Archive": {New: 1}}
	if diff := cmp.Diff(want, work(t, in, alice)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestItemsOfARemovedFolderAreMovedOrDeleted(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	kept := m.Deliver("Old", mail(1, "kept"))
	m.Deliver("Old", mail(2, "dropped"))
	s.copied(nil)
	m.Move("Old", kept, "INBOX")
	m.RemoveFolder("Old")
	got := work(t, s.gather(), alice)
	want := map[inventory.FolderID]plan.Work{"INBOX": {Moved: 1}, "Old": {Deleted: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatTheToolDidNotWriteIsNeitherChangedNorDeleted(t *testing.T) {
	for _, status := range []state.Status{state.Adopted, state.Released} {
		s := newScene(t, alice)
		m := s.source.Mailbox(alice)
		gone := m.Deliver("INBOX", mail(1, "gone"))
		read := m.Deliver("INBOX", mail(2, "read"))
		s.copied(nil)
		r := s.known()
		folder := s.folder(r, "INBOX")
		entries, err := s.store.Lookup(t.Context(), folder.ID, []inventory.ItemID{gone, read})
		if err != nil || len(entries) != 2 {
			t.Fatalf("lookup: %v %v", entries, err)
		}
		for i := range entries {
			entries[i].Status = status
		}
		if err := s.store.Record(t.Context(), state.Record{Put: entries}); err != nil {
			t.Fatal(err)
		}
		m.Delete("INBOX", gone)
		m.SetFlags("INBOX", read, inventory.MakeFlags(inventory.Seen))
		if got := work(t, s.gather(), alice); len(got) != 0 {
			t.Errorf("status %d: planned %+v", status, got)
		}
	}
}

func (s *scene) known() state.Recipient {
	s.t.Helper()
	for r, err := range s.store.Recipients(s.t.Context(), "contoso") {
		if err != nil {
			s.t.Fatal(err)
		}
		return r
	}
	s.t.Fatal("no recipient in the state")
	return state.Recipient{}
}

func (s *scene) folder(r state.Recipient, path string) state.Folder {
	s.t.Helper()
	folders, err := s.store.Folders(s.t.Context(), r.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range folders {
		if f.Path.String() == path {
			return f
		}
	}
	s.t.Fatalf("no folder %s in the state", path)
	return state.Folder{}
}

func TestVoidItemIDsAskForARematch(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	for i := range 10 {
		m.Deliver("INBOX", mail(i, "hello"))
	}
	s.copied(nil)
	m.ResetEpoch("INBOX")
	m.Deliver("INBOX", mail(11, "hello"))
	delta := s.gather().Mailboxes[alice].Deltas["INBOX"]
	if delta.Rematch != "source" || delta.Work.New != 1 || delta.Work.Deleted != 0 {
		t.Errorf("%+v", delta)
	}
}

func TestReplacedTargetFolderAsksForARematch(t *testing.T) {
	s := newScene(t, alice)
	s.source.Mailbox(alice).Deliver("INBOX", mail(1, "hello"))
	s.copied(nil)
	s.target.Mailbox(alice).ResetEpoch("INBOX")
	s.source.Mailbox(alice).AddFolder("New") // so that the target is looked at
	delta := s.gather().Mailboxes[alice].Deltas["INBOX"]
	if delta.Rematch != "target" {
		t.Errorf("%+v", delta)
	}
}

func TestFolderThatItemsOnlyLeftIsNamed(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.AddFolder("Archive")
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	m.Move("INBOX", id, "Archive")
	want := map[inventory.FolderID]planner.Delta{"INBOX": {Left: 1}, "Archive": {Work: plan.Work{Moved: 1}}}
	if diff := cmp.Diff(want, s.gather().Mailboxes[alice].Deltas); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestItemThatTheUserOfTheTargetTookAwayIsNotNewElsewhere(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.AddFolder("Archive")
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	entries, err := s.store.Lookup(t.Context(), s.folder(s.known(), "INBOX").ID, []inventory.ItemID{id})
	if err != nil || len(entries) != 1 {
		t.Fatalf("lookup: %v %v", entries, err)
	}
	entries[0].Status = state.Released
	if err := s.store.Record(t.Context(), state.Record{Put: entries}); err != nil {
		t.Fatal(err)
	}
	m.Move("INBOX", id, "Archive")
	want := map[inventory.FolderID]planner.Delta{"INBOX": {Left: 1}, "Archive": {Work: plan.Work{Moved: 1}}}
	if diff := cmp.Diff(want, s.gather().Mailboxes[alice].Deltas); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestItemPutBackIntoTheSameFolderIsNew(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	id := m.Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	m.Delete("INBOX", id)
	m.Deliver("INBOX", mail(1, "aaaa"))
	want := map[inventory.FolderID]plan.Work{"INBOX": {New: 1, Deleted: 1}}
	if diff := cmp.Diff(want, work(t, s.gather(), alice)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMailboxOfAnotherServerIsNotCompared(t *testing.T) {
	s := newScene(t, alice)
	s.source.Mailbox(alice).Deliver("INBOX", mail(1, "aaaa"))
	s.copied(nil)
	r := s.known()
	r.SourceIdentity = "mem:elsewhere"
	if _, err := s.store.SaveRecipient(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.source.Mailbox(alice).Deliver("INBOX", mail(2, "bbbb"))
	if asked := calls(s.source, func() { s.gather() }, "Changes"); len(asked) > 0 {
		t.Errorf("asked for changes since a cursor of another server: %v", asked)
	}
}

func TestRenamedFolderIsFollowed(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.Deliver("Plans", mail(1, "hello"))
	s.copied(nil)
	m.Rename("Plans", "Plans 2025")
	m.Deliver("Plans", mail(2, "another folder under the old name"))
	box := s.gather().Mailboxes[alice]
	if diff := cmp.Diff(map[inventory.FolderID]inventory.FolderID{"Plans 2025": "Plans"}, box.Renames); diff != "" {
		t.Errorf("renames (-want +got)\n%s", diff)
	}
	if len(box.Deltas) != 0 {
		t.Errorf("deltas: %+v", box.Deltas)
	}
	if len(box.Targets) != 1 {
		t.Error("the target was not looked at")
	}
}

func TestFailedItemsAreRetried(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.Deliver("INBOX", mail(1, "good"))
	bad := m.Deliver("INBOX", mail(2, "bad"))
	s.copied(func(i inventory.Item) bool { return i.ID == bad })
	want := map[inventory.FolderID]plan.Work{"INBOX": {Retried: 1}}
	if diff := cmp.Diff(want, work(t, s.gather(), alice)); diff != "" {
		t.Errorf("unchanged folder (-want +got)\n%s", diff)
	}
	m.SetFlags("INBOX", bad, inventory.MakeFlags(inventory.Seen))
	m.Deliver("INBOX", mail(3, "new"))
	want = map[inventory.FolderID]plan.Work{"INBOX": {New: 1, Retried: 1}}
	if diff := cmp.Diff(want, work(t, s.gather(), alice)); diff != "" {
		t.Errorf("changed folder (-want +got)\n%s", diff)
	}
}

func TestWritesInDoubtAreCounted(t *testing.T) {
	s := newScene(t, alice)
	s.source.Mailbox(alice).Deliver("INBOX", mail(1, "hello"))
	s.copied(nil)
	r := s.known()
	intent := state.Intent{ID: 77, Recipient: r.ID, Folder: s.folder(r, "INBOX").ID, Items: []inventory.ItemID{"100", "101"}}
	if err := s.store.Record(t.Context(), state.Record{Intend: []state.Intent{intent}}); err != nil {
		t.Fatal(err)
	}
	if box := s.gather().Mailboxes[alice]; box.InDoubt != 2 {
		t.Errorf("in doubt: %d", box.InDoubt)
	}
}

func TestItemsLargerThanTheTargetTakesAreNamed(t *testing.T) {
	s := newScene(t, alice)
	s.target.Configure(func(c *mem.Config) { c.MaxItemSize = 1000 })
	m := s.source.Mailbox(alice)
	m.Deliver("INBOX", mail(1, "small"))
	id := m.Deliver("INBOX", mail(2, strings.Repeat("large", 400)))
	over := s.gather().Mailboxes[alice].Deltas["INBOX"].Oversize
	if len(over) != 1 || over[0].ID != id || over[0].Max != 1000 || over[0].Size < 2000 {
		t.Errorf("%+v", over)
	}
}

func TestKeywordsTheTargetRefusesAreNamed(t *testing.T) {
	s := newScene(t, alice)
	s.target.Configure(func(c *mem.Config) { c.Keywords = []string{"$Forwarded"} })
	m := s.source.Mailbox(alice)
	s.copied(nil)
	it := mail(1, "hello")
	it.Flags = inventory.MakeFlags(inventory.Seen, "$forwarded", "todo")
	m.Deliver("INBOX", it)
	if got := s.gather().Mailboxes[alice].Deltas["INBOX"].RefusedKeywords; !cmp.Equal(got, []string{"todo"}) {
		t.Errorf("refused: %q", got)
	}
}

func mailOnly(c *mem.Config) { c.Abilities = []inventory.Ability{inventory.Mail} }

func TestMailboxMissingOnTheTargetIsAProblemOfThatMailboxOnly(t *testing.T) {
	bob := inventory.Address("bob@contoso.test")
	s := newScene(t, alice, bob)
	s.target.Configure(mailOnly)
	s.target.RemoveRecipient(bob)
	in := s.gather()
	if in.Mailboxes[alice].Problem != nil {
		t.Errorf("alice: %+v", in.Mailboxes[alice].Problem)
	}
	p := in.Mailboxes[bob].Problem
	if p == nil || p.Code != "mailbox-missing" || p.Subject != string(bob) || !strings.Contains(p.Fix, "create the account on the target") {
		t.Errorf("bob: %+v", p)
	}
}

func TestMailboxThatTheDirectoryWillCreateIsNoProblem(t *testing.T) {
	s := newScene(t)
	s.source.AddMailbox(alice)
	box := s.gather().Mailboxes[alice]
	if box.Problem != nil || len(box.Targets) != 0 || len(box.Source) != 1 {
		t.Errorf("%+v", box)
	}
}

func TestOnlySelectedMailboxesAreOpened(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test", "carol@contoso.test")
	s.selection.Target = []string{"bob@contoso.test"}
	asked := calls(s.source, func() { s.gather() }, "OpenMailbox")
	if asked["OpenMailbox"] != 1 {
		t.Errorf("opened %d mailboxes", asked["OpenMailbox"])
	}
}

// faulty fails calls that the test chooses.
type faulty struct {
	providers.Endpoint
	open func(inventory.Address) error
	list func() error
}

func (f *faulty) OpenMailbox(ctx context.Context, a inventory.Address) (providers.Mailbox, error) {
	if f.open != nil {
		if err := f.open(a); err != nil {
			return nil, err
		}
	}
	m, err := f.Endpoint.OpenMailbox(ctx, a)
	return &faultyMailbox{m, f}, err
}

type faultyMailbox struct {
	providers.Mailbox
	f *faulty
}

func (m *faultyMailbox) Folders(ctx context.Context) ([]inventory.Folder, error) {
	if m.f.list != nil {
		if err := m.f.list(); err != nil {
			return nil, err
		}
	}
	return m.Mailbox.Folders(ctx)
}

func TestBrokenSessionIsReplacedAfterTheServersOwnHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, alice)
		s.source.Mailbox(alice).Deliver("INBOX", mail(1, "hello"))
		tries := 0
		s.wrapFrom = func(e providers.Endpoint) providers.Endpoint {
			return &faulty{Endpoint: e, list: func() error {
				if tries++; tries == 1 {
					return &providers.Error{Kind: providers.Throttled, Op: "list", RetryAfter: 3 * time.Minute}
				}
				return nil
			}}
		}
		began := time.Now()
		box := s.gather().Mailboxes[alice]
		if box.Problem != nil || len(box.Source) != 1 || tries != 2 {
			t.Errorf("after %d tries: %+v", tries, box)
		}
		if waited := time.Since(began); waited < 3*time.Minute || waited > 4*time.Minute {
			t.Errorf("waited %v", waited)
		}
		if open, _ := s.source.Sessions(); open != 0 {
			t.Errorf("%d sessions left open", open)
		}
	})
}

func TestMailboxThatStaysUnreadableIsAProblemWithTheServersCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, alice)
		s.wrapFrom = func(e providers.Endpoint) providers.Endpoint {
			return &faulty{Endpoint: e, list: func() error {
				return &providers.Error{Kind: providers.Transient, Code: "imap-bye", Op: "list", Response: "BYE going down"}
			}}
		}
		p := s.gather().Mailboxes[alice].Problem
		if p == nil || p.Code != "imap-bye" || !strings.Contains(p.Detail, "going down") {
			t.Errorf("%+v", p)
		}
	})
}

func TestRefusedMasterAccountEndsTheSurvey(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test")
	refusal := &providers.Error{Kind: providers.Denied, WholeEndpoint: true, Op: "sign in"}
	s.wrapFrom = func(e providers.Endpoint) providers.Endpoint {
		return &faulty{Endpoint: e, open: func(inventory.Address) error { return refusal }}
	}
	_, err := survey.Gather(t.Context(), s.request())
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
}

func TestCancelledSurveyReturnsItsCause(t *testing.T) {
	s := newScene(t, alice)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	s.wrapFrom = func(e providers.Endpoint) providers.Endpoint {
		return &faulty{Endpoint: e, list: func() error { cancel(enough); return ctx.Err() }}
	}
	if _, err := survey.Gather(ctx, s.request()); !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAHundredThousandMailboxesInSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := newScene(t)
	const n = 100_000
	for i := range n {
		a := inventory.Address(fmt.Sprintf("user%06d@contoso.test", i))
		s.source.AddMailbox(a)
		s.target.AddMailbox(a)
	}
	began := time.Now()
	in := s.gather()
	took := time.Since(began)
	t.Logf("%d recipients, %d mailboxes in %v", len(in.Recipients), len(in.Mailboxes), took)
	if len(in.Mailboxes) != n {
		t.Errorf("looked at %d mailboxes", len(in.Mailboxes))
	}
	if last := s.progress[len(s.progress)-1]; last.Done != n || last.Total != n {
		t.Errorf("progress ended at %+v", last)
	}
	if took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
