package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// repository is a user's repository in which every change is reviewed, and the
// forge that it is on.
type repository struct {
	*forge
	t      *testing.T
	dir    string
	jobs   map[string]job
	env    []string
	target string
}

// config is a migration that needs no server.
const config = `variable "source_password" {
  sensitive = true
}

variable "target_password" {
  sensitive = true
}

cutover {
  state "sqlite" {
    path = "%DIR%/contoso.cutover.db"
  }
}

source "archive" "old" {
  path   = "%DIR%/mail"
  format = "mbox"
  domain = "contoso.test"
}

target "archive" "new" {
  path = "%DIR%/target"
}

migration "contoso" {
  from             = source.archive.old
  to               = target.archive.new
  accepted_domains = ["contoso.test"]

  include {
    match = ["anna@*"]
  }
}
`

func newRepository(t *testing.T, jobs func(*testing.T, string) map[string]job, env ...string) *repository {
	for _, tool := range []string{"git", "curl", "jq", "unzip"} {
		if _, err := exec.LookPath(tool); err != nil {
			servertest.Missing(t, tool)
		}
	}
	base := t.TempDir()
	r := &repository{forge: startForge(t), t: t, dir: filepath.Join(base, "repository"), target: filepath.Join(base, "target")}
	r.env = environment(t, append(env, "GITHUB_API_URL="+r.URL, "CI_API_V4_URL="+r.URL,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@contoso.test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@contoso.test")...)
	for from, to := range map[string]string{"pull-request": r.dir, "mbox-import/mail": filepath.Join(base, "mail")} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	r.jobs = jobs(t, r.dir)
	r.write(strings.ReplaceAll(config, "%DIR%", base))
	r.git("init", "-q", "-b", "main")
	r.git("add", ".")
	r.git("commit", "-q", "-m", "begin")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "main.hcl"), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repository) edit(old, new string) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "main.hcl"))
	if err != nil || !strings.Contains(string(text), old) {
		r.t.Fatalf("main.hcl has no %q (%v)", old, err)
	}
	r.write(strings.Replace(string(text), old, new, 1))
}

// run runs a job on the commit that is checked out, as the forge would, and
// returns what it says and whether it went well.
func (r *repository) run(name string) (output string, ok bool) {
	r.t.Helper()
	sha := r.git("rev-parse", "HEAD")
	values := map[string]string{
		"secrets.SOURCE_PASSWORD": "source-Secret-1", "secrets.TARGET_PASSWORD": "target-Secret-2", "github.token": forgeToken,
		"github.event.pull_request.number": "7", "github.event.pull_request.head.sha": sha, "github.sha": sha,
	}
	j, ok := r.jobs[name]
	if !ok {
		r.t.Fatalf("there is no job %s", name)
	}
	os.RemoveAll(filepath.Join(r.dir, "out"))
	for _, s := range j.steps {
		switch {
		case !ok && !s.always:
		case s.keep != "":
			plan, err := os.ReadFile(filepath.Join(r.dir, s.keep))
			if err != nil {
				r.t.Errorf("the artifact: %v", err)
			}
			r.plans[sha] = plan
		case s.run != "":
			cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", s.run)
			cmd.Dir = r.dir
			cmd.Env = append(append(append([]string{}, r.env...), evaluate(r.t, j.env, values)...), evaluate(r.t, s.env, values)...)
			cmd.Env = append(cmd.Env, "GITHUB_SHA="+sha, "CI_COMMIT_SHA="+sha)
			out, err := cmd.CombinedOutput()
			output += string(out)
			ok = ok && err == nil
		}
	}
	for _, secret := range []string{forgeToken, "source-Secret-1", "target-Secret-2"} {
		if strings.Contains(output+strings.Join(r.comments, ""), secret) {
			r.t.Errorf("%s shows %s:\n%s", name, secret, output)
		}
	}
	return output, ok
}

// branch starts a request with a change, and plans it.
func (r *repository) branch(name, old, new string) (output string, ok bool) {
	r.t.Helper()
	r.git("checkout", "-q", "-b", name)
	r.edit(old, new)
	r.git("commit", "-q", "-a", "-m", name)
	return r.run("plan")
}

// merge merges a request into main.
func (r *repository) merge(name string) {
	r.t.Helper()
	head := r.git("rev-parse", name)
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "merge "+name, name)
	r.cameBy[r.git("rev-parse", "HEAD")] = head
}

// arrived lists the mailboxes of the target.
func (r *repository) arrived() string {
	found, err := filepath.Glob(filepath.Join(r.target, "*@contoso.test"))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return strings.Join(found, " ")
}

func TestPullRequestOnGitHub(t *testing.T) {
	pullRequest(t, newRepository(t, githubJobs, "GITHUB_REPOSITORY=contoso/mail"))
}

func TestMergeRequestOnGitLab(t *testing.T) {
	pullRequest(t, newRepository(t, gitlabJobs, "CI_PROJECT_ID=42", "CI_MERGE_REQUEST_IID=7", "GITLAB_TOKEN="+forgeToken,
		"CUTOVER_VAR_source_password=source-Secret-1", "CUTOVER_VAR_target_password=target-Secret-2"))
}

func pullRequest(t *testing.T, r *repository) {
	r.comments = []string{"Looks good."}

	// A request is planned; people read the comment, which is replaced when
	// the request changes. Nothing is done yet.
	if out, ok := r.branch("anna", `"anna@*"`, `"ann*"`); !ok {
		t.Fatalf("plan failed:\n%s", out)
	}
	if len(r.comments) != 2 || !strings.Contains(r.comments[1], "1 to create, 1 to copy") {
		t.Fatalf("comments: %q", r.comments)
	}
	r.edit(`"ann*"`, `"anna*"`)
	r.git("commit", "-q", "-a", "-m", "a better pattern")
	if out, ok := r.run("plan"); !ok {
		t.Fatalf("the second plan failed:\n%s", out)
	}
	if len(r.comments) != 2 || r.comments[0] != "Looks good." {
		t.Fatalf("the comment was not replaced: %q", r.comments)
	}
	if r.arrived() != "" {
		t.Fatalf("a plan wrote %s", r.arrived())
	}

	// After the merge exactly that is done, once.
	r.merge("anna")
	if out, ok := r.run("apply"); !ok {
		t.Fatalf("apply failed:\n%s", out)
	}
	if r.arrived() != "anna@contoso.test" {
		t.Fatalf("arrived: %q", r.arrived())
	}
	if _, err := os.Stat(filepath.Join(r.dir, "out", "reports", "MigrationStatistics.csv")); err != nil {
		t.Error(err)
	}
	if out, ok := r.run("apply"); ok || !strings.Contains(out, "applied already") {
		t.Errorf("the plan was applied twice:\n%s", out)
	}

	// What reached main without a review is not applied.
	r.git("checkout", "-q", "main")
	r.edit(`["anna*"]`, `["*"]`)
	r.git("commit", "-q", "-a", "-m", "straight to main")
	if out, ok := r.run("apply"); ok || !strings.Contains(out, "no reviewed plan") {
		t.Errorf("an unreviewed change was applied:\n%s", out)
	}

	// A plan that was reviewed on another configuration is refused.
	r.git("reset", "-q", "--hard", "HEAD~1")
	if out, ok := r.branch("wei", `["anna*"]`, `["anna*", "wei*"]`); !ok {
		t.Fatalf("plan failed:\n%s", out)
	}
	r.git("checkout", "-q", "main")
	r.edit("accepted_domains = [\"contoso.test\"]\n", "accepted_domains = [\"contoso.test\", \"example.org\"]\n")
	r.git("commit", "-q", "-a", "-m", "meanwhile")
	r.merge("wei")
	if out, ok := r.run("apply"); ok || !strings.Contains(out, "configuration has changed") {
		t.Errorf("a stale plan was applied:\n%s", out)
	}
	if r.arrived() != "anna@contoso.test" {
		t.Fatalf("arrived: %q", r.arrived())
	}

	// A request that is wrong fails, and keeps no plan.
	kept := len(r.plans)
	for name, change := range map[string][2]string{
		"unformatted": {"  include {", "    include {"},
		"wrong":       {"source.archive.old", "source.archive.gone"},
		"refused":     {`["contoso.test", "example.org"]`, `["example.org"]`},
	} {
		r.git("checkout", "-q", "main")
		if out, ok := r.branch(name, change[0], change[1]); ok || len(r.plans) != kept {
			t.Errorf("a request that is %s passes:\n%s", name, out)
		}
		if name == "refused" && !strings.Contains(r.comments[1], "domain-not-accepted") {
			t.Errorf("the comment does not say what is wrong:\n%s", r.comments[1])
		}
	}
}
