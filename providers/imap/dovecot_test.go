package imap

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func dovecotMailbox(t *testing.T, role providers.Role, o servertest.DovecotOptions) *session {
	t.Helper()
	d := servertest.StartDovecot(t, o)
	set := plain(d.Port, nil)
	if role == providers.Source {
		set["accounts"] = []object{{"address": "anna@contoso.test"}}
	}
	return openMailbox(t, openEndpoint(t, role, set), "anna@contoso.test")
}

func TestMessagesKeepBytesFlagsAndTime(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	sent := makeFolder(t, m, "Projekte", "Größe")
	stored := putAll(t, m,
		message{folder: sent.ID, body: text(1), flags: inventory.MakeFlags(inventory.Seen, "$Forwarded"), received: noon},
		message{folder: "INBOX", body: text(2), received: noon.Add(time.Hour)})
	got := fetchAll(t, m, sent.ID, stored[0].ID, "999")
	first := got[stored[0].ID]
	if first.text != text(1) || first.item.Size != int64(len(text(1))) {
		t.Errorf("body is %q", first.text)
	}
	if want := inventory.MakeFlags(inventory.Seen, "$Forwarded"); first.item.Flags != want {
		t.Errorf("flags are %q, want %q", first.item.Flags, want)
	}
	if !first.item.Received.Equal(noon) {
		t.Errorf("received %v, want %v", first.item.Received, noon)
	}
	if providers.KindOf(got["999"].err) != providers.Gone {
		t.Errorf("a message that does not exist gives %v", got["999"].err)
	}
	if f := folderAt(t, m, "Projekte", "Größe"); f.Items != 1 || f.State == "" || f.End == "" || f.Epoch == "" {
		t.Errorf("folder is told as %+v", f)
	}
}

func TestChangesFollowQResync(t *testing.T) { testChanges(t, "", false) }

func TestChangesFollowCondstore(t *testing.T) {
	testChanges(t, "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE CONDSTORE UIDPLUS MULTIAPPEND NAMESPACE MOVE", true)
}

func TestChangesFollowListing(t *testing.T) {
	testChanges(t, "IMAP4rev1 UIDPLUS NAMESPACE", true)
}

func testChanges(t *testing.T, capability string, full bool) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{Capability: capability})
	var messages []message
	for i := range 25 {
		messages = append(messages, message{folder: "INBOX", body: text(i), received: noon})
	}
	stored := putAll(t, m, messages...)
	initial, pages := readSeries(t, m, "INBOX", "", 10)
	if len(initial.listed) != 25 || !initial.end.Full || initial.end.Reset || pages < 3 {
		t.Fatalf("%d listed in %d pages, end %+v", len(initial.listed), pages, initial.end)
	}
	same, _ := readSeries(t, m, "INBOX", initial.end.Cursor, 10)
	if !full && len(same.listed)+len(same.exists)+len(same.removed) != 0 {
		t.Errorf("nothing changed, and told is %+v", same)
	}

	editAll(t, m, "INBOX", providers.Edit{ID: stored[3].ID, Add: inventory.Flagged}, providers.Edit{ID: stored[7].ID, Delete: true})
	added := putAll(t, m, message{folder: "INBOX", body: text(99), received: noon})
	delta, _ := readSeries(t, m, "INBOX", initial.end.Cursor, 10)
	if delta.end.Full != full {
		t.Errorf("full is %v", delta.end.Full)
	}
	flags := map[inventory.ItemID]inventory.Flags{}
	for _, i := range delta.listed {
		flags[i.ID] = i.Flags
	}
	if flags[stored[3].ID] != inventory.Flagged {
		t.Errorf("the changed flag is told as %q", flags[stored[3].ID])
	}
	if _, told := flags[added[0].ID]; !told {
		t.Error("the new message is not told")
	}
	if full {
		if there := len(delta.listed) + len(delta.exists); there != 25 {
			t.Errorf("%d messages are told to exist, want 25", there)
		}
		return
	}
	if !slices.Equal(delta.removed, []inventory.ItemID{stored[7].ID}) || len(delta.listed) != 2 {
		t.Errorf("told is %+v", delta)
	}
}

