package view

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

var updatePlans = flag.Bool("update-plans", false, "write the golden files of the plan views")

// moving is a plan with everything in it that a view has to show.
func moving() *plan.Plan {
	path := inventory.ParsePath
	return &plan.Plan{
		FormatVersion: plan.FormatVersion, Tool: "0.1.0", Migration: "contoso", Deletions: "mirror",
		Source:  plan.Endpoint{Address: "source.imap.old", Provider: "imap", Identity: "imap://mail.contoso.test:143"},
		Targets: []plan.Endpoint{{Address: "target.ldap.directory", Identity: "ldaps://ldap.cloud.test"}, {Address: "target.imap.new", Identity: "imaps://imap.cloud.test:993"}},
		Batches: []plan.Batch{{Name: "pilot", Members: 4}, {Name: "rest", Members: 5, After: []string{"pilot"}}},
		Steps: []plan.Step{
			{ID: "1", Action: plan.Create, Kind: inventory.KindMailbox, Source: "anna@contoso.test", Target: "anna@contoso.test", Batch: "pilot", Endpoint: "target.ldap.directory", Reason: "the target does not have it", Recipient: &inventory.Recipient{Kind: inventory.KindMailbox, Type: inventory.TypeShared}},
			{
				ID: "2", Action: plan.Copy, Kind: inventory.KindMailbox, Source: "anna@contoso.test", Target: "anna@contoso.test", Batch: "pilot", Endpoint: "target.imap.new", Reason: "not yet migrated",
				Folders: []plan.Folder{
					{Path: path("INBOX"), Target: path("INBOX"), Work: plan.Work{New: 12000, Bytes: 1 << 30}},
					{Path: path("Gesendet"), Target: path("Sent"), Renamed: "it fills the sent folder of the target", Work: plan.Work{New: 345, Bytes: 200 << 20}},
					{Path: path(`R\/D`), Target: path("R_D"), Create: true, Renamed: "it has characters that the target does not allow"},
				},
				Work:     plan.Work{New: 12345, Bytes: 1<<30 + 200<<20},
				Losses:   []providers.Loss{{Code: "calendars-not-held", Detail: "no target holds calendars; left behind: 2 folders"}, {Code: "oversize-items", Detail: "2 items larger than the target takes (25 MiB)"}},
				Oversize: []plan.Oversize{{Path: path("INBOX"), ID: "7", Size: 31 << 20, Max: 25 << 20}, {Path: path("Gesendet"), ID: "9", Size: 90 << 20, Max: 25 << 20}},
			},
			{ID: "3", Action: plan.Copy, Kind: inventory.KindMailbox, Source: "old.name@contoso.test", Target: "new.name@contoso.test", Batch: "pilot", Endpoint: "target.imap.new", Reason: "the first copy was not finished; 3 writes of an interrupted run in doubt", Folders: []plan.Folder{{Path: path("INBOX"), Target: path("INBOX")}}, Work: plan.Work{New: 7, Bytes: 9000}},
			{ID: "4", Action: plan.Create, Kind: inventory.KindGroup, Source: "all@contoso.test", Target: "all@contoso.test", Batch: "pilot", Endpoint: "target.ldap.directory", Recipient: &inventory.Recipient{Kind: inventory.KindGroup, Members: []inventory.Address{"a@contoso.test", "b@contoso.test"}}, Notes: []string{"1 member will be added when they are migrated"}},
			{
				ID: "5", Action: plan.Sync, Kind: inventory.KindMailbox, Source: "bob@contoso.test", Target: "bob@contoso.test", Batch: "rest", Endpoint: "target.imap.new", Reason: "folders were renamed on the source",
				Folders: []plan.Folder{
					{Path: path("INBOX"), Target: path("INBOX"), Work: plan.Work{New: 100, Bytes: 5 << 20, Changed: 50, Deleted: 20}},
					{Path: path("Büro 2025"), Target: path("Büro 2025"), MovedFrom: path("Büro"), Work: plan.Work{Moved: 20}},
					{Path: path("Listen"), Target: path("Listen"), Rematch: "source", Work: plan.Work{New: 1, Bytes: 1}},
				},
				Unchanged: 4, Work: plan.Work{New: 101, Bytes: 5 << 20, Changed: 50, Moved: 20, Deleted: 20, Retried: 2},
			},
			{ID: "6", Action: plan.Keep, Kind: inventory.KindMailbox, Source: "carl@contoso.test", Target: "carl@contoso.test", Batch: "rest", Endpoint: "target.imap.new", Reason: "nothing has changed"},
			{ID: "7", Action: plan.Keep, Kind: inventory.KindMailbox, Source: "dora@contoso.test", Target: "dora@contoso.test", Batch: "rest", Endpoint: "target.imap.new", Reason: "nothing has changed"},
			{ID: "8", Action: plan.Skip, Kind: inventory.KindMailbox, Source: "emil@contoso.test", Target: "emil@contoso.test", Batch: "rest", Endpoint: "target.imap.new", Reason: "there is no mailbox emil@contoso.test on target.imap.new"},
			{ID: "9", Action: plan.Skip, Kind: inventory.KindMailbox, Source: "test-1@contoso.test", Reason: "an exclude rule matches it"},
			{ID: "10", Action: plan.Skip, Kind: inventory.KindMailbox, Source: "test-2@contoso.test", Reason: "an exclude rule matches it"},
		},
		Findings: diag.Findings{
			{Severity: diag.Warning, Code: "mailbox-missing", Subject: "emil@contoso.test", Summary: "there is no mailbox emil@contoso.test on target.imap.new", Detail: "NO [AUTHENTICATIONFAILED]", Fix: "create the account on the target"},
			{Severity: diag.Error, Code: "loss-not-waived", Subject: "oversize-items", Summary: "oversize-items would be lost in 1 step", Fix: "accept it in migration \"contoso\":\n\n  waive \"oversize-items\" {\n    reason = \"why\"\n  }", Range: &diag.Range{File: "main.hcl", Start: diag.Pos{Line: 12, Column: 3}}},
		},
		Losses:   []plan.LossSummary{{Code: "calendars-not-held", Detail: "no target holds calendars; left behind: 2 folders", Steps: 1, Waived: "calendars move in May"}, {Code: "oversize-items", Detail: "2 items larger than the target takes (25 MiB)", Steps: 1, Blocking: true}},
		Summary:  plan.Summary{Actions: map[plan.Action]int{plan.Create: 2, plan.Copy: 2, plan.Sync: 1, plan.Keep: 2, plan.Skip: 3}, Work: plan.Work{New: 12453, Bytes: 1<<30 + 205<<20, Changed: 50, Moved: 20, Deleted: 20, Retried: 2}, Folders: 6, Renamed: 2},
		Estimate: plan.Estimate{Duration: 82 * time.Second, Basis: "assumed: 300 items and 15 MiB a second; the first run will tell"},
	}
}

