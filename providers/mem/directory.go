package mem

import (
	"slices"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (o *Organisation) create(r inventory.Recipient, password string) (providers.Created, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if existing, ok := o.recipients[r.Address]; ok {
		if existing.Kind != r.Kind {
			return providers.Created{}, failure(providers.Rejected, "mem-kind-clash", "create recipient", string(r.Address),
				"the address belongs to a "+string(existing.Kind))
		}
		return providers.Created{Adopted: true}, nil
	}
	r, missing := o.resolve(r)
	o.addRecipient(r)
	o.passwords[r.Address] = password
	return providers.Created{Missing: missing}, nil
}

func (o *Organisation) update(r inventory.Recipient) (providers.Created, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	existing, ok := o.recipients[r.Address]
	if !ok || existing.Kind != r.Kind {
		return providers.Created{}, failure(providers.Gone, "mem-no-recipient", "update recipient", string(r.Address),
			"there is no such "+string(r.Kind))
	}
	r, missing := o.resolve(r)
	o.recipients[r.Address] = r
	return providers.Created{Missing: missing}, nil
}

// resolve leaves out members of the organisation's own domains that are not in
// it: addresses of other domains are taken as they are.
func (o *Organisation) resolve(r inventory.Recipient) (_ inventory.Recipient, missing []inventory.Address) {
	unknown := func(a inventory.Address) bool {
		_, known := o.recipients[a]
		return !known && a != r.Address && a.Domain() == r.Address.Domain()
	}
	for _, member := range r.Members {
		if unknown(member) {
			missing = append(missing, member)
		}
	}
	r.Members = slices.DeleteFunc(slices.Clone(r.Members), unknown)
	return r, missing
}
