package survey

import (
	"errors"
	"fmt"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// The codes of this package.
const (
	codeMissing    = "mailbox-missing"
	codeDenied     = "mailbox-denied"
	codeUnreadable = "mailbox-unreadable"
)

// Codes explains the codes of this package.
func Codes() []providers.Code {
	return []providers.Code{
		{
			Code:  codeMissing,
			Title: "There is no such mailbox",
			Cause: "The server does not know the account, and signing in does not create it.",
			Fix:   "Create the account on the target, map the address to one that exists, or exclude the mailbox.",
		},
		{
			Code:  codeDenied,
			Title: "The mailbox cannot be opened with these credentials",
			Cause: "The server refused to sign in to the mailbox. Many servers answer in the same way when the account does not exist.",
			Fix:   "Check the user name and password of the account, or that the master account may act for it; on the target, create the account if it is missing.",
		},
		{
			Code:  codeUnreadable,
			Title: "The mailbox could not be read",
			Cause: "The server was reached, but listing the mailbox failed several times.",
			Fix:   "See the server's words in the detail and its log; the other mailboxes are not held up, and the next plan looks at this one again.",
		},
	}
}

// sideError says on which side of a visit something failed.
type sideError struct {
	side    *side
	role    providers.Role
	address inventory.Address
	err     error
}

func (e *sideError) Error() string { return fmt.Sprintf("%s: %v", e.side.Address, e.err) }
func (e *sideError) Unwrap() error { return e.err }

// sourceError names the source in an error that is not one of the state.
func (v *visit) sourceError(err error) error {
	if _, ok := errors.AsType[stateError](err); ok {
		return err
	}
	return &sideError{side: v.source, role: providers.Source, address: v.pick.source, err: err}
}

// problem turns an error into the finding that keeps the mailbox out.
func (v *visit) problem(err error) *diag.Finding {
	e, ok := errors.AsType[*sideError](err)
	if !ok {
		return warning(codeUnreadable, string(v.pick.source), "the mailbox could not be read", err.Error(), "plan again; the other mailboxes are not held up")
	}
	where := fmt.Sprintf("%s on %s", e.address, e.side.Address)
	detail := e.err.Error()
	switch providers.KindOf(e.err) {
	case providers.Gone:
		return warning(codeMissing, string(v.pick.source), "there is no mailbox "+where, detail, e.fixMissing())
	case providers.Denied:
		return warning(codeDenied, string(v.pick.source), "signing in to "+where+" was refused", detail, e.fixDenied())
	}
	code := providers.CodeOf(e.err)
	if code == "" {
		code = codeUnreadable
	}
	return warning(code, string(v.pick.source), "the mailbox "+where+" could not be read", detail, "plan again when the server answers; the other mailboxes are not held up")
}

func (e *sideError) fixMissing() string {
	if e.role == providers.Target {
		return fmt.Sprintf("create the account on the target, or map %s to an address that exists there, or exclude it", e.address)
	}
	return fmt.Sprintf("correct the address in the accounts of %s, or exclude it", e.side.Address)
}

func (e *sideError) fixDenied() string {
	if e.role == providers.Target {
		return "create the account on the target, or correct its password or the rights of the master account"
	}
	return fmt.Sprintf("correct the password of the account in %s, or the rights of the master account", e.side.Address)
}
