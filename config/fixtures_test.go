package config

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/diag"
)

// Every file, and every folder, below testdata/invalid is a configuration with
// faults. Behind the line at fault stands the expected summary: "# error: ..."
// or "# warning: ...". "# nowhere: error: ..." is a finding without a place.
func TestEveryFaultIsFoundWhereItStands(t *testing.T) {
	entries, err := os.ReadDir("testdata/invalid")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, entry := range entries {
		t.Run(strings.TrimSuffix(entry.Name(), ".hcl"), func(t *testing.T) {
			dir := caseFolder(t, filepath.Join("testdata", "invalid", entry.Name()))
			o := options()
			o.Environ = append(o.Environ, "CUTOVER_VAR_number=forty-two")
			if entry.Name() == "variables" {
				o.Vars = []string{"nmaed=1", "novalue"}
			}
			_, findings := Load(dir, o)
			if diff := cmp.Diff(expected(t, dir), actual(findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s%s", diff, show(findings))
			}
			checkForm(t, findings)
			for _, f := range findings {
				found[f.Code] = true
			}
		})
	}
	// Codes whose cases are not files of this folder.
	for _, elsewhere := range []string{codeEmpty, codeRead, codeSetting} {
		found[elsewhere] = true
	}
	for _, code := range Codes() {
		if !found[code.Code] {
			t.Errorf("no case has a finding of code %s", code.Code)
		}
		delete(found, code.Code)
	}
	if len(found) > 0 {
		t.Errorf("codes that Codes does not explain: %v", slices.Sorted(maps.Keys(found)))
	}
}

// caseFolder returns the folder of a case; a case of one file gets one.
func caseFolder(t *testing.T, path string) string {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		return path
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return folder(t, map[string]string{"main.hcl": string(text)})
}

// folder writes files into a new folder.
func folder(t testing.TB, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// expected reads the comments of a case, as "main.hcl:3: error: summary".
func expected(t *testing.T, dir string) []string {
	paths, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			for _, comment := range strings.Split(" "+lines.Text(), " # ")[1:] {
				want = append(want, expectation(filepath.Base(path), n, strings.TrimSpace(comment)))
			}
		}
	}
	slices.Sort(want)
	return want
}

func expectation(file string, line int, comment string) string {
	if summary, ok := strings.CutPrefix(comment, "nowhere: "); ok {
		return "-: " + summary
	}
	return fmt.Sprintf("%s:%d: %s", file, line, comment)
}

func actual(findings diag.Findings) []string {
	var got []string
	for _, f := range findings {
		at := "-"
		if f.Range != nil {
			at = fmt.Sprintf("%s:%d", filepath.Base(f.Range.File), f.Range.Start.Line)
		}
		got = append(got, fmt.Sprintf("%s: %s: %s", at, f.Severity, f.Summary))
	}
	slices.Sort(got)
	return got
}

// checkForm holds findings to what all of them promise.
func checkForm(t *testing.T, findings diag.Findings) {
	t.Helper()
	for _, f := range findings {
		switch {
		case f.Fix == "":
			t.Errorf("no fix: %s", show(diag.Findings{f}))
		case strings.HasSuffix(f.Summary, ".") || f.Summary == "":
			t.Errorf("summary is no clause: %q", f.Summary)
		case f.Range != nil && strings.HasSuffix(f.Range.File, "main.hcl") && f.Snippet == "":
			t.Errorf("no line of source: %s", show(diag.Findings{f}))
		case strings.Contains(fmt.Sprint(f), "planted") || strings.Contains(fmt.Sprint(f), "PLANTED"):
			t.Errorf("a secret is shown: %v", f)
		}
	}
}
