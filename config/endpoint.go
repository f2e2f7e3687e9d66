package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/providers"
)

// Endpoint is a source or target block.
type Endpoint struct {
	Role providers.Role
	// Type is the name of the provider, Name the label.
	Type, Name string
	// Settings hold secrets in the clear: for the provider, not for showing.
	Settings providers.Settings
	Range    *diag.Range

	shown   map[string]any // the settings, with the names of secrets in place of them
	places  map[string]place
	secrets *secrets
}

// place is where a setting stands.
type place struct {
	at      diag.Range
	snippet string
}

// Address is how references and plans name the endpoint: "source.imap.old".
func (e *Endpoint) Address() string {
	return string(e.Role) + "." + e.Type + "." + e.Name
}

// SettingFinding turns what a provider says of a setting into a finding at
// the place where the setting stands, or its block if it is not set.
func (e *Endpoint) SettingFinding(wrong *providers.SettingError) diag.Finding {
	f := diag.Finding{Severity: diag.Error, Code: codeSetting, Subject: e.Address(), Summary: wrong.Summary, Fix: wrong.Fix, Range: e.Range}
	if len(wrong.Path) > 0 {
		f.Summary = strings.Join(wrong.Path, ".") + ": " + wrong.Summary
	}
	for n := len(wrong.Path); n >= 0; n-- {
		if p, ok := e.places[strings.Join(wrong.Path[:n], ".")]; ok {
			f.Range, f.Snippet = &p.at, p.snippet
			break
		}
	}
	redactor := e.secrets.redactor()
	f.Summary, f.Fix, f.Snippet = redactor.text.Replace(f.Summary), redactor.text.Replace(f.Fix), redactor.line.Replace(f.Snippet)
	return f
}

// readEndpoints reads every source and target block.
func (l *loader) readEndpoints() {
	described := map[string]*providers.Description{}
	first := map[string]hcl.Range{}
	for _, b := range l.root.blocks {
		if b.Type != string(providers.Source) && b.Type != string(providers.Target) {
			continue
		}
		if !l.identifier(b, 0) || !l.identifier(b, 1) {
			continue
		}
		e := &Endpoint{Role: providers.Role(b.Type), Type: b.Labels[0], Name: b.Labels[1], Range: toRange(b.DefRange()),
			places: map[string]place{}, secrets: l.secrets}
		if at, ok := first[e.Address()]; ok {
			l.duplicate(b.DefRange(), "a second "+blockName(b), at)
			continue
		}
		first[e.Address()] = b.DefRange()
		l.readEndpoint(e, b, described)
		if e.Role == providers.Source {
			l.sources = append(l.sources, e)
		} else {
			l.targets = append(l.targets, e)
		}
	}
}

func (l *loader) readEndpoint(e *Endpoint, b *hclsyntax.Block, described map[string]*providers.Description) {
	description := l.describe(e.Type, b, described)
	if description == nil {
		return
	}
	if !stands(description.Roles, e.Role) {
		l.report.error(&b.TypeRange, problem{code: codeRole, summary: fmt.Sprintf("provider %q cannot be a %s", e.Type, e.Role),
			fix: fmt.Sprintf("use another provider for the %s", e.Role)})
		return
	}
	d := &decoder{l: l, e: e}
	tree := d.body(blockName(b), b.DefRange(), b.Body, description.Settings, nil)
	e.mark("", b.DefRange(), l.report)
	e.shown, _ = masked(tree).(map[string]any)
	text, err := json.Marshal(plain(tree))
	if err != nil {
		l.report.error(&b.TypeRange, problem{code: codeValue, summary: "the settings cannot be written as JSON", detail: err.Error(), fix: "correct the values"})
		return
	}
	e.Settings = providers.Settings(text)
}

// mark notes where a setting stands; the first of a path counts.
func (e *Endpoint) mark(path string, at hcl.Range, r *report) {
	if _, ok := e.places[path]; !ok {
		e.places[path] = place{*toRange(at), r.snippet(at)}
	}
}

// describe asks for the description of a provider once.
func (l *loader) describe(name string, b *hclsyntax.Block, described map[string]*providers.Description) *providers.Description {
	if known, ok := described[name]; ok {
		return known
	}
	described[name] = nil
	if l.options.Describe == nil {
		l.report.error(&b.LabelRanges[0], problem{code: codeProvider, summary: "no provider is known", fix: "report this as a bug"})
		return nil
	}
	d, err := l.options.Describe(name, l.providers[name])
	if err != nil {
		l.report.error(&b.LabelRanges[0], problem{code: codeProvider, summary: fmt.Sprintf("there is no provider %q", name), detail: err.Error(),
			fix: fmt.Sprintf("correct the name, or say in the cutover block how to start it: provider %q { command = [...] }", name)})
		return nil
	}
	described[name] = &d
	return &d
}

// stands reports whether a role is among those listed; none listed is both.
func stands(roles []providers.Role, role providers.Role) bool {
	for _, r := range roles {
		if r == role {
			return true
		}
	}
	return len(roles) == 0
}
