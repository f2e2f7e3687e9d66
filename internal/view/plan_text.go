package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// plain makes text that came from servers safe to show: control
// characters, and those that turn the direction of text, become visible.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return '\uFFFD'
		}
		return r
	}, s)
}

// count writes a number with its noun: "1 item", "1,234 items".
func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	many := one + "s"
	if strings.HasSuffix(one, "x") {
		many = one + "es"
	}
	return humanize.Comma(n) + " " + many
}

// octets writes bytes in powers of 1024; "?" when they are not known.
func octets(n int64) string {
	if n < 0 {
		return "?"
	}
	return humanize.IBytes(uint64(n))
}

// span writes a duration in at most two units.
func span(d time.Duration) string {
	d = max(d, time.Second).Round(time.Second)
	days, hours := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour)
	minutes, seconds := int(d%time.Hour/time.Minute), int(d%time.Minute/time.Second)
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes >= 10 || (minutes > 0 && seconds == 0):
		return fmt.Sprintf("%d min", minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}

// batchOf groups the steps of a plan.
type batchSteps struct {
	plan.Batch
	steps []*plan.Step
}

// byBatch groups steps by batch in the order of the plan. Steps in no batch
// come last; left are those that the configuration leaves out.
func byBatch(p *plan.Plan) (batches []batchSteps, left []*plan.Step) {
	index := make(map[string]int)
	for _, b := range p.Batches {
		index[b.Name] = len(batches)
		batches = append(batches, batchSteps{Batch: b})
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if leftOut(s) {
			left = append(left, s)
			continue
		}
		at, ok := index[s.Batch]
		if !ok {
			at = len(batches)
			index[s.Batch] = at
			batches = append(batches, batchSteps{Batch: plan.Batch{Name: s.Batch}})
		}
		batches[at].steps = append(batches[at].steps, s)
	}
	return batches, left
}

// leftOut reports whether a step only says that a rule leaves a recipient out,
// or that it is gone.
func leftOut(s *plan.Step) bool { return s.Action == plan.Skip && s.Batch == "" && s.Endpoint == "" }

// title names a batch and says what it holds.
func (b batchSteps) title() string {
	if b.Name == "" {
		return "Recipients"
	}
	return "Batch " + plain(b.Name)
}

func (b batchSteps) size() string {
	n := int64(b.Members)
	if b.Name == "" {
		seen := make(map[string]bool, len(b.steps))
		for _, s := range b.steps {
			seen[string(s.Kind)+string(s.Source)] = true
		}
		n = int64(len(seen))
	}
	text := count(n, "recipient")
	if len(b.After) > 0 {
		text += ", after " + plain(strings.Join(b.After, ", "))
	}
	return text
}

// recipientName shows the address, and that on the target when it differs.
func recipientName(s *plan.Step) string {
	name := plain(string(s.Source))
	if s.Target != "" && s.Target != s.Source {
		name += " → " + plain(string(s.Target))
	}
	return name
}

// facts are the words for the work of a step that are not its new items.
func facts(s *plan.Step) []string {
	var words []string
	w := s.Work
	for _, f := range []struct {
		n    int64
		text string
	}{{w.Changed, "changed"}, {w.Moved, "moved"}, {w.Retried, "tried again"}} {
		if f.n > 0 {
			words = append(words, humanize.Comma(f.n)+" "+f.text)
		}
	}
	return words
}

// described says what a directory step writes.
func described(s *plan.Step) string {
	text := string(s.Kind)
	if s.Kind == inventory.KindMailbox && s.Recipient != nil {
		text = string(cmp.Or(s.Recipient.Type, inventory.TypeUser)) + " mailbox"
	}
	if s.Recipient != nil && s.Kind == inventory.KindGroup {
		text += ", " + count(int64(len(s.Recipient.Members)), "member")
	}
	return text
}

// notableFolders are those that people should see: renamed for the first
// time, moved, or matched again.
func notableFolders(s *plan.Step) []*plan.Folder {
	var found []*plan.Folder
	for i := range s.Folders {
		f := &s.Folders[i]
		first := f.Renamed != "" && (s.Action == plan.Copy || f.Create)
		if first || len(f.MovedFrom) > 0 || f.Rematch != "" {
			found = append(found, f)
		}
	}
	return found
}

// folderLine says what is notable about a folder.
func folderLine(f *plan.Folder) string {
	switch {
	case len(f.MovedFrom) > 0:
		return fmt.Sprintf("renamed folder: %s → %s", plain(f.MovedFrom.String()), plain(f.Target.String()))
	case f.Rematch != "":
		return fmt.Sprintf("%s: item IDs of the %s are void; matched by content, only the rest is copied", plain(f.Path.String()), f.Rematch)
	}
	return fmt.Sprintf("%s → %s: %s", plain(f.Path.String()), plain(f.Target.String()), plain(f.Renamed))
}

// deletions lists the folders in which items are deleted.
func deletions(s *plan.Step) string {
	var parts []string
	for i := range s.Folders {
		if n := s.Folders[i].Work.Deleted; n > 0 {
			parts = append(parts, fmt.Sprintf("%s in %s", humanize.Comma(n), plain(s.Folders[i].Target.String())))
		}
	}
	return strings.Join(abbreviate(parts, 4), ", ")
}

// abbreviate keeps the first of a list and counts the others.
func abbreviate(list []string, keep int) []string {
	if len(list) <= keep+1 {
		return list
	}
	return append(list[:keep:keep], fmt.Sprintf("and %s more", humanize.Comma(int64(len(list)-keep))))
}

// oversizeLine names the largest of the items that the target will not take.
func oversizeLine(s *plan.Step) string {
	parts := make([]string, 0, len(s.Oversize))
	for _, o := range s.Oversize {
		parts = append(parts, fmt.Sprintf("%s in %s", octets(o.Size), plain(o.Path.String())))
	}
	return fmt.Sprintf("%s too large for the target (limit %s): %s",
		count(int64(len(s.Oversize)), "item"), octets(s.Oversize[0].Max), strings.Join(abbreviate(parts, 3), ", "))
}

// actionsInOrder lists the actions as views name them.
func actionsInOrder() []plan.Action {
	return []plan.Action{plan.Create, plan.Update, plan.Copy, plan.Sync, plan.Keep, plan.Skip}
}

var actionWords = map[plan.Action]string{
	plan.Create: "to create", plan.Update: "to update", plan.Copy: "to copy",
	plan.Sync: "to synchronise", plan.Keep: "unchanged", plan.Skip: "left out",
}

// totals says in one clause how many steps of each action there are.
func totals(p *plan.Plan) string {
	var parts []string
	for _, a := range actionsInOrder() {
		if n := p.Summary.Actions[a]; n > 0 {
			parts = append(parts, humanize.Comma(int64(n))+" "+actionWords[a])
		}
	}
	if len(parts) == 0 {
		return "no recipients"
	}
	return strings.Join(parts, ", ")
}

// amounts says in one clause how much work there is, without deletions.
func amounts(w plan.Work) string {
	parts := []string{count(w.New, "new item") + " (" + octets(max(w.Bytes, 0)) + ")"}
	for _, f := range []struct {
		n    int64
		text string
	}{{w.Changed, "changed"}, {w.Moved, "moved"}, {w.Retried, "tried again"}} {
		if f.n > 0 {
			parts = append(parts, humanize.Comma(f.n)+" "+f.text)
		}
	}
	return strings.Join(parts, ", ")
}
