package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// rebuild makes a Dovecot forget the UIDs of a folder and give new ones, under
// another UIDVALIDITY, as when a mailbox is rebuilt from its files.
func rebuild(t *testing.T, d dovecot, user, folder string) {
	t.Helper()
	dir := filepath.Join(d.Home(user), "Maildir")
	lists, _ := filepath.Glob(filepath.Join(dir, "dovecot.list.index*"))
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+folder)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "dovecot*"))
	for _, name := range append(names, lists...) {
		if base := filepath.Base(name); base != "dovecot-keywords" && !strings.HasPrefix(base, "dovecot-uidvalidity") {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func expunge(t *testing.T, s server, user, folder string, subject string) int {
	t.Helper()
	c := signIn(t, s.port(), user)
	defer c.Close()
	if _, err := c.Select(folder, nil).Wait(); err != nil {
		t.Fatal(err)
	}
	data, err := c.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: subject}}}, nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	uids := data.AllUIDs()
	if len(uids) == 0 {
		return 0
	}
	set := imap.UIDSetNum(uids...)
	if err := c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.UIDExpunge(set).Close(); err != nil {
		t.Fatal(err)
	}
	return len(uids)
}

// TestNewIDsOnEitherSide: a server that numbers its messages anew makes nothing
// arrive twice, and no deletion hits another message.
func TestNewIDsOnEitherSide(t *testing.T) {
	for _, sides := range []string{"source", "target", "both"} {
		t.Run(sides, func(t *testing.T) {
			t.Parallel()
			src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
			m := newMigration(t, src, dst, []string{"anna"})
			deliver(t, src, "anna", "INBOX", generated("inbox", 60))
			deliver(t, src, "anna", "Work", generated("work", 40))
			m.want(0, "apply", "-auto-approve")
			deliver(t, dst, "anna", "Work", generated("own", 20))
			taken := expunge(t, dst, "anna", "Work", "work 1") // and work 10 to 19
			for _, i := range []int{30, 31, 33, 38} {
				expunge(t, src, "anna", "Work", fmt.Sprintf("work %d", i))
			}
			for _, folder := range []string{"Work", "INBOX"} {
				if sides != "target" {
					rebuild(t, src, "anna", folder)
				}
				if sides != "source" {
					rebuild(t, dst, "anna", folder)
				}
			}
			m.settle()
			expunge(t, src, "anna", "Work", "work 20")
			m.settle()
			m.equal("anna", "INBOX")
			missing, extra := lacking(src.messages("anna", "Work"), dst.messages("anna", "Work"))
			if taken != 11 || missing != taken || extra != 20 {
				t.Errorf("%d messages are missing, of which the user has deleted %d; %d are there besides, of which 20 are the user's own", missing, taken, extra)
			}
		})
	}
}

// TestUIDsGivenTwice: a target restored from a backup gives UIDs a second time,
// under the same UIDVALIDITY. A deletion on the source does not hit the mail
// that has such a UID.
func TestUIDsGivenTwice(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	deliver(t, src, "anna", "INBOX", generated("inbox", 10))
	m.want(0, "apply", "-auto-approve")
	home := dst.Home("anna")
	backup := filepath.Join(t.TempDir(), "home")
	copyTree(t, home, backup)
	deliver(t, src, "anna", "INBOX", generated("late", 6))
	m.want(0, "apply", "-auto-approve")
	dst.Stop()
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	copyTree(t, backup, home)
	dst.Start()
	own := generated("own", 6)
	for i := range own {
		own[i].received = own[i].received.AddDate(1, 0, 0)
	}
	deliver(t, dst, "anna", "INBOX", own)
	before := dst.messages("anna", "INBOX")
	expunge(t, src, "anna", "INBOX", "late")
	m.settle()
	if diff := difference(before, dst.messages("anna", "INBOX")); diff != "" {
		t.Errorf("the user's own mail was hit: %s", diff)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v %s", from, err, out)
	}
}

// settle applies until a plan has nothing to do.
func (m *migration) settle() {
	m.t.Helper()
	for range 4 {
		if m.run("plan", "-detailed-exitcode").code == 0 {
			return
		}
		m.want(0, "apply", "-auto-approve")
	}
	m.t.Errorf("plans do not end: %s", m.run("plan"))
}

// lacking counts what is only in want, and what is only in got.
func lacking(want, got map[digest]int) (missing, extra int) {
	for d, n := range want {
		missing += max(0, n-got[d])
	}
	for d, n := range got {
		extra += max(0, n-want[d])
	}
	return missing, extra
}

