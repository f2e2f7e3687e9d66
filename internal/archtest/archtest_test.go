package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheProgramKeepsItsShape(t *testing.T) {
	files, err := read(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files were read", len(files))
	}
	for _, v := range violations(files) {
		t.Error(v)
	}
}

// Each rule catches the import it is about, and lets its neighbour pass.
func TestEachRuleCatchesWhatItIsAbout(t *testing.T) {
	cases := []struct{ rule, pkg, breaks, keeps string }{
		{"inventory and diag", "inventory", module + "/diag", "strings"},
		{"inventory and diag", "diag", "golang.org/x/text/width", "slices"},
		{"HCL is imported", "planner", "github.com/hashicorp/hcl/v2/hclsyntax", "cmp"},
		{"HCL is imported", "internal/cli", "github.com/zclconf/go-cty/cty", module + "/config"},
		{"planner knows no provider", "planner", module + "/providers/imap", module + "/providers"},
		{"planner knows no provider", "planner/plan", module + "/state/sqlite", module + "/state"},
		{"planner does no I/O", "planner", "os", "slices"},
		{"executor sees no", "executor", module + "/config", module + "/planner/plan"},
		{"a provider knows no plan", "providers/imap", module + "/providers/mem", module + "/providers/imap/imapstream"},
		{"a provider knows no plan", "providers/imap/imapstream", module + "/state", module + "/inventory"},
		{"the contract of providers", "providers", module + "/state", module + "/inventory"},
		{"views reach neither", "internal/view", module + "/state/sqlite", module + "/planner/plan"},
		{"only providers/builtin", "survey", module + "/providers/mem", module + "/providers"},
		{"only cmd/cutover", "internal/cli", module + "/providers/builtin", module + "/survey"},
		{"internal/cli is imported", "executor", module + "/internal/cli", module + "/internal/pace"},
	}
	tested := map[string]bool{}
	for _, c := range cases {
		found := strings.Join(violations([]file{source(c.pkg, c.breaks)}), "\n")
		if !strings.Contains(found, "rule: "+c.rule) {
			t.Errorf("%s may import %s: %q", c.pkg, c.breaks, found)
		}
		if found := violations([]file{source(c.pkg, c.keeps)}); len(found) > 0 {
			t.Errorf("%s may not import %s: %q", c.pkg, c.keeps, found)
		}
		tested[c.rule] = true
	}
	for _, r := range rules {
		if !covered(tested, r.name) {
			t.Errorf("no case for the rule %q", r.name)
		}
	}
}

func covered(tested map[string]bool, name string) bool {
	for prefix := range tested {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func source(pkg, target string) file {
	ours, found := strings.CutPrefix(target, module+"/")
	if !found {
		ours = ""
	}
	return file{path: pkg + "/x.go", pkg: pkg, imports: []imported{{target, ours, 3}}}
}

func TestWhoeverPrintsIsFound(t *testing.T) {
	root := t.TempDir()
	text := "package x\nimport (\n\t\"fmt\"\n\t\"os\"\n)\nfunc f() {\n\tfmt.Println(1)\n\tfmt.Fprintln(os.Stdout)\n\tprintln(2)\n}\n"
	for _, pkg := range []string{"executor", "internal/view", "executor/testdata"} {
		if err := os.MkdirAll(filepath.Join(root, pkg), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, pkg, "x.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	found := violations(files)
	if len(files) != 2 || len(found) != 1 || !strings.Contains(found[0], "executor/x.go: line 7: fmt.Println, line 8: os.Stdout, line 9: println") {
		t.Errorf("files %d, found %q", len(files), found)
	}
}
