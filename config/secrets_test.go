package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/providers"
)

// Configurations with a planted secret and a fault as near to it as can be.
func TestNoFindingHoldsASecret(t *testing.T) {
	const planted = "Planted-Secret-42"
	cases := map[string]struct {
		files map[string]string
		vars  []string
	}{
		"a literal that is only half there":       {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  password = \"" + planted + "\n}\n"}},
		"a literal beside a fault":                {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  master { password = \"" + planted + "\", }\n}\n"}},
		"a literal of the wrong name":             {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  passwrod_token = \"" + planted + "\"\n}\n"}},
		"a literal with a warning":                {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  password = \"" + planted + "\"\n}\n"}},
		"a default":                               {files: map[string]string{"main.hcl": "variable \"x\" {\n  sensitive = true\n  type = number\n  default = \"" + planted + "\"\n}\n"}},
		"a file of variables that does not parse": {files: map[string]string{"main.hcl": "", "cutover.vars.hcl": "x = \"" + planted + "\n"}},
		"a file of variables with a wrong name":   {files: map[string]string{"main.hcl": "", "cutover.vars.hcl": "x = \"" + planted + "\"\n"}},
		"a variable of the wrong type":            {files: map[string]string{"main.hcl": "variable \"x\" {\n  sensitive = true\n  type = number\n}\n"}, vars: []string{"x=" + planted}},
		"a variable that is no expression":        {files: map[string]string{"main.hcl": "variable \"x\" {\n  sensitive = true\n  type = list(string)\n}\n"}, vars: []string{"x=[" + planted}},
		"an undeclared variable":                  {files: map[string]string{"main.hcl": ""}, vars: []string{"x=" + planted}},
		"a function that fails on it":             {files: map[string]string{"main.hcl": "locals {\n  x = parseint(env(\"PLANTED\"), 10)\n}\n"}},
		"a file of that name":                     {files: map[string]string{"main.hcl": "locals {\n  x = file(env(\"PLANTED\"))\n}\n"}},
		"a key":                                   {files: map[string]string{"main.hcl": "locals {\n  x = { a = 1 }[env(\"PLANTED\")]\n}\n"}},
		"a value not allowed":                     {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  host = \"h\"\n  security = env(\"PLANTED\")\n}\n"}},
		"no duration":                             {files: map[string]string{"main.hcl": "source \"imap\" \"old\" {\n  host = \"h\"\n  timeout = env(\"PLANTED\")\n}\n"}},
		"an address":                              {files: map[string]string{"main.hcl": "migration \"m\" {\n  map \"a@contoso.test\" {\n    to = env(\"PLANTED\")\n  }\n}\n"}},
		"the message of a validation":             {files: map[string]string{"main.hcl": "variable \"x\" {\n  validation {\n    condition = false\n    error_message = env(\"PLANTED\")\n  }\n}\n"}, vars: []string{"x=1"}},
		"two keys":                                {files: map[string]string{"main.hcl": "locals {\n  x = { for k in [1, 2] : env(\"PLANTED\") => k }\n}\n"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Environ = append(o.Environ, "PLANTED="+planted)
			o.Vars = c.vars
			_, findings := Load(folder(t, c.files), o)
			if len(findings) == 0 {
				t.Fatal("nothing was found")
			}
			if text := fmt.Sprintf("%+v", findings); strings.Contains(text, "Planted") {
				t.Errorf("a secret is shown:%s\n%s", show(findings), text)
			}
		})
	}
}

func TestASettingThatAProviderRefusesIsShownWhereItStands(t *testing.T) {
	c := load(t, "testdata/full", options())
	old := c.Sources[0]
	f := old.SettingFinding(&providers.SettingError{Path: []string{"master", "separator"}, Summary: "is in use", Fix: "take another"})
	if f.Range == nil || f.Range.String() != "testdata/full/main.hcl:23:17" || f.Snippet != `    separator = "*"` || f.Summary != "master.separator: is in use" {
		t.Errorf("a nested setting: %+v", f)
	}
	f = old.SettingFinding(&providers.SettingError{Path: []string{"ca_file"}, Summary: "there is no file"})
	if f.Range == nil || f.Range.Start.Line != 14 || f.Snippet != `source "imap" "old" {` {
		t.Errorf("one that is not set: %+v", f)
	}
	f = old.SettingFinding(&providers.SettingError{Path: []string{"master", "password"}, Summary: "masters-Passw0rd is too short"})
	if strings.Contains(fmt.Sprintf("%+v", f), "masters-Passw0rd") || f.Severity != diag.Error || f.Code != codeSetting {
		t.Errorf("one that quotes a secret: %+v", f)
	}
}

func TestWhatCountsAsASecret(t *testing.T) {
	dir := folder(t, map[string]string{"main.hcl": `
variable "tokens" {
  type      = map(string)
  sensitive = true
  default   = { a = "token-of-a", b = "abc" }
}
locals {
  host = env("HOST")
}
source "imap" "old" {
  host     = "imap.${local.host}"
  password = "literal-password"
  accounts = [{ address = "ann@contoso.test", token = "tok-1234", username = "ann" }]
}
target "imap" "new" {
  host = "127.0.0.1"
}
migration "contoso" {
  from = source.imap.old
  to   = target.imap.new
}
`})
	o := options()
	o.Environ = []string{"HOST=contoso.test", "OTHER=not-read"}
	c := load(t, dir, o)
	want := []string{"imap.contoso.test", "literal-password", "contoso.test", "token-of-a", "tok-1234"}
	if !slices.Equal(c.Secrets, want) {
		t.Errorf("secrets %q, want %q", c.Secrets, want)
	}
}
