package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/cutover-mail/cutover/diag"
)

// report collects findings and knows the sources they point into.
type report struct {
	findings diag.Findings
	sources  map[string]*source
}

// source is the text of one file.
type source struct {
	text []byte
	// private text is never quoted: files of variables hold passwords.
	private bool
}

func newReport() *report { return &report{sources: map[string]*source{}} }

// problem is a finding in the making.
type problem struct {
	code, subject, summary, detail, fix string
}

func (r *report) error(at *hcl.Range, p problem)   { r.add(diag.Error, at, p) }
func (r *report) warning(at *hcl.Range, p problem) { r.add(diag.Warning, at, p) }

func (r *report) add(severity diag.Severity, at *hcl.Range, p problem) {
	r.findings = append(r.findings, r.finding(severity, at, p))
}

func (r *report) finding(severity diag.Severity, at *hcl.Range, p problem) diag.Finding {
	f := diag.Finding{Severity: severity, Code: p.code, Subject: p.subject, Summary: p.summary, Detail: p.detail, Fix: p.fix}
	if at != nil {
		f.Range = toRange(*at)
		f.Snippet = r.snippet(*at)
	}
	return f
}

// hcl takes over what HCL itself found, in its own words.
func (r *report) hcl(code string, diags hcl.Diagnostics) {
	for _, d := range diags {
		p := problem{code: code, summary: clause(d.Summary), detail: d.Detail, fix: "correct the expression"}
		if code == codeSyntax {
			p.fix = "correct the syntax; cutover fmt checks it as well"
		}
		fromCall(&p, d)
		severity := diag.Error
		if d.Severity == hcl.DiagWarning {
			severity = diag.Warning
		}
		r.add(severity, d.Subject, p)
	}
}

// fromCall improves on HCL's words for the functions that read files and the
// environment, and keeps what a function says of sensitive arguments to itself.
func fromCall(p *problem, d *hcl.Diagnostic) {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !ok || extra.FunctionCallError() == nil {
		return
	}
	if known, ok := errors.AsType[*callError](extra.FunctionCallError()); ok {
		p.code, p.summary, p.detail, p.fix = known.code, known.summary, known.detail, known.fix
		return
	}
	if touchesSecret(d.Expression, d.EvalContext) {
		p.detail = fmt.Sprintf("The function %s fails; its words may hold a sensitive value and are not shown.", extra.CalledFunctionName())
	}
}

// finish returns the findings in order, without doubles and without secrets.
func (r *report) finish(s *secrets) diag.Findings {
	if len(r.findings) == 0 {
		return nil
	}
	redactor := s.redactor()
	for i := range r.findings {
		f := &r.findings[i]
		for _, text := range []*string{&f.Subject, &f.Summary, &f.Detail, &f.Fix} {
			*text = redactor.text.Replace(*text)
		}
		f.Snippet = redactor.line.Replace(f.Snippet) // as wide as before
	}
	r.findings.Sort()
	return slices.CompactFunc(r.findings, sameFinding)
}

func sameFinding(a, b diag.Finding) bool {
	sameRange := a.Range == b.Range || a.Range != nil && b.Range != nil && *a.Range == *b.Range
	return sameRange && a.Code == b.Code && a.Subject == b.Subject && a.Summary == b.Summary && a.Detail == b.Detail
}

// snippet returns the line on which a range starts.
func (r *report) snippet(at hcl.Range) string {
	src := r.sources[at.Filename]
	if src == nil || src.private || at.Start.Byte > len(src.text) {
		return ""
	}
	start := bytes.LastIndexByte(src.text[:at.Start.Byte], '\n') + 1
	line, _, _ := bytes.Cut(src.text[start:], []byte("\n"))
	return maskLiterals(strings.ToValidUTF8(string(bytes.TrimSuffix(line, []byte("\r"))), "\uFFFD"))
}

// secretLiteral is a quoted value behind a name that says it is secret. It
// serves lines that do not parse, where nothing else is known.
var secretLiteral = regexp.MustCompile(`(?i)((?:password|passphrase|secret|token|default)\w*"?\s*[=:]\s*")([^"]*)`)

// maskLiterals blanks passwords that stand in a line of source, keeping its
// width. The defaults of variables count as passwords.
func maskLiterals(line string) string {
	found := secretLiteral.FindAllStringSubmatchIndex(line, -1)
	for i := len(found) - 1; i >= 0; i-- {
		from, to := found[i][4], found[i][5]
		line = line[:from] + stars(line[from:to]) + line[to:]
	}
	return line
}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }

func toRange(r hcl.Range) *diag.Range {
	return &diag.Range{File: r.Filename, Start: toPos(r.Start), End: toPos(r.End)}
}

func toPos(p hcl.Pos) diag.Pos { return diag.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }

// clause makes HCL's summary one clause in lower case, as ours are.
func clause(s string) string {
	s = strings.TrimRight(s, ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// has reports whether there is a finding of one of the codes.
func (r *report) has(codes ...string) bool {
	return slices.ContainsFunc(r.findings, func(f diag.Finding) bool { return slices.Contains(codes, f.Code) })
}
