package imap

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func TestNamesAreReadAsTheyStandOnTheWire(t *testing.T) {
	for wire, name := range map[string]string{"Entw&APw-rfe": "Entwürfe", "é": "é", "\xe9": "é", "&AOk": "&AOk", "&AGE-": "&AGE-"} {
		if got := readName(wire); got != name {
			t.Errorf("%q is read %q, want %q", wire, got, name)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"INBOX", "INBOX.Sent", "Entw&APw-rfe", "&AOk", "a/b", "\xff\xfe", "a&-b/&U,BTFw-", "é"} {
		f.Add(seed)
	}
	layouts := map[string]layout{"/": {}, ".": {}}
	for separator := range layouts {
		prefix := ""
		if separator == "." {
			prefix = "INBOX."
		}
		answer := layoutAnswer{spaces: []namespace{{prefix: prefix, separator: separator}, {prefix: "shared" + separator, separator: separator, foreign: true}}}
		layouts[separator] = answer.layout(nil)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for separator, l := range layouts {
			path, ours := l.path(name, separator)
			if !ours {
				continue
			}
			for _, part := range path {
				if !utf8.ValidString(part) {
					t.Fatalf("%q gives a name that is not UTF-8: %q", name, part)
				}
			}
			wire, err := l.name(path)
			if err != nil {
				continue
			}
			again, ours := l.path(wire, separator)
			if !ours || !slices.Equal(again, path) {
				t.Fatalf("%q is %q, which is written %q, which is %q", name, path, wire, again)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"v1;1;2;3", "v1;1;2;3;a;5;0", "v1;1;2;3;c;5;9", "v1;4294967296;2;3", "v2;1;2;3", ";;;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		again, err := parseCursor(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is %+v, which is %q, which is %+v (%v)", text, c, c, again, err)
		}
	})
}

// listed opens a session on a server that tells its namespaces and folders.
func listed(t *testing.T, capability string, namespaces string, answers ...step) []inventory.Folder {
	t.Helper()
	first := step{"LIST", []string{namespaces, "TAG OK done"}}
	if strings.HasPrefix(namespaces, "* NAMESPACE") {
		first.expect, capability = "NAMESPACE", "NAMESPACE "+capability
	}
	e := scripted(t, providers.Source, signedIn(capability, append([]step{first}, answers...)...), nil)
	folders, err := openMailbox(t, e, "anna@contoso.test").Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

type seen struct {
	ID, Path   string
	Role       inventory.Role
	Container  bool
	Subscribed bool
	Items      int64
}

func summaries(folders []inventory.Folder) []seen {
	var out []seen
	for _, f := range folders {
		out = append(out, seen{string(f.ID), f.Path.String(), f.Role, f.Container, f.Subscribed, f.Items})
	}
	return out
}

// Courier tells capabilities and namespaces like this; it has no SPECIAL-USE
// and no LIST-EXTENDED, and all folders live below INBOX.
func TestFoldersOfCourier(t *testing.T) {
	got := listed(t, "UIDPLUS CHILDREN QUOTA IDLE ACL", `* NAMESPACE (("INBOX." ".")) NIL (("#shared." ".")("shared." "."))`,
		step{`LIST "" "INBOX"`, []string{`* LIST (\Unmarked \HasChildren) "." "INBOX"`, "TAG OK LIST completed"}},
		step{`LSUB "" "INBOX"`, []string{`* LSUB () "." INBOX`, "TAG OK LSUB completed"}},
		step{`LIST "" "INBOX.*"`, []string{`* LIST (\HasNoChildren) "." "INBOX.Sent"`, `* LIST (\HasNoChildren) "." "INBOX.Papierkorb"`,
			`* LIST (\HasChildren \Noselect) "." "INBOX.Projekte"`, `* LIST (\HasNoChildren) "." "INBOX.Projekte.Entw&APw-rfe"`,
			`* LIST (\HasNoChildren) "." "INBOX.INBOX.Alt"`, `* LIST () "." "shared.all"`, "TAG OK LIST completed"}},
		step{`LSUB "" "INBOX.*"`, []string{`* LSUB () "." "INBOX.Sent"`, "TAG OK LSUB completed"}},
		step{`STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)`, []string{`* STATUS "INBOX" (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 77)`, "TAG OK"}},
		step{`STATUS "INBOX.Sent"`, []string{`* STATUS "INBOX.Sent" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 78)`, "TAG OK STATUS completed"}},
		step{`STATUS "INBOX.Papierkorb"`, []string{"TAG NO Unable to open this mailbox."}},
		step{`STATUS "INBOX.Projekte.Entw&APw-rfe"`, []string{`* STATUS "INBOX.Projekte.Entw&APw-rfe" (MESSAGES 0)`, "TAG OK"}},
		step{`STATUS "INBOX.INBOX.Alt"`, []string{"TAG NO"}},
	)
	want := []seen{
		{"INBOX", "INBOX", inventory.RoleInbox, false, true, 5},
		{"INBOX.Papierkorb", "Papierkorb", inventory.RoleTrash, false, false, -1},
		{"INBOX.Projekte", "Projekte", "", true, false, -1},
		{"INBOX.Sent", "Sent", inventory.RoleSent, false, true, 1},
		{"INBOX.INBOX.Alt", "INBOX/Alt", "", false, false, -1},
		{"INBOX.Projekte.Entw&APw-rfe", "Projekte/Entwürfe", "", false, false, 0},
	}
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Error(diff)
	}
	if got[0].Identity != "77" || got[0].End != "77:9" || got[0].State != "" {
		t.Errorf("the inbox is %+v: without CONDSTORE there is no state", got[0])
	}
}

