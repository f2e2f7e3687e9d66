package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/cutover-mail/cutover/planner"
)

// material is what the digest of a configuration is made of: all that decides
// what a run does, with the names of secrets in their place. Where the state
// lies is not part of it; the plan names the state by its lineage.
type material struct {
	Providers map[string]providerMaterial
	Endpoints map[string]map[string]any
	Migration Migration
	From, To  []string
}

type providerMaterial struct {
	Command []string
	Isolate bool
}

func digest(c *Config) string {
	text, err := json.Marshal(digestMaterial(c))
	if err != nil {
		return "" // settings went through JSON before
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestMaterial leaves out ranges, and puts into one order what has none.
func digestMaterial(c *Config) material {
	m := material{Providers: map[string]providerMaterial{}, Endpoints: map[string]map[string]any{}, Migration: *c.Migration}
	for name, p := range c.Providers {
		m.Providers[name] = providerMaterial{p.Command, p.Isolate}
	}
	for _, e := range slices.Concat(c.Sources, c.Targets) {
		m.Endpoints[e.Address()] = e.shown
	}
	m.From, m.To = addressesOf(c.Migration.From), addressesOf(c.Migration.To)
	m.Migration.From, m.Migration.To, m.Migration.Range = nil, nil, nil
	m.Migration.Include, m.Migration.Exclude = bareRules(c.Migration.Include), bareRules(c.Migration.Exclude)
	m.Migration.Map = bare(c.Migration.Map, func(x *planner.Mapping) { x.Range = nil })
	slices.SortFunc(m.Migration.Map, func(a, b planner.Mapping) int { return cmp.Compare(a.From, b.From) })
	m.Migration.Batches = bare(c.Migration.Batches, func(x *planner.Batch) { x.Range = nil })
	m.Migration.Waivers = bare(c.Migration.Waivers, func(x *planner.Waiver) { x.Range = nil })
	slices.SortFunc(m.Migration.Waivers, func(a, b planner.Waiver) int { return cmp.Compare(a.Code, b.Code) })
	return m
}

func bareRules(rules []planner.Rule) []planner.Rule {
	return bare(rules, func(x *planner.Rule) { x.Range = nil })
}

func bare[T any](list []T, strip func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		strip(&list[i])
	}
	return list
}

func addressesOf(endpoints []*Endpoint) []string {
	var all []string
	for _, e := range endpoints {
		all = append(all, e.Address())
	}
	return all
}
