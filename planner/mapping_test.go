package planner

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cutover-mail/cutover/inventory"
)

// mapOnto maps folders ("path" or "path=role") to a target that has others,
// and writes the result as "path > target".
func mapOnto(naming inventory.Naming, target, source string) string {
	parse := func(list string) []inventory.Folder {
		var folders []inventory.Folder
		for f := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ';' }) {
			path, role, _ := strings.Cut(strings.TrimSpace(f), "=")
			folders = append(folders, folder(path, inventory.Role(role), 1))
		}
		return sortedFolders(folders)
	}
	var origins []origin
	for _, f := range parse(source) {
		origins = append(origins, origin{Folder: f})
	}
	var lines []string
	for i, m := range mapFolders(origins, naming, &TargetMailbox{Folders: parse(target)}, nil) {
		lines = append(lines, origins[i].Path.String()+" > "+m.path.String())
	}
	return strings.Join(lines, "; ")
}

func TestFoldersFindTheirPlace(t *testing.T) {
	for _, c := range []struct {
		name                 string
		naming               inventory.Naming
		target, source, want string
	}{
		{"same path", inventory.Naming{}, "INBOX=inbox", "INBOX=inbox; a; a/b", "INBOX > INBOX; a > a; a/b > a/b"},
		{"a role fills the role", inventory.Naming{}, "Sent=sent", "Gesendet=sent; Gesendet/2019", "Gesendet > Sent; Gesendet/2019 > Sent/2019"},
		{"a second folder of a role is an ordinary one", inventory.Naming{}, "Sent=sent", "A=sent; B=sent", "A > Sent; B > B"},
		{"a plain folder of the name that the role took", inventory.Naming{}, "Sent=sent", "Gesendet=sent; Sent", "Gesendet > Sent; Sent > Sent (2)"},
		{"several of the role on the target", inventory.Naming{}, "X=sent; Y=sent", "Y=sent", "Y > Y"},
		{"none of the role on the target", inventory.Naming{}, "INBOX=inbox", "Gesendet=sent", "Gesendet > Gesendet"},
		{"an inbox of another name", inventory.Naming{}, "INBOX=inbox", "Posteingang=inbox; inbox", "Posteingang > INBOX; inbox > inbox (2)"},
		{"an inbox without a role", inventory.Naming{}, "INBOX=inbox", "Inbox; Inbox/x", "Inbox > INBOX; Inbox/x > INBOX/x"},
		{"forbidden characters", inventory.Naming{Forbidden: "/."}, "", `a.b; a\/b; a.b/c`, `a.b > a_b; a.b/c > a_b/c; a\/b > a_b (2)`},
		{"case", inventory.Naming{FoldsCase: true}, "", "Foo; foo; foo/x; FOO", "FOO > FOO; Foo > Foo (2); foo > foo (3); foo/x > foo (3)/x"},
		{"case on a target that tells it apart", inventory.Naming{}, "", "Foo; foo", "Foo > Foo; foo > foo"},
		{"reserved", inventory.Naming{Reserved: []string{"shared"}}, "", "Shared/a; x/shared", "Shared/a > Shared_/a; x/shared > x/shared"},
		{"depth", inventory.Naming{MaxDepth: 2}, "", "a/b; a/b/c; a/b/c/d", "a/b > a/b; a/b/c > a/b - c; a/b/c/d > a/b - c - d"},
		{"a view of the target is no place", inventory.Naming{}, "All=all", "All", "All > All (2)"},
		{"the target's spelling", inventory.Naming{FoldsCase: true}, "projects", "Projects; Projects/x", "Projects > projects; Projects/x > projects/x"},
		{"accents written in two ways", inventory.Naming{}, "", "Café; Cafe\u0301", "Cafe\u0301 > Cafe\u0301; Café > Café (2)"},
		{"nothing below the inbox", inventory.Naming{InboxLeaf: true}, "INBOX=inbox", "INBOX=inbox; INBOX/a; INBOX/a/b; INBOX/c; a; c/d",
			"INBOX > INBOX; INBOX/a > a (2); INBOX/a/b > a (2)/b; INBOX/c > c (2); a > a; c/d > c/d"},
		{"an inbox of another name that takes no folders", inventory.Naming{InboxLeaf: true}, "INBOX=inbox", "Posteingang=inbox; Posteingang/x", "Posteingang > INBOX; Posteingang/x > x"},
		{"below an inbox that is not listed", inventory.Naming{InboxLeaf: true}, "INBOX=inbox", "INBOX/x; x", "INBOX/x > x (2); x > x"},
		{"unlisted parent", inventory.Naming{Forbidden: "["}, "", "[x]/a; [x]/b", "[x]/a > _x]/a; [x]/b > _x]/b"},
	} {
		if got := mapOnto(c.naming, c.target, c.source); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestLongNamesAreCutAndStayApart(t *testing.T) {
	long := strings.Repeat("ü", 200)
	n := namer{inventory.Naming{MaxName: 60, Encoding: "utf-7"}}
	got := mapOnto(n.Naming, "", long+"a; "+long+"b")
	parts := strings.Split(strings.NewReplacer("; ", " > ").Replace(got), " > ")
	if parts[1] == parts[3] || n.length(parts[1]) > 60 || n.length(parts[3]) > 60 || !strings.HasPrefix(parts[1], "üüü") {
		t.Errorf("%s", got)
	}
	if n.length("&ü") != 2+5 || n.length("日本語") != 2+8 || n.length("a😀") != 1+2+6 {
		t.Errorf("modified UTF-7 lengths %d %d %d", n.length("&ü"), n.length("日本語"), n.length("a😀"))
	}
	deep := namer{inventory.Naming{MaxPath: 40}}
	path := strings.Repeat("abcdefgh/", 20) + "end"
	for part := range strings.SplitSeq(mapOnto(deep.Naming, "", path), " > ") {
		if part != path && len(part) > 40 {
			t.Errorf("%d bytes: %s", len(part), part)
		}
	}
}

func FuzzMapping(f *testing.F) {
	f.Add("a;b/c;A", "INBOX=inbox;Sent=sent", "/.", 20, 40, 3, true)
	f.Add("Gesendet=sent;Sent;x/y/z/ü", "", "", 0, 0, 0, false)
	f.Add(`a\/b;a_b;ﬀ;FF`, "a_b=all", "_-. (", 9, 12, 1, true)
	f.Fuzz(func(t *testing.T, source, target, forbidden string, name, path, depth int, folds bool) {
		if len(source)+len(target) > 2000 || !utf8.ValidString(source+target+forbidden) {
			return
		}
		limit := func(n int) int { return min(max(n, 0), 300) }
		naming := inventory.Naming{Forbidden: forbidden, MaxName: limit(name), MaxPath: limit(path), MaxDepth: limit(depth), FoldsCase: folds, Encoding: "utf-7"}
		var origins []origin
		var ids []string
		for i, s := range strings.Split(source, ";") {
			p, role, _ := strings.Cut(s, "=")
			if id := p; p != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
				o := folder(p, inventory.Role(role), int64(i))
				origins = append(origins, origin{Folder: o})
			}
		}
		slices.SortFunc(origins, func(a, b origin) int { return slices.Compare(a.Path, b.Path) })
		var there []inventory.Folder
		for s := range strings.SplitSeq(target, ";") {
			if p, role, _ := strings.Cut(s, "="); p != "" {
				there = append(there, folder(p, inventory.Role(role), 0))
			}
		}
		n, seen := namer{naming}, map[string]inventory.Path{}
		for i, m := range mapFolders(origins, naming, &TargetMailbox{Folders: there}, nil) {
			key := n.key(m.path)
			if other, ok := seen[key]; ok || len(m.path) == 0 {
				t.Fatalf("%q goes to %q, as does %q", origins[i].Path, m.path, other)
			}
			seen[key] = origins[i].Path
			if !slices.Equal(m.path, origins[i].Path) && m.reason == "" {
				t.Errorf("%q goes to %q without a reason", origins[i].Path, m.path)
			}
		}
	})
}
