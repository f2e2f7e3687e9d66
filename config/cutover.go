package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var cutoverLayout = layout{attributes: []string{"required_version"}, blocks: []blockLayout{
	{name: "state", labels: []string{"type"}},
	{name: "provider", labels: []string{"name"}, repeated: true},
}}

// readCutover reads the cutover block: what concerns the tool itself.
func (l *loader) readCutover() {
	l.state = State{Type: "sqlite"}
	b := l.root.one("cutover")
	if b == nil {
		return
	}
	s := l.open(b, cutoverLayout)
	l.checkVersion(s)
	if state := s.one("state"); state != nil {
		l.readState(state)
	}
	s.each("provider", l.readProvider)
}

func (l *loader) readState(b *hclsyntax.Block) {
	kind := b.Labels[0]
	if kind != "sqlite" {
		p := problem{code: codeUnsupported, summary: fmt.Sprintf("this version keeps no state in %q", kind), fix: `use state "sqlite"`}
		if near := nearest(kind, []string{"sqlite"}); near != "" {
			p.fix = fmt.Sprintf("did you mean %q?", near)
		}
		l.report.error(&b.LabelRanges[0], p)
		return
	}
	s := l.open(b, layout{attributes: []string{"path"}})
	l.state.Range = toRange(b.DefRange())
	l.state.Path = s.text("path")
}

func (l *loader) readProvider(b *hclsyntax.Block) {
	name := b.Labels[0]
	if first := l.providers[name]; first != nil {
		l.report.error(b.DefRange().Ptr(), problem{code: codeDuplicate, summary: fmt.Sprintf("a second provider %q", name),
			detail: "The first is at " + first.Range.String() + ".", fix: "remove one, or join them"})
		return
	}
	if !l.identifier(b, 0) {
		return
	}
	s := l.open(b, layout{attributes: []string{"command", "isolate"}})
	command := s.list("command")
	p := &Provider{Name: name, Command: texts(command), Isolate: s.boolean("isolate", false), Range: toRange(b.DefRange())}
	if command != nil && (len(command) == 0 || command[0].text == "") {
		s.invalid("command", codeValue, "the command is empty", `name the program: ["./cutover-provider-acme"]`)
	}
	l.providers[name] = p
}
