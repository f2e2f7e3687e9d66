package providertest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

var codeForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (s *suite) testDescribe(t *testing.T) {
	d := s.description
	if d.Name == "" || d.Version == "" || d.Summary == "" {
		t.Errorf("Describe needs a name, a version and a summary, and says %q, %q, %q", d.Name, d.Version, d.Summary)
	}
	if len(d.Roles) == 0 {
		t.Error("Describe.Roles is empty: the sides its endpoints can stand on")
	}
	for _, ability := range append([]inventory.Ability{inventory.Directory}, inventory.ContentAbilities()...) {
		i := slices.IndexFunc(d.Abilities, func(a providers.AbilitySupport) bool { return a.Ability == ability })
		if i < 0 || (len(d.Abilities[i].Roles) < len(d.Roles) && d.Abilities[i].Reason == "") {
			t.Errorf("Describe.Abilities says neither on which sides it has %q nor why not", ability)
		}
	}
	seen := map[string]bool{}
	for _, c := range d.Codes {
		if !codeForm.MatchString(c.Code) || c.Title == "" || c.Cause == "" || c.Fix == "" || seen[c.Code] {
			t.Errorf("code %q: lower-case words joined by \"-\", once, with title, cause and fix", c.Code)
		}
		seen[c.Code] = true
	}
	describeSchema(t, "", d.Settings)
}

func describeSchema(t *testing.T, at string, schema providers.Schema) {
	seen := map[string]bool{}
	for _, a := range schema.Attributes {
		if a.Name == "" || a.Help == "" || a.Type == "" || seen[a.Name] {
			t.Errorf("setting %s%q: a name, once, with type and help", at, a.Name)
		}
		seen[a.Name] = true
	}
	for _, b := range schema.Blocks {
		if b.Name == "" || b.Help == "" || seen[b.Name] {
			t.Errorf("block %s%q: a name, once, with help", at, b.Name)
		}
		seen[b.Name] = true
		describeSchema(t, at+b.Name+".", b.Schema)
	}
}

func (s *suite) testSettings(t *testing.T) {
	for _, wrong := range s.Wrong {
		t.Run(wrong.Name, func(t *testing.T) {
			options := s.Options(t, wrong.Role)
			options.Settings = wrong.Settings
			endpoint, err := s.Provider.Open(testContext(t), options)
			if err == nil {
				endpoint.Close()
				t.Fatal("Open took a setting that is wrong: it is a *SettingError")
			}
			setting, ok := errors.AsType[*providers.SettingError](err)
			if !ok || !slices.Equal(setting.Path, wrong.Path) || setting.Summary == "" || setting.Fix == "" {
				t.Fatalf("Open says %#v: a wrong setting is a *SettingError with path %q, summary and fix", err, wrong.Path)
			}
		})
	}
}

func (s *suite) testInfo(t *testing.T) {
	for role, info := range s.info {
		if info.Identity == "" || info.Limits.Connections < 1 || len(info.Abilities) == 0 {
			t.Errorf("Info of the %s needs an identity, at least one connection and an ability: %+v", role, info)
		}
		for _, ability := range info.Abilities {
			if !slices.ContainsFunc(s.description.Abilities, func(a providers.AbilitySupport) bool {
				return a.Ability == ability && slices.Contains(a.Roles, role)
			}) {
				t.Errorf("the %s has %q, which Describe does not know of", role, ability)
			}
		}
		if info.Has(inventory.Mail) && len(info.Formats[inventory.ClassMessage])+len(info.Formats[""]) == 0 {
			t.Errorf("the %s has mail and names no format for messages in Info.Formats", role)
		}
	}
}

func (s *suite) endpoints() map[providers.Role]providers.Endpoint {
	all := map[providers.Role]providers.Endpoint{}
	if s.source != nil {
		all[providers.Source] = s.source
	}
	if s.target != nil {
		all[providers.Target] = s.target
	}
	return all
}

func (s *suite) testRecipients(t *testing.T) {
	if s.source == nil {
		t.Skip("no source")
	}
	address := s.newAddress(t)
	found := 0
	for r, err := range s.source.Recipients(testContext(t)) {
		if err != nil {
			t.Fatalf("Recipients: %v", err)
		}
		if normal, ok := inventory.ParseAddress(string(r.Address)); !ok || normal != r.Address {
			t.Errorf("address %q is not in normalised form", r.Address)
		}
		if r.Address == address && r.Kind == inventory.KindMailbox {
			found++
		}
	}
	if found != 1 {
		t.Errorf("a new mailbox is listed %d times in Recipients of the source", found)
	}
}

func (s *suite) testNoSuchMailbox(t *testing.T) {
	for role, endpoint := range s.endpoints() {
		session, err := endpoint.OpenMailbox(testContext(t), "no-such-mailbox@contoso.test")
		if err == nil {
			session.Close()
			t.Errorf("the %s opened a mailbox that does not exist: Gone (or Denied, where the server does not say)", role)
		} else if kind := providers.KindOf(err); kind != providers.Gone && kind != providers.Denied {
			t.Errorf("a mailbox that does not exist is %s on the %s, and should be Gone or Denied: %v", kind, role, err)
		}
	}
}

func (s *suite) testNoDirectory(t *testing.T) {
	if s.target == nil {
		t.Skip("no target")
	}
	r := inventory.Recipient{Kind: inventory.KindMailbox, Address: "new@contoso.test"}
	if _, err := s.target.CreateRecipient(testContext(t), r, "a-passw0rd-of-the-suite"); providers.KindOf(err) != providers.Unsupported {
		t.Errorf("CreateRecipient without a directory should be Unsupported: %v", err)
	}
}

func (s *suite) testCreateRecipient(t *testing.T) {
	ctx := testContext(t)
	n := counter.Add(1)
	address := func(name string) inventory.Address {
		return inventory.Address(fmt.Sprintf("%s-%d@contoso.test", name, n))
	}
	wanted := []inventory.Recipient{
		{Kind: inventory.KindMailbox, Address: address("mailbox"), Type: inventory.TypeRoom, DisplayName: "Größter Raum",
			Aliases: []inventory.Address{address("alias")}, Hidden: true},
		{Kind: inventory.KindContact, Address: address("contact"), DisplayName: "Outside", External: "out@example.org"},
		{Kind: inventory.KindGroup, Address: address("group"), DisplayName: "All", Members: []inventory.Address{address("contact"), address("mailbox")},
			Owners: []inventory.Address{address("mailbox")}, Security: true},
	}
	for _, r := range wanted {
		for round, adopted := range []bool{false, true} {
			created, err := s.target.CreateRecipient(ctx, r, "a-passw0rd-of-the-suite")
			if err != nil || created.Adopted != adopted {
				t.Fatalf("CreateRecipient %s, time %d: adopted %v, %v; it is idempotent, and Adopted says when it existed", r.Address, round+1, created.Adopted, err)
			}
		}
	}
	clash := inventory.Recipient{Kind: inventory.KindContact, Address: address("mailbox"), External: "x@example.org"}
	if _, err := s.target.CreateRecipient(ctx, clash, ""); providers.KindOf(err) != providers.Rejected {
		t.Errorf("an address that another kind has should be Rejected: %v", err)
	}
	s.compareRecipients(t, wanted)
	wanted[2].DisplayName, wanted[2].Members = "Everyone", []inventory.Address{address("mailbox")}
	if _, err := s.target.UpdateRecipient(ctx, wanted[2]); err != nil {
		t.Fatalf("UpdateRecipient: %v", err)
	}
	s.compareRecipients(t, wanted)
}

func (s *suite) compareRecipients(t *testing.T, wanted []inventory.Recipient) {
	t.Helper()
	got := map[inventory.Address]inventory.Recipient{}
	for r, err := range s.target.Recipients(testContext(t)) {
		if err != nil {
			t.Fatalf("Recipients of the target: %v", err)
		}
		got[r.Address] = r
	}
	for _, want := range wanted {
		r := got[want.Address]
		if r.Kind != want.Kind || r.DisplayName != want.DisplayName || !slices.Equal(r.Members, want.Members) ||
			r.External != want.External || r.Security != want.Security || !slices.Equal(r.Aliases, want.Aliases) || r.Type != want.Type {
			t.Errorf("recipient came back as\n%+v\nand was written as\n%+v", r, want)
		}
	}
}
