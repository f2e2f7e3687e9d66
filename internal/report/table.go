package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// table writes rows to a CSV file and to its JSON twin as they come.
type table[T any] struct {
	columns []column[T]
	csv     *csv.Writer
	json    *bufio.Writer
	rows    int64
	row     []string
}

type column[T any] struct {
	name string
	cell func(T) string
}

// byteOrderMark tells spreadsheets that the file is UTF-8.
const byteOrderMark = "\ufeff"

func newTable[T any](out *folder, csvName, jsonName, migration, list string, columns func() []column[T]) (*table[T], error) {
	c, err := out.create(csvName)
	if err != nil {
		return nil, err
	}
	j, err := out.create(jsonName)
	if err != nil {
		return nil, err
	}
	t := &table[T]{columns: columns(), csv: csv.NewWriter(c), json: j}
	t.csv.UseCRLF = true
	if _, err := c.WriteString(byteOrderMark); err != nil {
		return nil, err
	}
	var names []string
	for _, column := range t.columns {
		names = append(names, column.name)
	}
	if err := t.csv.Write(names); err != nil {
		return nil, err
	}
	quoted, err := json.Marshal(migration)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(j, "{\n  \"format_version\": %q,\n  \"migration\": %s,\n  %q: [", FormatVersion, quoted, list)
	return t, err
}

func (t *table[T]) write(row T) error {
	t.row = t.row[:0]
	for _, c := range t.columns {
		t.row = append(t.row, Cell(c.cell(row)))
	}
	if err := t.csv.Write(t.row); err != nil {
		return err
	}
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if t.rows++; t.rows > 1 {
		t.json.WriteByte(',')
	}
	t.json.WriteString("\n    ")
	_, err = t.json.Write(text)
	return err
}

func (t *table[T]) close() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return err
	}
	end := "\n  ]\n}\n"
	if t.rows == 0 {
		end = "]\n}\n"
	}
	_, err := t.json.WriteString(end)
	return err
}

// Cell makes a value safe to open in a spreadsheet: one that would be taken
// for a formula gets an apostrophe before it, which spreadsheets take for
// "this is text". NUL, which no spreadsheet reads, is dropped.
func Cell(value string) string {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "\ufffd"), "\x00", "")
	if strings.HasPrefix(value, byteOrderMark) {
		return "'" + value
	}
	first := strings.TrimLeft(value, " \u00a0")
	for _, lead := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(first, lead) {
			return "'" + value
		}
	}
	return value
}

func recipientColumns() []column[Recipient] {
	return []column[Recipient]{
		{"Address", func(r Recipient) string { return string(r.Address) }},
		{"Target", func(r Recipient) string { return string(r.Target) }},
		{"Kind", func(r Recipient) string { return string(r.Kind) }},
		{"Batch", func(r Recipient) string { return r.Batch }},
		{"Status", func(r Recipient) string { return string(r.Status) }},
		{"Items", func(r Recipient) string { return number(r.Items) }},
		{"Bytes", func(r Recipient) string { return number(r.Bytes) }},
		{"Folders", func(r Recipient) string { return number(r.Folders) }},
		{"FailedItems", func(r Recipient) string { return number(r.Failed) }},
		{"LastSynced", func(r Recipient) string { return moment(r.Synced) }},
		{"Run", func(r Recipient) string { return number(r.Run) }},
	}
}

func problemColumns() []column[Problem] {
	return []column[Problem]{
		{"Recipient", func(p Problem) string { return string(p.Recipient) }},
		{"Folder", func(p Problem) string { return p.Folder.String() }},
		{"Item", func(p Problem) string { return string(p.Item) }},
		{"Subject", func(p Problem) string { return p.Subject }},
		{"Code", func(p Problem) string { return p.Code }},
		{"Cause", func(p Problem) string { return p.Cause }},
		{"SuggestedFix", func(p Problem) string { return p.Fix }},
		{"Detail", func(p Problem) string { return p.Detail }},
		{"Attempts", func(p Problem) string { return strconv.Itoa(p.Attempts) }},
		{"Size", func(p Problem) string { return number(p.Size) }},
		{"Run", func(p Problem) string { return number(p.Run) }},
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
