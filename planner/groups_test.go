package planner

import (
	"slices"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// directoryOnly is a migration of directory entries.
func directoryOnly(recipients ...inventory.Recipient) Input {
	in := input(recipients...)
	in.Targets = []Endpoint{{Address: "target.ldap.dir", Provider: "ldap"}}
	in.Targets[0].Info.Abilities = []inventory.Ability{inventory.Directory}
	return in
}

// check plans, compares, and demands that the plan orders its needs and that
// a second one is empty.
func check(t *testing.T, in Input, want string) *plan.Plan {
	t.Helper()
	p := mustPlan(t, in)
	if want != "" {
		expect(t, p, want)
	}
	done := map[plan.StepID]bool{}
	for _, s := range p.Steps {
		for _, n := range s.Needs {
			if !done[n] {
				t.Errorf("%s %s comes before what it needs", s.Action, s.Source)
			}
		}
		if done[s.ID] {
			t.Errorf("%s %s has the ID of another step", s.Action, s.Source)
		}
		done[s.ID] = true
	}
	if second := mustPlan(t, applied(in, p)); !second.Empty() {
		t.Errorf("second plan:\n%s", story(second))
	}
	return p
}

func TestGroupsComeAfterTheirMembers(t *testing.T) {
	check(t, directoryOnly(group("a@contoso.test", "b@contoso.test", "x@example.org", "z@contoso.test"), group("b@contoso.test", "z@contoso.test"), user("z@contoso.test")), `
		create mailbox z@contoso.test
		create group b@contoso.test with [z@contoso.test]
		create group a@contoso.test with [b@contoso.test x@example.org z@contoso.test]`)
}

func TestGroupsThatHoldEachOtherAreMadeInTwoPasses(t *testing.T) {
	check(t, directoryOnly(group("a@contoso.test", "b@contoso.test", "x@example.org"), group("b@contoso.test", "a@contoso.test"), group("c@contoso.test", "c@contoso.test")), `
		create group b@contoso.test
		create group a@contoso.test with [b@contoso.test x@example.org]
		create group c@contoso.test
		update group b@contoso.test with [a@contoso.test]
		update group c@contoso.test with [c@contoso.test]`)
}

func TestMembersOfLaterBatchesAreAddedWhenTheyAreThere(t *testing.T) {
	in := directoryOnly(group("all@contoso.test", "anna@contoso.test", "bob@contoso.test"), user("anna@contoso.test"), user("bob@contoso.test"))
	in.Migration.Batches = []Batch{{Name: "one", Match: []string{"a*"}}, {Name: "two", EveryoneElse: true}}
	check(t, in, `
		create mailbox anna@contoso.test in one
		create group all@contoso.test in one with [anna@contoso.test]
		create mailbox bob@contoso.test in two
		update group all@contoso.test in two with [anna@contoso.test bob@contoso.test]`)

	in.Selection.Batch = "one"
	first := check(t, in, `
		create mailbox anna@contoso.test in one
		create group all@contoso.test in one with [anna@contoso.test]`)
	next := applied(in, first)
	next.Selection.Batch = ""
	check(t, next, `
		keep mailbox anna@contoso.test in one
		create mailbox bob@contoso.test in two
		update group all@contoso.test in two with [anna@contoso.test bob@contoso.test]`)
}

func TestMembersFollowTheMapAndTheirAliases(t *testing.T) {
	bob := user("bob@contoso.test")
	bob.Aliases = []inventory.Address{"bobby@contoso.test"}
	in := directoryOnly(group("g@contoso.test", "anna@contoso.test", "bobby@contoso.test"), user("anna@contoso.test"), bob)
	in.Migration.Map = []Mapping{{From: "anna@contoso.test", To: "anne@contoso.test"}}
	p := check(t, in, `
		create mailbox anna@contoso.test as anne@contoso.test
		create mailbox bob@contoso.test
		create group g@contoso.test with [anne@contoso.test bob@contoso.test]`)
	if a := p.Steps[0].Recipient.Aliases; !slices.Equal(a, []inventory.Address{"anna@contoso.test"}) {
		t.Errorf("aliases %v", a)
	}
}

func TestMembersLeftOutAreALoss(t *testing.T) {
	in := directoryOnly(group("g@contoso.test", "anna@contoso.test", "test@contoso.test"), user("anna@contoso.test"), user("test@contoso.test"))
	in.Migration.Exclude = []Rule{{Match: []string{"test@*"}}}
	if _, findings := Plan(in); !slices.Equal(codes(findings), []string{"loss-not-waived group-members-not-migrated"}) {
		t.Errorf("%v", codes(findings))
	}
	in.Migration.Waivers = []Waiver{{Code: "group-members-not-migrated", Reason: "test users"}}
	check(t, in, `
		create mailbox anna@contoso.test
		create group g@contoso.test with [anna@contoso.test]
		skip mailbox test@contoso.test`)
}

func TestWhatIsOnTheTargetIsAdoptedAndOnlyAddedTo(t *testing.T) {
	in := directoryOnly(group("g@contoso.test", "anna@contoso.test"), user("anna@contoso.test"))
	in.Targets[0].Recipients = []inventory.Recipient{group("g@contoso.test", "theirs@example.org"), user("anna@contoso.test")}
	check(t, in, `
		keep mailbox anna@contoso.test
		update group g@contoso.test with [anna@contoso.test theirs@example.org]`)
	in.Targets[0].Recipients[1].Kind = inventory.KindContact
	if _, findings := Plan(in); !slices.Equal(codes(findings), []string{"target-kind-differs anna@contoso.test"}) {
		t.Errorf("%v", codes(findings))
	}
}

func TestWhatAUserChangedOnTheTargetStaysUntilTheSourceChanges(t *testing.T) {
	in := directoryOnly(group("g@contoso.test", "x@example.org"))
	next := applied(in, mustPlan(t, in))
	next.Targets[0].Recipients[0].Members = []inventory.Address{"x@example.org", "added@example.org"}
	expect(t, mustPlan(t, next), "keep group g@contoso.test")
	next.Recipients = []inventory.Recipient{group("g@contoso.test", "y@example.org")}
	p := mustPlan(t, next)
	expect(t, p, "update group g@contoso.test with [y@example.org]")
	if len(p.Steps[0].Before.Members) != 2 {
		t.Errorf("before %v", p.Steps[0].Before)
	}
}

func TestMailboxIsCreatedBeforeItIsFilled(t *testing.T) {
	in := input(user("anna@contoso.test")).with("anna@contoso.test", Mailbox{Source: []inventory.Folder{folder("INBOX", inventory.RoleInbox, 1)}})
	in.Targets[0].Info.Abilities = append(in.Targets[0].Info.Abilities, inventory.Directory)
	check(t, in, `
		create mailbox anna@contoso.test
		copy mailbox anna@contoso.test
		  INBOX > INBOX new +1 ~0 m0 -0 r0`)
}
