package mem

import (
	"context"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// provider opens endpoints over one organisation.
type provider struct{ organisation *Organisation }

// Provider returns a provider named "mem" whose endpoints are all over this
// organisation. Its settings can narrow what the organisation offers.
func (o *Organisation) Provider() providers.Provider { return provider{o} }

type settings struct {
	MaxConnections *float64 `json:"max_connections"`
}

func (provider) Describe() providers.Description {
	both := []providers.Role{providers.Source, providers.Target}
	d := providers.Description{
		Name: "mem", Version: "1", Summary: "an organisation in memory, for tests and rehearsals", Roles: both,
		Settings: providers.Schema{Attributes: []providers.Attribute{{
			Name: "max_connections", Type: providers.TypeNumber, Default: "4",
			Help: "How many sessions may be open at once.",
		}}},
		Codes: Codes(),
	}
	for _, ability := range append([]inventory.Ability{inventory.Directory}, inventory.ContentAbilities()...) {
		d.Abilities = append(d.Abilities, providers.AbilitySupport{Ability: ability, Roles: both})
	}
	return d
}

func (p provider) Open(ctx context.Context, options providers.Options) (providers.Endpoint, error) {
	var s settings
	if err := options.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if s.MaxConnections == nil {
		return p.organisation.endpoint(options.Role), ctx.Err()
	}
	n := int(*s.MaxConnections)
	if n < 1 || float64(n) != *s.MaxConnections {
		return nil, &providers.SettingError{Path: []string{"max_connections"},
			Summary: "must be a whole number of at least 1", Fix: "Set it to the number of sessions that may be open at once."}
	}
	return p.organisation.endpoint(options.Role, func(i *providers.Info) { i.Limits.Connections = n }), ctx.Err()
}
