package executor

import (
	"fmt"

	"github.com/cutover-mail/cutover/providers"
)

// The codes of failures, losses and notes that a run makes by itself.
const (
	codeOther     = "unexpected-answer"
	codeJournal   = "journal-failed"
	codeNeeded    = "needed-step-failed"
	codeAction    = "unknown-action"
	codePassword  = "initial-password"
	codeMember    = "member-missing"
	codeTooLarge  = "item-too-large"
	codeRefused   = "item-refused"
	codeUnread    = "item-unreadable"
	codeSilent    = "item-left-out"
	codeKeyword   = "keyword-refused"
	codeVanished  = "item-vanished"
	codePostponed = "deletions-postponed"
	codeKept      = "kept-on-target"
	codeReleased  = "released-on-target"
	codeUnlocated = "target-item-not-found"
	codeAdopted   = "adopted-item-changed"
	codeFolder    = "source-folder-gone"
	codeReset     = "item-ids-void"
	codeSpill     = "temporary-file"
)

// Codes explains every code that this package emits.
func Codes() []providers.Code {
	return []providers.Code{
		{Code: codeOther, Title: "A server gave an answer that makes no sense", Cause: "The provider could not tell what the answer means for the mailbox.", Fix: "Run again; when it stays, report the server's words."},
		{Code: codeJournal, Title: "The state cannot be written", Cause: "The disk of the state is full or failing, or another process has taken its lock. Nothing was written to a target after that.", Fix: "Make room or end the other process, then run again: the run continues where it stopped."},
		{Code: codeNeeded, Title: "A step that this one needs has failed", Cause: "For instance the mailbox could not be created, so that there is nowhere to copy to.", Fix: "Look at the failure of the step named, then plan and apply again."},
		{Code: codeAction, Title: "The plan asks for something that cannot be done", Cause: "The plan was made by another version, or was changed by hand.", Fix: "Make the plan again with this version."},
		{Code: codePassword, Title: "No initial password", Cause: "A mailbox is to be created on a directory, and nothing says what its first password is.", Fix: "Create the mailbox on the target, or configure passwords."},
		{Code: codeMember, Title: "A member of a group is not on the target", Cause: "The target knows no such recipient and takes no unknown addresses.", Fix: "Migrate the member too, then plan again: the group is updated."},
		{Code: codeTooLarge, Title: "An item is larger than the target takes", Cause: "The target states a limit for one message.", Fix: "Raise the limit on the target and run again, or waive the loss."},
		{Code: codeRefused, Title: "The target refuses an item", Cause: "The target will not store this content, whoever sends it.", Fix: "Look at the server's words; repair or delete the item on the source, or accept that it stays behind."},
		{Code: codeUnread, Title: "The source does not hand out an item", Cause: "The source lists the item but cannot read it.", Fix: "Repair the mailbox on the source, then run again."},
		{Code: codeSilent, Title: "The source left an item out of its answer", Cause: "The item was asked for and the server neither sent it nor said why.", Fix: "Run again: the item is asked for once more."},
		{Code: codeKeyword, Title: "The target does not keep a flag", Cause: "The target allows only some keywords.", Fix: "Allow the keyword on the target, or waive the loss."},
		{Code: codeVanished, Title: "An item was deleted on the source while it was copied", Cause: "Somebody uses the mailbox.", Fix: "Nothing has to be done."},
		{Code: codePostponed, Title: "Deletions were put off", Cause: "More items have vanished on the source than the plan shows. Nothing was deleted in that folder.", Fix: "Plan again, review the deletions, and apply."},
		{Code: codeKept, Title: "An item was changed on the target and is kept", Cause: "The item is gone from the source, but a user has changed it on the target since.", Fix: "Nothing has to be done."},
		{Code: codeReleased, Title: "An item was moved or deleted on the target", Cause: "A user has taken the item away from where it had been put. It is not copied again.", Fix: "Nothing has to be done."},
		{Code: codeUnlocated, Title: "An item cannot be found on the target", Cause: "The target tells no item IDs, and no item there has the content that was written.", Fix: "Change or delete the item on the target by hand."},
		{Code: codeAdopted, Title: "An item found on the target has changed on the source", Cause: "The item was on the target before the migration, so it is not touched.", Fix: "Change the item on the target by hand if that matters."},
		{Code: codeFolder, Title: "A folder of the plan is gone from the source", Cause: "It was deleted or renamed after the plan was made.", Fix: "Plan again."},
		{Code: codeReset, Title: "A server gave all items of a folder new IDs", Cause: "The folder was recreated, restored or rebuilt there (IMAP UIDVALIDITY).", Fix: "Nothing has to be done: the items are recognised by their content."},
		{Code: codeSpill, Title: "A temporary file cannot be written", Cause: "The folder for temporary files is full or cannot be written.", Fix: "Make room, or set TMPDIR to another folder."},
	}
}

// codedError is an error with a code of this package.
type codedError struct {
	code string
	err  error
}

func coded(code, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }
