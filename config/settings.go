package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/cutover-mail/cutover/providers"
)

// decoder turns the body of an endpoint into a tree of settings.
type decoder struct {
	l *loader
	e *Endpoint
}

// body decodes a body as its schema says. path leads to it.
func (d *decoder) body(what string, header hcl.Range, body *hclsyntax.Body, schema providers.Schema, path []string) map[string]any {
	s := d.l.section(what, header, body, schemaLayout(schema))
	tree := map[string]any{}
	for _, a := range schema.Attributes {
		d.attribute(s, a, path, tree)
	}
	for _, b := range schema.Blocks {
		d.blocks(s, b, path, tree)
	}
	return tree
}

func schemaLayout(schema providers.Schema) layout {
	var is layout
	for _, a := range schema.Attributes {
		is.attributes = append(is.attributes, a.Name)
	}
	for _, b := range schema.Blocks {
		known := blockLayout{name: b.Name, repeated: b.Repeated}
		if b.Label != "" {
			known.labels = []string{b.Label}
		}
		is.blocks = append(is.blocks, known)
	}
	return is
}

func (d *decoder) attribute(s *section, a providers.Attribute, path []string, tree map[string]any) {
	set := s.attributes[a.Name]
	if set == nil {
		if a.Required && stands(a.Roles, d.e.Role) {
			s.missing(a.Name, a.Help)
		}
		return
	}
	if !d.mayStand(set.NameRange, a.Name, a.Roles) {
		return
	}
	path = append(slices.Clone(path), a.Name)
	d.e.mark(strings.Join(path, "."), set.Expr.Range(), d.l.report)
	if value, ok := d.value(s, a, set, path); ok {
		tree[a.Name] = value
	} else if a.Required && isNull(d.l, set) {
		s.missing(a.Name, a.Help)
	}
}

// isNull reports whether an argument is set to null, which is not to set it.
func isNull(l *loader, a *hclsyntax.Attribute) bool {
	value, diags := a.Expr.Value(l.context(a.Expr))
	return !diags.HasErrors() && value.IsKnown() && value.IsNull()
}

func (d *decoder) mayStand(at hcl.Range, name string, roles []providers.Role) bool {
	if stands(roles, d.e.Role) {
		return true
	}
	d.l.report.error(&at, problem{code: codeRole, summary: fmt.Sprintf("a %s has no %q", d.e.Role, name),
		detail: fmt.Sprintf("It belongs to a %s.", roles[0]), fix: "remove it"})
	return false
}

// kinds are the types of settings as HCL has them, and in words.
var kinds = map[providers.Type]struct {
	typ  cty.Type
	says string
}{
	providers.TypeString:   {cty.String, "a string"},
	providers.TypeDuration: {cty.String, "a duration"},
	providers.TypeBool:     {cty.Bool, "true or false"},
	providers.TypeNumber:   {cty.Number, "a number"},
	providers.TypeStrings:  {cty.List(cty.String), "a list of strings"},
	providers.TypeRows:     {cty.DynamicPseudoType, "a list of rows"},
}

// value decodes the value of one setting into a tree.
func (d *decoder) value(s *section, a providers.Attribute, set *hclsyntax.Attribute, path []string) (any, bool) {
	kind, ok := kinds[a.Type]
	if !ok {
		s.invalid(a.Name, codeProvider, fmt.Sprintf("the provider declares %q with the unknown type %q", a.Name, a.Type), "use another version of the provider")
		return nil, false
	}
	value, ok := d.l.typed(set, kind.typ, kind.says)
	if !ok {
		return nil, false
	}
	if a.Type == providers.TypeRows {
		return d.rows(set, value, path)
	}
	name := marksOf(value)
	value, _ = value.UnmarkDeep()
	if a.Secret {
		name = d.secret(set, value, name, path)
	}
	if !d.allowed(s, a, value) {
		return nil, false
	}
	leaf := scalar(value)
	if name == "" {
		return leaf, true
	}
	d.l.secrets.addAll(value)
	return hidden{leaf, name}, true
}

