package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func TestLimitsAreKnownBeforehandAndTold(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{Plugins: "quota imap_quota", Extra: `
plugin {
  quota = count:User quota
  quota_rule = *:storage=60K:messages=50
  quota_vsizes = yes
  quota_max_mail_size = 30K
}`})
	info, err := m.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Quota != 60<<10 || info.QuotaItems != 50 || info.UsedItems != 0 || info.Keywords != nil {
		t.Errorf("info is %+v", info)
	}
	big := text(1) + strings.Repeat("0123456789abcde\r\n", 1500)
	fill := text(2) + strings.Repeat("0123456789abcde\r\n", 2800)[:28<<10]
	stored := putAll(t, m,
		message{folder: "INBOX", body: text(0), received: noon},
		message{folder: "INBOX", body: big + big, received: noon},
		message{folder: "INBOX", body: fill, received: noon},
		message{folder: "INBOX", body: fill, received: noon},
		message{folder: "INBOX", body: fill, received: noon})
	if stored[0].Err != nil || stored[0].ID == "" {
		t.Errorf("the small message gives %+v", stored[0])
	}
	if providers.KindOf(stored[1].Err) == providers.Other {
		t.Errorf("the large message gives %v", stored[1].Err)
	}
	var full int
	for _, s := range stored[2:] {
		if s.Err != nil {
			full++
			if providers.KindOf(s.Err) != providers.Quota || providers.CodeOf(s.Err) != codeOverquota {
				t.Errorf("a full mailbox gives %v", s.Err)
			}
		}
	}
	if full == 0 {
		t.Error("60 KiB hold more than 80")
	}
	if left := changes(t, m, "INBOX", "", 0); len(left.listed) != 4-full {
		t.Errorf("%d messages are there", len(left.listed))
	}
}

func TestNamesThatTheTargetRefusesAreKnown(t *testing.T) {
	for _, c := range []struct {
		options   servertest.DovecotOptions
		forbidden string
		maxPath   int
	}{
		{servertest.DovecotOptions{}, "/.~", 254},
		{servertest.DovecotOptions{Separator: "."}, "./~", 254},
		{servertest.DovecotOptions{Format: "sdbox"}, "/~", 0},
	} {
		m := dovecotMailbox(t, providers.Target, c.options)
		info, err := m.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.Naming.Forbidden != "\x00"+c.forbidden || info.Naming.MaxPath != c.maxPath || info.Naming.MaxName != 255 || info.Naming.InboxLeaf {
			t.Errorf("%+v: naming is %+v", c.options, info.Naming)
		}
		if _, err := m.CreateFolder(t.Context(), inventory.Folder{Path: inventory.Path{"~x"}}); providers.KindOf(err) != providers.Rejected || providers.CodeOf(err) != codeFolderName {
			t.Errorf("a refused name gives %v", err)
		}
		longest := strings.Repeat("n", 254)
		if f := makeFolder(t, m, longest); f.Path[0] != longest {
			t.Errorf("the longest name came back as %q", f.Path)
		}
	}
}

