package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// loader is one run of Load. Reading sorts the blocks of all files, evaluating
// goes from variables over locals to the blocks that use them.
type loader struct {
	dir       string
	options   Options
	environ   map[string]string
	report    *report
	secrets   *secrets
	functions map[string]function.Function

	root      *section // all files as one body
	variables map[string]*variable
	locals    map[string]*local
	variable  cty.Value // the object var

	providers        map[string]*Provider
	state            State
	sources, targets []*Endpoint
	migration        *Migration
}

func newLoader(dir string, o Options) *loader {
	l := &loader{dir: dir, options: o, environ: map[string]string{}, report: newReport(), secrets: newSecrets(),
		variables: map[string]*variable{}, locals: map[string]*local{}, providers: map[string]*Provider{}}
	for _, entry := range o.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			l.environ[name] = value
		}
	}
	l.functions = functions(dir, l.environ, l.secrets.add)
	return l
}

var rootLayout = layout{blocks: []blockLayout{
	{name: "cutover"},
	{name: "variable", labels: []string{"name"}, repeated: true},
	{name: "locals", repeated: true},
	{name: "source", labels: []string{"type", "name"}, repeated: true},
	{name: "target", labels: []string{"type", "name"}, repeated: true},
	{name: "migration", labels: []string{"name"}, repeated: true},
}}

// read parses every file and sorts out the blocks.
func (l *loader) read() {
	all := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	paths, err := Files(l.dir)
	if err != nil {
		l.report.error(nil, problem{code: codeRead, subject: l.dir, summary: "the folder of the configuration cannot be read",
			detail: err.Error(), fix: "correct the path"})
	} else if len(paths) == 0 {
		l.report.error(nil, problem{code: codeEmpty, subject: l.dir, summary: "there is no configuration here",
			detail: "No file of the folder ends in .hcl.", fix: "write one, or name another folder with -chdir"})
	}
	for _, path := range paths {
		body := l.readBody(path, false)
		if body == nil {
			continue
		}
		for name, attribute := range body.Attributes {
			all.Attributes[path+"\x00"+name] = attribute
		}
		all.Blocks = append(all.Blocks, body.Blocks...)
	}
	l.root = l.section("a configuration", hcl.Range{}, all, rootLayout)
}

// evaluate turns blocks into values.
func (l *loader) evaluate() {
	l.readVariables()
	l.readLocals()
	l.readCutover()
	l.readEndpoints()
	l.readMigrations()
}

// config assembles what was read. It is of use only without errors.
func (l *loader) config() *Config {
	byAddress := func(a, b *Endpoint) int { return strings.Compare(a.Address(), b.Address()) }
	slices.SortFunc(l.sources, byAddress)
	slices.SortFunc(l.targets, byAddress)
	c := &Config{Dir: l.dir, Providers: l.providers, State: l.state, Sources: l.sources, Targets: l.targets, Migration: l.migration}
	if l.migration == nil {
		return c
	}
	if c.State.Path == "" {
		c.State.Path = l.migration.Name + ".cutover.db"
	}
	c.Digest = digest(c)
	return c
}