// secret warns of a password that stands in the file, and names it.
func (d *decoder) secret(set *hclsyntax.Attribute, value cty.Value, name string, path []string) string {
	if name != "" {
		return name
	}
	d.l.secrets.addAll(value)
	if _, diags := set.Expr.Value(nil); !diags.HasErrors() {
		at := set.Expr.Range()
		d.l.report.warning(&at, problem{code: codeSecretLiteral, summary: fmt.Sprintf("%q stands in the file in clear text", set.Name),
			fix: fmt.Sprintf("take it from the environment, env(\"...\"), or from a variable with sensitive = true; then change the %s", set.Name)})
	}
	return d.e.Address() + "." + strings.Join(path, ".")
}

// allowed checks what a schema says of a value.
func (d *decoder) allowed(s *section, a providers.Attribute, value cty.Value) bool {
	if value.Type() != cty.String {
		return true
	}
	text := value.AsString()
	if a.Type == providers.TypeDuration {
		if _, fix := parseDuration(text); fix != "" {
			s.invalid(a.Name, codeDuration, fmt.Sprintf("%q is no duration", text), fix)
			return false
		}
	}
	if len(a.Allowed) > 0 && !slices.Contains(a.Allowed, text) {
		s.invalid(a.Name, codeValue, fmt.Sprintf("%q cannot be %q", a.Name, text), suggest(text, "write another", a.Allowed))
		return false
	}
	return true
}

// secretColumns are the columns of rows that hold secrets.
var secretColumns = []string{"password", "passphrase", "secret", "token"}

// rows decodes what csvdecode returns: a list of objects of strings. HCL
// writes such a list by hand as [{ a = "b" }, ...].
func (d *decoder) rows(set *hclsyntax.Attribute, value cty.Value, path []string) (any, bool) {
	value, marks := value.Unmark()
	outer := marksOf(cty.EmptyObjectVal.WithMarks(marks))
	if !value.CanIterateElements() || !(value.Type().IsListType() || value.Type().IsTupleType() || value.Type().IsSetType()) {
		d.l.wrongType(set, "a list of rows, as csvdecode returns it")
		return nil, false
	}
	rows := make([]any, 0, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		_, element := it.Element()
		row, ok := d.row(element, outer, fmt.Sprintf("%s.%s.%d", d.e.Address(), strings.Join(path, "."), len(rows)+1))
		if !ok {
			d.l.wrongType(set, "a list of rows, as csvdecode returns it, with strings in them")
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

func (d *decoder) row(value cty.Value, sensitive, name string) (map[string]any, bool) {
	value, marks := value.Unmark()
	sensitive = joinNames(sensitive, marksOf(cty.EmptyObjectVal.WithMarks(marks)))
	if value.IsNull() || !(value.Type().IsObjectType() || value.Type().IsMapType()) {
		return nil, false
	}
	row := map[string]any{}
	for it := value.ElementIterator(); it.Next(); {
		key, cell := it.Element()
		column := key.AsString()
		source := joinNames(sensitive, marksOf(cell))
		cell, _ = cell.UnmarkDeep()
		text, err := convert.Convert(cell, cty.String)
		if err != nil {
			return nil, false
		}
		if text.IsNull() {
			continue
		}
		if slices.Contains(secretColumns, strings.ToLower(column)) && source == "" {
			source = name + "." + column
		}
		row[column] = text.AsString()
		if source != "" {
			d.l.secrets.add(text.AsString())
			row[column] = hidden{text.AsString(), source}
		}
	}
	return row, true
}

func joinNames(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "+" + b
}

// blocks decodes the blocks of a name.
func (d *decoder) blocks(s *section, schema providers.Block, path []string, tree map[string]any) {
	path = append(slices.Clone(path), schema.Name)
	var all []any
	s.each(schema.Name, func(b *hclsyntax.Block) {
		if !d.mayStand(b.TypeRange, schema.Name, schema.Roles) {
			return
		}
		d.e.mark(strings.Join(path, "."), b.DefRange(), d.l.report)
		inner := d.body(blockName(b), b.DefRange(), b.Body, schema.Schema, path)
		if schema.Label != "" {
			inner[schema.Label] = b.Labels[0]
		}
		all = append(all, inner)
	})
	switch {
	case len(all) == 0:
	case schema.Repeated:
		tree[schema.Name] = all
	default:
		tree[schema.Name] = all[0]
	}
}
