package mem

import (
	"errors"

	"github.com/cutover-mail/cutover/providers"
)

func failure(kind providers.Kind, code, op, subject, why string) error {
	return &providers.Error{Kind: kind, Code: code, Op: op, Subject: subject, Err: errors.New(why)}
}

func unsupported(op string) error {
	return failure(providers.Unsupported, "mem-unsupported", op, "", "the endpoint does not have this ability")
}

// Codes returns the codes of the errors that endpoints over an organisation
// emit.
func Codes() []providers.Code {
	code := func(code, title, cause, fix string) providers.Code {
		return providers.Code{Code: code, Title: title, Cause: cause, Fix: fix}
	}
	return []providers.Code{
		code("mem-unsupported", "Not an ability of this endpoint", "The organisation was configured without the ability.", "Configure it, or use another endpoint for it."),
		code("mem-no-mailbox", "No such mailbox", "The organisation has no mailbox of this address.", "Add the mailbox first."),
		code("mem-no-recipient", "No such recipient", "The organisation has no recipient of this kind and address.", "Create the recipient first."),
		code("mem-kind-clash", "The address is taken", "A recipient of another kind has the address.", "Remove it, or map the recipient to another address."),
		code("mem-no-folder", "No such folder", "The folder was removed or renamed.", "Run again: the new folder is found by then."),
		code("mem-folder-name", "Folder name refused", "The name breaks the naming rules that were configured.", "Rename the folder."),
		code("mem-no-item", "No such item", "The item was removed.", "None is needed."),
		code("mem-format", "Format not held", "The item is not held in the format asked for.", "Ask for a format that Info lists."),
		code("mem-too-large", "Item too large", "The item is larger than the configured limit.", "Leave it out, or raise the limit."),
		code("mem-quota", "Mailbox full", "The configured quota is used up.", "Raise the quota."),
		code("mem-discarded", "Content was not kept", "The organisation was configured to keep digests only.", "Configure it to keep content."),
		code("mem-content", "Content does not fit its size", "The item was announced with another size than it has.", "Report it: this is a fault of the caller."),
		code("mem-misuse", "The contract was broken", "A session was used twice at once, or too many were opened.", "Report it: this is a fault of the caller."),
		code("mem-closed", "The session is closed", "The session or its endpoint was closed.", "Open another."),
	}
}
