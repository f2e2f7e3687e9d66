package executor

import (
	"context"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// claims decide which target items may be taken for items of the source: none
// that belongs to an entry of the ledger, and each at most once, so that two
// equal source items need two equal target items.
type claims struct {
	taken func(inventory.ItemID) bool
	// nameless counts entries whose target IDs are unknown, by digest: each
	// stands for one item that looks free and is not.
	nameless map[inventory.Digest]int
	claimed  map[inventory.ItemID]bool
}

func newClaims() *claims {
	return &claims{
		taken:    func(inventory.ItemID) bool { return false },
		nameless: map[inventory.Digest]int{}, claimed: map[inventory.ItemID]bool{},
	}
}

// claim takes the first free candidate for content with the digest.
func (c *claims) claim(digest inventory.Digest, candidates []inventory.ItemID) (inventory.ItemID, bool) {
	for _, id := range candidates {
		if c.claimed[id] || c.taken(id) {
			continue
		}
		c.claimed[id] = true
		if c.nameless[digest] > 0 {
			c.nameless[digest]--
			continue
		}
		return id, true
	}
	return "", false
}

// claimsOf prepares claims for items about to be looked up: entries of the
// folder without target ID are counted.
func (p *pass) claimsOf(ctx context.Context, folder int64, items []hashed) (*claims, error) {
	c := newClaims()
	wanted := make(map[inventory.Digest]bool, len(items))
	for i := range items {
		wanted[items[i].digest] = true
	}
	err := p.eachEntry(ctx, folder, func(e state.Entry) {
		if e.Target == "" && wanted[e.Digest] {
			c.nameless[e.Digest]++
		}
	})
	return c, err
}

// exclude marks the candidates that entries of the folder hold.
func (c *claims) exclude(ctx context.Context, p *pass, folder int64, found [][]inventory.ItemID) error {
	candidates := map[inventory.ItemID]bool{}
	for _, ids := range found {
		for _, id := range ids {
			candidates[id] = false
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	err := p.eachEntry(ctx, folder, func(e state.Entry) {
		if _, ok := candidates[e.Target]; ok {
			candidates[e.Target] = true
		}
	})
	c.taken = func(id inventory.ItemID) bool { return candidates[id] }
	return err
}

func (p *pass) eachEntry(ctx context.Context, folder int64, f func(state.Entry)) error {
	for e, err := range p.Store.Entries(ctx, folder) {
		if err != nil {
			return p.broken(err)
		}
		f(e)
	}
	return nil
}

// find looks items up on the target, by all that is known of them.
func (p *pass) find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, items []hashed) ([][]inventory.ItemID, error) {
	if len(items) == 0 {
		return nil, nil
	}
	prints := make([]inventory.Fingerprint, len(items))
	for i := range items {
		prints[i] = items[i].print()
	}
	found, err := p.tgt.Find(ctx, folder, after, prints)
	if err != nil {
		return nil, p.tgt.verdict(err)
	}
	return found, nil
}
