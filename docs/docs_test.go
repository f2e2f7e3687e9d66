// Package docs checks the documentation against the program: what is generated
// is current, and every link leads somewhere.
package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/cli"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/builtin"
)

var update = flag.Bool("update", false, "write the generated parts of the documentation")

// says returns what the program writes to standard output.
func says(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	app := &cli.App{Version: "0.1.0", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Builtins: builtin.Providers(), Now: time.Now}
	if code := app.Run(context.Background()); code != 0 {
		t.Fatalf("cutover %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// current compares a generated file, or writes it.
func current(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/%s is not what the program says; run: make docs", path)
	}
}

var commandLine = regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`)

// commands names the commands that a command's help lists.
func commands(help string) (names []string) {
	_, listed, _ := strings.Cut(help, "\nUsage:\n")
	listed, _, _ = strings.Cut(listed, "\nFlags:\n")
	for _, paragraph := range strings.Split(listed, "\n\n") {
		title, body, _ := strings.Cut(strings.TrimSpace(paragraph), "\n")
		if strings.HasSuffix(title, ":") && title != "Examples:" {
			for _, found := range commandLine.FindAllStringSubmatch(body, -1) {
				names = append(names, found[1])
			}
		}
	}
	return names
}

const commandsHead = `# Commands

What ` + "`cutover COMMAND -help`" + ` says, for every command. This page is written by ` + "`make docs`" + `, and a test fails when it differs from the
program. Long flags take one dash or two. [Exit codes](exit-codes.md) are the same everywhere.

`

func TestCommands(t *testing.T) {
	var out strings.Builder
	out.WriteString(commandsHead)
	help := says(t, "-help")
	fmt.Fprintf(&out, "## cutover\n\n```text\n%s```\n", help)
	names := commands(help)
	if len(names) < 10 {
		t.Fatalf("found only the commands %v", names)
	}
	for _, name := range names {
		if name == "help" || name == "completion" {
			continue
		}
		describe(t, &out, name)
	}
	current(t, "commands.md", out.String())
}

func describe(t *testing.T, out *strings.Builder, words ...string) {
	help := says(t, append(words, "-help")...)
	help, _, _ = strings.Cut(help, "\nGlobal flags:\n")
	fmt.Fprintf(out, "\n## cutover %s\n\n```text\n%s\n```\n", strings.Join(words, " "), strings.TrimSpace(help))
	for _, sub := range commands(help) {
		describe(t, out, append(slices.Clone(words), sub)...)
	}
}

func TestCodes(t *testing.T) {
	var listed struct{ Codes []providers.Code }
	if err := json.Unmarshal([]byte(says(t, "explain", "-json")), &listed); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("# Codes\n\nEvery error, finding and loss has a code; `cutover explain CODE` says the same. Losses can be waived by their code\n" +
		"([configuration.md](configuration.md#waive)). This page is written by `make docs`.\n")
	for _, c := range listed.Codes {
		fmt.Fprintf(&out, "\n## %s\n\n**%s.** %s\n\nFix: %s\n", c.Code, strings.TrimSuffix(c.Title, "."), c.Cause, c.Fix)
	}
	current(t, "codes.md", out.String())
}

func TestSettings(t *testing.T) {
	for name, provider := range builtin.Providers() {
		path := name + ".md"
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("the provider %s has no page: %v", name, err)
			continue
		}
		const begin, end = "<!-- settings, written by make docs -->\n", "<!-- end of settings -->"
		before, rest, ok := strings.Cut(string(text), begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Errorf("docs/%s has no place for its settings", path)
			continue
		}
		current(t, path, before+begin+"\n"+settings("", provider.Describe().Settings)+"\n"+end+after)
	}
}

func settings(prefix string, s providers.Schema) string {
	var out strings.Builder
	if prefix == "" {
		out.WriteString("| setting | type | default | |\n|---|---|---|---|\n")
	}
	for _, a := range s.Attributes {
		notes := a.Help
		if a.Required {
			notes = "Required. " + notes
		}
		if len(a.Roles) == 1 {
			notes += " Only on a " + string(a.Roles[0]) + "."
		}
		if len(a.Allowed) > 0 {
			notes += " One of: " + strings.Join(a.Allowed, ", ") + "."
		}
		fmt.Fprintf(&out, "| `%s%s` | %s | %s | %s |\n", prefix, a.Name, a.Type, a.Default, notes)
	}
	for _, b := range s.Blocks {
		fmt.Fprintf(&out, "| `%s%s { }` | block | | %s |\n", prefix, b.Name, b.Help)
		out.WriteString(settings(prefix+b.Name+".", b.Schema))
	}
	return out.String()
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(append(pages, more...), "../README.md", "../examples/README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			if !strings.Contains(found[1], "://") {
				check(t, page, found[1])
			}
		}
	}
}

// check reports a link to a page or heading that is not there.
func check(t *testing.T, page, to string) {
	t.Helper()
	path, anchor, _ := strings.Cut(to, "#")
	target := page
	if path != "" {
		target = filepath.Join(filepath.Dir(page), path)
	}
	text, err := os.ReadFile(target)
	if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
		err = nil
	}
	if err != nil {
		t.Errorf("%s links to %s: %v", page, to, err)
		return
	}
	if anchor != "" && !slices.Contains(anchors(string(text)), anchor) {
		t.Errorf("%s links to %s, and there is no such heading", page, to)
	}
}

func anchors(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		kept := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
				return r
			}
			return -1
		}, strings.ToLower(h[1]))
		all = append(all, kept)
	}
	return all
}

// TestChangelog: the first line of every fragment stands in CHANGELOG.md.
func TestChangelog(t *testing.T) {
	collected, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ToLower(strings.ReplaceAll(string(collected), "`", ""))
	fragments, err := filepath.Glob("../changelog/unreleased/*")
	if err != nil || len(fragments) == 0 {
		t.Fatalf("no fragments (%v)", err)
	}
	for _, path := range fragments {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(string(text), "\n")
		kind, clause, ok := strings.Cut(first, ": ")
		if !ok || !slices.Contains([]string{"Change", "Enhancement", "Bugfix", "Security"}, kind) || !strings.HasPrefix(rest, "\n") {
			t.Errorf("%s is not in the form of changelog/TEMPLATE", path)
		}
		if !strings.Contains(plain, "- "+strings.ToLower(clause)+"\n") {
			t.Errorf("CHANGELOG.md lacks: %s", clause)
		}
	}
}

// TestIndex: every page is named by the index.
func TestIndex(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if page != "README.md" && !strings.Contains(string(index), "]("+page+")") {
			t.Errorf("docs/README.md does not name %s", page)
		}
	}
}
