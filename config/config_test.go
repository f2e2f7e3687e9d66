package config

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/providers"
)

var update = flag.Bool("update", false, "write the golden files")

// describe plays the providers of the tests.
func describe(name string, block *Provider) (providers.Description, error) {
	switch {
	case name == "imap":
		return providers.Description{Name: name, Settings: imapSchema}, nil
	case name == "sink":
		return providers.Description{Name: name, Roles: []providers.Role{providers.Target}}, nil
	case name == "acme" && block != nil && len(block.Command) == 1:
		return providers.Description{Name: name, Settings: acmeSchema}, nil
	}
	return providers.Description{}, errors.New("not among the built-in providers: archive, imap, mem")
}

var imapSchema = providers.Schema{
	Attributes: []providers.Attribute{
		{Name: "host", Type: providers.TypeString, Required: true, Help: "name or address of the server"},
		{Name: "port", Type: providers.TypeNumber},
		{Name: "security", Type: providers.TypeString, Allowed: []string{"tls", "starttls", "none"}},
		{Name: "username", Type: providers.TypeString},
		{Name: "password", Type: providers.TypeString, Secret: true},
		{Name: "accounts", Type: providers.TypeRows},
		{Name: "namespaces", Type: providers.TypeStrings},
		{Name: "timeout", Type: providers.TypeDuration},
		{Name: "allow_plaintext", Type: providers.TypeBool},
		{Name: "create", Type: providers.TypeBool, Roles: []providers.Role{providers.Target}},
	},
	Blocks: []providers.Block{{Name: "master", Schema: providers.Schema{Attributes: []providers.Attribute{
		{Name: "username", Type: providers.TypeString, Required: true},
		{Name: "password", Type: providers.TypeString, Secret: true, Required: true},
		{Name: "separator", Type: providers.TypeString},
	}}}},
}

var acmeSchema = providers.Schema{
	Attributes: []providers.Attribute{{Name: "url", Type: providers.TypeString, Required: true}},
	Blocks: []providers.Block{
		{Name: "directory", Label: "kind", Schema: providers.Schema{Attributes: []providers.Attribute{{Name: "base", Type: providers.TypeString}}}},
		{Name: "rule", Repeated: true, Schema: providers.Schema{Attributes: []providers.Attribute{{Name: "allow", Type: providers.TypeStrings}}}},
	},
}

func options() Options {
	return Options{Describe: describe, Version: "0.1.0",
		Environ: []string{"SRC_MASTER=masters-Passw0rd", "CUTOVER_VAR_target_password=targets-Passw0rd"}}
}

// load fails the test on errors.
func load(t *testing.T, dir string, o Options) *Config {
	t.Helper()
	c, findings := Load(dir, o)
	if findings.HasErrors() {
		t.Fatalf("Load(%s): %s", dir, show(findings))
	}
	return c
}

func show(findings diag.Findings) string {
	var b strings.Builder
	for _, f := range findings {
		at := "-"
		if f.Range != nil {
			at = f.Range.String()
		}
		b.WriteString("\n" + at + ": " + string(f.Severity) + ": " + f.Code + ": " + f.Summary + " | " + f.Detail + " | " + f.Fix)
	}
	return b.String()
}

// seen is what the golden file of a configuration shows.
type seen struct {
	State            State
	Providers        map[string]*Provider
	Sources, Targets map[string]json.RawMessage
	From, To         []string
	Migration        *Migration
	Secrets          []string
}

func TestTheWholeConfigurationIsDecoded(t *testing.T) {
	c := load(t, "testdata/full", options())
	got := seen{State: c.State, Providers: c.Providers, Sources: settingsOf(c.Sources), Targets: settingsOf(c.Targets),
		From: addressesOf(c.Migration.From), To: addressesOf(c.Migration.To), Migration: c.Migration, Secrets: c.Secrets}
	got.Migration.From, got.Migration.To = nil, nil
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.json", append(text, '\n'))
}

func settingsOf(endpoints []*Endpoint) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, e := range endpoints {
		all[e.Address()] = json.RawMessage(e.Settings)
	}
	return all
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(filepath.FromSlash(path), got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
