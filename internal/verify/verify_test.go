package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/internal/verify"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/survey"
	"github.com/cutover-mail/cutover/survey/surveytest"
)

var update = flag.Bool("update", false, "write the golden files")

const alice = inventory.Address("alice@contoso.test")

var morning = time.Date(2024, 3, 4, 9, 0, 0, 0, time.UTC)

// scene is a migration that has been carried out.
type scene struct {
	t              *testing.T
	source, target *mem.Organisation
	from, to       survey.Side
	store          *sqlite.Store
	wrapFrom       func(providers.Endpoint) providers.Endpoint
}

func newScene(t *testing.T, addresses ...inventory.Address) *scene {
	t.Helper()
	s := &scene{t: t, source: mem.New(), target: mem.New()}
	for _, a := range addresses {
		s.source.AddMailbox(a)
		s.target.AddMailbox(a)
	}
	return s
}

func mail(n int, body string) mem.Item {
	text := fmt.Sprintf("From: a@contoso.test\r\nMessage-ID: <%d@contoso.test>\r\nSubject: =?utf-8?Q?M=C3=B6we_%d?=\r\n\r\n%s\r\n", n, n, body)
	return mem.Item{Content: []byte(text), Received: morning.Add(time.Duration(n) * time.Minute)}
}

func (s *scene) copied(skip func(inventory.Item) bool) {
	s.t.Helper()
	store, err := sqlite.Open(s.t.Context(), filepath.Join(s.t.TempDir(), "test.cutover.db"), sqlite.Options{Create: true})
	if err != nil {
		s.t.Fatal(err)
	}
	from, to := s.source.Endpoint(), s.target.Endpoint()
	s.t.Cleanup(func() { store.Close(); from.Close(); to.Close() })
	if s.wrapFrom != nil {
		from = s.wrapFrom(from)
	}
	s.store = store
	s.from = survey.Side{Address: "source.mem.old", Endpoint: from}
	s.to = survey.Side{Address: "target.mem.new", Endpoint: to}
	c := surveytest.Copier{Store: store, Migration: "contoso", Source: s.from, Target: s.to, Skip: skip, Now: morning}
	for _, r := range s.source.Recipients() {
		if _, err := c.Mailbox(s.t.Context(), r.Address, r.Address); err != nil {
			s.t.Fatalf("copy %s: %v", r.Address, err)
		}
	}
}

func (s *scene) request() verify.Request {
	return verify.Request{Migration: "contoso", Source: s.from, Targets: []survey.Side{s.to}, Store: s.store}
}

func (s *scene) verify(change ...func(*verify.Request)) verify.Result {
	s.t.Helper()
	req := s.request()
	for _, f := range change {
		f(&req)
	}
	r, err := verify.Run(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// told lists the differences of a result as "category folder subject".
func told(r verify.Result) []string {
	var lines []string
	for _, m := range r.Mailboxes {
		for _, d := range m.Differences {
			lines = append(lines, fmt.Sprintf("%s %s %s", d.Category, d.Folder, d.Subject))
		}
	}
	return lines
}

func expect(t *testing.T, r verify.Result, clean bool, want ...string) {
	t.Helper()
	if r.Clean != clean {
		t.Errorf("clean is %v; %+v", r.Clean, r.Counts)
	}
	if diff := cmp.Diff(want, told(r)); diff != "" {
		t.Errorf("differences (-want +got)\n%s", diff)
	}
}

func deliver(s *scene, n int) {
	for i := range n {
		s.source.Mailbox(alice).Deliver("INBOX", mail(i, "hello"))
	}
}

func TestFaithfulCopyIsClean(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test")
	deliver(s, 30)
	s.source.Mailbox(alice).Deliver("Projects/Möwe", mail(50, "deep"))
	twice := mail(60, "the same message twice")
	s.source.Mailbox(alice).Deliver("INBOX", twice)
	s.source.Mailbox(alice).Deliver("INBOX", twice)
	s.copied(nil)
	for name, quick := range map[string]bool{"content": false, "quick": true} {
		t.Run(name, func(t *testing.T) {
			s.source.Configure(func(c *mem.Config) { c.Page, c.Reverse = 7, true })
			r := s.verify(func(r *verify.Request) { r.Quick = quick })
			expect(t, r, true)
			if c := r.Counts; c.Source != 33 || c.Target != 33 || c.Same != 33 {
				t.Errorf("%+v", c)
			}
		})
	}
	if open, most := s.source.Sessions(); open != 0 || most > 4 {
		t.Errorf("%d sessions left open, %d at most", open, most)
	}
}

func TestLostItemIsMissing(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 5)
	s.copied(nil)
	m := s.target.Mailbox(alice)
	m.Delete("INBOX", m.IDs("INBOX")[2])
	r := s.verify()
	expect(t, r, false, "missing INBOX Möwe 2")
	if d := r.Mailboxes[0].Differences[0]; d.Source == "" || d.Mailbox != alice {
		t.Errorf("%+v", d)
	}
}

func TestItemNeverCopiedIsMissingAndSaysSo(t *testing.T) {
	s := newScene(t, alice)
	s.copied(nil)
	deliver(s, 1)
	r := s.verify()
	expect(t, r, false, "missing INBOX Möwe 0")
	if d := r.Mailboxes[0].Differences[0]; !strings.Contains(d.Detail, "never copied") {
		t.Errorf("%+v", d)
	}
}

func TestItemWrittenTwiceIsDoubled(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 3)
	s.copied(nil)
	s.target.Mailbox(alice).Deliver("INBOX", mail(1, "hello"))
	expect(t, s.verify(), false, "doubled INBOX Möwe 1")
}

