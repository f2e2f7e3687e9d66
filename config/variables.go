package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is a variable block and the value it got.
type variable struct {
	name       string
	header     hcl.Range
	typ        cty.Type // DynamicPseudoType when any will do
	defaults   *typeexpr.Defaults
	standard   cty.Value // of the default argument; NilVal when there is none
	sensitive  bool
	validation []*section
	value      cty.Value
}

var variableLayout = layout{
	attributes: []string{"type", "default", "sensitive", "description"},
	blocks:     []blockLayout{{name: "validation", repeated: true}},
}

var validationLayout = layout{required: []string{"condition", "error_message"}}

// readVariables reads the variable blocks and gives each its value.
func (l *loader) readVariables() {
	l.variable = cty.EmptyObjectVal
	l.root.each("variable", l.declare)
	given := l.assignments()
	values := map[string]cty.Value{}
	for _, name := range sortedKeys(l.variables) {
		v := l.variables[name]
		v.value = l.assign(v, given[name])
		values[name] = v.value
	}
	l.variable = cty.ObjectVal(values)
	for _, name := range sortedKeys(l.variables) {
		l.validate(l.variables[name])
	}
}

// declare reads one variable block.
func (l *loader) declare(b *hclsyntax.Block) {
	name := b.Labels[0]
	if first := l.variables[name]; first != nil {
		l.duplicate(b.DefRange(), fmt.Sprintf("a second variable %q", name), first.header)
		return
	}
	if !l.identifier(b, 0) {
		return
	}
	s := l.open(b, variableLayout)
	v := &variable{name: name, header: b.DefRange(), typ: cty.DynamicPseudoType, value: cty.DynamicVal}
	l.variables[name] = v
	v.sensitive = s.constantBool("sensitive")
	if a := s.attributes["type"]; a != nil {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		l.report.hcl(codeType, diags)
		if !diags.HasErrors() {
			v.typ, v.defaults = typ, defaults
		}
	}
	if a := s.attributes["default"]; a != nil {
		v.standard = l.constant(a.Expr)
		if v.sensitive {
			l.secrets.addAll(v.standard)
		}
		v.standard = l.conform(v, v.standard, a.Expr.Range().Ptr(), "its default")
	}
	s.each("validation", func(b *hclsyntax.Block) { v.validation = append(v.validation, l.open(b, validationLayout)) })
}

// constant evaluates an expression that may refer to nothing.
func (l *loader) constant(expr hclsyntax.Expression) cty.Value {
	value, diags := expr.Value(nil)
	l.report.hcl(codeExpression, diags)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return value
}

// constantBool reads an argument that has to be known before anything else.
func (s *section) constantBool(name string) bool {
	a := s.attributes[name]
	if a == nil {
		return false
	}
	value := s.l.constant(a.Expr)
	if !value.IsKnown() {
		return true // reported; to take it for sensitive is the safe side
	}
	if value.IsNull() || value.Type() != cty.Bool {
		s.l.wrongType(a, "true or false")
		return true
	}
	return value.True()
}

// assign gives a variable the value that was given, or its default.
func (l *loader) assign(v *variable, given *assignment) cty.Value {
	value := v.standard
	if given != nil {
		value = l.conform(v, l.assigned(v, given), given.at, "the value of "+given.from)
	}
	if value == cty.NilVal {
		l.report.error(&v.header, problem{code: codeVariableMissing, summary: fmt.Sprintf("the variable %q has no value", v.name),
			fix: fmt.Sprintf("give it one: -var '%s=...', CUTOVER_VAR_%s, %s, or a default", v.name, v.name, varsFile)})
		return cty.DynamicVal
	}
	if v.sensitive {
		l.secrets.addAll(value)
		value = value.Mark(mark("var." + v.name))
	}
	return value
}

// conform converts a value to the type of its variable.
func (l *loader) conform(v *variable, value cty.Value, at *hcl.Range, what string) cty.Value {
	if v.defaults != nil && !value.IsNull() && value.IsKnown() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		l.report.error(cmpRange(at, &v.header), problem{code: codeType, subject: "var." + v.name,
			summary: fmt.Sprintf("%s does not fit the type of variable %q", what, v.name),
			detail:  err.Error(), fix: "give a value of type " + typeexpr.TypeString(v.typ)})
		return cty.UnknownVal(v.typ)
	}
	return converted
}

// validate runs the validation blocks of a variable.
func (l *loader) validate(v *variable) {
	for _, s := range v.validation {
		condition, message := s.attributes["condition"], s.attributes["error_message"]
		if condition == nil || message == nil || !v.value.IsKnown() {
			continue
		}
		holds, _ := l.value(condition.Expr).UnmarkDeep()
		if !holds.IsKnown() {
			continue
		}
		if holds.IsNull() || holds.Type() != cty.Bool {
			l.wrongType(condition, "true or false")
			continue
		}
		if text, ok := s.str("error_message"); ok && holds.False() {
			l.report.error(&v.header, problem{code: codeVariableInvalid, subject: "var." + v.name,
				summary: fmt.Sprintf("the value of variable %q is not valid", v.name), detail: text, fix: "give another value"})
		}
	}
}

func (l *loader) wrongType(a *hclsyntax.Attribute, want string) {
	fix := "write " + want
	switch {
	case strings.HasPrefix(want, "a list of strings"):
		fix += `, such as ["a", "b"]`
	case strings.HasPrefix(want, "a list of rows"):
		fix = `write csvdecode(file("accounts.csv")), or [{ address = "ann@contoso.test" }]`
	}
	l.report.error(a.Expr.Range().Ptr(), problem{code: codeType, summary: fmt.Sprintf("%q takes %s", a.Name, want), fix: fix})
}

func cmpRange(at, otherwise *hcl.Range) *hcl.Range {
	if at == nil {
		return otherwise
	}
	return at
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
