package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
)

// stepID is derived from what a step does on what, so that the same work has
// the same ID in every plan. Counts are no part of it.
func stepID(migration string, s *plan.Step) plan.StepID {
	var buf [256]byte
	in := buf[:0]
	for _, part := range [...]string{migration, string(s.Action), string(s.Kind), string(s.Source), string(s.Target), s.Endpoint} {
		in = append(in, byte(len(part)>>8), byte(len(part)))
		in = append(in, part...)
	}
	sum := sha256.Sum256(in)
	return plan.StepID(hex.EncodeToString(sum[:10]))
}

// summarize counts steps and work.
func summarize(p *plan.Plan) {
	p.Summary = plan.Summary{Actions: make(map[plan.Action]int), Kinds: make(map[inventory.Kind]int)}
	seen := make(map[RecipientKey]bool, len(p.Steps))
	for i := range p.Steps {
		s := &p.Steps[i]
		p.Summary.Actions[s.Action]++
		p.Summary.Work = p.Summary.Work.Add(s.Work)
		for j := range s.Folders {
			if !s.Folders[j].Work.Zero() {
				p.Summary.Folders++
			}
			if s.Folders[j].Renamed != "" {
				p.Summary.Renamed++
			}
		}
		key := RecipientKey{s.Kind, s.Source}
		if s.Action != plan.Skip && !seen[key] {
			seen[key] = true
			p.Summary.Kinds[s.Kind]++
		}
	}
}

// What is assumed of servers before a run has measured them.
const (
	assumedItems = 300      // a second
	assumedBytes = 15 << 20 // a second
)

// estimate tells how long apply may take: the slower of items and bytes
// decides, because they travel together.
func estimate(w plan.Work, r Rates) plan.Estimate {
	items, bytes := r.ItemsPerSecond, r.BytesPerSecond
	basis := fmt.Sprintf("measured in %s: %.0f items and %s a second", plural(r.Runs, "earlier run"), items, size(int64(bytes)))
	if r.Runs <= 0 || items <= 0 || bytes <= 0 {
		items, bytes = assumedItems, assumedBytes
		basis = fmt.Sprintf("assumed: %d items and %s a second; the first run will tell", assumedItems, size(assumedBytes))
	}
	n := float64(w.New + w.Retried + w.Changed + w.Moved + w.Deleted)
	if n == 0 && w.Bytes <= 0 {
		return plan.Estimate{}
	}
	seconds := max(n/items, float64(w.Bytes)/bytes, 1)
	const longest = 10 * 365 * 24 * 3600 // keeps absurd counts from overflowing
	return plan.Estimate{Duration: time.Duration(min(seconds, longest)) * time.Second, Basis: basis}
}