func TestWhatTheUserGotSinceIsInformation(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 3)
	s.copied(nil)
	s.target.Mailbox(alice).Deliver("INBOX", mail(99, "arrived on the target"))
	r := s.verify()
	expect(t, r, true, "extra INBOX Möwe 99")
	if r.Counts.Same != 3 {
		t.Errorf("%+v", r.Counts)
	}
}

func TestFlagsAndDatesAreCompared(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 3)
	s.copied(nil)
	m := s.target.Mailbox(alice)
	ids := m.IDs("INBOX")
	m.SetFlags("INBOX", ids[0], inventory.MakeFlags(inventory.Flagged))
	m.Delete("INBOX", ids[1])
	late := mail(1, "hello")
	late.Received = late.Received.Add(time.Second)
	m.Deliver("INBOX", late)
	r := s.verify()
	got := told(r)
	if r.Clean || len(got) != 2 || r.Counts.Flags != 1 || r.Counts.Date != 1 || r.Counts.Same != 1 {
		t.Errorf("%+v %q", r.Counts, got)
	}
}

func TestRepairedLineEndsAreACategoryOfTheirOwn(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 2)
	s.copied(nil)
	m := s.target.Mailbox(alice)
	id := m.IDs("INBOX")[1]
	content := mail(1, "hello").Content
	m.Replace("INBOX", id, bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")))
	expect(t, s.verify(), true, "line ends changed by the server INBOX Möwe 1")
}

func TestOtherBytesUnderTheSameNameDifferInContent(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 2)
	s.copied(nil)
	m := s.target.Mailbox(alice)
	m.Replace("INBOX", m.IDs("INBOX")[1], mail(1, "jello").Content)
	expect(t, s.verify(), false, "content INBOX Möwe 1")
}

func TestRecordedFailureIsKnown(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 2)
	bad := s.source.Mailbox(alice).IDs("INBOX")[1]
	s.copied(func(i inventory.Item) bool { return i.ID == bad })
	expect(t, s.verify(), false, "known failed INBOX Möwe 1")
}

func TestWhatTheUserTookAwayIsInformation(t *testing.T) {
	s := newScene(t, alice)
	deliver(s, 2)
	s.copied(nil)
	m := s.target.Mailbox(alice)
	m.Delete("INBOX", m.IDs("INBOX")[0])
	folder, entry := s.entry(s.source.Mailbox(alice).IDs("INBOX")[0])
	entry.Status = state.Released
	if err := s.store.Record(t.Context(), state.Record{Put: []state.Entry{entry}}); err != nil {
		t.Fatal(folder, err)
	}
	expect(t, s.verify(), true, "removed by the user INBOX Möwe 0")
}

func (s *scene) entry(id inventory.ItemID) (state.Folder, state.Entry) {
	s.t.Helper()
	for f, err := range s.store.AllFolders(s.t.Context(), "contoso") {
		if err != nil {
			s.t.Fatal(err)
		}
		entries, err := s.store.Lookup(s.t.Context(), f.ID, []inventory.ItemID{id})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(entries) == 1 {
			return f, entries[0]
		}
	}
	s.t.Fatal("not in the ledger")
	return state.Folder{}, state.Entry{}
}

func TestFoldersOnOneSideAreProblems(t *testing.T) {
	s := newScene(t, alice)
	m := s.source.Mailbox(alice)
	m.Deliver("Kept", mail(1, "a"))
	m.Deliver("Dropped", mail(2, "b"))
	s.copied(nil)
	s.target.Mailbox(alice).RemoveFolder("Dropped")
	m.Deliver("New", mail(3, "c"))
	m.RemoveFolder("Kept")
	r := s.verify()
	got := map[string]string{}
	for _, f := range r.Mailboxes[0].Folders {
		if f.Problem != "" {
			got[f.Path.String()] = f.Code
		}
	}
	want := map[string]string{"Kept": "verify-folder-gone", "Dropped": "verify-folder-missing", "New": "verify-folder-unmigrated"}
	if diff := cmp.Diff(want, got); diff != "" || r.Clean || r.Problems != 3 {
		t.Errorf("%+v (-want +got)\n%s", r, diff)
	}
}

