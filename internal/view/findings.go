package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"

	"github.com/cutover-mail/cutover/diag"
)

// Findings writes findings for people, each with the line of source it points
// at. The order is kept. With color false it writes no escape sequences, and
// marks the place with carets instead of underlining it.
func Findings(w io.Writer, fs diag.Findings, color bool) {
	p := findingPainter{color}
	for _, f := range fs {
		io.WriteString(w, p.finding(f))
	}
}

type findingPainter struct{ color bool }

// finding returns one finding as a block of lines with a bar on the left.
func (p findingPainter) finding(f diag.Finding) string {
	title, attribute := "Error", color.FgRed
	if f.Severity == diag.Warning {
		title, attribute = "Warning", color.FgYellow
	}
	lines := []string{p.paint(title+": ", color.Bold, attribute) + p.paint(printable(f.Summary), color.Bold)}
	lines = append(lines, p.place(f)...)
	for _, text := range []string{f.Detail, f.Fix} {
		if text != "" {
			lines = append(lines, "")
			lines = append(lines, strings.Split(printable(text), "\n")...)
		}
	}
	if f.Code != "" {
		lines = append(lines, "", p.paint("More: cutover explain "+printable(f.Code), color.Faint))
	}
	bar := p.paint("│", attribute)
	var b strings.Builder
	b.WriteString(p.paint("╷", attribute) + "\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(bar+" "+line, " ") + "\n")
	}
	b.WriteString(p.paint("╵", attribute) + "\n")
	return b.String()
}

// place returns the lines that say where, and about what.
func (p findingPainter) place(f diag.Finding) []string {
	var lines []string
	if f.Range != nil {
		lines = append(lines, "", fmt.Sprintf("  on %s line %d:", printable(f.Range.File), f.Range.Start.Line))
		if f.Snippet != "" {
			lines = append(lines, p.snippet(f.Snippet, *f.Range)...)
		}
	}
	if f.Subject != "" {
		lines = append(lines, "", "  with "+printable(f.Subject))
	}
	return lines
}

// snippet returns the line of source with the range marked in it.
func (p findingPainter) snippet(line string, r diag.Range) []string {
	end := r.End.Column
	if r.End.Line != r.Start.Line {
		end = 1 << 30
	}
	before, marked, after := cut(printable(line), r.Start.Column, end)
	number := fmt.Sprintf("  %4d: ", r.Start.Line)
	if p.color {
		return []string{number + before + p.paint(marked, color.Underline) + after}
	}
	carets := strings.Repeat("^", max(1, displayWidth(marked)))
	return []string{number + before + marked + after, strings.Repeat(" ", len(number)) + blank(before) + carets}
}

// cut splits a line at columns as HCL counts them: from 1, in graphemes.
func cut(line string, from, to int) (before, marked, after string) {
	start, end := len(line), len(line)
	tokens := graphemes.FromString(line)
	for column := 1; tokens.Next(); column++ {
		if column == from {
			start = tokens.Start()
		}
		if column == to {
			end = tokens.Start()
		}
	}
	end = max(start, end)
	return line[:start], strings.TrimRight(line[start:end], " \t"), line[start+len(strings.TrimRight(line[start:end], " \t")):]
}

// blank returns white space as wide as s.
func blank(s string) string {
	var b strings.Builder
	for tokens := graphemes.FromString(s); tokens.Next(); {
		if tokens.Value() == "\t" {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", displayWidth(tokens.Value())))
	}
	return b.String()
}

// displayWidth is how many cells of a terminal s takes, wherever that runs.
func displayWidth(s string) int {
	return (&runewidth.Condition{}).StringWidth(s)
}

// printable replaces what would command a terminal: names come from files and
// servers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func (p findingPainter) paint(s string, attributes ...color.Attribute) string {
	if !p.color || s == "" {
		return s
	}
	c := color.New(attributes...)
	c.EnableColor()
	return c.Sprint(s)
}

// findingsFormat is the version of what FindingsJSON writes. The minor number
// grows with additions, the major with all else.
const findingsFormat = "1.0"

// FindingsJSON writes findings for programs: the answer of `validate -json`.
func FindingsJSON(w io.Writer, fs diag.Findings) error {
	document := struct {
		FormatVersion string        `json:"format_version"`
		Valid         bool          `json:"valid"`
		Errors        int           `json:"error_count"`
		Warnings      int           `json:"warning_count"`
		Diagnostics   diag.Findings `json:"diagnostics"`
	}{FormatVersion: findingsFormat, Valid: !fs.HasErrors(), Diagnostics: append(diag.Findings{}, fs...)}
	for _, f := range fs {
		if f.Severity == diag.Error {
			document.Errors++
		} else {
			document.Warnings++
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	return nil
}
