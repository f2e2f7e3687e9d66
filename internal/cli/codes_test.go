package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/providers/builtin"
)

// TestEveryCodeIsExplained: what stands in the source as a code can be given to
// `cutover explain`, and each code is explained once, whole.
func TestEveryCodeIsExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, c := range (&App{Builtins: builtin.Providers()}).codes() {
		if explained[c.Code] {
			t.Errorf("%s is explained twice", c.Code)
		}
		explained[c.Code] = true
		if c.Title == "" || c.Cause == "" || c.Fix == "" {
			t.Errorf("%s lacks its title, cause or fix: %+v", c.Code, c)
		}
		if !codeForm.MatchString(c.Code) {
			t.Errorf("%q is not lower-case words joined by -", c.Code)
		}
	}
	emitted := map[string]token.Position{}
	for _, folder := range []string{"config", "planner", "survey", "executor", "state", "providers", "internal"} {
		collectCodes(t, filepath.Join("..", "..", folder), emitted)
	}
	if len(emitted) < 100 {
		t.Fatalf("only %d codes were found in the source", len(emitted))
	}
	for code, at := range emitted {
		if !explained[code] {
			t.Errorf("%s: the code %q is not explained", at, code)
		}
	}
}

var codeForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// collectCodes finds the codes of the program below a folder: constants named
// code..., values of fields named Code, and the first word of the errors of a
// saved plan. Tests and what serves them only are left out.
func collectCodes(t *testing.T, folder string, into map[string]token.Position) {
	files := token.NewFileSet()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasSuffix(d.Name(), "test") || d.Name() == "testdata" || d.Name() == "mem" || d.Name() == "demo"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, value := range codesOf(n) {
				if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if code, err := strconv.Unquote(literal.Value); err == nil && code != "" {
						into[code] = files.Position(literal.Pos())
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// codesOf returns the expressions of a node that are codes.
func codesOf(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.ValueSpec:
		if len(n.Values) == len(n.Names) && strings.HasPrefix(n.Names[0].Name, "code") && n.Names[0].Name != "codes" {
			return n.Values
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			return []ast.Expr{n.Value}
		}
	case *ast.CompositeLit:
		if name, ok := n.Type.(*ast.Ident); ok && (name.Name == "FileError" || name.Name == "StaleError") && len(n.Elts) > 0 {
			return n.Elts[:1]
		}
	}
	return nil
}
