package view_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/internal/view"
)

func at(line, from, to int) *diag.Range {
	return &diag.Range{File: "main.hcl", Start: diag.Pos{Line: line, Column: from}, End: diag.Pos{Line: line, Column: to}}
}

var someFindings = diag.Findings{
	{Severity: diag.Error, Code: "config-reference", Summary: `there is no variable "pasword"`, Fix: `did you mean "password"?`,
		Range: at(13, 14, 25), Snippet: `  password = var.pasword # typed by hand`},
	{Severity: diag.Warning, Code: "config-claimed-twice", Subject: "ann@contoso.test", Summary: "named twice",
		Detail: "First line.\nSecond line.", Fix: "remove one", Range: at(120, 5, 7), Snippet: "\tß漢字\u001b[2J"},
	{Severity: diag.Error, Code: "imap-denied", Subject: "source.imap.old", Summary: "the server refuses to sign in"},
}

func TestAFindingShowsTheLineItPointsAt(t *testing.T) {
	var b strings.Builder
	view.Findings(&b, someFindings, false)
	want := `╷
│ Error: there is no variable "pasword"
│
│   on main.hcl line 13:
│     13:   password = var.pasword # typed by hand
│                      ^^^^^^^^^^^
│
│ did you mean "password"?
│
│ More: cutover explain config-reference
╵
╷
│ Warning: named twice
│
│   on main.hcl line 120:
│    120: 	ß漢字�[2J
│         	     ^^
│
│   with ann@contoso.test
│
│ First line.
│ Second line.
│
│ remove one
│
│ More: cutover explain config-claimed-twice
╵
╷
│ Error: the server refuses to sign in
│
│   with source.imap.old
│
│ More: cutover explain imap-denied
╵
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColourUnderlinesAndPlainTextHasNoEscapes(t *testing.T) {
	var plain, coloured strings.Builder
	view.Findings(&plain, someFindings, false)
	view.Findings(&coloured, someFindings, true)
	if strings.Contains(plain.String(), "\x1b") {
		t.Errorf("escape sequences without colour: %q", plain.String())
	}
	if !strings.Contains(coloured.String(), "\x1b[4mvar.pasword") {
		t.Errorf("the place is not underlined: %q", coloured.String())
	}
	if strings.Contains(coloured.String(), "\x1b[2J") {
		t.Errorf("an escape sequence of the source reached the terminal: %q", coloured.String())
	}
}

func TestARangeOutsideItsLineIsStillShown(t *testing.T) {
	for _, r := range []*diag.Range{at(1, 0, 0), at(1, 99, 120), at(1, 3, 2), {File: "a", Start: diag.Pos{Line: 1, Column: 2}, End: diag.Pos{Line: 4, Column: 1}}} {
		var b strings.Builder
		view.Findings(&b, diag.Findings{{Severity: diag.Error, Summary: "odd", Range: r, Snippet: "abc"}}, false)
		if !strings.Contains(b.String(), "abc") || !strings.Contains(b.String(), "^") {
			t.Errorf("range %v: %s", r, b.String())
		}
	}
}

func TestFindingsForProgramsCountAndKeepEverything(t *testing.T) {
	var b strings.Builder
	if err := view.FindingsJSON(&b, someFindings); err != nil {
		t.Fatal(err)
	}
	var got struct {
		FormatVersion string        `json:"format_version"`
		Valid         bool          `json:"valid"`
		Errors        int           `json:"error_count"`
		Warnings      int           `json:"warning_count"`
		Diagnostics   diag.Findings `json:"diagnostics"`
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.FormatVersion != "1.0" || got.Valid || got.Errors != 2 || got.Warnings != 1 {
		t.Errorf("document: %+v", got)
	}
	if diff := cmp.Diff(someFindings, got.Diagnostics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	if err := view.FindingsJSON(&b, nil); err != nil || !strings.Contains(b.String(), `"diagnostics": []`) || !strings.Contains(b.String(), `"valid": true`) {
		t.Errorf("nothing found: %v %s", err, b.String())
	}
}
