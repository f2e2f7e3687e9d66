package executor

import (
	"fmt"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// recordStored enters an item that the target has confirmed.
func (f *folder) recordStored(g *group, s *slot, r providers.Stored) {
	if old := s.work.replaces; old != nil {
		kept := *old
		kept.Source = replacedKey(old.Source)
		g.Rekey = append(g.Rekey, state.Rekey{From: f.key(old.Source), To: f.key(kept.Source)})
		f.keepReplaced(kept)
	}
	g.Put = append(g.Put, f.entry(s.work.Item, s.digest, r.ID, state.Copied))
	g.resolve(s.chunk.intent, s.work.ID)
	f.lose(g, s.work.ID, s.work.Size, r.Refused)
	p := g.progressed(f)
	p.Items++
	p.Bytes += s.work.Size
}

// keepReplaced remembers that the first version of an item is to be deleted.
func (f *folder) keepReplaced(e state.Entry) {
	f.pass.mu.Lock()
	defer f.pass.mu.Unlock()
	f.replaced = append(f.replaced, e)
}

// notStored enters that the target has not taken an item, and nothing of it is
// there. A full mailbox ends the work on it.
func (p *pass) notStored(s *slot, err error) error {
	kind := providers.KindOf(err)
	whole := kind != providers.Rejected && kind != providers.Gone
	p.journal.add(func(g *group) {
		g.resolve(s.chunk.intent, s.work.ID)
		if !whole {
			s.chunk.folder.fail(g, s.work.ID, s.work.Size, err)
		}
	})
	if whole {
		return p.target.verdict(fmt.Errorf("store an item of %s: %w", s.chunk.folder.name, err))
	}
	p.moved.Add(1)
	return nil
}

// unread enters an item that the source did not hand out. One that is gone is
// no failure: somebody has deleted it since it was listed.
func (p *pass) unread(c *chunk, w work, err error) {
	f, item := c.folder, w.ID
	p.moved.Add(1)
	p.journal.add(func(g *group) {
		g.resolve(c.intent, item)
		if !gone(err) {
			f.fail(g, item, w.Size, err)
			return
		}
		if w.replaces == nil {
			g.Drop = append(g.Drop, f.key(item)) // an earlier failure of it
		}
		g.events = append(g.events, event.Noted{Step: p.step.ID, Folder: f.Path, Code: codeVanished,
			Detail: fmt.Sprintf("item %s was deleted on the source", item)})
	})
}
