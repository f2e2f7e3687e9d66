package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// match holds the records of one folder against each other.
type match struct {
	*comparison
	target *reader
	s, t   *records
	counts *Counts
	found  []Difference
}

// run pairs by content first, then by content without line ends, then by what
// items call themselves and when they arrived.
func (m *match) run(ctx context.Context) error {
	m.counts.Source, m.counts.Target = int64(len(m.s.list)), int64(len(m.t.list))
	m.shareFlags()
	rest := m.phase(pairing{m.s.list, m.t.list}, byStrict, sameStrict, m.same, m.doubled)
	m.s.list, m.t.list = nil, nil
	rest = m.phase(rest, byLoose, sameLoose, m.lineEnds, m.doubled)
	rest = m.byName(rest)
	if err := m.gone(ctx, rest.source); err != nil {
		return err
	}
	for _, t := range rest.target {
		m.add(Difference{Category: Extra, Target: m.t.id(t)})
	}
	return m.tell(ctx)
}

// shareFlags gives both sides one numbering, so that numbers compare.
func (m *match) shareFlags() {
	numbers := make([]uint32, len(m.t.flags.sets))
	for i, set := range m.t.flags.sets {
		numbers[i] = m.s.flags.number(set)
	}
	for i := range m.t.list {
		m.t.list[i].flags = numbers[m.t.list[i].flags]
	}
	m.t.flags = m.s.flags
}

func (m *match) phase(in pairing, order, same func(a, b record) int, both func(a, b record), over func(int, []record)) pairing {
	slices.SortFunc(in.source, order)
	slices.SortFunc(in.target, order)
	return pairUp(in.source, in.target, same, both, over)
}

// byName pairs items whose content differs. Those without a name stay alone.
func (m *match) byName(in pairing) pairing {
	var named, rest pairing
	named.source, rest.source = split(in.source)
	named.target, rest.target = split(in.target)
	left := m.phase(named, byMessage, sameMessage, m.content, nil)
	return pairing{append(rest.source, left.source...), append(rest.target, left.target...)}
}

func split(list []record) (named, nameless []record) {
	for _, r := range list {
		if r.message != 0 {
			named = append(named, r)
		} else {
			nameless = append(nameless, r)
		}
	}
	return named, nameless
}

func (m *match) same(s, t record) {
	if m.facts(s, t) {
		m.counts.Same++
	}
}

func (m *match) lineEnds(s, t record) {
	m.add(Difference{Category: LineEnds, Source: m.s.id(s), Target: m.t.id(t)})
	m.facts(s, t)
}

func (m *match) content(s, t record) {
	m.add(Difference{Category: DifferentContent, Source: m.s.id(s), Target: m.t.id(t), Detail: "same name and date, other bytes"})
	m.facts(s, t)
}

// facts compares flags and dates of a pair.
func (m *match) facts(s, t record) (equal bool) {
	equal = true
	if a, b := m.s.flags.sets[s.flags], m.s.flags.sets[t.flags]; a != b {
		if add, remove := a.Diff(b); add != "" || remove != "" {
			equal = false
			m.add(Difference{Category: DifferentFlags, Source: m.s.id(s), Target: m.t.id(t), Detail: fmt.Sprintf("source has (%s), target has (%s)", a, b)})
		}
	}
	if s.received != t.received && s.received != unknownTime && t.received != unknownTime {
		equal = false
		m.add(Difference{Category: DifferentDate, Source: m.s.id(s), Target: m.t.id(t), Detail: fmt.Sprintf("source has %s, target has %s", date(s.received), date(t.received))})
	}
	return equal
}