func TestMailboxThatCannotBeReadDoesNotHoldUpTheOthers(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test")
	deliver(s, 2)
	s.copied(nil)
	s.target.RemoveRecipient("bob@contoso.test")
	r := s.verify()
	if r.Clean || r.Problems != 1 || r.Counts.Same != 2 || r.Mailboxes[1].Code == "" {
		t.Errorf("%+v", r)
	}
}

func TestOnlyWhatWasAskedForIsRead(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test")
	s.copied(nil)
	r := s.verify(func(r *verify.Request) { r.Only = []inventory.Address{"bob@contoso.test"} })
	if len(r.Mailboxes) != 1 || r.Mailboxes[0].Source != "bob@contoso.test" {
		t.Errorf("%+v", r)
	}
	req := s.request()
	req.Only = []inventory.Address{"nobody@contoso.test"}
	if _, err := verify.Run(t.Context(), req); err == nil || !strings.Contains(err.Error(), "nobody@contoso.test") {
		t.Errorf("got %v", err)
	}
}

func TestDifferencesBeyondTheLimitAreCounted(t *testing.T) {
	s := newScene(t, alice)
	s.copied(nil)
	deliver(s, 10)
	var found int
	r := s.verify(func(r *verify.Request) { r.Limit = 3; r.Found = func(verify.Difference) { found++ } })
	m := r.Mailboxes[0]
	if len(m.Differences) != 3 || m.Omitted != 7 || m.Counts.Missing != 10 || found != 10 {
		t.Errorf("%d listed, %d omitted, %d found, %+v", len(m.Differences), m.Omitted, found, m.Counts)
	}
	r = s.verify(func(r *verify.Request) { r.Limit = 3 })
	if m := r.Mailboxes[0]; len(m.Differences) != 3 || m.Omitted != 7 {
		t.Errorf("%d listed, %d omitted", len(m.Differences), m.Omitted)
	}
}

// cutting breaks the connection in the middle of the first fetch.
type cutting struct {
	providers.Endpoint
	armed bool
}

func (c *cutting) OpenMailbox(ctx context.Context, a inventory.Address) (providers.Mailbox, error) {
	m, err := c.Endpoint.OpenMailbox(ctx, a)
	return &cut{m, c}, err
}

type cut struct {
	providers.Mailbox
	c *cutting
}

func (m *cut) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		n := 0
		for got, err := range m.Mailbox.Fetch(ctx, folder, ids, format) {
			if n++; m.c.armed && n == 5 {
				m.c.armed = false
				yield(providers.Fetched{}, &providers.Error{Kind: providers.Transient, Op: "fetch", Response: "connection reset"})
				return
			}
			if !yield(got, err) {
				return
			}
		}
	}
}

func TestCutConnectionIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, alice)
		c := &cutting{}
		s.wrapFrom = func(e providers.Endpoint) providers.Endpoint { c.Endpoint = e; return c }
		deliver(s, 10)
		s.copied(nil)
		c.armed = true
		r := s.verify()
		expect(t, r, true)
		if c.armed || r.Counts.Same != 10 {
			t.Errorf("%+v", r.Counts)
		}
	})
}

func TestPrinted(t *testing.T) {
	s := newScene(t, alice, "bob@contoso.test", "carol@contoso.test")
	deliver(s, 12)
	bad := s.source.Mailbox(alice).IDs("INBOX")[9]
	s.copied(func(i inventory.Item) bool { return i.ID == bad })
	m := s.target.Mailbox(alice)
	ids := m.IDs("INBOX")
	m.Delete("INBOX", ids[2])
	m.Deliver("INBOX", mail(4, "hello"))
	m.SetFlags("INBOX", ids[5], inventory.MakeFlags(inventory.Seen))
	m.Replace("INBOX", ids[6], bytes.ReplaceAll(mail(6, "hello").Content, []byte("\r\n"), []byte("\n")))
	m.Replace("INBOX", ids[7], mail(7, "jello").Content)
	s.target.Mailbox("bob@contoso.test").Deliver("INBOX", mail(40, "new here"))
	s.target.RemoveRecipient("carol@contoso.test")
	r := s.verify()
	var human, machine bytes.Buffer
	if err := verify.Print(&human, r, false); err != nil {
		t.Fatal(err)
	}
	if err := verify.WriteJSON(&machine, r); err != nil || !json.Valid(machine.Bytes()) {
		t.Fatal(err)
	}
	golden(t, "verify.txt", human.Bytes())
	golden(t, "verify.json", machine.Bytes())
	human.Reset()
	if err := verify.Print(&human, r, true); err != nil || !strings.Contains(human.String(), "\x1b[") {
		t.Error("no colour where it was asked for")
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
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}
