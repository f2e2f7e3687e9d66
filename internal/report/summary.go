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

	"github.com/cutover-mail/cutover/providers"
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

	explain map[string]providers.Code
}

// Text is the summary for people, as summary.txt has it.
func (s Summary) Text() string {
	var b strings.Builder
	s.print(&b)
	return b.String()
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
	_, err = text.WriteString(w.summary.Text())
	return err
}

func (s Summary) print(to io.Writer) {
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
	printCodes(t, "Failures", s.Errors, s.explain)
	printCodes(t, "Losses", s.Losses, s.explain)
	_ = t.Flush() // to memory
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

func printCodes(t io.Writer, heading string, counts map[string]int64, explain map[string]providers.Code) {
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
		if why := explain[code].Title; why != "" {
			line += "\t" + why
		}
		fmt.Fprintln(t, line)
	}
}
