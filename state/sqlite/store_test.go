package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/state/statetest"
)

func TestStore(t *testing.T) {
	statetest.Run(t,
		func(t *testing.T) state.Store { return open(t, filepath.Join(t.TempDir(), "state.db")) },
		func(t *testing.T, s state.Store) state.Store {
			again, err := sqlite.Open(t.Context(), s.(*sqlite.Store).Path(), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { again.Close() })
			return again
		})
}
