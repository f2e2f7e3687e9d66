// Package imap is the provider of mail on IMAP servers, as source and as
// target: RFC 3501 and RFC 9051 with the extensions a server announces.
//
// What it gives and takes is RFC 5322 bytes, flags, and received times to the
// second. Item IDs are UIDs, folder IDs are folder names as they stand on the
// wire, and an Epoch is a UIDVALIDITY.
package imap

import (
	"context"
	"net"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Provider opens IMAP endpoints. The zero value dials TCP.
type Provider struct {
	// Dial opens connections; nil is net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Describe implements [providers.Provider].
func (p Provider) Describe() providers.Description {
	both := []providers.Role{providers.Source, providers.Target}
	return providers.Description{
		Name:      "imap",
		Version:   "1",
		Summary:   "mail on any IMAP server",
		Roles:     both,
		Abilities: abilities(both),
		Settings:  schema(),
		Codes:     Codes(),
	}
}

func abilities(both []providers.Role) []providers.AbilitySupport {
	support := []providers.AbilitySupport{
		{Ability: inventory.Directory, Reason: "IMAP cannot list or create accounts: a source lists those its settings name"},
		{Ability: inventory.Mail, Roles: both},
	}
	for _, ability := range inventory.ContentAbilities() {
		if ability != inventory.Mail {
			support = append(support, providers.AbilitySupport{Ability: ability, Reason: "IMAP holds mail only"})
		}
	}
	return support
}

// Open implements [providers.Provider].
func (p Provider) Open(_ context.Context, options providers.Options) (providers.Endpoint, error) {
	set, err := parseSettings(options)
	if err != nil {
		return nil, err
	}
	dial := p.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return newEndpoint(set, options.Role, dial), nil
}