func date(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func (m *match) doubled(sourceCount int, surplus []record) {
	for _, t := range surplus {
		m.add(Difference{Category: Doubled, Target: m.t.id(t), Detail: fmt.Sprintf("the source has it %s", times(sourceCount))})
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// gone names what is on the source only: known to have failed, taken away by
// the user of the target, or missing.
func (m *match) gone(ctx context.Context, rest []record) error {
	failed := m.failed[m.folder.ID]
	for chunk := range slices.Chunk(rest, 1000) {
		ids := make([]inventory.ItemID, len(chunk))
		for i, s := range chunk {
			ids[i] = m.s.id(s)
		}
		entries, err := m.Store.Lookup(ctx, m.folder.ID, ids)
		if err != nil {
			return stateError{fmt.Errorf("look items up in the ledger: %w", err)}
		}
		status := make(map[inventory.ItemID]state.Status, len(entries))
		for _, e := range entries {
			status[e.Source] = e.Status
		}
		for _, id := range ids {
			m.add(absent(id, failed[id], status[id]))
		}
	}
	return nil
}

func absent(id inventory.ItemID, failure string, status state.Status) Difference {
	switch {
	case failure != "":
		return Difference{Category: KnownFailed, Source: id, Detail: failure}
	case status == state.Released:
		return Difference{Category: Released, Source: id}
	case status == 0:
		return Difference{Category: Missing, Source: id, Detail: "never copied: it may have arrived after the last run"}
	}
	return Difference{Category: Missing, Source: id}
}

// add counts a difference. It is kept while there is someone to tell.
func (m *match) add(d Difference) {
	*m.counts.of(d.Category)++
	d.Mailbox, d.Folder = m.box.Source, m.folder.Path
	if m.Found == nil && len(m.box.Differences)+len(m.found) >= m.Limit {
		m.box.Omitted++
		return
	}
	m.found = append(m.found, d)
}

// tell adds subjects to what was found, hands it on and keeps the first.
func (m *match) tell(ctx context.Context) error {
	if err := m.subjects(ctx); err != nil {
		return err
	}
	for _, d := range m.found {
		if m.Found != nil {
			m.mu.Lock()
			m.Found(d)
			m.mu.Unlock()
		}
		if len(m.box.Differences) < m.Limit {
			m.box.Differences = append(m.box.Differences, d)
		} else {
			m.box.Omitted++
		}
	}
	return nil
}

// subjects reads the subject lines of the differences that will be kept.
func (m *match) subjects(ctx context.Context) error {
	kept := m.found[:min(len(m.found), max(m.Limit-len(m.box.Differences), 0))]
	sources, targets := map[inventory.ItemID]string{}, map[inventory.ItemID]string{}
	for _, d := range kept {
		if d.Source != "" {
			sources[d.Source] = ""
		} else {
			targets[d.Target] = ""
		}
	}
	if err := m.source.subjects(ctx, m.folder.Source, sources); err != nil {
		return err
	}
	if err := m.target.subjects(ctx, m.folder.Target, targets); err != nil {
		return err
	}
	for i, d := range kept {
		if kept[i].Subject = sources[d.Source]; d.Source == "" {
			kept[i].Subject = targets[d.Target]
		}
	}
	return nil
}

// subjects fills in the subject of each item named.
func (r *reader) subjects(ctx context.Context, folder inventory.FolderID, want map[inventory.ItemID]string) error {
	ids := make([]inventory.ItemID, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	format := r.side.own()
	for chunk := range slices.Chunk(ids, fetchSize) {
		err := r.do(ctx, func() error { return r.readSubjects(ctx, folder, chunk, format, want) })
		if err != nil {
			return err
		}
	}
	return nil
}

// own is a format in which the endpoint gives what it holds.
func (e *endpoint) own() inventory.Format {
	for _, class := range []inventory.Class{inventory.ClassMessage, inventory.ClassEvent, inventory.ClassContact, ""} {
		if list := e.info.Formats[class]; len(list) > 0 {
			return list[0].Format
		}
	}
	return inventory.FormatRFC5322
}

func (r *reader) readSubjects(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format, want map[inventory.ItemID]string) error {
	for got, err := range r.session.Fetch(ctx, folder, ids, format) {
		if err != nil {
			return err
		}
		if got.Err != nil || got.Body == nil {
			continue
		}
		var h header
		if _, err := io.Copy(&h, io.LimitReader(got.Body, maxHeader)); err != nil {
			return err
		}
		want[got.Item.ID] = h.subject()
	}
	return nil
}

// problemCode is the code of the verdict on a mailbox.
func problemCode(err error) string {
	if code := providers.CodeOf(err); code != "" {
		return code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return codeUnreadable
	}
	switch providers.KindOf(err) {
	case providers.Gone:
		return codeMissing
	case providers.Denied:
		return codeDenied
	}
	return codeUnreadable
}
