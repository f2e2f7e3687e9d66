package sqlite_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
	"github.com/cutover-mail/cutover/state/statetest"
)

// childVariable names the state on which this test binary, started by one of
// its tests, plays the part of a run.
const childVariable = "STATE_TEST_CHILD"

func TestMain(m *testing.M) {
	for variable, part := range map[string]func(string) error{childVariable: recordForever, readVariable: readState} {
		path := os.Getenv(variable)
		if path == "" {
			continue
		}
		if err := part(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const perRecord = 40

// recordForever writes batches until it is killed, naming each on standard
// output once it is durable. With a number of a write in the environment it
// kills itself there.
func recordForever(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	lease, err := s.Lock(ctx, state.Holder{ID: fmt.Sprint(os.Getpid()), Host: host, PID: os.Getpid()})
	if err != nil {
		return err
	}
	defer lease.Release()
	var store state.Store = s
	if n, err := strconv.Atoi(os.Getenv("STATE_TEST_KILL_AT")); err == nil {
		store = statetest.Watch(s, statetest.KillAt(n, os.Getenv("STATE_TEST_KILL_AFTER") != ""))
	}
	folders, err := s.Folders(ctx, 1)
	if err != nil {
		return err
	}
	for batch := folders[0].Items / perRecord; batch < 100_000; batch++ {
		if err := recordBatch(ctx, store, folders[0], batch); err != nil {
			return err
		}
		fmt.Println(batch)
	}
	return nil
}

// recordBatch journals an intent and then its result, as a run does.
func recordBatch(ctx context.Context, s state.Store, f state.Folder, batch int64) error {
	r := state.Record{Put: make([]state.Entry, perRecord), Resolve: []state.Resolution{{Intent: batch + 1}}}
	intent := state.Intent{ID: batch + 1, Recipient: f.Recipient, Folder: f.ID}
	for i := range r.Put {
		id := inventory.ItemID(fmt.Sprint(batch*perRecord + int64(i) + 1))
		intent.Items = append(intent.Items, id)
		r.Put[i] = state.Entry{Folder: f.ID, Source: id, Target: id, Size: 1, Status: state.Copied, Digest: sha256.Sum256([]byte(id))}
	}
	f.Cursor = inventory.Cursor(fmt.Sprint(batch))
	r.Folders = []state.Folder{f}
	if err := s.Record(ctx, state.Record{Intend: []state.Intent{intent}}); err != nil {
		return err
	}
	return s.Record(ctx, r)
}

// wantWhole checks a state whose writer was killed after it had reported that
// batches up to the one given are durable.
func wantWhole(t *testing.T, path string, reported int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lease, err := s.Lock(t.Context(), state.Holder{ID: "after", PID: os.Getpid()})
	if err != nil {
		t.Fatalf("the lock of a killed process: %v", err)
	}
	defer lease.Release()
	faults, err := s.Check(t.Context())
	if err != nil || len(faults) > 0 {
		t.Fatalf("check: %v, %v", faults, err)
	}
	folders, err := s.Folders(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	f := folders[0]
	batches := f.Items / perRecord
	if f.Items%perRecord != 0 || batches < reported+1 {
		t.Errorf("%d items are there, %d batches of %d were reported", f.Items, reported+1, perRecord)
	}
	if want := fmt.Sprint(batches - 1); batches > 0 && string(f.Cursor) != want {
		t.Errorf("the cursor is at batch %s, the ledger at %s", f.Cursor, want)
	}
	intents, err := s.Intents(t.Context(), f.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range intents {
		if i.ID != batches+1 || len(i.Items) != perRecord {
			t.Errorf("intent %d of %d items is in doubt after %d batches", i.ID, len(i.Items), batches)
		}
		if found, err := s.Lookup(t.Context(), f.ID, i.Items); err != nil || len(found) != 0 {
			t.Errorf("items in doubt are in the ledger: %v, %v", found, err)
		}
	}
}

func newCrashState(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	newFolder(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKilledAtRandomKeepsWholeRecords(t *testing.T) {
	path := newCrashState(t)
	for range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		reported := readUntil(t, out, 1+rand.IntN(60), func() {
			wantLockedBy(t, path, cmd.Process.Pid)
			cmd.Process.Kill()
		})
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the run was not killed: %v", err)
		}
		wantWhole(t, path, reported)
		clearIntents(t, path)
	}
}

// wantLockedBy checks that another process, which is at work, keeps this one
// out.
func wantLockedBy(t *testing.T, path string, pid int) {
	t.Helper()
	s := open(t, path)
	defer s.Close()
	_, err := s.Lock(t.Context(), state.Holder{ID: "too early", PID: os.Getpid()})
	if locked, ok := errors.AsType[*state.LockedError](err); !ok || locked.Holder.PID != pid {
		t.Errorf("locking while process %d is at work: %v", pid, err)
	}
	if err := s.Record(t.Context(), state.Record{}); err == nil {
		t.Error("a write went in between those of the holder")
	}
}

// readUntil reads reports, calls kill after n of them, reads what is left and
// returns the last batch reported.
func readUntil(t *testing.T, out io.Reader, n int, kill func()) int64 {
	last := int64(-1)
	lines := bufio.NewScanner(out)
	for i := 1; lines.Scan(); i++ {
		batch, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the run says %q", lines.Text())
		}
		last = batch
		if i == n {
			kill()
		}
	}
	return last
}

func TestKilledAtEachWriteKeepsWholeRecords(t *testing.T) {
	path := newCrashState(t)
	for n := 1; n <= 4; n++ {
		for _, after := range []string{"", "1"} {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childVariable+"="+path, "STATE_TEST_KILL_AT="+fmt.Sprint(n), "STATE_TEST_KILL_AFTER="+after)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("killed at write %d, the run ended with %v: %s", n, err, out)
			}
			wantWhole(t, path, -1)
			clearIntents(t, path)
		}
	}
}

// clearIntents resolves what the killed run left in doubt: nothing was there.
func clearIntents(t *testing.T, path string) {
	s := open(t, path)
	defer s.Close()
	intents, err := s.Intents(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range intents {
		record(t, s, state.Record{Resolve: []state.Resolution{{Intent: i.ID}}})
	}
}

// readVariable names the state that this test binary is to read.
const readVariable = "STATE_TEST_READ"

func readState(path string) error {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if !s.ReadOnly() {
		return errors.New("the state can be written")
	}
	folders, err := s.Folders(context.Background(), 1)
	if err == nil {
		fmt.Printf("%d items", folders[0].Items)
	}
	return err
}
