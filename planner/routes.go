package planner

import (
	"fmt"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// routeKey names what routes depend on.
type routeKey struct {
	target  *Endpoint
	ability inventory.Ability
}

// routing is how the items of an ability travel to a target.
type routing struct {
	routes []plan.Route
	losses []providers.Loss
	none   bool // there is no common format
}

// routesTo chooses, for each class that a folder may hold, the first format of
// the source that the target takes.
func (b *builder) routesTo(t *Endpoint, ability inventory.Ability) routing {
	key := routeKey{t, ability}
	if r, ok := b.routes[key]; ok {
		return r
	}
	r := b.negotiate(t, ability)
	b.routes[key] = r
	return r
}

func (b *builder) negotiate(t *Endpoint, ability inventory.Ability) routing {
	var r routing
	class := classOf(ability)
	format, losses, ok := common(b.in.Source.Info.Formats, t.Info.Formats, class)
	r.losses = losses
	if !ok {
		r.none = true
		r.losses = []providers.Loss{{
			Code:   "no-common-format",
			Detail: fmt.Sprintf("%s items: %s gives no format that %s takes", class, b.in.Source.Address, t.Address),
		}}
		return r
	}
	r.routes = append(r.routes, plan.Route{Class: class, Format: format})
	if _, ok := b.in.Source.Info.Formats[""]; !ok {
		return r
	}
	if format, losses, ok := common(b.in.Source.Info.Formats, t.Info.Formats, ""); ok {
		r.routes = append(r.routes, plan.Route{Format: format})
		r.losses = append(r.losses[:len(r.losses):len(r.losses)], losses...)
	}
	return r
}

// common returns the first format of a class that both sides have, and what
// either loses in it.
func common(source, target map[inventory.Class][]providers.FormatSupport, class inventory.Class) (inventory.Format, []providers.Loss, bool) {
	for _, give := range supports(source, class) {
		for _, take := range supports(target, class) {
			if give.Format == take.Format {
				return give.Format, append(give.Loses[:len(give.Loses):len(give.Loses)], take.Loses...), true
			}
		}
	}
	return "", nil, false
}

func supports(formats map[inventory.Class][]providers.FormatSupport, class inventory.Class) []providers.FormatSupport {
	if list, ok := formats[class]; ok {
		return list
	}
	return formats[""]
}

// classOf is the class of the items that an ability is about.
func classOf(ability inventory.Ability) inventory.Class {
	switch ability {
	case inventory.Calendars:
		return inventory.ClassEvent
	case inventory.Contacts:
		return inventory.ClassContact
	case inventory.Tasks:
		return inventory.ClassTask
	case inventory.Notes:
		return inventory.ClassNote
	}
	return inventory.ClassMessage
}