func TestAFolderMadeAnewIsTold(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	f := makeFolder(t, m, "Work")
	putAll(t, m, message{folder: f.ID, body: text(1), received: noon})
	before, _ := readSeries(t, m, f.ID, "", 0)
	if _, err := m.open(t.Context(), "INBOX", false, true); err != nil { // Dovecot ends sessions whose folder goes
		t.Fatal(err)
	}
	if err := m.all(t.Context(), nil, cmdDelete("Work")); err != nil {
		t.Fatal(err)
	}
	makeFolder(t, m, "Work")
	putAll(t, m, message{folder: f.ID, body: text(2), received: noon})
	after, _ := readSeries(t, m, f.ID, before.end.Cursor, 0)
	if !after.end.Reset || !after.end.Full || len(after.listed) != 1 {
		t.Errorf("told is %+v", after)
	}
}

func TestEditsTouchOnlyWhatIsAsked(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	to := makeFolder(t, m, "Later")
	s := putAll(t, m,
		message{folder: "INBOX", body: text(0), received: noon},
		message{folder: "INBOX", body: text(1), received: noon},
		message{folder: "INBOX", body: text(2), received: noon, flags: inventory.Seen},
		message{folder: "INBOX", body: text(3), received: noon, flags: inventory.Deleted})
	got := editAll(t, m, "INBOX",
		providers.Edit{ID: s[0].ID, MoveTo: to.ID},
		providers.Edit{ID: s[1].ID, Delete: true, Expect: inventory.Seen},
		providers.Edit{ID: s[2].ID, Delete: true, Expect: inventory.Seen},
		providers.Edit{ID: "4711", Delete: true})
	if moved := got[s[0].ID]; moved.Outcome != providers.Done || fetchAll(t, m, to.ID, moved.MovedTo)[moved.MovedTo].text != text(0) {
		t.Errorf("the move gave %+v", moved)
	}
	if got[s[1].ID].Outcome != providers.Kept || got[s[2].ID].Outcome != providers.Done || got["4711"].Outcome != providers.Missing {
		t.Errorf("the edits gave %+v", got)
	}
	left := changes(t, m, "INBOX", "", 0)
	if len(left.listed) != 2 { // what the user changed, and what the user marked
		t.Errorf("left is %+v", left.listed)
	}
}

func TestFindTellsTwinsApart(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	end := folderAt(t, m, "INBOX").End
	s := putAll(t, m,
		message{folder: "INBOX", body: text(0), received: noon},
		message{folder: "INBOX", body: text(1), received: noon},
		message{folder: "INBOX", body: text(1), received: noon})
	print := func(body string, at time.Time) inventory.Fingerprint {
		h := inventory.NewLooseHash()
		h.Write([]byte(body))
		return inventory.Fingerprint{Class: inventory.ClassMessage, Received: at, Size: int64(len(body)), Loose: h.Digest()}
	}
	prints := []inventory.Fingerprint{print(text(0), noon), print(strings.ReplaceAll(text(1), "\r\n", "\n"), noon), print(text(0), noon.Add(time.Second)), print(text(9), noon)}
	found, err := m.Find(t.Context(), "INBOX", end, prints)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]inventory.ItemID{{s[0].ID}, {s[1].ID, s[2].ID}, nil, nil}
	for i := range want {
		if !slices.Equal(found[i], want[i]) {
			t.Errorf("print %d matches %v, want %v", i, found[i], want[i])
		}
	}
	later := folderAt(t, m, "INBOX").End
	if found, err = m.Find(t.Context(), "INBOX", later, prints[:1]); err != nil || len(found[0]) != 0 {
		t.Errorf("after the end there is %v, %v", found, err)
	}
}
