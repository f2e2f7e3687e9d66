package archive

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cutover-mail/cutover/providers"
)

func failure(kind providers.Kind, code, op, subject, why string) error {
	return &providers.Error{Kind: kind, Code: code, Op: op, Subject: subject, Err: errors.New(why)}
}

// disk makes a verdict of what the file system says.
func disk(op, subject string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*providers.Error](err); ok {
		return err
	}
	e := &providers.Error{Kind: providers.Other, Code: "archive-disk", Op: op, Subject: subject, Err: err}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Code, e.WholeEndpoint = providers.Quota, "archive-full", true
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Kind, e.Code = providers.Denied, "archive-permission"
	}
	return e
}

// Codes returns the codes of the errors that archives emit.
func Codes() []providers.Code {
	code := func(code, title, cause, fix string) providers.Code {
		return providers.Code{Code: code, Title: title, Cause: cause, Fix: fix}
	}
	return []providers.Code{
		code("archive-disk", "The file system failed", "A file of the archive could not be read or written.", "See what the operating system says, mend it, and run again."),
		code("archive-full", "The disk is full", "There is no space, or no quota, left for the archive.", "Make room and run again; nothing is lost."),
		code("archive-permission", "No permission", "The archive may not be read or written by this user.", "Give the user the right, or run as another."),
		code("archive-no-mailbox", "No such mailbox", "The archive has no folder for this address.", "Create the mailbox first, or check the path of the archive."),
		code("archive-no-folder", "No such folder", "The folder was removed or renamed.", "Run again: the new folder is found by then."),
		code("archive-no-item", "No such item", "The item was removed from the archive.", "None is needed."),
		code("archive-no-recipient", "No such recipient", "The archive has no recipient of this kind and address.", "Create it first."),
		code("archive-kind-clash", "The address is taken", "A recipient of another kind has the address.", "Map the recipient to another address."),
		code("archive-name", "Folder name refused", "The folder cannot have this name or place.", "Map the folder to another name."),
		code("archive-format", "Format not held", "The archive keeps items in open formats only.", "Report it: plans choose formats that both sides have."),
		code("archive-content", "Content does not fit its size", "The item was announced with another size than it has.", "Report it: this is a fault of the program."),
		code("archive-version", "Written by a newer version", "A manifest or index of the archive has a version that this program does not know.", "Use the newer program."),
		code("archive-manifest", "A manifest is damaged", "A manifest of the archive is not the JSON it should be.", "Restore the file from a backup; or move it away, and the archive is read without it."),
		code("archive-read-only", "Only a source", "What others have written is read, and never written to.", "Use another folder as target."),
		code("archive-closed", "The session is closed", "The session or its endpoint was closed.", "None is needed: another is opened."),
	}
}
