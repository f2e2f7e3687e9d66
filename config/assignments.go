package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// envPrefix stands before the name of a variable in the environment.
const envPrefix = "CUTOVER_VAR_"

// assignment is a value given to a variable from outside: a text, or an
// expression in a file.
type assignment struct {
	text string
	expr hclsyntax.Expression // nil for a text
	from string               // for people: "-var", "CUTOVER_VAR_name", a file
	at   *hcl.Range           // of an expression
}

// assignments collects what is given from outside, the strongest last:
// environment, files found, files named, -var.
func (l *loader) assignments() map[string]*assignment {
	given := map[string]*assignment{}
	for name := range l.variables {
		if text, ok := l.environ[envPrefix+name]; ok {
			given[name] = &assignment{text: text, from: envPrefix + name}
		}
	}
	found, err := autoVarFiles(l.dir)
	if err == nil { // otherwise the folder has been reported
		l.fromFiles(given, found)
	}
	l.fromFiles(given, l.named(l.options.VarFiles))
	l.fromOptions(given)
	return given
}

func (l *loader) named(paths []string) []string {
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = path
		if !filepath.IsAbs(path) {
			all[i] = filepath.Join(l.dir, path)
		}
	}
	return all
}

func (l *loader) fromFiles(given map[string]*assignment, paths []string) {
	for _, path := range paths {
		body := l.readBody(path, true)
		if body == nil {
			continue
		}
		for _, b := range body.Blocks {
			l.report.error(&b.TypeRange, problem{code: codeUnknownBlock, summary: fmt.Sprintf("a file of variables has no block %q", b.Type),
				fix: "move the block to a file whose name does not end in " + varsSuffix})
		}
		for name, a := range body.Attributes {
			if l.variables[name] == nil {
				l.report.warning(&a.NameRange, problem{code: codeVariableUndeclared, subject: "var." + name,
					summary: fmt.Sprintf("no variable %q is declared", name),
					fix:     suggest(name, fmt.Sprintf("remove the value, or declare variable %q {}", name), sortedKeys(l.variables))})
				continue
			}
			given[name] = &assignment{expr: a.Expr, from: filepath.Base(path), at: a.Expr.Range().Ptr()}
		}
	}
}

func (l *loader) fromOptions(given map[string]*assignment) {
	for _, option := range l.options.Vars {
		name, text, ok := strings.Cut(option, "=")
		name = strings.TrimSpace(name)
		switch {
		case !ok:
			l.report.error(nil, problem{code: codeVariableUndeclared, summary: "-var has no value",
				fix: "write -var 'name=value'"})
		case l.variables[name] == nil:
			l.report.error(nil, problem{code: codeVariableUndeclared, subject: "var." + name,
				summary: fmt.Sprintf("-var names a variable %q that is not declared", name),
				fix:     suggest(name, fmt.Sprintf("declare it: variable %q {}", name), sortedKeys(l.variables))})
		default:
			given[name] = &assignment{text: text, from: "-var " + name}
		}
	}
}

// assigned evaluates what is given. A text is taken as it is for variables of
// a simple type, and as an expression for lists, maps and objects.
func (l *loader) assigned(v *variable, given *assignment) cty.Value {
	if given.expr != nil {
		return l.constant(given.expr)
	}
	if v.sensitive {
		l.secrets.add(given.text)
	}
	if v.typ == cty.DynamicPseudoType || v.typ.IsPrimitiveType() {
		return cty.StringVal(given.text)
	}
	expr, diags := hclsyntax.ParseExpression([]byte(given.text), given.from, hcl.InitialPos)
	if diags.HasErrors() {
		l.report.error(nil, problem{code: codeSyntax, subject: "var." + v.name,
			summary: fmt.Sprintf("the value of %s is no expression", given.from), detail: diags[0].Summary + ".",
			fix: `write it as in a file: ["a", "b"] or { a = "b" }`})
		return cty.DynamicVal
	}
	return l.constant(expr)
}