// The lines are those of Gmail in the corpus, with attributes that it sends
// where SPECIAL-USE is asked for.
func TestFoldersOfGmail(t *testing.T) {
	got := listed(t, "LIST-EXTENDED SPECIAL-USE LIST-STATUS CONDSTORE", `* NAMESPACE (("" "/")) NIL NIL`,
		step{`LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))`, []string{
			`* LIST (\HasNoChildren \Subscribed) "/" "INBOX"`,
			`* LIST (\HasNoChildren \Subscribed) "/" +Folder`,
			`* LIST (\HasChildren \NonExistent \Subscribed) "/" "[Gmail]"`,
			`* LIST (\HasNoChildren \All) "/" "[Gmail]/All Mail"`,
			`* LIST (\HasNoChildren \Important) "/" "[Gmail]/Important"`,
			`* LIST (\HasNoChildren \Flagged) "/" "[Gmail]/Starred"`,
			`* LIST (\HasNoChildren \Trash) "/" "[Gmail]/Trash"`,
			`* LIST (\HasNoChildren) "/" "Trash"`,
			`* STATUS "INBOX" (MESSAGES 3 UIDNEXT 8 UIDVALIDITY 1 HIGHESTMODSEQ 55)`,
			`* STATUS +Folder (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 2 HIGHESTMODSEQ 0)`,
			`* STATUS "[Gmail]/All Mail" (MESSAGES 4 UIDNEXT 8 UIDVALIDITY 3 HIGHESTMODSEQ 55)`,
			`* STATUS "[Gmail]/Important" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 4 HIGHESTMODSEQ 55)`,
			`* STATUS "[Gmail]/Starred" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5 HIGHESTMODSEQ 55)`,
			`* STATUS "[Gmail]/Trash" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6 HIGHESTMODSEQ 55)`,
			`* STATUS "Trash" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6 HIGHESTMODSEQ 55)`,
			"TAG OK Success"}})
	want := []seen{
		{"+Folder", "+Folder", "", false, true, 1},
		{"INBOX", "INBOX", inventory.RoleInbox, false, true, 3},
		{"Trash", "Trash", "", false, false, 0},
		{"[Gmail]", "[Gmail]", "", true, true, -1},
		{"[Gmail]/All Mail", "[Gmail]/All Mail", inventory.RoleAll, false, false, 4},
		{"[Gmail]/Important", "[Gmail]/Important", inventory.RoleImportant, false, false, 0},
		{"[Gmail]/Starred", "[Gmail]/Starred", inventory.RoleFlagged, false, false, 0},
		{"[Gmail]/Trash", "[Gmail]/Trash", inventory.RoleTrash, false, false, 0},
	}
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Error(diff)
	}
	if got[1].State != "1:8:3:55" || got[0].State != "" {
		t.Errorf("states are %q and %q: a folder without mod-sequences has none", got[1].State, got[0].State)
	}
	if got[7].Identity != "" {
		t.Errorf("two folders have one UIDVALIDITY, and an identity %q", got[7].Identity)
	}
}