func TestRolesSubscriptionsAndRenames(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	create := func(f inventory.Folder) inventory.Folder {
		t.Helper()
		made, err := m.CreateFolder(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	sent := create(inventory.Folder{Path: inventory.Path{"Sent"}, Role: inventory.RoleSent, Subscribed: true})
	if sent.Role != inventory.RoleSent || !sent.Subscribed {
		t.Errorf("Sent is %+v", sent)
	}
	if again := create(inventory.Folder{Path: inventory.Path{"Sent"}}); again.Epoch != sent.Epoch {
		t.Errorf("an existing folder came back as %+v", again)
	}
	below := create(inventory.Folder{Path: inventory.Path{"A", "B & C", "100%"}, Subscribed: true})
	putAll(t, m, message{folder: below.ID, body: text(1), received: noon})
	if parent := folderAt(t, m, "A"); parent.Container {
		t.Error("the parent holds no messages")
	}
	top := folderAt(t, m, "A")
	renamed, err := m.RenameFolder(t.Context(), top.ID, inventory.Path{"New", "Straße"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(renamed.Path, inventory.Path{"New", "Straße"}) {
		t.Errorf("renamed to %+v", renamed)
	}
	moved := folderAt(t, m, "New", "Straße", "B & C", "100%")
	if !moved.Subscribed || moved.Items != 1 || moved.Identity != folderAt(t, m, "New", "Straße", "B & C", "100%").Identity {
		t.Errorf("the folder below is %+v", moved)
	}
	if names, err := m.subscriptions(t.Context(), "A"); err != nil || len(names) != 0 {
		t.Errorf("still subscribed to %q, %v", names, err)
	}
}

// Without MOVE messages are copied, marked and removed one by one; without
// UIDPLUS they stay, marked, because EXPUNGE would take what users have marked.
func TestEditsOnPlainServers(t *testing.T) {
	for _, c := range []struct {
		capability string
		left       int
	}{{"IMAP4rev1 UIDPLUS NAMESPACE", 1}, {"IMAP4rev1 NAMESPACE", 3}} {
		t.Run(c.capability, func(t *testing.T) {
			m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{Capability: c.capability})
			to := makeFolder(t, m, "Later")
			putAll(t, m,
				message{folder: "INBOX", body: text(0), received: noon},
				message{folder: "INBOX", body: text(1), received: noon},
				message{folder: "INBOX", body: text(2), received: noon, flags: inventory.Deleted})
			all := changes(t, m, "INBOX", "", 0).listed
			got := editAll(t, m, "INBOX", providers.Edit{ID: all[0].ID, MoveTo: to.ID}, providers.Edit{ID: all[1].ID, Delete: true})
			for id, e := range got {
				if e.Outcome != providers.Done || e.Err != nil {
					t.Errorf("%s: %+v", id, e)
				}
			}
			if copied := changes(t, m, to.ID, "", 0).listed; len(copied) != 1 {
				t.Errorf("%d copies", len(copied))
			}
			left := changes(t, m, "INBOX", "", 0).listed
			if len(left) != c.left {
				t.Errorf("left is %+v", left)
			}
			for _, i := range left {
				if i.Flags != inventory.Deleted {
					t.Errorf("left is %+v", i)
				}
			}
		})
	}
}

func TestSparseFoldersTakeFewCommands(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	m := openMailbox(t, openEndpoint(t, providers.Target, plain(d.Port, nil)), "anna@contoso.test")
	var want []inventory.ItemID
	for i := range 12 {
		for _, stored := range putAll(t, m, message{folder: "INBOX", body: text(2 * i), received: noon}, message{folder: "INBOX", body: text(2*i + 1), received: noon}) {
			want = append(want, stored.ID)
		}
		d.Doveadm("mailbox", "update", "-u", "anna", "--min-next-uid", fmt.Sprint((i+1)*300_000_000), "INBOX")
	}
	all, pages := readSeries(t, m, "INBOX", "", 6)
	var got []inventory.ItemID
	for _, i := range all.listed {
		got = append(got, i.ID)
	}
	if !slices.Equal(got, want) || pages > 8 {
		t.Errorf("%d pages tell %v, want %v", pages, got, want)
	}
	// A series that was taken up in its middle by another session goes on.
	first := changes(t, m, "INBOX", "", 6)
	other := openMailbox(t, m.endpoint, "anna@contoso.test")
	rest, _ := readSeries(t, other, "INBOX", first.end.Cursor, 6)
	if len(first.listed)+len(rest.listed) != len(want) {
		t.Errorf("%d and %d messages are told", len(first.listed), len(rest.listed))
	}
}

func TestManyChangesComeInPages(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	var messages []message
	for i := range 60 {
		messages = append(messages, message{folder: "INBOX", body: text(i), received: noon})
	}
	stored := putAll(t, m, messages...)
	initial, _ := readSeries(t, m, "INBOX", "", 100)
	var edits []providers.Edit
	for _, s := range stored[:50] {
		edits = append(edits, providers.Edit{ID: s.ID, Add: inventory.Seen})
	}
	edits = append(edits, providers.Edit{ID: stored[55].ID, Delete: true})
	editAll(t, m, "INBOX", edits...)
	delta, pages := readSeries(t, m, "INBOX", initial.end.Cursor, 10)
	ids := map[inventory.ItemID]bool{}
	for _, i := range delta.listed {
		ids[i.ID] = true
	}
	if len(ids) != 50 || len(delta.removed) != 1 || pages < 3 || delta.end.Full {
		t.Errorf("%d changed and %d removed in %d pages, %+v", len(ids), len(delta.removed), pages, delta.end)
	}
	if again, _ := readSeries(t, m, "INBOX", delta.end.Cursor, 10); len(again.listed) != 0 {
		t.Errorf("told again: %+v", again.listed)
	}
}

func TestAFolderMadeAnewStopsOldIDs(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	m := openMailbox(t, openEndpoint(t, providers.Target, plain(d.Port, nil)), "anna@contoso.test")
	f := makeFolder(t, m, "Work")
	stored := putAll(t, m, message{folder: f.ID, body: text(1), received: noon})
	changes(t, m, f.ID, "", 0)
	d.Doveadm("mailbox", "update", "-u", "anna", "--uid-validity", "4711", "Work")
	other := openMailbox(t, m.endpoint, "anna@contoso.test")
	for e, err := range other.Edit(t.Context(), f.ID, []providers.Edit{{ID: stored[0].ID, Delete: true}}) {
		if providers.KindOf(err) != providers.Transient || providers.CodeOf(err) != codeValidity {
			t.Errorf("an ID of before was used: %+v, %v", e, err)
		}
	}
	if left, _ := readSeries(t, other, f.ID, "", 0); len(left.listed) != 1 {
		t.Errorf("left is %+v", left)
	}
}

// selectAnswer is the answer to opening a folder of three messages.
func selectAnswer(permanent string) []string {
	return []string{"* 3 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 4] x", "* OK [HIGHESTMODSEQ 20] x", "* OK [PERMANENTFLAGS (" + permanent + ")] x", "TAG OK [READ-WRITE] done"}
}

var noFolders = step{"LIST", []string{`* LIST () "/" ""`, "TAG OK done"}}

func scriptedTarget(t *testing.T, capability string, steps ...step) *session {
	t.Helper()
	return openMailbox(t, scripted(t, providers.Target, signedIn(capability, append([]step{noFolders}, steps...)...), nil), "anna@contoso.test")
}

func TestAMessageTouchedMeanwhileIsKept(t *testing.T) {
	m := scriptedTarget(t, "CONDSTORE UIDPLUS",
		step{`SELECT "INBOX" (CONDSTORE)`, selectAnswer(`\*`)},
		step{"UID FETCH 1:2 (UID FLAGS INTERNALDATE MODSEQ)", []string{
			`* 1 FETCH (UID 1 FLAGS () INTERNALDATE "05-Mar-2024 12:00:00 +0100" MODSEQ (5))`,
			`* 2 FETCH (UID 2 FLAGS () INTERNALDATE "05-Mar-2024 12:00:00 +0100" MODSEQ (9))`, "TAG OK done"}},
		step{`UID STORE 1:2 (UNCHANGEDSINCE 9) +FLAGS.SILENT (\Deleted)`, []string{"TAG OK [MODIFIED 2] Conditional STORE failed"}},
		step{"UID EXPUNGE 1", []string{"* 1 EXPUNGE", "TAG OK done"}})
	got := editAll(t, m, "INBOX", providers.Edit{ID: "1", Delete: true}, providers.Edit{ID: "2", Delete: true})
	if got["1"].Outcome != providers.Done || got["2"].Outcome != providers.Kept {
		t.Errorf("got %+v", got)
	}
}

// append steps: the command line, then the content with the end of the line.
func appendSteps(command string, answer ...string) []step {
	return []step{{command, []string{"+ go"}}, {"", nil}, {"", nil}, {"", nil}, {"", nil}, {"", answer}}
}

func TestKeywordsThatTheFolderRefusesAreTold(t *testing.T) {
	steps := []step{{`SELECT "INBOX"`, selectAnswer(`\Seen $label`)}}
	steps = append(steps, appendSteps(`APPEND "INBOX" ($Label \Seen)`, "S1 OK [APPENDUID 7 9] done")...)
	m := scriptedTarget(t, "UIDPLUS", steps...)
	stored := putAll(t, m, message{folder: "INBOX", body: text(1), flags: inventory.MakeFlags(`\Seen`, "$Label", "Other"), received: noon})
	if stored[0].Refused != "Other" || stored[0].ID != "9" || stored[0].Err != nil {
		t.Errorf("got %+v", stored[0])
	}
}

// A folder opened for reading says that it keeps no flag. That is not what it
// does when something is put into it.
func TestAFolderThatWasReadStillTakesKeywords(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{})
	m := openMailbox(t, openEndpoint(t, providers.Target, plain(d.Port, nil)), "anna@contoso.test")
	if _, err := m.Find(t.Context(), "INBOX", "", []inventory.Fingerprint{{Received: noon, Size: 1}}); err != nil {
		t.Fatal(err)
	}
	stored := putAll(t, m, message{folder: "INBOX", body: text(1), flags: inventory.MakeFlags("$Label1"), received: noon})
	if stored[0].Refused != "" || stored[0].Err != nil {
		t.Errorf("got %+v", stored[0])
	}
}

// Cyrus takes 128 keywords a folder. The message that brings the next one is
// stored without its keywords.
func TestTooManyKeywordsCostTheKeywordsOnly(t *testing.T) {
	steps := []step{{`SELECT "INBOX"`, selectAnswer(`\Seen \*`)}}
	steps = append(steps, appendSteps(`APPEND "INBOX" (Other \Seen)`, "S1 NO [LIMIT] Too many user flags in mailbox")...)
	steps = append(steps, appendSteps(`APPEND "INBOX" (\Seen)`, "S2 OK done")...)
	m := scriptedTarget(t, "UIDPLUS", steps...)
	stored := putAll(t, m, message{folder: "INBOX", body: text(1), flags: inventory.MakeFlags(`\Seen`, "Other"), received: noon})
	if stored[0].Refused != "Other" || stored[0].Err != nil {
		t.Errorf("got %+v", stored[0])
	}
}
