package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// value evaluates an expression. What cannot be evaluated has been reported
// and is unknown, so that it causes no further findings.
func (l *loader) value(expr hclsyntax.Expression) cty.Value {
	if !l.checkNames(expr) {
		return cty.DynamicVal
	}
	value, diags := expr.Value(l.context(expr))
	l.report.hcl(codeExpression, diags)
	l.secrets.addMarked(value)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return value
}

// context holds what an expression refers to: all variables, and the locals
// it names, which are evaluated for it.
func (l *loader) context(expr hclsyntax.Expression) *hcl.EvalContext {
	locals := map[string]cty.Value{}
	for _, traversal := range expr.Variables() {
		if root, name := names(traversal); root == "local" {
			locals[name] = l.local(name)
		}
	}
	return &hcl.EvalContext{Functions: l.functions, Variables: map[string]cty.Value{
		"var": l.variable, "local": cty.ObjectVal(locals),
	}}
}

// names returns the first two names of a reference: "var" and "password".
func names(traversal hcl.Traversal) (root, name string) {
	if len(traversal) == 0 || traversal.IsRelative() {
		return "", ""
	}
	root = traversal.RootName()
	if len(traversal) > 1 {
		switch step := traversal[1].(type) {
		case hcl.TraverseAttr:
			name = step.Name
		case hcl.TraverseIndex:
			if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
				name = step.Key.AsString()
			}
		}
	}
	return root, name
}

// checkNames reports references to what does not exist.
func (l *loader) checkNames(expr hclsyntax.Expression) bool {
	ok := true
	for _, traversal := range expr.Variables() {
		at := traversal.SourceRange()
		root, name := names(traversal)
		switch root {
		case "var":
			ok = l.checkName(at, "variable", name, slices.Collect(maps.Keys(l.variables))) && ok
		case "local":
			ok = l.checkName(at, "local value", name, slices.Collect(maps.Keys(l.locals))) && ok
		case "source", "target":
			l.report.error(&at, problem{code: codeReference, summary: "an endpoint is not a value",
				detail: "References to endpoints stand in from and to of a migration.", fix: "remove the reference"})
			ok = false
		default:
			l.report.error(&at, problem{code: codeReference, summary: fmt.Sprintf("there is nothing named %q here", root),
				fix: fmt.Sprintf("write var.%s or local.%s for a value, or %q with quotes for text", root, root, root)})
			ok = false
		}
	}
	return ok
}

func (l *loader) checkName(at hcl.Range, noun, name string, known []string) bool {
	switch {
	case name == "":
		l.report.error(&at, problem{code: codeReference, summary: "a reference needs the name of a " + noun,
			fix: "write the name behind a dot, as in var.name"})
		return false
	case slices.Contains(known, name):
		return true
	}
	declare := fmt.Sprintf(`declare it: variable %q {}`, name)
	if noun != "variable" {
		declare = fmt.Sprintf("declare it: locals { %s = ... }", name)
	}
	l.report.error(&at, problem{code: codeReference, summary: fmt.Sprintf("there is no %s %q", noun, name), fix: suggest(name, declare, known)})
	return false
}

// callsEnv reports whether an expression reads the environment.
func callsEnv(expr hcl.Expression) bool {
	node, ok := expr.(hclsyntax.Node)
	found := false
	if ok {
		_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
			call, isCall := n.(*hclsyntax.FunctionCallExpr)
			found = found || isCall && call.Name == "env"
			return nil
		})
	}
	return found
}