// Domino separates with a backslash, and names come as literals and as bytes
// that are no modified UTF-7.
func TestOddNames(t *testing.T) {
	got := listed(t, "", `* LIST (\Noselect) "\\" ""`,
		step{`LIST "" "*"`, []string{`* LIST () "\\" Inbox`, `* LIST (\HasNoChildren) "\\" "Literal\\Name"`,
			`* LIST () "\\" {19}`, `Literal Folder Name`, `* LIST () "\\" "M&AOk"`, "* LIST () \"\\\\\" \"caf\xe9\"", `* LIST () "\\" "caf&AOk-"`, "* LIST () \"\\\\\" \"café\"", "TAG OK"}},
		step{`LSUB`, []string{"TAG OK"}},
		step{`STATUS "INBOX"`, []string{"TAG NO"}}, step{`STATUS "Literal\\Name"`, []string{"TAG NO"}}, step{`STATUS "Literal Folder Name"`, []string{"TAG NO"}},
		step{`STATUS "M&AOk"`, []string{"TAG NO"}}, step{`STATUS {4}`, []string{"+ go"}}, step{"", []string{"c8 NO"}},
		step{`STATUS "caf&AOk-"`, []string{"TAG NO"}}, step{`STATUS {5}`, []string{"+ go"}}, step{"", []string{"c10 NO"}})
	var paths []string
	for _, f := range got {
		paths = append(paths, f.Path.String())
	}
	want := []string{"INBOX", "Literal Folder Name", "M&AOk", "café", "café (2)", "café (3)", "Literal/Name"}
	if !slices.Equal(paths, want) {
		t.Errorf("paths are %q, want %q", paths, want)
	}
}

func TestSetsAreShortAndComplete(t *testing.T) {
	var uids []uint32
	for i := uint32(1); i < 9000; i++ {
		uids = append(uids, i*3, i*3+1)
	}
	var back []uint32
	for _, set := range sets(uids) {
		if len(set) > 8000 {
			t.Errorf("a set has %d bytes", len(set))
		}
		var err error
		if back, err = appendSet(back, set); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(back, uids) {
		t.Error("the sets name other messages")
	}
	if _, err := appendSet(nil, "1:4294967295"); err == nil {
		t.Error("a set of four billion messages is believed")
	}
}

func TestCopyUID(t *testing.T) {
	moved := map[uint32]uint32{}
	readCopyUID("38505 304,319:320 3956:3958", moved)
	if diff := cmp.Diff(map[uint32]uint32{304: 3956, 319: 3957, 320: 3958}, moved); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "1 2", "1 1:2 5", "1 x 5"} {
		moved := map[uint32]uint32{}
		if readCopyUID(bad, moved); len(moved) != 0 {
			t.Errorf("%q moves %v", bad, moved)
		}
	}
}

func TestKeptFlags(t *testing.T) {
	for _, c := range []struct {
		permanent []string
		want      string
	}{
		{[]string{`\*`}, `$Label \Seen`},
		{[]string{`\Seen`, "$label"}, `$Label \Seen`},
		{[]string{`\Seen`}, `\Seen`},
	} {
		keep, refused := splitFlags(inventory.MakeFlags(`\Seen`, "$Label", `\X-Odd`, "bad(flag", "größe"), c.permanent)
		if keep != inventory.MakeFlags(strings.Fields(c.want)...) || !refused.Has(`\X-Odd`) || !refused.Has("bad(flag") {
			t.Errorf("with %v kept is %q and refused %q", c.permanent, keep, refused)
		}
	}
}
