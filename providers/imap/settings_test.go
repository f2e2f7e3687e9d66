package imap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// faults returns the paths of all setting errors, joined.
func faults(err error) []string {
	var paths []string
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range joined.Unwrap() {
		if bad, ok := errors.AsType[*providers.SettingError](e); ok {
			paths = append(paths, strings.Join(bad.Path, "."))
			if bad.Fix == "" || bad.Summary == "" {
				paths = append(paths, "no fix for "+bad.Summary)
			}
		}
	}
	return paths
}

func TestEveryWrongSettingIsTold(t *testing.T) {
	accounts := []object{{"address": "anna@contoso.test", "password": "p"}}
	for name, c := range map[string]struct {
		set  object
		want []string
	}{
		"all at once":             {object{"host": "a b", "port": 1.5, "security": "ssl", "max_connections": 0, "timeout": "soon", "auth": "ntlm"}, []string{"host", "security", "port", "max_connections", "timeout", "auth", "accounts", "accounts"}},
		"plaintext elsewhere":     {object{"host": "imap.example.org", "security": "none", "accounts": accounts}, []string{"security"}},
		"plaintext allowed":       {object{"host": "imap.example.org", "security": "none", "allow_plaintext": true, "accounts": accounts}, nil},
		"plaintext on loopback":   {object{"host": "::1", "security": "none", "accounts": accounts}, nil},
		"rows":                    {object{"host": "h", "accounts": []object{{"address": "x"}, {"address": "b@contoso.test"}, {"address": "A@contoso.test", "password": "p"}, {"address": "a@contoso.test", "password": "p"}}}, []string{"accounts", "accounts", "accounts"}},
		"master":                  {object{"host": "h", "accounts": accounts, "master": object{"mode": "sudo", "separator": ""}}, []string{"master.username", "master.mode"}},
		"empty separator":         {object{"host": "h", "accounts": accounts, "master": object{"username": "m", "separator": ""}}, []string{"master.separator"}},
		"authzid needs plain":     {object{"host": "h", "accounts": accounts, "auth": "login", "master": object{"username": "m", "password": "p", "mode": "authzid"}}, []string{"auth"}},
		"token without a program": {object{"host": "h", "accounts": accounts, "token": object{"command": []string{}}}, []string{"token.command"}},
		"token and master":        {object{"host": "h", "accounts": accounts, "token": object{"command": []string{"t"}}, "master": object{"username": "m", "password": "p"}}, []string{"master"}},
		"auth without token":      {object{"host": "h", "accounts": accounts, "auth": "xoauth2"}, []string{"auth"}},
		"no such file":            {object{"host": "h", "accounts": accounts, "ca_file": "none.pem"}, []string{"ca_file"}},
		"patterns":                {object{"host": "h", "accounts": accounts, "folders": object{"exclude": []string{"[", "Trash"}}}, []string{"folders.exclude"}},
	} {
		_, err := Provider{}.Open(t.Context(), providers.Options{Role: providers.Source, Settings: settingsOf(t, c.set), Folder: t.TempDir()})
		if diff := cmp.Diff(c.want, faults(err)); diff != "" {
			t.Errorf("%s: %s (%v)", name, diff, err)
		}
	}
}

func TestDefaultsAndNames(t *testing.T) {
	set, err := parseSettings(providers.Options{Role: providers.Target, Settings: settingsOf(t, object{"host": "IMAP.example.org", "password": "p", "username": "{local}@old.{domain}"})})
	if err != nil {
		t.Fatal(err)
	}
	if set.identity() != "imap://imap.example.org:993" || set.connections != 3 {
		t.Errorf("identity %s, %d connections", set.identity(), set.connections)
	}
	a, named := set.find("anna@contoso.test")
	if !named || set.signInName(a) != "anna@old.contoso.test" {
		t.Errorf("signs in as %q, %v", set.signInName(a), named)
	}
}

func TestOnlyNamedAccountsAreOpened(t *testing.T) {
	e := openEndpoint(t, providers.Target, object{"host": "127.0.0.1", "port": 1, "accounts": []object{{"address": "anna@contoso.test", "password": "p", "display_name": nil}}})
	_, err := e.OpenMailbox(t.Context(), "bert@contoso.test")
	if providers.KindOf(err) != providers.Gone || providers.CodeOf(err) != codeNotNamed {
		t.Errorf("got %v", err)
	}
	_, err = e.OpenMailbox(t.Context(), "anna@contoso.test")
	if providers.KindOf(err) != providers.Transient || providers.CodeOf(err) != codeUnreachable {
		t.Errorf("a closed port gives %v", err)
	}
}

func TestExcludedFolders(t *testing.T) {
	set := settings{exclude: []string{"Trash", "Lists/*"}}
	for path, want := range map[string]bool{"Trash": true, "Trash/Old": true, "Lists": false, "Lists/go": true, "Lists/go/2024": true, "Work/Trash": false} {
		if set.excludes(inventory.ParsePath(path)) != want {
			t.Errorf("%s: excluded is not %v", path, want)
		}
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Code] || c.Title == "" || c.Cause == "" || c.Fix == "" {
			t.Errorf("%q is doubled or not explained", c.Code)
		}
		seen[c.Code] = true
	}
	for _, f := range byCode {
		if !seen[f.code] {
			t.Errorf("%q has no explanation", f.code)
		}
	}
	for _, rule := range byWords {
		if !seen[rule.fault.code] {
			t.Errorf("%q has no explanation", rule.fault.code)
		}
	}
}
