package executor

import (
	"fmt"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state"
)

// fail records that an item could not be carried over, and tells it once.
func (f *folder) fail(g *group, item inventory.ItemID, size int64, err error) {
	code := codeOf(err)
	if code == codeOther && providers.KindOf(err) == providers.Rejected {
		code = codeRefused
	}
	g.Fail = append(g.Fail, state.Problem{
		Recipient: f.pass.row.ID, Folder: f.row.ID, Source: item, Code: code, Detail: err.Error(), Size: size, Run: f.pass.Run.Number,
	})
	if f.pass.firstFailure(f.key(item)) {
		g.events = append(g.events, event.ItemFailed{Step: f.pass.step.ID, Folder: f.Path, Item: item, Code: code, Error: err.Error()})
	}
}

// firstFailure counts an item that failed, once.
func (m *mailbox) firstFailure(key state.Key) bool {
	m.run.mu.Lock()
	defer m.run.mu.Unlock()
	if m.failedItems[key] {
		return false
	}
	m.failedItems[key] = true
	m.failed.Add(1)
	return true
}

// lose records flags that the target would not keep.
func (f *folder) lose(g *group, item inventory.ItemID, size int64, refused inventory.Flags) {
	if refused == "" {
		return
	}
	detail := fmt.Sprintf("the target does not keep %s", refused)
	g.Lose = append(g.Lose, state.Problem{
		Recipient: f.pass.row.ID, Folder: f.row.ID, Source: item, Code: codeKeyword, Detail: detail, Size: size, Run: f.pass.Run.Number,
	})
	g.events = append(g.events, event.Lost{Step: f.pass.step.ID, Folder: f.Path, Item: item, Code: codeKeyword, Detail: detail})
}