// TestALostState: without its state the program recognises what it has copied.
// Nothing arrives twice, and a second plan has nothing to do.
func TestALostState(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startCyrus(t, servertest.CyrusOptions{Settings: []string{"expunge_mode: immediate"}})
	m := newMigration(t, src, dst, []string{"anna"})
	letters := generated("inbox", 50)
	letters = append(letters, letters[3], letters[3], letters[3]) // three more of one
	deliver(t, src, "anna", "INBOX", letters)
	deliver(t, src, "anna", "Copies", letters)
	m.want(0, "apply", "-auto-approve")
	states, _ := filepath.Glob(filepath.Join(m.dir, "*.db*"))
	if len(states) == 0 {
		t.Fatal("there is no state")
	}
	for _, name := range states {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	expunge(t, dst, "anna", "Copies", "inbox 7")
	deliver(t, src, "anna", "INBOX", generated("late", 3))
	m.want(0, "apply", "-auto-approve")
	m.equal("anna", "INBOX")
	m.equal("anna", "Copies")
	m.want(0, "verify")
	m.want(0, "plan", "-detailed-exitcode")
}

// TestOddMessages: equal ones, empty ones, and flags of every kind.
func TestOddMessages(t *testing.T) {
	for name, start := range map[string]func(*testing.T) server{
		"dovecot": func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{}) },
		// Otherwise it keeps the files of what was deleted for some days.
		"cyrus": func(t *testing.T) server {
			return startCyrus(t, servertest.CyrusOptions{Settings: []string{"expunge_mode: immediate"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, dst := startDovecot(t, servertest.DovecotOptions{}), start(t)
			m := newMigration(t, src, dst, []string{"anna"})
			same := generated("same", 1)[0]
			same.flags = []imap.Flag{imap.FlagDeleted}
			letters := []letter{same, same, same, {name: "bare", body: []byte("\r\n"), received: same.received}, {name: "no id", body: []byte("Subject: no id\r\n\r\n"), received: same.received}}
			for i := range 40 {
				l := generated("keyword", 40)[i]
				l.flags = []imap.Flag{imap.Flag(fmt.Sprintf("Label%d", i)), "NonJunk", "$Forwarded"}
				letters = append(letters, l)
			}
			t.Logf("refused by the source: %v", deliver(t, src, "anna", "INBOX", letters))
			deliver(t, src, "anna", "Twins", letters[:3])
			r := m.want(0, "apply", "-auto-approve")
			m.equal("anna", "INBOX")
			m.equal("anna", "Twins")
			if v := m.run("verify"); v.code != 0 {
				t.Errorf("%s\n%s", r, v)
			}
			m.want(0, "plan", "-detailed-exitcode")
			expunge(t, src, "anna", "Twins", "same")
			expunge(t, src, "anna", "INBOX", "keyword 3")
			m.settle()
			m.equal("anna", "INBOX")
			m.equal("anna", "Twins")
		})
	}
}

// TestWhatUsersDoOnTheTargetWins: what they have moved, deleted, marked or
// renamed stays as they left it, and nothing comes back.
func TestWhatUsersDoOnTheTargetWins(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	for _, folder := range []string{"INBOX", "Renamed", "Removed", "Removed/Below"} {
		deliver(t, src, "anna", folder, generated(strings.ReplaceAll(strings.ToLower(folder), "/", "-"), 20))
	}
	m.want(0, "apply", "-auto-approve")
	c := signIn(t, dst.port(), "anna")
	defer c.Close()
	if err := c.Rename("Renamed", "Mine", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"Removed/Below", "Removed"} {
		if err := c.Delete(folder).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	m.settle()
	for i, folder := range []string{"INBOX", "Renamed", "Removed", "Removed/Below"} {
		deliver(t, src, "anna", folder, generated(fmt.Sprintf("late%d", i), 2))
	}
	expunge(t, src, "anna", "Renamed", "renamed 5")
	m.settle()
	for folder, want := range map[string]int{"INBOX": 22, "Mine": 20, "Renamed": 2, "Removed": 2, "Removed/Below": 2} {
		if got := count(dst.messages("anna", folder)); got != want {
			t.Errorf("%s has %d messages, not %d", folder, got, want)
		}
	}
}

// TestASourceThatLostItsMail: the plan points it out, and deletes nothing more
// than it shows.
func TestASourceThatLostItsMail(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	deliver(t, src, "anna", "INBOX", generated("inbox", 30))
	m.want(0, "apply", "-auto-approve")
	saved := m.run("plan", "-out", "empty.plan")
	expunge(t, src, "anna", "INBOX", "inbox")
	if r := m.run("apply", "empty.plan"); count(dst.messages("anna", "INBOX")) != 30 {
		t.Errorf("a plan made before has deleted mail: %s\n%s", saved, r)
	}
	if r := m.run("plan"); !strings.Contains(r.stdout+r.stderr, "30 of the 30 items migrated") {
		t.Errorf("the plan does not point it out: %s", r)
	}
}

// TestBatchesAndTargets: one mailbox first, then all, with an equal result.
func TestBatchesAndTargets(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	people := []string{"anna", "berta", "carl"}
	m := newMigration(t, src, dst, people)
	for _, p := range people {
		deliver(t, src, p, "INBOX", generated(p, 15))
	}
	m.want(0, "plan", "-target", "berta@contoso.test", "-out", "berta.plan")
	first, second := m.command("apply", "berta.plan"), m.command("apply", "berta.plan")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	one := second.Run()
	other := first.Wait()
	if (one == nil) == (other == nil) {
		t.Errorf("one plan applied twice at the same time: %v, %v", one, other)
	}
	if n := count(dst.messages("anna", "INBOX")); n != 0 {
		t.Errorf("anna was not asked for and has %d messages", n)
	}
	m.want(0, "apply", "-auto-approve")
	for _, p := range people {
		m.equal(p, "INBOX")
	}
	m.want(0, "plan", "-detailed-exitcode")
}

// TestTwoEmptyMailboxesAreNoProof: verify is not clean because both sides sign
// in to another, empty account.
func TestTwoEmptyMailboxesAreNoProof(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	deliver(t, src, "anna", "INBOX", generated("inbox", 30))
	m.want(0, "apply", "-auto-approve")
	m.want(0, "verify")
	m.write("accounts.csv", "address,username\nanna@contoso.test,nobody\n")
	if r := m.want(3, "verify"); !strings.Contains(r.stdout, "lost most of them") {
		t.Errorf("verify does not say why: %s", r)
	}
}

// TestOddFolderNames carries every name that a server takes.
func TestOddFolderNames(t *testing.T) {
	long := strings.Repeat("n", 200)
	names := []string{"a.b", "Case", "case", "trailing ", " leading", "~tilde", "~", "100%", "star*", `quo"te`, `back\slash`, "Entwürfe", "日本語", "R&D", "&", "#hash",
		"INBOX.Sub", "deep/er/and/deep/er/still/and/more", long, "new\ttab", "inbox2", "Sent Items", "Gesendete Objekte", "cur", "new", "tmp", ".hidden", "a..b", "..", "x/", "a^b", "(round)", "{3}", "'", "`$HOME`", "..%2f", "INBOX/Child", "INBOX/Child/Grand", "Trash/INBOX", "NIL", "\u00e9", "e\u0301", "\U0001F600"}
	start := map[string]func(*testing.T) server{
		"dovecot":     func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{}) },
		"dovecot-dot": func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{Separator: "."}) },
		"sdbox":       func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{Format: "sdbox"}) },
		"cyrus": func(t *testing.T) server {
			return startCyrus(t, servertest.CyrusOptions{})
		},
	}
	for _, pair := range [][2]string{{"sdbox", "dovecot"}, {"dovecot", "cyrus"}, {"cyrus", "dovecot-dot"}, {"sdbox", "cyrus"}, {"dovecot-dot", "sdbox"}, {"cyrus", "cyrus"}} {
		t.Run(pair[0]+" to "+pair[1], func(t *testing.T) {
			src, dst := start[pair[0]](t), start[pair[1]](t)
			m := newMigration(t, src, dst, []string{"anna"})
			made := map[string]bool{}
			for i, name := range names {
				c := signIn(t, src.port(), "anna")
				err := c.Create(name, nil).Wait()
				c.Close()
				if err != nil {
					t.Logf("source refuses %q: %v", name, err)
					continue
				}
				made[name] = true
				if refused := deliver(t, src, "anna", name, generated(fmt.Sprintf("f%d", i), 2)); len(refused) > 0 {
					t.Logf("source refuses in %q: %v", name, refused)
				}
			}
			deliver(t, src, "anna", "INBOX", generated("inbox", 2))
			r := m.run("apply", "-auto-approve")
			if r.code != 0 {
				t.Errorf("apply: %s", r)
			}
			if v := m.run("verify"); v.code != 0 {
				t.Errorf("verify: %s", v)
			}
			if p := m.run("plan", "-detailed-exitcode"); p.code != 0 {
				t.Errorf("second plan: %s", p)
			}
			if len(made) < len(names)/2 {
				t.Errorf("the source has taken %d of %d names", len(made), len(names))
			}
		})
	}
}
