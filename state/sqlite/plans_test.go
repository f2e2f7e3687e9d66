package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// TestNoStatementReadsAWholeTable runs every operation once and asks SQLite
// how it carries out each statement that was prepared for it.
func TestNoStatementReadsAWholeTable(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	doEverything(t, s)
	texts := slices.Concat(slices.Collect(maps.Keys(s.stmts)), slices.Collect(maps.Keys(s.queries.kept)))
	checked := 0
	for _, text := range texts {
		if !strings.HasPrefix(text, "SELECT") && !strings.HasPrefix(text, "UPDATE") && !strings.HasPrefix(text, "DELETE") {
			continue
		}
		checked++
		for _, step := range planOf(t, s, text) {
			if strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN") && !small(step) {
				t.Errorf("%s\n\tis carried out as %q", text, step)
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d statements were seen", checked)
	}
}

// small reports whether the table is one that stays small, or is read to the
// limit of the statement only.
func small(step string) bool {
	for _, table := range [...]string{"header", "lock", "run", "CONSTANT ROW"} {
		if name, _, _ := strings.Cut(strings.TrimPrefix(step, "SCAN "), " USING"); name == table {
			return true
		}
	}
	return false
}

func planOf(t *testing.T, s *Store, text string) (steps []string) {
	t.Helper()
	rows, err := s.reads.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+text, make([]any, strings.Count(text, "?"))...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	err = each(rows, func(rows *sql.Rows) error {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		steps = append(steps, step)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func doEverything(t *testing.T, s *Store) {
	ctx := t.Context()
	fatal := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	lease, err := s.Lock(ctx, state.Holder{ID: "x"})
	fatal(err)
	run, err := s.BeginRun(ctx, state.Run{PlanDigest: "p"})
	fatal(err)
	r, err := s.SaveRecipient(ctx, state.Recipient{Migration: "m", Kind: inventory.KindMailbox, Source: "a@contoso.test"})
	fatal(err)
	f, err := s.SaveFolder(ctx, state.Folder{Recipient: r.ID, Source: "A"})
	fatal(err)
	f, err = s.SaveFolder(ctx, f)
	fatal(err)
	key := func(id inventory.ItemID) state.Key { return state.Key{Folder: f.ID, Source: id} }
	many := make([]state.Key, 2*fewKeys)
	fatal(s.Record(ctx, state.Record{
		Intend: []state.Intent{{ID: 1, Recipient: r.ID, Folder: f.ID, Items: []inventory.ItemID{"1", "2"}}},
		Put:    []state.Entry{{Folder: f.ID, Source: "1", Flags: `\Seen`, Status: state.Copied}},
		Fail:   []state.Problem{{Recipient: r.ID, Folder: f.ID, Source: "1"}, {Recipient: r.ID}},
		Lose:   []state.Problem{{Recipient: r.ID, Folder: f.ID, Source: "1"}},
	}))
	fatal(s.Record(ctx, state.Record{Rekey: []state.Rekey{{From: key("1"), To: key("2")}}, Resolve: []state.Resolution{{Intent: 1, Items: []inventory.ItemID{"1"}}}}))
	fatal(s.Record(ctx, state.Record{Drop: append(many, key("2")), Resolve: []state.Resolution{{Intent: 1}}}))
	for _, migration := range [...]string{"m", ""} {
		drain(s.Recipients(ctx, migration))
		drain(s.AllFolders(ctx, migration))
		drain(s.Problems(ctx, migration))
	}
	drain(s.Entries(ctx, f.ID))
	_, err = s.Folders(ctx, r.ID)
	fatal(err)
	for _, n := range [...]int{1, 2 * fewKeys} {
		_, err = s.Lookup(ctx, f.ID, make([]inventory.ItemID, n))
		fatal(err)
	}
	_, err = s.Intents(ctx, r.ID)
	fatal(err)
	_, err = s.RequestStop(ctx, "me")
	fatal(err)
	_, err = s.ListRuns(ctx, 1)
	fatal(err)
	fatal(s.EndRun(ctx, run.Number, state.RunResult{}))
	fatal(s.RemoveRecipient(ctx, r.ID))
	fatal(lease.Release())
}

func drain[T any](seq func(func(T, error) bool)) {
	for range seq {
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	list, err := migrations()
	if err != nil || len(list) != Version() || Version() == 0 {
		t.Errorf("%d migrations, version %d, %v", len(list), Version(), err)
	}
}

func TestMigrationWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(t.Context(), path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lease, err := s.Lock(t.Context(), state.Holder{ID: "x", Who: "someone"})
	if err != nil {
		t.Fatal(err)
	}
	next := migration{version: Version() + 1, name: "next", text: `CREATE TABLE next (x)`}
	apply := func() error {
		return s.transact(context.WithoutCancel(t.Context()), "migrate", func(t *tx) error { return t.apply(next) })
	}
	if err := apply(); err == nil {
		t.Error("the schema was changed under a run")
	}
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds it done
		if err := apply(); err != nil {
			t.Error(err)
		}
	}
}
