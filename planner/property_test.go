package planner

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// organisation draws recipients with folders, groups in any entanglement,
// batches, and a target with or without a directory.
func organisation(t *rapid.T) Input {
	var list []inventory.Recipient
	n := rapid.IntRange(0, 12).Draw(t, "recipients")
	address := func(i int) inventory.Address { return inventory.Address(fmt.Sprintf("r%d@contoso.test", i)) }
	member := rapid.Custom(func(t *rapid.T) inventory.Address {
		if i := rapid.IntRange(-1, 13).Draw(t, "member"); i >= 0 {
			return address(i)
		}
		return "outside@example.org"
	})
	for i := range n {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			members := rapid.SliceOfNDistinct(member, 0, 5, rapid.ID).Draw(t, "members")
			slices.Sort(members)
			list = append(list, group(address(i), members...))
		case 1:
			list = append(list, inventory.Recipient{Kind: inventory.KindContact, Address: address(i), External: "x@example.org"})
		default:
			list = append(list, user(address(i)))
		}
	}
	in := input(list...)
	for _, code := range Codes() {
		in.Migration.Waivers = append(in.Migration.Waivers, Waiver{Code: code.Code, Reason: "any"})
	}
	for _, r := range list {
		if r.Kind == inventory.KindMailbox {
			in.with(r.Address, mailboxOf(t))
		}
	}
	if rapid.Bool().Draw(t, "directory") {
		in.Targets = append(in.Targets, Endpoint{Address: "target.ldap.dir"})
		in.Targets[1].Info.Abilities = []inventory.Ability{inventory.Directory}
	}
	if rapid.Bool().Draw(t, "batches") {
		in.Migration.Batches = []Batch{
			{Name: "rest", EveryoneElse: true, After: []string{"odd"}},
			{Name: "odd", Match: []string{"r?1*", "r1*", "r3*", "r5*"}},
		}
	}
	return in
}

func mailboxOf(t *rapid.T) Mailbox {
	name := rapid.SampledFrom([]string{"INBOX", "Inbox", "Sent", "Gesendet", "a", "A", "a/b", "a.b", "ä", strings.Repeat("long", 30)})
	path := rapid.SliceOfN(name, 1, 3)
	role := rapid.SampledFrom([]inventory.Role{"", "", "", inventory.RoleInbox, inventory.RoleSent, inventory.RoleAll})
	draw := func(label string) []inventory.Folder {
		var folders []inventory.Folder
		for range rapid.IntRange(0, 7).Draw(t, label) {
			f := folder(inventory.Path(path.Draw(t, "path")).String(), role.Draw(t, "role"), int64(rapid.IntRange(0, 9).Draw(t, "items")))
			if !slices.ContainsFunc(folders, func(g inventory.Folder) bool { return g.ID == f.ID }) {
				folders = append(folders, f)
			}
		}
		return folders
	}
	box := Mailbox{Source: draw("source")}
	target := TargetMailbox{Folders: draw("target")}
	target.Info.Naming = inventory.Naming{
		Forbidden: rapid.SampledFrom([]string{"", "/.", "/"}).Draw(t, "forbidden"), FoldsCase: rapid.Bool().Draw(t, "folds"),
		MaxName: rapid.SampledFrom([]int{0, 50}).Draw(t, "name"), MaxDepth: rapid.IntRange(0, 2).Draw(t, "depth"),
	}
	box.Targets = map[string]TargetMailbox{newServer: target}
	return box
}

// shuffled is the same input in another order.
func shuffled(in Input, seed uint64) Input {
	random := rand.New(rand.NewPCG(seed, 1))
	mix := func(n int, swap func(i, j int)) { random.Shuffle(n, swap) }
	out := in
	out.Recipients = slices.Clone(in.Recipients)
	mix(len(out.Recipients), func(i, j int) {
		out.Recipients[i], out.Recipients[j] = out.Recipients[j], out.Recipients[i]
	})
	out.Mailboxes = map[inventory.Address]Mailbox{}
	for a, box := range in.Mailboxes {
		box.Source = slices.Clone(box.Source)
		mix(len(box.Source), func(i, j int) { box.Source[i], box.Source[j] = box.Source[j], box.Source[i] })
		target := box.Targets[newServer]
		target.Folders = slices.Clone(target.Folders)
		mix(len(target.Folders), func(i, j int) {
			target.Folders[i], target.Folders[j] = target.Folders[j], target.Folders[i]
		})
		box.Targets = map[string]TargetMailbox{newServer: target}
		out.Mailboxes[a] = box
	}
	return out
}

