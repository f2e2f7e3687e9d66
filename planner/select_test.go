package planner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/state"
)

// choice writes a selection as "batch:address>target ..." and those left out.
func choice(s Selected) string {
	var parts []string
	for _, c := range s.Chosen {
		parts = append(parts, fmt.Sprintf("%s:%s>%s", c.Batch, c.Recipient.Address, c.Target))
	}
	for _, l := range s.LeftOut {
		parts = append(parts, fmt.Sprintf("-%s", l.Recipient.Address))
	}
	return strings.ReplaceAll(strings.Join(parts, " "), "@contoso.test", "")
}

func TestRulesChoose(t *testing.T) {
	people := []inventory.Recipient{user("anna@contoso.test"), user("bob@contoso.test"), user("test-1@contoso.test"), group("all@contoso.test")}
	for _, c := range []struct {
		name      string
		migration Migration
		selection plan.Selection
		want      string
		findings  string
	}{
		{name: "no rules: everybody", want: ":all>all :anna>anna :bob>bob :test-1>test-1"},
		{
			name:      "include and exclude, whatever the case",
			migration: Migration{Include: []Rule{{Kinds: []inventory.Kind{"mailbox"}, Match: []string{"*@CONTOSO.test"}}}, Exclude: []Rule{{Match: []string{"Test-?@*"}}}},
			want:      ":anna>anna :bob>bob -all -test-1",
		},
		{
			name:      "a map block gives another address",
			migration: Migration{Map: []Mapping{{From: "bob@contoso.test", To: "robert@contoso.test"}, {From: "x@contoso.test", To: "y@contoso.test"}}},
			want:      ":all>all :anna>anna :bob>robert :test-1>test-1", findings: "map-unused x@contoso.test",
		},
		{
			name:      "two with one address",
			migration: Migration{Map: []Mapping{{From: "bob@contoso.test", To: "anna@contoso.test"}}},
			want:      ":all>all :anna>anna :test-1>test-1 -bob", findings: "target-address-doubled bob@contoso.test",
		},
		{
			name:      "accepted domains",
			migration: Migration{AcceptedDomains: []string{"Contoso.test"}, Map: []Mapping{{From: "bob@contoso.test", To: "bob@other.test"}}},
			want:      ":all>all :anna>anna :test-1>test-1 -bob", findings: "domain-not-accepted bob@contoso.test",
		},
		{
			name: "batches run after those they wait for",
			migration: Migration{Batches: []Batch{
				{Name: "rest", EveryoneElse: true, After: []string{"pilot"}}, {Name: "pilot", Members: []inventory.Address{"bob@contoso.test", "bod@contoso.test"}},
			}},
			want: "pilot:bob>bob rest:all>all rest:anna>anna rest:test-1>test-1", findings: "batch-member-absent bod@contoso.test",
		},
		{
			name: "two batches claim one, a rule wins over a batch",
			migration: Migration{
				Exclude: []Rule{{Match: []string{"anna@*"}}},
				Batches: []Batch{{Name: "a", Members: []inventory.Address{"bob@contoso.test", "anna@contoso.test"}}, {Name: "b", Match: []string{"b*"}}},
			},
			want: "a:bob>bob -all -anna -test-1", findings: "batch-member-excluded anna@contoso.test, batch-overlap bob@contoso.test",
		},
		{
			name:      "batches that wait for each other",
			migration: Migration{Batches: []Batch{{Name: "a", EveryoneElse: true, After: []string{"b"}}, {Name: "b", Match: []string{"b*"}, After: []string{"a", "c"}}}},
			want:      "a:all>all a:anna>anna a:test-1>test-1 b:bob>bob", findings: "batch-cycle a, batch-unknown b",
		},
		{name: "-target and -exclude", selection: plan.Selection{Target: []string{"B*", "anna@contoso.test"}, Exclude: []string{"anna*"}}, want: ":bob>bob"},
		{name: "-target that matches nothing", selection: plan.Selection{Target: []string{"nobody@*"}}, want: "", findings: "selection-empty nobody@*"},
		{
			name:      "-batch",
			migration: Migration{Batches: []Batch{{Name: "a", Match: []string{"a*"}}, {Name: "b", EveryoneElse: true, After: []string{"a"}}}},
			selection: plan.Selection{Batch: "b"}, want: "b:bob>bob b:test-1>test-1", findings: "batch-before-its-turn b",
		},
		{name: "-batch that is not there", selection: plan.Selection{Batch: "b"}, want: "", findings: "batch-unknown b"},
	} {
		s := Select(Input{Migration: c.migration, Selection: c.selection, Recipients: people})
		if got := choice(s); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if got := strings.Join(codes(s.Findings), ", "); got != c.findings {
			t.Errorf("%s: findings %s, want %s", c.name, got, c.findings)
		}
		for _, f := range s.Findings {
			if f.Fix == "" || f.Summary == "" {
				t.Errorf("%s: %s has no fix", c.name, f.Code)
			}
		}
	}
}

