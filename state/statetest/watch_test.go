package statetest_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/state/statetest"
)

func open(t *testing.T) state.Store {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// work makes three writes and returns the error of each.
func work(t *testing.T, s state.Store) (errs [3]error) {
	for i, a := range [...]inventory.Address{"a@contoso.test", "b@contoso.test", "c@contoso.test"} {
		_, errs[i] = s.SaveRecipient(t.Context(), state.Recipient{Migration: "m", Kind: inventory.KindMailbox, Source: a})
	}
	return errs
}

func saved(s state.Store, t *testing.T) (list string) {
	for r, err := range s.Recipients(t.Context(), "m") {
		if err != nil {
			t.Fatal(err)
		}
		list += string(r.Source[:1])
	}
	return list
}

func TestFullAtRefusesTheWritesNamed(t *testing.T) {
	s := open(t)
	errs := work(t, statetest.Watch(s, statetest.FullAt(2, 2)))
	if errs[0] != nil || !errors.Is(errs[1], state.ErrFull) || errs[2] != nil {
		t.Errorf("the writes end with %v", errs)
	}
	if got := saved(s, t); got != "ac" {
		t.Errorf("%q were saved, want all but the second", got)
	}
}

func TestErrorAfterAWriteComesWhenItIsDurable(t *testing.T) {
	s, lost := open(t), errors.New("nobody heard")
	var n atomic.Int64
	count := statetest.Count(&n)
	errs := work(t, statetest.Watch(s, func(p statetest.Point) error {
		if p.Op != "SaveRecipient" {
			t.Errorf("the write is called %q", p.Op)
		}
		if p.After && p.Write == 3 {
			return lost
		}
		return count(p)
	}))
	if !errors.Is(errs[2], lost) || saved(s, t) != "abc" || n.Load() != 3 {
		t.Errorf("the writes end with %v, %q were saved, %d counted", errs, saved(s, t), n.Load())
	}
}
