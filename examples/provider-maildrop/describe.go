package main

import (
	"context"
	"path/filepath"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

type provider struct{}

// The codes of the errors. Each has an explanation below, which
// `cutover explain` shows.
const (
	codeGone       = "maildrop-gone"
	codeDenied     = "maildrop-denied"
	codeRead       = "maildrop-read"
	codeFormat     = "maildrop-format"
	codeAmbiguous  = "maildrop-ambiguous"
	codeSourceOnly = "maildrop-source-only"
	codeClosed     = "maildrop-closed"
)

// Describe is all that a user sees of a provider before it runs: it is checked,
// documented and refused by what stands here.
func (provider) Describe() providers.Description {
	source := []providers.Role{providers.Source}
	const mailOnly = ".eml files are messages; nothing else is in an export."
	return providers.Description{
		Name: "maildrop", Version: "1.0.0", Roles: source,
		Summary: "mail that was exported as one .eml file a message",
		Abilities: []providers.AbilitySupport{
			{Ability: inventory.Mail, Roles: source},
			{Ability: inventory.Directory, Reason: "The folders of an export name mailboxes, and nothing is known of groups, contacts and aliases."},
			{Ability: inventory.Calendars, Reason: mailOnly},
			{Ability: inventory.Contacts, Reason: mailOnly},
			{Ability: inventory.Tasks, Reason: mailOnly},
			{Ability: inventory.Notes, Reason: mailOnly},
		},
		Settings: providers.Schema{Attributes: []providers.Attribute{
			{Name: "path", Type: providers.TypeString, Required: true, Help: "The folder of the export. It holds one folder for each mailbox, named by its address."},
			{Name: "seen", Type: providers.TypeBool, Default: "true", Help: "Whether messages count as read: an .eml file does not tell."},
		}},
		Codes: []providers.Code{
			{Code: codeGone, Title: "A file or folder of the export does not exist", Cause: "It was deleted, moved or renamed since it was listed, or path is wrong.", Fix: "Correct path; leave the export alone during a run, or run again."},
			{Code: codeDenied, Title: "A folder of the export may not be read", Cause: "The user that runs cutover has no right to it.", Fix: "Give that user the right to read it and everything below."},
			{Code: codeRead, Title: "The export cannot be read", Cause: "The file system reports an error.", Fix: "Look at the cause in the message; check the disk, or the connection to the file server."},
			{Code: codeFormat, Title: "A message was asked for in another format", Cause: "The target takes no RFC 5322 messages.", Fix: "Use a target with the ability mail."},
			{Code: codeAmbiguous, Title: "Two folders are the same mailbox", Cause: "Their names differ in case only, which addresses do not.", Fix: "Put the files of both into one folder."},
			{Code: codeSourceOnly, Title: "An export is a source", Cause: "Something was to be written to it.", Fix: "Use another endpoint as the target."},
			{Code: codeClosed, Title: "The export was closed", Cause: "A session was used after its endpoint was closed.", Fix: "Report this; it is a fault in a program."},
		},
	}
}

// settings is the endpoint's block as it arrives. A setting that may be absent
// is a pointer, or has its default before it is decoded.
type settings struct {
	Path string `json:"path"`
	Seen bool   `json:"seen"`
}

// Open checks the settings and touches nothing: a typing error is found by
// `cutover validate`, on a machine without the export.
func (provider) Open(ctx context.Context, o providers.Options) (providers.Endpoint, error) {
	s := settings{Seen: true}
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if s.Path == "" {
		return nil, &providers.SettingError{Path: []string{"path"}, Summary: "must not be empty", Fix: "Name the folder that holds the export."}
	}
	if !filepath.IsAbs(s.Path) {
		s.Path = filepath.Join(o.Folder, s.Path)
	}
	at, err := filepath.Abs(s.Path)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	return &endpoint{path: at, seen: s.Seen, life: life, end: end}, ctx.Err()
}
