package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/cutover-mail/cutover/state"
)

// Summary is the whole migration in a few numbers.
type Summary struct {
	FormatVersion string           `json:"format_version"`
	Migration     string           `json:"migration"`
	Made          time.Time        `json:"made"`
	Recipients    int64            `json:"recipients"`
	Statuses      map[Status]int64 `json:"statuses"`
	Items         int64            `json:"items"`
	Bytes         int64            `json:"bytes"`
	Folders       int64            `json:"folders"`
	Failed        int64            `json:"failed_items"`
	Errors        map[string]int64 `json:"errors,omitempty"` // by code
	Losses        map[string]int64 `json:"losses,omitempty"` // by code
	LastRun       *state.Run       `json:"last_run,omitempty"`
}

func (s *Summary) add(r Recipient) {
	s.Recipients++
	s.Statuses[r.Status]++
	s.Items += r.Items
	s.Bytes += r.Bytes
	s.Folders += r.Folders
	s.Failed += r.Failed
}

func (w *writer) writeSummary() error {
	w.summary.FormatVersion = FormatVersion
	j, err := w.out.create(SummaryJSON)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(j)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(w.summary); err != nil {
		return err
	}
	text, err := w.out.create(SummaryText)
	if err != nil {
		return err
	}
	return w.summary.Print(text, w.title)
}

func (w *writer) title(code string) string { return w.explain[code].Title }

// Print writes the summary for people. title explains a code in one line; it
// may return "".
func (s Summary) Print(to io.Writer, title func(code string) string) error {
	t := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "Migration %s, as of %s\n\n", s.Migration, s.Made.UTC().Format(time.RFC3339))
	fmt.Fprintf(t, "recipients\t%s\n", humanize.Comma(s.Recipients))
	for _, status := range []Status{Synced, Partly, Failed, Started, NotBegun} {
		if n := s.Statuses[status]; n > 0 {
			fmt.Fprintf(t, "  %s\t%s\n", status, humanize.Comma(n))
		}
	}
	fmt.Fprintf(t, "folders\t%s\n", humanize.Comma(s.Folders))
	fmt.Fprintf(t, "items\t%s\n", humanize.Comma(s.Items))
	fmt.Fprintf(t, "bytes\t%s\n", humanize.IBytes(uint64(max(s.Bytes, 0))))
	fmt.Fprintf(t, "failed items\t%s\n", humanize.Comma(s.Failed))
	if s.LastRun != nil {
		fmt.Fprintf(t, "last run\t%s\n", describe(*s.LastRun))
	}
	printCodes(t, "Failures", s.Errors, title)
	printCodes(t, "Losses", s.Losses, title)
	return t.Flush()
}

func describe(r state.Run) string {
	parts := []string{fmt.Sprintf("number %d, begun %s by %s", r.Number, moment(r.Started), r.Who)}
	if r.Batch != "" {
		parts = append(parts, "batch "+r.Batch)
	}
	if r.Ended.IsZero() {
		return strings.Join(append(parts, "not ended"), ", ")
	}
	return strings.Join(append(parts, r.Outcome+" after "+r.Ended.Sub(r.Started).Round(time.Second).String()), ", ")
}

func printCodes(t io.Writer, heading string, counts map[string]int64, title func(string) string) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(t, "\n%s\n", heading)
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		name := code
		if name == "" {
			name = "(no code)"
		}
		line := "  " + name + "\t" + humanize.Comma(counts[code])
		if why := title(code); why != "" {
			line += "\t" + why
		}
		fmt.Fprintln(t, line)
	}
}
