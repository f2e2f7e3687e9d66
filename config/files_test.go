package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const smallest = `
source "imap" "old" {
  host = var.host
}
target "imap" "new" {
  host = "127.0.0.1"
}
migration "contoso" {
  from = source.imap.old
  to   = target.imap.new
}
variable "host" {
  default = "default.contoso.test"
}
`

func TestTheStrongestValueOfAVariableWins(t *testing.T) {
	files := map[string]string{"main.hcl": smallest}
	o := options()
	expect := func(step, want string) {
		t.Helper()
		c := load(t, folder(t, files), o)
		if got := string(c.Sources[0].Settings); got != `{"host":"`+want+`.contoso.test"}` {
			t.Errorf("%s: %s", step, got)
		}
	}
	expect("default", "default")
	o.Environ = append(o.Environ, "CUTOVER_VAR_host=env.contoso.test")
	expect("environment", "env")
	files["cutover.vars.hcl"] = `host = "vars.contoso.test"`
	expect("cutover.vars.hcl", "vars")
	files["b.auto.vars.hcl"], files["a.auto.vars.hcl"] = `host = "b.contoso.test"`, `host = "a.contoso.test"`
	expect("the last of *.auto.vars.hcl", "b")
	files["named.vars.hcl"] = `host = "named.contoso.test"`
	expect("a file of variables that nobody names", "b")
	o.VarFiles = []string{"named.vars.hcl"}
	expect("-var-file", "named")
	o.Vars = []string{"host=one.contoso.test", "host=two.contoso.test"}
	expect("the last -var", "two")
}

func TestDefaults(t *testing.T) {
	c := load(t, folder(t, map[string]string{"main.hcl": smallest}), options())
	m := c.Migration
	if c.State.Type != "sqlite" || c.State.Path != "contoso.cutover.db" || c.State.Range != nil {
		t.Errorf("state: %+v", c.State)
	}
	if m.Sync.Deletions != "mirror" || m.Completion.Phase != "sync" || m.Passwords != (Passwords{Length: 16, MustChange: true}) {
		t.Errorf("migration: %+v", m)
	}
	if p := m.Planner(); p.Name != "contoso" || p.Deletions != "mirror" {
		t.Errorf("for the planner: %+v", p)
	}
}

func TestWhichFilesMakeAConfiguration(t *testing.T) {
	dir := folder(t, map[string]string{"b.hcl": "", "a.hcl": "", ".hidden.hcl": "", "cutover.vars.hcl": "", "x.auto.vars.hcl": "", "readme.md": ""})
	paths, err := Files(dir)
	if want := []string{filepath.Join(dir, "a.hcl"), filepath.Join(dir, "b.hcl")}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("Files: %q, %v", paths, err)
	}
	for name, dir := range map[string]string{codeEmpty: t.TempDir(), codeRead: filepath.Join(dir, "missing")} {
		c, findings := Load(dir, options())
		if c != nil || len(findings) != 1 || findings[0].Code != name {
			t.Errorf("%s: %s", name, show(findings))
		}
	}
	o := options()
	o.VarFiles = []string{"missing.vars.hcl"}
	if c, findings := Load(folder(t, map[string]string{"main.hcl": smallest}), o); c != nil || len(findings) != 1 || findings[0].Code != codeRead {
		t.Errorf("a file of variables that is missing: %s", show(findings))
	}
}

func TestFormatLaysOutAndRefusesWhatDoesNotParse(t *testing.T) {
	got, findings := Format([]byte("a=1\nlonger   = 2\nb {\nc=1\n}\n"), "main.hcl")
	if string(got) != "a      = 1\nlonger = 2\nb {\n  c = 1\n}\n" || len(findings) > 0 {
		t.Errorf("Format: %q %s", got, show(findings))
	}
	broken := "a = = 1\n"
	got, findings = Format([]byte(broken), "main.hcl")
	if string(got) != broken || !findings.HasErrors() || findings[0].Snippet != "a = = 1" {
		t.Errorf("Format of broken text: %q %s", got, show(findings))
	}
}

func TestVersionsAndConstraints(t *testing.T) {
	cases := []struct {
		version, constraint string
		want                bool
	}{
		{"0.1.0", ">= 0.1", true}, {"0.1.0", "> 0.1", false}, {"v0.2.0-dev+dirty", ">= 0.2", true}, {"1.4.0", "~> 1.2", true},
		{"2.0.0", "~> 1.2", false}, {"1.2.9", "~> 1.2.3", true}, {"1.3.0", "~> 1.2.3", false}, {"1.0.0", ">= 0.1, < 1", false},
		{"1.0.0", "1", true}, {"1.0.0", "!= 1.0.0", false}, {"1.0.1", "<= 1.0.0", false}, {"1.0.0", "= 1.0", true},
	}
	for _, c := range cases {
		version, ok := parseRelease(c.version)
		holds, readable := satisfies(version, c.constraint)
		if !ok || !readable || holds != c.want {
			t.Errorf("%s %s: %v", c.version, c.constraint, holds)
		}
	}
	for _, constraint := range []string{"", ">=", "1.2.3.4", "=> 1", "1,", "one"} {
		if _, ok := satisfies(release{}, constraint); ok {
			t.Errorf("%q was read as a constraint", constraint)
		}
	}
}

// A wrong column of a large file is one mistake, not ten thousand findings;
// and the time a file takes grows with its size, not with its square.
func TestAHundredThousandMembers(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("address,name\n")
	for i := range 100_000 {
		fmt.Fprintf(&csv, "user%d@contoso.test,Name\n", i)
	}
	config := func(column string) string {
		return strings.Replace(smallest, "target.imap.new\n}", "target.imap.new\n  batch \"all\" {\n    members = csvdecode(file(\"all.csv\"))[*]."+column+"\n  }\n}", 1)
	}
	c := load(t, folder(t, map[string]string{"main.hcl": config("address"), "all.csv": csv.String()}), options())
	if got := len(c.Migration.Batches[0].Members); got != 100_000 {
		t.Errorf("%d members", got)
	}
	_, findings := Load(folder(t, map[string]string{"main.hcl": config("name"), "all.csv": csv.String()}), options())
	if len(findings) == 0 || len(findings) > maxSame+1 {
		t.Errorf("%d findings", len(findings))
	}
}
