// Package statetest is one exercise for every store of package state, and
// ways to interrupt a store at each of its writes.
package statetest

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// Run exercises a store. open makes an empty state and opens it, again opens
// the state of s once more, as another process would; s may be closed by then.
// Both close what they opened when t ends.
func Run(t *testing.T, open func(t *testing.T) state.Store, again func(t *testing.T, s state.Store) state.Store) {
	x := exercise{open, again}
	for _, part := range [...]struct {
		name string
		run  func(*testing.T)
	}{
		{"HeaderStaysAndSerialGrows", x.header},
		{"RunsAreNumberedAndEnd", x.runs},
		{"SavedPlanIsUsedOnce", x.planOnce},
		{"RecipientsKeepTheirID", x.recipients},
		{"RemovedRecipientLeavesNothing", x.remove},
		{"FoldersAreOrderedByPath", x.folders},
		{"EntriesComeBackAsTheyWere", x.entries},
		{"PutReplacesAndDropForgets", x.replace},
		{"EntriesStreamsPastItsPages", x.stream},
		{"AbandonedSequencesHoldNothing", x.abandoned},
		{"RekeyMovesAllAtOnce", x.rekey},
		{"RekeyRefusesWhatWouldForget", x.rekeyRefuses},
		{"IntentsStayUntilResolved", x.intents},
		{"FailuresAreCountedAndForgotten", x.failures},
		{"LossesAreKeptOnce", x.losses},
		{"ProblemsAreOrdered", x.problems},
		{"RecordIsCarriedOutInOrder", x.order},
		{"RecordIsAllOrNothing", x.atomic},
		{"CheckFindsTargetsClaimedTwice", x.claims},
		{"CancelledWriteKeepsNothing", x.cancelled},
		{"ConcurrentRecordsAllArrive", x.concurrent},
		{"LockKeepsOthersOut", x.lock},
		{"LockOfAnEndedProcessIsTakenOver", x.takeover},
		{"LostLockRefusesWrites", x.lost},
		{"StopReachesTheHolder", x.stop},
		{"AgreesWithAModel", x.model},
	} {
		t.Run(part.name, part.run)
	}
}

type exercise struct {
	open  func(*testing.T) state.Store
	again func(*testing.T, state.Store) state.Store
}

const migration = "contoso"

var at = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// mailbox saves a recipient with its folders, and returns the folders.
func mailbox(t testing.TB, s state.Store, address inventory.Address, paths ...string) []state.Folder {
	t.Helper()
	r := need(s.SaveRecipient(t.Context(), state.Recipient{Migration: migration, Kind: inventory.KindMailbox, Source: address, Target: address}))(t)
	var folders []state.Folder
	for _, p := range paths {
		f := state.Folder{Recipient: r.ID, Ability: inventory.Mail, Source: inventory.FolderID(p), Path: inventory.ParsePath(p)}
		folders = append(folders, need(s.SaveFolder(t.Context(), f))(t))
	}
	return folders
}

// need fails the test unless err is nil.
func need[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func write(t testing.TB, s state.Store, r state.Record) {
	t.Helper()
	if err := s.Record(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// collect drains a sequence.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differ (-want +got):\n%s", what, diff)
	}
}

// ledger returns the entries of a folder, sorted by source ID.
func ledger(t testing.TB, s state.Store, folder int64) []state.Entry {
	t.Helper()
	return sorted(collect(t, s.Entries(t.Context(), folder)))
}

func sorted(entries []state.Entry) []state.Entry {
	slices.SortFunc(entries, func(a, b state.Entry) int {
		switch {
		case a.Source < b.Source:
			return -1
		case a.Source > b.Source:
			return 1
		}
		return 0
	})
	return entries
}

// sound fails the test when the store finds a fault in itself.
func sound(t testing.TB, s state.Store) {
	t.Helper()
	faults, err := s.Check(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

// counts returns the counts of a folder.
func counts(t testing.TB, s state.Store, f state.Folder) (items, bytes, failed int64) {
	t.Helper()
	for _, have := range need(s.Folders(t.Context(), f.Recipient))(t) {
		if have.ID == f.ID {
			return have.Items, have.Bytes, have.Failed
		}
	}
	t.Fatalf("folder %d is gone", f.ID)
	return 0, 0, 0
}

func wantCounts(t testing.TB, s state.Store, f state.Folder, items, bytes, failed int64) {
	t.Helper()
	if i, b, n := counts(t, s, f); i != items || b != bytes || n != failed {
		t.Errorf("folder %s counts %d items, %d bytes, %d failed; want %d, %d, %d", f.Path, i, b, n, items, bytes, failed)
	}
}

func copied(folder int64, source, target inventory.ItemID, size int64) state.Entry {
	return state.Entry{
		Folder: folder, Source: source, Target: target, Size: size, Flags: `\Seen`,
		Received: at, Digest: inventory.Digest{1, byte(size)}, Status: state.Copied,
	}
}