func TestRandomOrganisations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := organisation(t)
		p, findings := Plan(in)
		if findings.HasErrors() {
			t.Fatalf("findings %v", codes(findings))
		}
		whole := encoded(t, p)
		again, _ := Plan(shuffled(in, rapid.Uint64().Draw(t, "order")))
		if !bytes.Equal(whole, encoded(t, again)) {
			t.Fatalf("another order of the input makes another plan:\n%s\n---\n%s", story(p), story(again))
		}
		saved, err := plan.Read(bytes.NewReader(whole))
		if err != nil || !bytes.Equal(whole, encoded(t, saved)) {
			t.Fatalf("the saved plan is not read back: %v", err)
		}
		distinctPlaces(t, p)
		everybodyOnce(t, in, p)
		if second, _ := Plan(applied(in, p)); !second.Empty() {
			t.Fatalf("first\n%s\nsecond\n%s", story(p), story(second))
		}
	})
}

func distinctPlaces(t *rapid.T, p *plan.Plan) {
	for _, s := range p.Steps {
		seen := map[string]bool{}
		for _, f := range s.Folders {
			if seen[f.Target.String()] {
				t.Fatalf("%s: two folders go to %s\n%s", s.Source, f.Target, story(p))
			}
			seen[f.Target.String()] = true
			if f.Renamed == "" && !slices.Equal(f.Path, f.Target) {
				t.Fatalf("%s goes to %s without a reason", f.Path, f.Target)
			}
		}
	}
}

// everybodyOnce checks that every recipient is named, that IDs are unique and
// that what a step needs comes before it.
func everybodyOnce(t *rapid.T, in Input, p *plan.Plan) {
	named, done := map[RecipientKey]bool{}, map[plan.StepID]bool{}
	for _, s := range p.Steps {
		named[RecipientKey{s.Kind, s.Source}] = true
		for _, n := range s.Needs {
			if !done[n] {
				t.Fatalf("%s %s comes before what it needs\n%s", s.Action, s.Source, story(p))
			}
		}
		if done[s.ID] {
			t.Fatalf("two steps have the ID %s", s.ID)
		}
		done[s.ID] = true
	}
	for _, r := range in.Recipients {
		if !named[RecipientKey{r.Kind, r.Address}] {
			t.Fatalf("%s is not in the plan\n%s", r.Address, story(p))
		}
	}
}

// many is an organisation of n mailboxes with a few folders each.
func many(n int) Input {
	list := make([]inventory.Recipient, n)
	in := input(list...)
	in.Migration.AcceptedDomains = []string{"contoso.test"}
	in.Migration.Exclude = []Rule{{Match: []string{"test-*", "*-old@contoso.test"}}}
	in.Migration.Batches = []Batch{{Name: "pilot", Match: []string{"user-00*"}}, {Name: "rest", EveryoneElse: true, After: []string{"pilot"}}}
	source := []inventory.Folder{
		folder("INBOX", inventory.RoleInbox, 1200), folder("Drafts", inventory.RoleDrafts, 3),
		folder("Gesendet", inventory.RoleSent, 800), folder("Trash", inventory.RoleTrash, 40), folder("Projects", "", 90),
	}
	target := map[string]TargetMailbox{newServer: {Folders: []inventory.Folder{folder("INBOX", inventory.RoleInbox, 0), folder("Sent", inventory.RoleSent, 0)}}}
	for i := range list {
		list[i] = user(inventory.Address(fmt.Sprintf("user-%06d@contoso.test", i)))
		in.Mailboxes[list[i].Address] = Mailbox{Source: source, Targets: target}
	}
	return in
}

func BenchmarkSelect100k(b *testing.B) {
	in := many(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if s := Select(in); len(s.Chosen) != 100_000 {
			b.Fatal(len(s.Chosen))
		}
	}
}

func BenchmarkPlan100k(b *testing.B) {
	in := many(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if p, f := Plan(in); len(p.Steps) != 100_000 || f.HasErrors() {
			b.Fatal(len(p.Steps), codes(f[:1]))
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func BenchmarkWrite100k(b *testing.B) {
	p, _ := Plan(many(100_000))
	b.ReportAllocs()
	for b.Loop() {
		var n counter
		if err := plan.Write(&n, p); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}
