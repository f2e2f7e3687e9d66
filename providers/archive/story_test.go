package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/archive"
)

const anna = inventory.Address("anna@contoso.test")

func open(t *testing.T, role providers.Role, settings map[string]any) providers.Endpoint {
	t.Helper()
	e, err := archive.Provider{}.Open(t.Context(), options(t, role, settings))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func session(t *testing.T, e providers.Endpoint) providers.Mailbox {
	t.Helper()
	s, err := e.OpenMailbox(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// target makes an archive with Anna's mailbox.
func target(t *testing.T, dir string) providers.Mailbox {
	t.Helper()
	e := open(t, providers.Target, map[string]any{"path": dir})
	if _, err := e.CreateRecipient(t.Context(), inventory.Recipient{Kind: inventory.KindMailbox, Address: anna}, ""); err != nil {
		t.Fatal(err)
	}
	return session(t, e)
}

type mail struct {
	content  string
	flags    inventory.Flags
	received time.Time
}

func put(t *testing.T, s providers.Mailbox, folder inventory.FolderID, all ...mail) {
	t.Helper()
	items := func(yield func(providers.Outgoing) bool) {
		for i, m := range all {
			if !yield(providers.Outgoing{Key: uint64(i), Folder: folder, Class: inventory.ClassMessage, Format: inventory.FormatRFC5322,
				Flags: m.flags, Received: m.received, Size: int64(len(m.content)),
				Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(m.content)), nil }}) {
				return
			}
		}
	}
	for stored, err := range s.Put(t.Context(), items) {
		if err != nil || stored.Err != nil {
			t.Fatal(err, stored.Err)
		}
	}
}

// list returns a folder's items and how the listing ended.
func list(t *testing.T, s providers.Mailbox, folder inventory.FolderID, after inventory.Cursor) (items []inventory.Item, end providers.Change) {
	t.Helper()
	for change, err := range s.Changes(t.Context(), folder, after, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if end = change; change.Op == providers.Listed {
			items = append(items, change.Item)
		}
	}
	return items, end
}

func fetch(t *testing.T, s providers.Mailbox, folder inventory.FolderID, ids ...inventory.ItemID) map[inventory.ItemID]string {
	t.Helper()
	all := map[inventory.ItemID]string{}
	for fetched, err := range s.Fetch(t.Context(), folder, ids, inventory.FormatRFC5322) {
		if err = errors.Join(err, fetched.Err); err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(fetched.Body)
		if err != nil || int64(len(content)) != fetched.Item.Size {
			t.Fatalf("%d bytes of %d, %v", len(content), fetched.Item.Size, err)
		}
		all[fetched.Item.ID] = string(content)
	}
	return all
}

func TestCorpusComesBackByteForByte(t *testing.T) {
	root := servertest.Corpus(t, "mail")
	s := target(t, t.TempDir())
	count := map[string]int{}
	var all []mail
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		count[string(content)]++
		all = append(all, mail{content: string(content)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "Maildir", all...)
	items, _ := list(t, s, "Maildir", "")
	for _, item := range items {
		for _, content := range fetch(t, s, "Maildir", item.ID) {
			count[content]--
		}
	}
	for content, n := range count {
		if n != 0 {
			t.Errorf("%d times too few: %.60q", n, content)
		}
	}
	t.Logf("%d messages", len(items))
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestKilledBeforeTheNameLeavesNoItem(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, string(anna), "Maildir")
	put(t, target(t, dir), "Maildir", mail{content: "A: b\r\n\r\n1\r\n"}, mail{content: "A: b\r\n\r\n2\r\n"})
	// What a run leaves that is killed after the index told of a file and
	// before the file got its name: the file is in tmp.
	name := files(t, filepath.Join(box, "cur"))[0]
	if err := os.Rename(filepath.Join(box, "cur", name), filepath.Join(box, "tmp", strings.Split(name, ",")[0])); err != nil {
		t.Fatal(err)
	}
	for _, role := range []providers.Role{providers.Source, providers.Target, providers.Source} {
		s := session(t, open(t, role, map[string]any{"path": dir}))
		if items, _ := list(t, s, "Maildir", ""); len(items) != 1 {
			t.Errorf("%s: %d items of 1", role, len(items))
		}
	}
}

func TestKilledAfterTheNameIsFound(t *testing.T) {
	dir := t.TempDir()
	s := target(t, dir)
	received := time.Date(2024, 2, 6, 10, 11, 12, 0, time.FixedZone("", 3600))
	put(t, s, "Maildir", mail{content: "A: b\r\n\r\n1\r\n"})
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end := folders[0].End
	put(t, s, "Maildir", mail{content: "A: b\r\n\r\n2\r\n", received: received, flags: inventory.MakeFlags(inventory.Seen, "$Work")})
	index := filepath.Join(dir, string(anna), "Maildir", ".cutover-index.jsonl")
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	// The sync is lost and the line of the second message is torn.
	torn := append(bytes.Join(lines[:3], nil), lines[3][:20]...)
	if err := os.WriteFile(index, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	again := session(t, open(t, providers.Target, map[string]any{"path": dir}))
	loose := inventory.NewLooseHash()
	loose.Write([]byte("A: b\r\n\r\n2\r\n"))
	print := inventory.Fingerprint{Class: inventory.ClassMessage, Received: received, Size: 11, Loose: loose.Digest()}
	found, err := again.Find(t.Context(), "Maildir", end, []inventory.Fingerprint{print})
	if err != nil || len(found[0]) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	items, _ := list(t, again, "Maildir", "")
	if len(items) != 2 || items[1].Flags != inventory.MakeFlags(inventory.Seen, "$Work") {
		t.Errorf("%+v", items)
	}
	put(t, again, "Maildir", mail{content: "A: b\r\n\r\n3\r\n"})
	if items, _ := list(t, session(t, open(t, providers.Source, map[string]any{"path": dir})), "Maildir", ""); len(items) != 3 {
		t.Errorf("%d items of 3 after a torn line", len(items))
	}
}

func TestSourceWritesNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, target(t, dir), "Maildir", mail{content: "A: b\r\n\r\n1\r\n"})
	if err := os.WriteFile(filepath.Join(dir, string(anna), "Maildir", "new", "1.foreign"), []byte("A: b\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot := func() (all []string) {
		filepath.WalkDir(dir, func(name string, entry fs.DirEntry, _ error) error {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(name, info.Size(), info.ModTime()))
			return nil
		})
		return all
	}
	before := snapshot()
	e := open(t, providers.Source, map[string]any{"path": dir})
	s := session(t, e)
	if _, err := s.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, _ := list(t, s, "Maildir", "")
	for _, item := range items {
		fetch(t, s, "Maildir", item.ID)
	}
	if _, err := s.CreateFolder(t.Context(), inventory.Folder{Path: inventory.Path{"X"}}); providers.KindOf(err) != providers.Unsupported {
		t.Errorf("a source made a folder: %v", err)
	}
	if after := snapshot(); len(items) != 2 || !slices.Equal(before, after) {
		t.Errorf("%d items; the source was\n%v\nand is\n%v", len(items), before, after)
	}
}

func TestMboxIsASource(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "anna")
	if err := os.MkdirAll(filepath.Join(box, "Projects.sbd"), 0o700); err != nil {
		t.Fatal(err)
	}
	const one = "From anna@contoso.test Tue Feb  6 10:11:12 2024\nStatus: RO\nSubject: one\n\n>From me\n\n"
	for name, text := range map[string]string{"Inbox": one, "Projects.mbox": one + one, "Projects.sbd/2024": one, "notes.txt": "no mail"} {
		if err := os.WriteFile(filepath.Join(box, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := open(t, providers.Source, map[string]any{"path": dir, "domain": "contoso.test"})
	for r, err := range e.Recipients(context.Background()) {
		if err != nil || r.Address != anna {
			t.Fatal(r, err)
		}
	}
	s := session(t, e)
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range folders {
		told = append(told, fmt.Sprintf("%s=%d", f.Path, f.Items))
	}
	if got := strings.Join(told, " "); got != "INBOX=1 Projects=2 Projects/2024=1" {
		t.Fatalf("folders %s", got)
	}
	items, end := list(t, s, "mbox:Projects.mbox", "")
	if len(items) != 2 || items[0].Flags != inventory.MakeFlags(inventory.Seen) || items[0].Received.Unix() != 1707214272 {
		t.Fatalf("%+v", items)
	}
	if got := fetch(t, s, "mbox:Projects.mbox", items[1].ID)[items[1].ID]; got != "Status: RO\r\nSubject: one\r\n\r\nFrom me\r\n" {
		t.Errorf("content %q", got)
	}
	file, err := os.OpenFile(filepath.Join(box, "Projects.mbox"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(file, "From x Tue Feb  6 10:11:12 2024\nSubject: two\n\n")
	file.Close()
	fresh, after := list(t, s, "mbox:Projects.mbox", end.Cursor)
	if len(fresh) != 1 || !after.Full || after.Reset {
		t.Errorf("after one more: %+v %+v", fresh, after)
	}
}

func TestForeignMaildirIsASource(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, string(anna))
	for _, sub := range []string{"cur", "new", "tmp", ".Sent/cur", ".Entw&APw-rfe/cur", ".A.B/cur"} {
		if err := os.MkdirAll(filepath.Join(box, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"dovecot-keywords": "0 $Forwarded\n", "cur/1.M1.host,S=9,W=12:2,RSa": "A: b\n\nx\n\n", "new/2.M2.host": "A: b\r\n\r\ny\r\n",
	} {
		if err := os.WriteFile(filepath.Join(box, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := session(t, open(t, providers.Source, map[string]any{"path": dir}))
	folders, err := s.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range folders {
		told = append(told, f.Path.String())
	}
	if got := strings.Join(told, " "); got != "A Entwürfe INBOX Sent A/B" {
		t.Fatalf("folders %s", got)
	}
	items, end := list(t, s, ".", "")
	if len(items) != 2 || items[0].Flags != inventory.MakeFlags(inventory.Seen, inventory.Answered, "$Forwarded") || !end.Full {
		t.Fatalf("%+v", items)
	}
	for id, content := range fetch(t, s, ".", items[0].ID, items[1].ID) {
		if strings.Contains(strings.ReplaceAll(content, "\r\n", ""), "\n") {
			t.Errorf("%s has bare LF: %q", id, content)
		}
	}
	if err := os.Rename(filepath.Join(box, "new", "2.M2.host"), filepath.Join(box, "cur", "2.M2.host:2,S")); err != nil {
		t.Fatal(err)
	}
	if changed, _ := list(t, s, ".", end.Cursor); len(changed) != 1 || changed[0].ID != "2.M2.host" {
		t.Errorf("after one was read: %+v", changed)
	}
}

// Dovecot reads what we wrote with its own tools, and its changes are followed.
func TestDovecotReadsTheArchive(t *testing.T) {
	d := servertest.StartDovecot(t, servertest.DovecotOptions{Separator: "."})
	dir := t.TempDir()
	s := target(t, dir)
	folder, err := s.CreateFolder(t.Context(), inventory.Folder{Path: inventory.Path{"Entwürfe", "a.b/c"}, Holds: inventory.Mail, Subscribed: true})
	if err != nil {
		t.Fatal(err)
	}
	body := "From: anna@contoso.test\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nText\r\n"
	received := time.Date(2024, 2, 6, 10, 11, 12, 0, time.FixedZone("", 3600))
	put(t, s, folder.ID, mail{content: body, flags: inventory.MakeFlags(inventory.Seen, inventory.Flagged, "$Work"), received: received})
	put(t, s, "Maildir", mail{content: body}, mail{content: body})
	home := d.Home("anna")
	if err := os.CopyFS(home, os.DirFS(filepath.Join(dir, string(anna), "Maildir"))); err != nil {
		t.Fatal(err)
	}
	copyTimes(t, filepath.Join(dir, string(anna), "Maildir"), home)
	says := func(args ...string) string { return strings.TrimSpace(d.Doveadm(args...)) }
	location := "mail_location=maildir:" + home
	got := says("-o", location, "fetch", "-u", "anna", "flags date.received size.physical", "mailbox", "Entwürfe.a%2Eb%2Fc")
	for _, want := range []string{"\\Flagged", "\\Seen", "$Work", fmt.Sprint("size.physical: ", len(body))} {
		if !strings.Contains(got, want) {
			t.Errorf("doveadm says %q, without %q", got, want)
		}
	}
	if !strings.Contains(got, received.In(time.Local).Format("2006-01-02 15:04:05")) {
		t.Errorf("doveadm says %q of a message received %v", got, received)
	}
	if got := says("-o", location, "mailbox", "status", "-u", "anna", "messages", "INBOX"); !strings.Contains(got, "messages=2") {
		t.Errorf("doveadm says %q", got)
	}
}

func copyTimes(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		place, _ := filepath.Rel(from, name)
		copied := filepath.Join(to, place)
		if entry.IsDir() {
			return os.Chmod(copied, 0o777)
		}
		return errors.Join(os.Chmod(copied, 0o666), os.Chtimes(copied, time.Time{}, info.ModTime()))
	})
	if err != nil {
		t.Fatal(err)
	}
}
