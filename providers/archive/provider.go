// Package archive keeps a mail organisation in a folder on disk: Maildir++ for
// mail, .ics and .vcf files for everything else, and manifests with what these
// cannot hold. It stands on either side of a migration; as a source it also
// reads Maildir trees and mbox files that others have written, and never
// writes to them.
package archive

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Provider makes endpoints over folders. Its zero value is ready.
type Provider struct{}

type settings struct {
	Path           string   `json:"path"`
	Format         string   `json:"format"`
	Domain         string   `json:"domain"`
	LineEnds       string   `json:"line_ends"`
	Fsync          *bool    `json:"fsync"`
	MaxConnections *float64 `json:"max_connections"`
}

var bothSides = []providers.Role{providers.Source, providers.Target}

// Describe says what an archive is.
func (Provider) Describe() providers.Description {
	d := providers.Description{
		Name: "archive", Version: "1", Roles: bothSides, Codes: Codes(), Settings: schema(),
		Summary: "a folder on disk: Maildir++, .ics and .vcf files, mbox as a source",
	}
	for _, ability := range abilities() {
		d.Abilities = append(d.Abilities, providers.AbilitySupport{Ability: ability, Roles: bothSides})
	}
	return d
}

func abilities() []inventory.Ability {
	return append([]inventory.Ability{inventory.Directory}, inventory.ContentAbilities()...)
}

func schema() providers.Schema {
	source := []providers.Role{providers.Source}
	return providers.Schema{Attributes: []providers.Attribute{
		{Name: "path", Type: providers.TypeString, Required: true, Help: "The folder. It holds one folder for each mailbox, named by its address. A target is created when it is missing."},
		{Name: "format", Type: providers.TypeString, Default: "auto", Allowed: []string{"auto", "maildir", "mbox"}, Roles: source,
			Help: "What the mailboxes are kept as. With \"auto\" each folder is looked at."},
		{Name: "domain", Type: providers.TypeString, Roles: source, Help: "The domain of mailboxes whose folder is named by the part before the @ only."},
		{Name: "line_ends", Type: providers.TypeString, Default: "crlf", Allowed: []string{"crlf", "keep"}, Roles: source,
			Help: "How lines of mail end that others have stored with bare LF, as Unix mail stores do: \"crlf\" gives them the CRLF of RFC 5322, as a mail server would; \"keep\" gives the bytes of the file. What an archive target has written always keeps its bytes."},
		{Name: "fsync", Type: providers.TypeBool, Default: "true", Roles: []providers.Role{providers.Target},
			Help: "Whether an item is known to be on disk before it counts as stored. Without, a power failure may lose items that the state believes are there."},
		{Name: "max_connections", Type: providers.TypeNumber, Default: "4", Help: "How many mailboxes are worked on at once."},
	}}
}

// Open checks the settings; it touches nothing on disk.
func (Provider) Open(ctx context.Context, o providers.Options) (providers.Endpoint, error) {
	s := settings{Format: "auto", LineEnds: "crlf"}
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if err := errors.Join(s.problems()...); err != nil {
		return nil, err
	}
	if !filepath.IsAbs(s.Path) {
		s.Path = filepath.Join(o.Folder, s.Path)
	}
	root, err := filepath.Abs(s.Path)
	if err != nil {
		return nil, setting("path", "cannot be made absolute", "Give an absolute path.")
	}
	return newEndpoint(root, o.Role, s), ctx.Err()
}

func (s settings) problems() (all []error) {
	if s.Path == "" {
		all = append(all, setting("path", "must not be empty", "Name the folder that holds the archive."))
	}
	if s.Format != "auto" && s.Format != "maildir" && s.Format != "mbox" {
		all = append(all, setting("format", "must be auto, maildir or mbox", "Leave it out to have each folder looked at."))
	}
	if s.LineEnds != "crlf" && s.LineEnds != "keep" {
		all = append(all, setting("line_ends", "must be crlf or keep", "Leave it out to have lines end as in RFC 5322."))
	}
	if n := s.MaxConnections; n != nil && (*n < 1 || *n > 64 || *n != float64(int(*n))) {
		all = append(all, setting("max_connections", "must be a whole number from 1 to 64", "Leave it out to have 4."))
	}
	return all
}

func setting(name, summary, fix string) error {
	return &providers.SettingError{Path: []string{name}, Summary: summary, Fix: fix}
}
