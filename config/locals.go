package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// local is a named expression, evaluated when it is first needed.
type local struct {
	attribute *hclsyntax.Attribute
	value     cty.Value
	state     localState
}

type localState uint8

const (
	localNew localState = iota
	localRunning
	localDone
)

// readLocals collects the locals of all files and evaluates each, also those
// that nothing refers to, so that their faults are found.
func (l *loader) readLocals() {
	l.root.each("locals", func(b *hclsyntax.Block) {
		for _, inner := range b.Body.Blocks {
			l.report.error(&inner.TypeRange, problem{code: codeUnknownBlock, summary: fmt.Sprintf("locals has no block %q", inner.Type),
				fix: fmt.Sprintf("write %s = { ... }", inner.Type)})
		}
		for name, attribute := range b.Body.Attributes {
			if first := l.locals[name]; first != nil {
				l.duplicate(attribute.NameRange, fmt.Sprintf("a second local value %q", name), first.attribute.NameRange)
				continue
			}
			l.locals[name] = &local{attribute: attribute}
		}
	})
	for _, name := range sortedKeys(l.locals) {
		l.local(name)
	}
}

// local returns the value of a local, evaluating it and what it needs.
func (l *loader) local(name string) cty.Value {
	v := l.locals[name]
	switch {
	case v == nil:
		return cty.DynamicVal
	case v.state == localRunning:
		l.reportCycle(name)
		v.value = cty.DynamicVal
	case v.state == localNew:
		v.state = localRunning
		v.value = l.value(v.attribute.Expr)
		v.state = localDone
	}
	return v.value
}

// reportCycle names the locals that need each other, each cycle once.
func (l *loader) reportCycle(name string) {
	path := l.cyclePath(name, name, nil)
	if len(path) == 0 {
		return
	}
	first := slices.Min(path)
	at := l.locals[first].attribute.NameRange
	l.report.error(&at, problem{code: codeCycle, summary: fmt.Sprintf("the local value %q needs itself", first),
		detail: "Through: " + strings.Join(path, ", ") + ".", fix: "break the circle"})
}

// cyclePath returns the names on a way from one local to another.
func (l *loader) cyclePath(from, to string, seen []string) []string {
	seen = append(slices.Clone(seen), from)
	for _, traversal := range l.locals[from].attribute.Expr.Variables() {
		root, next := names(traversal)
		if root != "local" || l.locals[next] == nil {
			continue
		}
		if next == to {
			return seen
		}
		if l.locals[next].state == localRunning && !slices.Contains(seen, next) {
			if path := l.cyclePath(next, to, seen); path != nil {
				return path
			}
		}
	}
	return nil
}
