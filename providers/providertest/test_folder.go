package providertest

import (
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/internal/names"
)

func (s *suite) testCreateFolder(t *testing.T) {
	b := s.mailbox(t)
	deep := b.folder("Projects", "2024", "Spring")
	if deep.Path.String() != "Projects/2024/Spring" || deep.ID == "" {
		t.Errorf("CreateFolder returned %+v", deep)
	}
	for _, path := range []string{"Projects", "Projects/2024"} {
		if parent := b.listed(inventory.ParsePath(path)); parent.ID == deep.ID {
			t.Errorf("%s has the ID of a folder below it", path)
		}
	}
	if again := b.folder("Projects", "2024", "Spring"); again.ID != deep.ID {
		t.Errorf("made a second time the folder is %q and was %q: an existing folder is returned as it is", again.ID, deep.ID)
	}
	if listed := b.listed(deep.Path); listed.ID != deep.ID {
		t.Errorf("listed with ID %q and created with %q", listed.ID, deep.ID)
	}
	b.fill("Projects", letter(1))
	subscribed, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: inventory.Path{"News"}, Holds: inventory.Mail, Subscribed: true})
	if err != nil || !subscribed.Subscribed || !b.listed(subscribed.Path).Subscribed {
		t.Errorf("a folder that was to be subscribed is %+v, %v", subscribed, err)
	}
}

func (s *suite) testCreateFolderRoles(t *testing.T) {
	b := s.mailbox(t)
	if _, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: inventory.Path{"INBOX"}, Role: inventory.RoleInbox, Holds: inventory.Mail}); err != nil {
		t.Fatalf("the inbox: %v", err)
	}
	for name, role := range map[string]inventory.Role{
		"Outgoing": inventory.RoleSent, "Unfinished": inventory.RoleDrafts, "Bin": inventory.RoleTrash,
	} {
		f, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: inventory.Path{name}, Role: role, Holds: inventory.Mail})
		if err != nil {
			t.Fatalf("%s as %s: %v; a role that the endpoint will not set is not an error", name, role, err)
		}
		if listed := b.listed(f.Path); listed.Role != f.Role {
			t.Errorf("%s was created with role %q and is listed with %q: the folder returned has the role it got", name, f.Role, listed.Role)
		}
	}
}

func (s *suite) testCreateFolderOddNames(t *testing.T) {
	b := s.mailbox(t)
	info, err := b.write.Info(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	odd := []string{
		"Entwürfe", "受信箱", "Отчёты 2024", "a & b", "&", "&AOk-", "50% [x] {y}", "it's \"quoted\"", "trailing ", " leading",
		"a.b", "a/b", `back\slash`, "..", ".", "~", "#news", "star*", "cur", "new", "tmp", "%2F", "under_score", "CASE", "case", "Case",
		"😀 emoji", "e\u0301 decomposed", "é composed", strings.Repeat("n", 200), strings.Repeat("ü", 60),
	}
	made := map[inventory.FolderID]string{}
	for _, name := range odd {
		path := inventory.Path{name}
		if names.Refusal(path, info.Naming) != "" || (info.Naming.FoldsCase && strings.EqualFold(name, "case") && name != "CASE") {
			continue
		}
		f, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: path, Holds: inventory.Mail})
		if err != nil {
			t.Errorf("%q: %v; MailboxInfo.Naming allows it", name, err)
			continue
		}
		if other, twice := made[f.ID]; twice {
			t.Errorf("%q and %q are one folder", name, other)
		}
		made[f.ID] = name
		if listed := b.listed(path); listed.ID != f.ID {
			t.Errorf("%q is listed as %q and was created as %q", name, listed.ID, f.ID)
		}
	}
}

func (s *suite) testRenameFolder(t *testing.T) {
	b := s.mailbox(t)
	b.folder("Old", "Below")
	f := b.fill("Old", letters(2)...)
	renamed, err := b.write.RenameFolder(b.ctx, f.ID, inventory.Path{"New", "Name"})
	if err != nil {
		t.Fatalf("RenameFolder: %v", err)
	}
	if renamed.Path.String() != "New/Name" {
		t.Errorf("renamed to %q", renamed.Path.String())
	}
	now := b.listed(renamed.Path)
	if now.ID != renamed.ID || len(b.items(now.ID)) != 2 {
		t.Errorf("listed as %q with %d of 2 items, and was renamed to %q", now.ID, len(b.items(now.ID)), renamed.ID)
	}
	if f.Identity != "" && now.Identity != f.Identity {
		t.Errorf("Identity was %q and is %q: it stays the same when the folder is renamed", f.Identity, now.Identity)
	}
	b.listed(inventory.Path{"New", "Name", "Below"})
	folders, _ := b.read.Folders(b.ctx)
	for _, other := range folders {
		if other.Path.String() == "Old" && !other.Container {
			t.Error("the old name is still there")
		}
	}
	if _, err := b.write.RenameFolder(b.ctx, "no such folder", inventory.Path{"X"}); providers.KindOf(err) != providers.Gone {
		t.Errorf("renaming a folder that does not exist should be Gone: %v", err)
	}
}
