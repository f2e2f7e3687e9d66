// Package config turns the *.hcl files of one folder into values. It is the
// only package that knows HCL. Whatever is wrong is a finding with its place
// in the source, and all findings of the configuration come out of one run.
package config

import (
	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/providers"
)

// Options are what a configuration is evaluated with, beside its files.
type Options struct {
	// Vars are the values of -var, "name=value", in order. They win over
	// VarFiles, these over *.auto.vars.hcl and cutover.vars.hcl in the folder,
	// and those over CUTOVER_VAR_name in Environ.
	Vars []string
	// VarFiles are the paths of -var-file, in order; relative ones start in
	// the folder of the configuration.
	VarFiles []string
	// Environ is the environment as of os.Environ. Nothing else of it is seen.
	Environ []string
	// Describe says what the settings of a provider are. It is called once for
	// each type of endpoint; block is its provider block, or nil.
	Describe func(provider string, block *Provider) (providers.Description, error)
	// Version is that of the tool, for required_version. Empty satisfies any.
	Version string
}

// Config is an evaluated configuration.
type Config struct {
	Dir string
	// Providers are the provider blocks by name; one that no block names is a
	// built-in.
	Providers map[string]*Provider
	State     State
	// Sources and Targets are all endpoints, sorted by address.
	Sources, Targets []*Endpoint
	Migration        *Migration
	// Secrets are the sensitive values that were seen, longest first, without
	// those that are too short to be told from ordinary text (under 4 bytes).
	// Nothing that holds one of them may be shown.
	Secrets []string
	// Digest is the SHA-256 of the evaluated configuration in hexadecimal. It
	// does not depend on how the files are laid out. In place of a sensitive
	// value stands its name: a password that changes does not change the
	// digest, and nothing about it can be learned from the digest.
	Digest string
}

// Provider is a provider block: where a provider that is not built in comes
// from, and whether it runs in a process of its own.
type Provider struct {
	Name string
	// Command starts an external provider; empty is the built-in one.
	Command []string
	// Isolate runs a built-in as a plugin process.
	Isolate bool
	Range   *diag.Range
}

// State is where the state is kept.
type State struct {
	Type string // "sqlite"
	// Path is absolute or relative to Config.Dir.
	Path  string
	Range *diag.Range // nil when there is no state block
}

// Load reads the configuration in dir. The Config is nil when findings have
// errors; findings never hold a sensitive value.
func Load(dir string, o Options) (*Config, diag.Findings) {
	l := newLoader(dir, o)
	l.read()
	l.evaluate()
	config := l.config()
	findings := l.report.finish(l.secrets)
	if findings.HasErrors() {
		return nil, findings
	}
	config.Secrets = l.secrets.list()
	return config, findings
}
