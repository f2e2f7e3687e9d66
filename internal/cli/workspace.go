package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/config"
	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/internal/view"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/survey"
)

// variables are the flags that give variables values.
type variables struct{ vars, files []string }

func (v *variables) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&v.vars, "var", nil, "set a variable: `name=value`; may be repeated")
	c.Flags().StringArrayVar(&v.files, "var-file", nil, "read variables from a `file`; may be repeated")
}

type providersByName = map[string]providers.Provider

// workspace is a loaded configuration and what was opened for it.
type workspace struct {
	app       *App
	config    *config.Config
	warnings  diag.Findings
	providers providersByName
	source    survey.Side
	targets   []survey.Side
	closers   []io.Closer
}

// load evaluates the configuration. Findings that are errors have been shown
// when it returns an error.
func (a *App) load(ctx context.Context, v variables) (*workspace, error) {
	w := &workspace{app: a, providers: providersByName{}}
	cfg, findings := config.Load(a.dir(), w.configOptions(ctx, v))
	if findings.HasErrors() {
		w.Close()
		view.Findings(a.Stderr, findings, a.colored(a.Stderr))
		return nil, exit{code: exitError}
	}
	w.config, w.warnings = cfg, findings
	a.secrets.know(cfg.Secrets)
	return w, nil
}

func (w *workspace) configOptions(ctx context.Context, v variables) config.Options {
	return config.Options{
		Vars: v.vars, VarFiles: v.files, Environ: w.app.Environ, Version: w.app.Version,
		Describe: func(name string, block *config.Provider) (providers.Description, error) {
			return w.describe(ctx, name, block)
		},
	}
}

// tryOpen opens every endpoint for what its provider says of the settings.
func (w *workspace) tryOpen(ctx context.Context) diag.Findings {
	var findings diag.Findings
	for _, e := range slices.Concat(w.config.Sources, w.config.Targets) {
		_, found := w.open(ctx, e)
		findings = append(findings, found...)
	}
	return findings
}

// Close ends what was opened, in reverse.
func (w *workspace) Close() error {
	var errs []error
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i].Close())
	}
	w.closers = nil
	return errors.Join(errs...)
}

// describe finds a provider and starts its process if it has one.
func (w *workspace) describe(ctx context.Context, name string, block *config.Provider) (providers.Description, error) {
	p, err := w.provider(ctx, name, block)
	if err != nil {
		return providers.Description{}, err
	}
	w.providers[name] = p
	return p.Describe(), nil
}

func (w *workspace) provider(ctx context.Context, name string, block *config.Provider) (providers.Provider, error) {
	builtin, known := w.app.Builtins[name]
	switch {
	case block != nil && len(block.Command) > 0:
		return w.launch(ctx, w.pluginCommand(block.Command))
	case !known:
		return nil, fmt.Errorf("there is no built-in provider %q, and no provider block gives its command", name)
	case block != nil && block.Isolate:
		return w.launch(ctx, append(append([]string{}, w.app.Self...), name))
	}
	return builtin, nil
}

// pluginCommand resolves a command that is a path in the folder of the
// configuration.
func (w *workspace) pluginCommand(command []string) []string {
	out := append([]string{}, command...)
	if filepath.Base(out[0]) != out[0] && !filepath.IsAbs(out[0]) {
		if abs, err := filepath.Abs(filepath.Join(w.app.dir(), out[0])); err == nil {
			out[0] = abs
		}
	}
	return out
}

func (w *workspace) launch(ctx context.Context, command []string) (providers.Provider, error) {
	p, closer, err := w.app.Launch(ctx, command, w.app.Environ, w.app.logger())
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, closer)
	return p, nil
}

// connect opens the endpoints of the migration; nothing goes over the network
// yet. Settings that a provider refuses have been shown when it returns an
// error.
func (w *workspace) connect(ctx context.Context) error {
	m := w.config.Migration
	if len(m.From) != 1 {
		return fmt.Errorf("migration %q has %d sources; this version takes one", m.Name, len(m.From))
	}
	var findings diag.Findings
	open := func(e *config.Endpoint) survey.Side {
		side, found := w.open(ctx, e)
		findings = append(findings, found...)
		return side
	}
	w.source = open(m.From[0])
	for _, e := range m.To {
		w.targets = append(w.targets, open(e))
	}
	if len(findings) > 0 {
		findings.Sort()
		view.Findings(w.app.Stderr, findings, w.app.colored(w.app.Stderr))
		return exit{code: exitError}
	}
	return nil
}

func (w *workspace) open(ctx context.Context, e *config.Endpoint) (survey.Side, diag.Findings) {
	p := w.providers[e.Type]
	d := p.Describe()
	endpoint, err := p.Open(ctx, providers.Options{Role: e.Role, Name: e.Name, Settings: e.Settings, Folder: w.config.Dir})
	if err != nil {
		return survey.Side{}, settingFindings(e, err)
	}
	w.closers = append(w.closers, endpoint)
	return survey.Side{Address: e.Address(), Provider: d.Name, Version: d.Version, Endpoint: endpoint}, nil
}

// settingFindings gives every setting error in err its place in the source.
func settingFindings(e *config.Endpoint, err error) diag.Findings {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all diag.Findings
		for _, each := range joined.Unwrap() {
			all = append(all, settingFindings(e, each)...)
		}
		return all
	}
	if setting, ok := errors.AsType[*providers.SettingError](err); ok {
		return diag.Findings{e.SettingFinding(setting)}
	}
	return diag.Findings{{
		Severity: diag.Error, Code: codeEndpoint, Subject: e.Address(), Summary: err.Error(),
		Fix: "correct the settings of " + e.Address(), Range: e.Range,
	}}
}

// sides returns every endpoint by address.
func (w *workspace) sides() map[string]providers.Endpoint {
	all := map[string]providers.Endpoint{}
	for _, side := range w.targets {
		all[side.Address] = side.Endpoint
	}
	return all
}

func (w *workspace) statePath() string {
	if filepath.IsAbs(w.config.State.Path) {
		return w.config.State.Path
	}
	return filepath.Join(w.config.Dir, w.config.State.Path)
}

// state opens the state. Without create, a state that does not exist is nil
// and no error.
func (w *workspace) state(ctx context.Context, create bool) (state.Store, error) {
	store, err := sqlite.Open(ctx, w.statePath(), sqlite.Options{Create: create})
	if errors.Is(err, fs.ErrNotExist) && !create {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	w.closers = append(w.closers, store)
	return store, nil
}

// existing opens the state, which has to exist.
func (w *workspace) existing(ctx context.Context) (state.Store, error) {
	store, err := w.state(ctx, false)
	if err == nil && store == nil {
		return nil, fmt.Errorf("there is no state at %s yet; cutover apply makes it", w.statePath())
	}
	return store, err
}
