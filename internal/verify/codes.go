package verify

import "github.com/cutover-mail/cutover/providers"

// The codes of this package. Those of a mailbox that cannot be opened are
// explained by package survey.
const (
	codeMissing    = "mailbox-missing"
	codeDenied     = "mailbox-denied"
	codeUnreadable = "mailbox-unreadable"

	codeFolderGone       = "verify-folder-gone"
	codeFolderMissing    = "verify-folder-missing"
	codeFolderUnmigrated = "verify-folder-unmigrated"
	codeFolderEmptied    = "verify-folder-emptied"
)

// Codes explains the codes that only this package gives.
func Codes() []providers.Code {
	return []providers.Code{
		{
			Code:  codeFolderGone,
			Title: "A migrated folder is not on the source any more",
			Cause: "The folder was renamed or deleted on the source after the last run.",
			Fix:   "Apply the migration again, so that the target follows, then verify.",
		},
		{
			Code:  codeFolderMissing,
			Title: "A migrated folder is not on the target any more",
			Cause: "The folder was deleted on the target, or renamed there by its user.",
			Fix:   "Ask the user. To copy it again, remove the mailbox from the state (`cutover state rm`) and apply: what is still there is recognised and not doubled.",
		},
		{
			Code:  codeFolderEmptied,
			Title: "Both sides have lost most of what was migrated",
			Cause: "The state knows more than 20 items in the folder, and source and target have less than half of them: both sign in to other accounts than before, or both were emptied.",
			Fix:   "Look at the accounts that both endpoints sign in to. If the mail was deleted on purpose, apply and verify again.",
		},
		{
			Code:  codeFolderUnmigrated,
			Title: "A folder of the source has not been migrated",
			Cause: "The folder was made after the last run, or no run has reached it yet.",
			Fix:   "Apply the migration, then verify again.",
		},
	}
}