// resting is a plan with nothing to do.
func resting() *plan.Plan {
	p := moving()
	p.Steps, p.Findings, p.Losses, p.Estimate = p.Steps[5:7], nil, nil, plan.Estimate{}
	p.Batches = p.Batches[1:]
	p.Summary = plan.Summary{Actions: map[plan.Action]int{plan.Keep: 2}}
	return p
}

// large is a plan of n mailboxes in the given number of batches, everything
// in it hostile to a table.
func large(n, batches int) *plan.Plan {
	p := moving()
	p.Batches = nil
	for i := range batches {
		p.Batches = append(p.Batches, plan.Batch{Name: fmt.Sprintf("batch|%d", i), Members: n / batches})
	}
	model := p.Steps[4]
	p.Steps = nil
	hostile := inventory.Path{"@everyone <!-- | `*_[x](http://example.org)#12"}
	bars, signs := strings.Repeat("|", 400), strings.Repeat("&", 400)
	for i := range n {
		s := model
		s.Folders = slices.Clone(model.Folders)
		s.ID, s.Batch = plan.StepID(fmt.Sprint(i)), p.Batches[i%batches].Name
		s.Source = inventory.Address(fmt.Sprintf("user|%d`@contoso.test", i))
		s.Folders[1].MovedFrom = hostile
		p.Steps = append(p.Steps, s)
		p.Findings = append(p.Findings, diag.Finding{Severity: diag.Error, Code: "x-y", Subject: "s", Summary: "</code><script>@team\nfix #1 " + bars, Fix: "do"})
		p.Losses = append(p.Losses, plan.LossSummary{Code: fmt.Sprintf("loss-%d", i), Detail: signs, Steps: 1, Blocking: true})
	}
	return p
}

func human(t testing.TB, p *plan.Plan, o PlanOptions) string {
	var b bytes.Buffer
	if err := PlanHuman(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdownOf(t testing.TB, p *plan.Plan) string {
	var b bytes.Buffer
	if err := PlanMarkdown(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanViews(t *testing.T) {
	var asJSON bytes.Buffer
	if err := PlanJSON(&asJSON, moving()); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"plan.txt":         human(t, moving(), PlanOptions{}),
		"plan-all.txt":     human(t, moving(), PlanOptions{All: true}),
		"plan-color.txt":   human(t, moving(), PlanOptions{Color: true}),
		"plan-nothing.txt": human(t, resting(), PlanOptions{}),
		"plan.md":          markdownOf(t, moving()),
		"plan-nothing.md":  markdownOf(t, resting()),
		"plan.json":        asJSON.String(),
	} {
		file := filepath.Join("testdata", name)
		if *updatePlans {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (go test -run PlanViews -update-plans writes it):\n%s", name, diff)
		}
	}
}

func TestLargePlansAreFoldedButTheirDeletionsAreNot(t *testing.T) {
	p := large(1000, 2)
	text := human(t, p, PlanOptions{})
	if n := strings.Count(text, "\n"); n > 600 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(text, "… 460 more: 46,460 new items") || !strings.Contains(text, "9,200 deleted") {
		t.Errorf("the fold does not say what it hides:\n%s", regexp.MustCompile(`(?m)^.*more.*$`).FindString(text))
	}
	if all := human(t, p, PlanOptions{All: true}); strings.Count(all, "user|") != 1000 {
		t.Errorf("-all names %d", strings.Count(all, "user|"))
	}
}

func TestNamesCannotCommandATerminal(t *testing.T) {
	p := moving()
	p.Steps[1].Folders[1].Path = inventory.Path{"\x1b[31mred\u202e"}
	p.Findings[0].Summary = "\x1b]0;title\a"
	if text := human(t, p, PlanOptions{}); strings.ContainsAny(text, "\x1b\a\u202e") {
		t.Errorf("%q", text)
	}
}

func TestMarkdownFitsIntoACommentHoweverLarge(t *testing.T) {
	for _, n := range []int{1, 40, 1000, 100_000} {
		for _, batches := range []int{1, 30, n} {
			if batches > n || batches > 1000 {
				continue
			}
			text := markdownOf(t, large(n, batches))
			if size := utf8.RuneCountInString(text); size >= 60_000 {
				t.Errorf("%d recipients in %d batches: %d characters", n, batches, size)
			}
			harmless(t, text)
			if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
				t.Errorf("%d in %d: details are not closed", n, batches)
			}
		}
	}
}

var inCode = regexp.MustCompile(`<code>[^<>]*</code>`)

// harmless checks that nothing foreign stands outside of <code>, and that
// nothing inside has a meaning.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, span := range inCode.FindAllString(text, -1) {
		if inner := span[6 : len(span)-7]; strings.ContainsAny(inner, "|`*_[]@\n") {
			t.Fatalf("in code: %s", inner)
		}
	}
	rest := inCode.ReplaceAllString(text, "")
	rest = strings.ReplaceAll(rest, "`cutover show`", "")
	if strings.ContainsAny(rest, "@`") || strings.Contains(rest, "<script") || strings.Contains(rest, "</code>") {
		t.Fatalf("outside of code: %s", rest)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") > 6 {
			t.Fatalf("a table has a row with too many cells: %s", line)
		}
	}
}

func TestMarkdownIsStable(t *testing.T) {
	first, second := markdownOf(t, large(50, 3)), markdownOf(t, large(50, 3))
	if first != second {
		t.Error("equal plans are different text")
	}
}

func BenchmarkMarkdown100k(b *testing.B) {
	p := large(100_000, 30)
	for b.Loop() {
		markdownOf(b, p)
	}
}
