package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
)

// maxFlagSets bounds what the cache holds; a mail organisation uses a few
// hundred sets, one that labels every message differently would use any number.
const maxFlagSets = 20_000

// flagCache knows sets of flags by number and back. A number never changes
// its meaning.
type flagCache struct {
	mu    sync.RWMutex
	ids   map[inventory.Flags]int64
	names map[int64]inventory.Flags
}

func (c *flagCache) id(f inventory.Flags) (int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	id, ok := c.ids[f]
	return id, ok
}

func (c *flagCache) name(id int64) (inventory.Flags, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	f, ok := c.names[id]
	return f, ok
}

func (c *flagCache) add(sets map[inventory.Flags]int64) {
	if len(sets) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil || len(c.ids)+len(sets) > maxFlagSets {
		c.ids, c.names = map[inventory.Flags]int64{}, map[int64]inventory.Flags{}
	}
	maps.Copy(c.ids, sets)
	for f, id := range sets {
		c.names[id] = f
	}
}

// flagSet returns the number of a set of flags, giving it one when it is new.
func (t *tx) flagSet(f inventory.Flags) (int64, error) {
	if f == "" {
		return 0, nil
	}
	if id, ok := t.s.flags.id(f); ok {
		return id, nil
	}
	if id, ok := t.flags[f]; ok {
		return id, nil
	}
	var id int64
	err := t.row(`SELECT id FROM flagset WHERE names = ?`, []any{string(f)}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.row(`INSERT INTO flagset (names) VALUES (?) RETURNING id`, []any{string(f)}, &id)
	}
	if err != nil {
		return 0, err
	}
	t.flags[f] = id
	return id, nil
}

// flagNames is the inverse of flagSet.
func (s *Store) flagNames(ctx context.Context, id int64) (inventory.Flags, error) {
	if id == 0 {
		return "", nil
	}
	if f, ok := s.flags.name(id); ok {
		return f, nil
	}
	var f inventory.Flags
	if err := s.reads.QueryRowContext(ctx, `SELECT names FROM flagset WHERE id = ?`, id).Scan(&f); err != nil {
		return "", err
	}
	s.flags.add(map[inventory.Flags]int64{f: id})
	return f, nil
}
