package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/cutover-mail/cutover/diag"
)

// Files with the values of variables. They are read without being named, and
// are no part of the configuration.
const (
	varsFile       = "cutover.vars.hcl"
	varsSuffix     = ".vars.hcl"
	autoVarsSuffix = ".auto.vars.hcl"
)

// Files returns the paths of the files that make the configuration in dir,
// sorted: *.hcl without hidden files and files of variables (*.vars.hcl).
func Files(dir string) ([]string, error) {
	return list(dir, func(name string) bool { return !strings.HasSuffix(name, varsSuffix) })
}

// autoVarFiles returns the files of variables that are read unasked, in order.
func autoVarFiles(dir string) ([]string, error) {
	first, err := list(dir, func(name string) bool { return name == varsFile })
	if err != nil {
		return nil, err
	}
	rest, err := list(dir, func(name string) bool { return strings.HasSuffix(name, autoVarsSuffix) })
	return append(first, rest...), err
}

func list(dir string, wanted func(name string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the configuration: %w", err)
	}
	var paths []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, ".hcl") || strings.HasPrefix(name, ".") || !wanted(name) {
			continue
		}
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths, nil
}

// Format lays src out in the canonical way. A text that does not parse comes
// back as it is, with findings.
func Format(src []byte, filename string) ([]byte, diag.Findings) {
	r := newReport()
	r.parse(src, filename, false)
	if r.findings.HasErrors() {
		return src, r.finish(newSecrets())
	}
	return hclwrite.Format(src), nil
}

// parse returns nil when the text cannot be used at all.
func (r *report) parse(text []byte, filename string, private bool) *hclsyntax.Body {
	r.sources[filename] = &source{text, private}
	file, diags := hclsyntax.ParseConfig(text, filename, hcl.InitialPos)
	r.hcl(codeSyntax, diags)
	if file == nil {
		return nil
	}
	body, _ := file.Body.(*hclsyntax.Body)
	return body
}

// readBody reads and parses a file, reporting what goes wrong.
func (l *loader) readBody(path string, private bool) *hclsyntax.Body {
	text, err := os.ReadFile(path)
	if err != nil {
		l.report.error(nil, problem{code: codeRead, subject: path, summary: "the file cannot be read",
			detail: reason(err), fix: "correct the path, or give this user the right to read it"})
		return nil
	}
	return l.report.parse(text, path, private)
}

// reason is what the system says, without operation and path.
func reason(err error) string {
	if p, ok := err.(*os.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}
