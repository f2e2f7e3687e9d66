package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// job is what a workflow file says of one job, in either dialect.
type job struct {
	env   map[string]string
	steps []step
}

// step is a shell step, or an artifact that is kept.
type step struct {
	run    string
	env    map[string]string
	always bool // also after a failure
	keep   string
}

// githubFile and gitlabFile are the parts of workflow files that matter here.
type githubFile struct {
	On   map[string]any
	Jobs map[string]struct {
		If          string
		Env         map[string]string
		Concurrency struct {
			Group  string
			Cancel *bool `yaml:"cancel-in-progress"`
		}
		Steps []struct {
			Run, Uses, If string
			Env           map[string]string
			With          map[string]string
		}
	}
}

type gitlabFile map[string]struct {
	Script        []string
	After         []string `yaml:"after_script"`
	ResourceGroup string   `yaml:"resource_group"`
	Artifacts     struct{ Paths []string }
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func githubJobs(t *testing.T, dir string) map[string]job {
	var file githubFile
	readYAML(t, filepath.Join(dir, "github", "workflows", "cutover.yml"), &file)
	if file.On["pull_request"] == nil || file.On["push"] == nil {
		t.Errorf("the workflow runs on %v", file.On)
	}
	if c := file.Jobs["apply"].Concurrency; c.Group == "" || strings.Contains(c.Group, "${{") || c.Cancel == nil || *c.Cancel {
		t.Errorf("two applies could run, or one be cancelled: %+v", c)
	}
	if !strings.Contains(file.Jobs["plan"].If, "head.repo.full_name == github.repository") {
		t.Error("requests from forks are planned, with the secrets")
	}
	jobs := map[string]job{}
	for name, j := range file.Jobs {
		out := job{env: j.Env}
		for _, s := range j.Steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("a step of %s puts an expression into a shell: %s", name, s.Run)
			}
			next := step{run: s.Run, env: s.Env, always: strings.Contains(s.If, "!cancelled()")}
			if strings.HasPrefix(s.Uses, "actions/upload-artifact@") && name == "plan" {
				next.keep = s.With["path"]
			}
			out.steps = append(out.steps, next)
		}
		jobs[name] = out
	}
	return jobs
}

func gitlabJobs(t *testing.T, dir string) map[string]job {
	var document map[string]yaml.Node
	readYAML(t, filepath.Join(dir, ".gitlab-ci.yml"), &document)
	jobs := map[string]job{}
	for _, name := range []string{"plan", "apply"} {
		node := document[name]
		var j gitlabFile
		if err := (&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: name}, &node}}).Decode(&j); err != nil {
			t.Fatal(err)
		}
		if name == "apply" && j[name].ResourceGroup == "" {
			t.Error("two applies could run")
		}
		out := job{steps: []step{{run: strings.Join(j[name].Script, "\n")}}}
		for _, path := range j[name].Artifacts.Paths {
			if name == "plan" {
				out.steps = append(out.steps, step{keep: path})
			}
		}
		out.steps = append(out.steps, step{run: strings.Join(j[name].After, "\n"), always: true})
		jobs[name] = out
	}
	return jobs
}

var expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)

// evaluate replaces expressions by their values, all of which a test has to
// give.
func evaluate(t *testing.T, env, values map[string]string) (list []string) {
	t.Helper()
	for name, text := range env {
		list = append(list, name+"="+expression.ReplaceAllStringFunc(text, func(e string) string {
			value, ok := values[expression.FindStringSubmatch(e)[1]]
			if !ok {
				t.Fatalf("%s is %s, which the test does not know", name, e)
			}
			return value
		}))
	}
	return list
}
