package planner

import (
	"fmt"

	"github.com/cutover-mail/cutover/diag"
)

// fewItems is up to how many items of a mailbox may go without a word.
const fewItems = 20

// checkDeletions warns when most of what was migrated would be deleted: people
// delete a little at a time, and a source that has lost its mail, or signs in
// to another account, looks as if somebody had deleted everything.
func (w *mailboxWork) checkDeletions() {
	var migrated int64
	for _, f := range w.box.Known {
		migrated += f.Items
	}
	if migrated <= fewItems || w.work.Deleted*2 <= migrated {
		return
	}
	w.findings = append(w.findings, diag.Finding{
		Severity: diag.Warning, Code: "most-deleted", Subject: string(w.c.Recipient.Address),
		Summary: fmt.Sprintf("%d of the %d items migrated for %s would be deleted on the target", w.work.Deleted, migrated, w.c.Recipient.Address),
		Detail:  "They are gone from the source. A source that was emptied, restored from an old backup, or signs in to another account looks the same.",
		Fix:     "look at the mailbox on the source before this plan is applied; deletions = \"keep\" deletes nothing, and -exclude leaves the mailbox out",
	})
}