func TestAbsentMemberIsPointedToWhatWasMeant(t *testing.T) {
	anna := user("anna@contoso.test")
	anna.Aliases = []inventory.Address{"a.smith@contoso.test"}
	s := Select(Input{Recipients: []inventory.Recipient{anna, user("bob@contoso.test")}, Migration: Migration{Batches: []Batch{
		{Name: "p", Members: []inventory.Address{"a.smith@contoso.test", "bob@kontoso.test"}}, {Name: "r", EveryoneElse: true},
	}}})
	if f := s.Findings[0]; f.Fix != "write anna@contoso.test instead" {
		t.Errorf("%+v", f)
	}
	if f := s.Findings[1]; !strings.Contains(f.Fix, "is it bob@contoso.test?") {
		t.Errorf("%+v", f)
	}
}

func TestEarlierBatchThatHasRunIsNoFinding(t *testing.T) {
	in := Input{
		Recipients: []inventory.Recipient{user("anna@contoso.test"), user("bob@contoso.test")}, Selection: plan.Selection{Batch: "b"},
		Migration: Migration{Batches: []Batch{{Name: "a", Match: []string{"a*"}}, {Name: "b", EveryoneElse: true, After: []string{"a"}}}},
		Known:     map[RecipientKey]state.Recipient{{inventory.KindMailbox, "anna@contoso.test"}: {Batch: "a", Synced: time.Unix(1, 0)}},
	}
	if s := Select(in); len(s.Findings) > 0 {
		t.Errorf("%v", codes(s.Findings))
	}
}

func TestContactsStandForAddressesOutside(t *testing.T) {
	contact := func(a, external inventory.Address) inventory.Recipient {
		return inventory.Recipient{Kind: inventory.KindContact, Address: a, External: external}
	}
	s := Select(Input{
		Migration:  Migration{AcceptedDomains: []string{"contoso.test"}},
		Recipients: []inventory.Recipient{contact("x@example.org", "x@example.org"), contact("y@example.org", "z@example.org"), contact("s@contoso.test", "s@example.org")},
	})
	if got := choice(s); got != ":s>s :x@example.org>x@example.org -y@example.org" {
		t.Errorf("%s", got)
	}
}

func TestGlobs(t *testing.T) {
	subjects := []string{"a@b", "@b", "abc", "ac", "abcd", "accc", "xy", "axby", "a@contoso"}
	for pattern, want := range map[string]string{
		"*":         "a@b @b abc ac abcd accc xy axby a@contoso",
		"*@b":       "a@b @b",
		"a?c":       "abc",
		"a*c*":      "abc ac abcd accc a@contoso",
		"*x*y":      "xy axby",
		"A@CONTOSO": "a@contoso",
		"":          "",
	} {
		globs := compileGlobs([]string{pattern})
		var got []string
		for _, s := range subjects {
			if globs.match(s) {
				got = append(got, s)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q matches %q, want %q", pattern, got, want)
		}
	}
}
