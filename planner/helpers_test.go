package planner

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

var rfc5322 = map[inventory.Class][]providers.FormatSupport{inventory.ClassMessage: {{Format: inventory.FormatRFC5322}}}

func mailEndpoint(address string, abilities ...inventory.Ability) Endpoint {
	return Endpoint{
		Address: address, Provider: "imap", Version: "1",
		Info: providers.Info{Identity: "imap://" + address, Abilities: append(abilities, inventory.Mail), Formats: rfc5322},
	}
}

// input is a migration between two mail servers.
func input(recipients ...inventory.Recipient) Input {
	return Input{
		Tool: "0.1.0", ConfigDigest: "c0", Migration: Migration{Name: "contoso", Deletions: "mirror"},
		Source: mailEndpoint("source.imap.old"), Targets: []Endpoint{mailEndpoint("target.imap.new")},
		Recipients: recipients,
		Known:      map[RecipientKey]state.Recipient{}, Mailboxes: map[inventory.Address]Mailbox{},
	}
}

func user(address inventory.Address) inventory.Recipient {
	return inventory.Recipient{Kind: inventory.KindMailbox, Address: address, Type: inventory.TypeUser}
}

func group(address inventory.Address, members ...inventory.Address) inventory.Recipient {
	return inventory.Recipient{Kind: inventory.KindGroup, Address: address, Members: members}
}

func folder(path string, role inventory.Role, items int64) inventory.Folder {
	return inventory.Folder{
		ID: inventory.FolderID(path), Path: inventory.ParsePath(path), Role: role, Holds: inventory.Mail,
		Items: items, Bytes: items * 1000, State: fmt.Sprint("s", items), Epoch: "1",
	}
}

const newServer = "target.imap.new"

// fresh is a mailbox that was never migrated, with an INBOX on the target.
func fresh(source ...inventory.Folder) Mailbox {
	return Mailbox{Source: source, Targets: map[string]TargetMailbox{newServer: {Folders: []inventory.Folder{folder("INBOX", inventory.RoleInbox, 0)}}}}
}

func (in Input) with(address inventory.Address, box Mailbox) Input {
	in.Mailboxes[address] = box
	return in
}

// applied is the input after everything in the plan was done.
func applied(in Input, p *plan.Plan) Input {
	out := in
	out.Header = state.Header{Lineage: "l", Serial: in.Header.Serial + 1}
	out.Known, out.Mailboxes = map[RecipientKey]state.Recipient{}, map[inventory.Address]Mailbox{}
	out.Targets = append([]Endpoint(nil), in.Targets...)
	directory := map[inventory.Address]inventory.Recipient{}
	for k, r := range in.Known {
		out.Known[k] = r
	}
	for _, t := range in.Targets {
		for _, r := range t.Recipients {
			directory[r.Address] = r
		}
	}
	for _, s := range p.Steps {
		key := RecipientKey{s.Kind, s.Source}
		known := out.Known[key]
		known.Kind, known.Source, known.Target, known.Batch = s.Kind, s.Source, s.Target, s.Batch
		switch s.Action {
		case plan.Create, plan.Update:
			known.Created = known.Created || s.Action == plan.Create
			known.Digest = DirectoryDigest(*s.Recipient)
			directory[s.Target] = *s.Recipient
		case plan.Copy, plan.Sync, plan.Keep:
			if s.Kind == inventory.KindMailbox {
				known.Synced = time.Unix(1000, 0)
				out.Mailboxes[s.Source] = appliedMailbox(in.Mailboxes[s.Source], s)
			}
		default:
			continue
		}
		out.Known[key] = known
	}
	for i, t := range out.Targets {
		if !t.Info.Has(inventory.Directory) {
			continue
		}
		out.Targets[i].Recipients = nil
		for _, r := range directory {
			out.Targets[i].Recipients = append(out.Targets[i].Recipients, r)
		}
	}
	return out
}

func appliedMailbox(box Mailbox, s plan.Step) Mailbox {
	known := map[inventory.FolderID]state.Folder{}
	for id, k := range box.Known {
		known[id] = k
	}
	for _, old := range box.Renames {
		delete(known, old)
	}
	states := map[inventory.FolderID]inventory.Folder{}
	for _, f := range box.Source {
		states[f.ID] = f
	}
	for _, f := range s.Folders {
		known[f.Source] = state.Folder{
			Source: f.Source, Path: f.Path, Role: f.Role, Ability: f.Holds, State: states[f.Source].State,
			Target: inventory.FolderID(f.Target.String()), TargetPath: f.Target, TargetEndpoint: f.Endpoint, Items: f.Work.New,
		}
	}
	return Mailbox{Source: box.Source, Known: known}
}

func mustPlan(t *testing.T, in Input) *plan.Plan {
	t.Helper()
	p, findings := Plan(in)
	if findings.HasErrors() {
		t.Fatalf("findings: %v", codes(findings))
	}
	return p
}

func codes(findings diag.Findings) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s %s", f.Code, f.Subject))
	}
	return list
}

// story writes steps in one line each.
func story(p *plan.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s %s", s.Action, s.Kind, s.Source)
		if s.Target != "" && s.Target != s.Source {
			fmt.Fprintf(&b, " as %s", s.Target)
		}
		if s.Batch != "" {
			fmt.Fprintf(&b, " in %s", s.Batch)
		}
		if s.Recipient != nil && len(s.Recipient.Members) > 0 {
			fmt.Fprintf(&b, " with %v", s.Recipient.Members)
		}
		b.WriteByte('\n')
		for _, f := range s.Folders {
			fmt.Fprintf(&b, "  %s > %s", f.Path, f.Target)
			for _, mark := range []struct {
				on   bool
				text string
			}{
				{f.Create, " new"}, {len(f.MovedFrom) > 0, " from " + f.MovedFrom.String()}, {f.Rematch != "", " rematch"},
				{!f.Work.Zero(), fmt.Sprintf(" +%d ~%d m%d -%d r%d", f.Work.New, f.Work.Changed, f.Work.Moved, f.Work.Deleted, f.Work.Retried)},
			} {
				if mark.on {
					b.WriteString(mark.text)
				}
			}
			b.WriteByte('\n')
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func expect(t *testing.T, p *plan.Plan, want string) {
	t.Helper()
	var lines []string
	for l := range strings.SplitSeq(want, "\n") {
		if l = strings.TrimPrefix(l, "\t\t"); strings.TrimSpace(l) != "" {
			lines = append(lines, l)
		}
	}
	if got := story(p); got != strings.Join(lines, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}

func encoded(t interface{ Fatal(...any) }, p *plan.Plan) []byte {
	var buf bytes.Buffer
	if err := plan.Write(&buf, p); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
