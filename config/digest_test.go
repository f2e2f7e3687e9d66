package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// full copies the whole configuration of testdata, with changes to its files.
func full(t *testing.T, change func(files map[string]string)) string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir("testdata/full")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join("testdata", "full", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(text)
	}
	change(files)
	return folder(t, files)
}

func edit(t *testing.T, files map[string]string, name, old, new string) {
	t.Helper()
	if !strings.Contains(files[name], old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	files[name] = strings.Replace(files[name], old, new, 1)
}

func TestTheDigestDoesNotDependOnLayoutAndPasswords(t *testing.T) {
	want := load(t, "testdata/full", options()).Digest
	if len(want) != 64 {
		t.Fatalf("digest %q", want)
	}
	cases := map[string]func(files map[string]string){
		"nothing": func(map[string]string) {},
		"one file": func(files map[string]string) {
			files["main.hcl"] = "# all in one\n" + files["variables.hcl"] + files["main.hcl"]
			delete(files, "variables.hcl")
		},
		"blocks in another order": func(files map[string]string) {
			at := strings.Index(files["main.hcl"], "source \"imap\"")
			files["a.hcl"] = files["main.hcl"][at:]
			files["z.hcl"] = files["main.hcl"][:at]
			delete(files, "main.hcl")
		},
		"formatting": func(files map[string]string) {
			files["main.hcl"] = strings.ReplaceAll(files["main.hcl"], "  ", "\t \t")
		},
		"a value written otherwise": func(files map[string]string) {
			edit(t, files, "main.hcl", `"24h"`, `"1440m"`)
			edit(t, files, "main.hcl", `length      = 20`, `length      = 4 * 5`)
		},
		"a password in the file of accounts": func(files map[string]string) {
			edit(t, files, "accounts.csv", "annsSecret1", "annsSecret9")
		},
		"where the state lies": func(files map[string]string) {
			edit(t, files, "main.hcl", "contoso.cutover.db", "other.db")
		},
	}
	for name, change := range cases {
		if got := load(t, full(t, change), options()).Digest; got != want {
			t.Errorf("%s: the digest has changed", name)
		}
	}
	o := options()
	o.Environ = []string{"SRC_MASTER=rotated-master", "CUTOVER_VAR_target_password=rotated-target"}
	if got := load(t, "testdata/full", o).Digest; got != want {
		t.Error("rotated passwords: the digest has changed")
	}
}

func TestTheDigestChangesWithWhatARunDoes(t *testing.T) {
	base := load(t, "testdata/full", options()).Digest
	seen := map[string]string{base: "unchanged"}
	replace := func(name, old, new string) func(map[string]string) {
		return func(files map[string]string) { edit(t, files, name, old, new) }
	}
	cases := map[string]func(files map[string]string){
		"host":          replace("variables.hcl", "127.0.0.1", "127.0.0.2"),
		"accounts":      replace("accounts.csv", "bob@contoso.test,bob", "bob@contoso.test,robert"),
		"a member":      replace("pilot.csv", "ann@", "anna@"),
		"batch order":   replace("main.hcl", `after         = ["pilot"]`, ``),
		"deletions":     replace("main.hcl", `"keep"`, `"mirror"`),
		"a waiver":      replace("main.hcl", `"users recreate them"`, `"nobody has any"`),
		"a mapping":     replace("main.hcl", `"new.name@contoso.test"`, `"newer.name@contoso.test"`),
		"order of to":   replace("main.hcl", "[target.imap.mail, target.acme.calendars]", "[target.acme.calendars, target.imap.mail]"),
		"which secret":  replace("main.hcl", `env("SRC_MASTER")`, `var.target_password`),
		"isolation":     replace("main.hcl", "isolate = true", "isolate = false"),
		"a block fewer": replace("main.hcl", "  directory \"ldap\" {\n    base = \"dc=contoso,dc=test\"\n  }\n", ""),
	}
	for name, change := range cases {
		got := load(t, full(t, change), options()).Digest
		if other, ok := seen[got]; ok {
			t.Errorf("%s: same digest as %s", name, other)
		}
		seen[got] = name
	}
}

func TestSecretsAreNotInTheMaterialOfTheDigest(t *testing.T) {
	c := load(t, "testdata/full", options())
	text, err := json.Marshal(digestMaterial(c))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Secrets) != 4 {
		t.Errorf("secrets: %q", c.Secrets)
	}
	for _, secret := range c.Secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	for _, name := range []string{"env.SRC_MASTER", "var.target_password", "source.imap.old.accounts.1.password"} {
		if !strings.Contains(string(text), name) {
			t.Errorf("%s is not named in %s", name, text)
		}
	}
}
