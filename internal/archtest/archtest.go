// Package archtest holds the shape of the program: who may import whom, and
// why. Its test reads every file of the module.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path under which our packages are imported.
const module = "github.com/cutover-mail/cutover"

// file is what a Go file imports.
type file struct {
	path string // slash-separated, from the root of the module
	// pkg is the folder of the file: "providers/imap".
	pkg     string
	test    bool
	imports []imported
	// prints are the places that write to the process's own streams.
	prints []string
}

// imported is one import. ours is the folder of a package of this module; it
// is empty for others.
type imported struct {
	path, ours string
	line       int
}

// read parses every Go file below root, without hidden folders and testdata.
func read(root string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != root && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(base, ".go") {
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := parse(name, filepath.ToSlash(relative))
		if err == nil {
			files = append(files, f)
		}
		return err
	})
	return files, err
}

func parse(name, relative string) (file, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return file{}, fmt.Errorf("parse %s: %w", relative, err)
	}
	f := file{path: relative, pkg: path.Dir(relative), test: strings.HasSuffix(relative, "_test.go")}
	for _, spec := range tree.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, fmt.Errorf("parse %s: %w", relative, err)
		}
		ours, _ := strings.CutPrefix(target, module+"/")
		if ours == target {
			ours = ""
		}
		f.imports = append(f.imports, imported{target, ours, set.Position(spec.Pos()).Line})
	}
	f.prints = prints(set, tree)
	return f, nil
}

// prints finds fmt.Print and its kin, os.Stdout, and the built-in print.
func prints(set *token.FileSet, tree *ast.File) (found []string) {
	ast.Inspect(tree, func(n ast.Node) bool {
		name := ""
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				name = x.Name + "." + n.Sel.Name
			}
		case *ast.CallExpr:
			if x, ok := n.Fun.(*ast.Ident); ok {
				name = x.Name
			}
		}
		if slices.Contains(printers, name) {
			found = append(found, fmt.Sprintf("line %d: %s", set.Position(n.Pos()).Line, name))
		}
		return true
	})
	return found
}

// printers are the names that reach the streams of the process.
var printers = []string{"fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "print", "println"}

// under reports whether a package is one of the folders, or below one.
func under(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}
