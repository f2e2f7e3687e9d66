package executor_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/state/statetest"
)

// The environment of a process that is killed.
const (
	killFolder = "CUTOVER_TEST_KILL_FOLDER"
	killWrite  = "CUTOVER_TEST_KILL_WRITE" // "12 before", "12 after", or empty
	killSecond = "CUTOVER_TEST_KILL_SECOND"
	killItems  = "CUTOVER_TEST_KILL_ITEMS"
)

// TestChildOfKill is the process that is killed: it runs once.
func TestChildOfKill(t *testing.T) {
	folder := os.Getenv(killFolder)
	if folder == "" {
		t.Skip("this is a process of other tests")
	}
	w := killWorld(t, folder)
	hook := func(statetest.Point) error { return nil }
	var n int
	var when string
	if _, err := fmt.Sscan(os.Getenv(killWrite), &n, &when); err == nil {
		hook = statetest.KillAt(n, when == "after")
	}
	w.store = statetest.Watch(w.store, hook)
	w.must()
}

// killWorld is the organisation of the process that is killed, the same in
// each: at first, or after people have worked in it.
func killWorld(t *testing.T, folder string) *world {
	w := newWorld(t, anna, berta)
	w.store = openStore(t, filepath.Join(folder, "state.db"))
	items, _ := strconv.Atoi(os.Getenv(killItems))
	ids := w.deliver(anna, "INBOX", items)
	w.deliver(anna, "Archive", items/4)
	w.deliver(berta, "INBOX", items/4)
	for range 5 {
		w.source.Mailbox(anna).Deliver("INBOX", message("INBOX", 3))
	}
	if os.Getenv(killSecond) != "" {
		peopleWork(w, ids)
	}
	disk, err := openDisk(filepath.Join(folder, "target"), w.target)
	if err != nil {
		t.Fatal(err)
	}
	w.options = func(o *executor.Options) { o.Targets = map[string]providers.Endpoint{there: disk} }
	return w
}

func peopleWork(w *world, ids []inventory.ItemID) {
	box := w.source.Mailbox(anna)
	for i, id := range ids[:len(ids)/2] {
		switch i % 5 {
		case 0:
			box.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Flagged))
		case 1:
			box.Move("INBOX", id, "Archive")
		case 2:
			box.Move("INBOX", id, "New")
		case 3:
			box.Delete("INBOX", id)
		}
	}
	w.deliver(anna, "INBOX", len(ids)/4)
}

// child runs the process and reports whether it was killed.
func child(t *testing.T, folder string, after time.Duration, env ...string) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildOfKill$", "-test.count=1")
	cmd.Env = append(os.Environ(), append(env, killFolder+"="+folder)...)
	var timer *time.Timer
	out := &limited{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		timer = time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == -1 {
		return true
	}
	if err != nil {
		t.Fatalf("the process failed: %v\n%s", err, out)
	}
	return false
}

type limited struct{ text []byte }

func (l *limited) Write(p []byte) (int, error) {
	if len(l.text) < 10_000 {
		l.text = append(l.text, p...)
	}
	return len(p), nil
}

func (l *limited) String() string { return string(l.text) }

// finished compares both sides after the last process has ended.
func finished(t *testing.T, folder string) {
	t.Helper()
	w := killWorld(t, folder)
	if diff := cmp.Diff(w.source.Contents(), w.target.Contents()); diff != "" {
		t.Fatalf("target differs (-source +target):\n%s", diff)
	}
	w.sound()
}

func TestKilledAtEveryJournalWrite(t *testing.T) {
	t.Setenv(killItems, "450")
	for _, second := range []string{"", "yes"} {
		for _, when := range []string{"before", "after"} {
			for n, killed := 1, true; killed; n++ {
				folder := t.TempDir()
				if second != "" {
					child(t, folder, 0)
				}
				env := []string{killWrite + "=" + fmt.Sprintf("%d %s", n, when), killSecond + "=" + second}
				killed = child(t, folder, 0, env...)
				if killed && testing.Short() && n%5 != 0 {
					continue
				}
				child(t, folder, 0, killSecond+"="+second)
				t.Setenv(killSecond, second)
				finished(t, folder)
				t.Setenv(killSecond, "")
				if n > 200 {
					t.Fatal("the process is killed for ever")
				}
			}
		}
	}
}

func TestKilledAtRandomInstants(t *testing.T) {
	t.Setenv(killItems, "2400")
	times := 12
	if testing.Short() {
		times = 3
	}
	began := time.Now()
	child(t, t.TempDir(), 0)
	whole := time.Since(began)
	for range times {
		folder := t.TempDir()
		for child(t, folder, time.Duration(rand.Int64N(int64(whole)))+time.Millisecond) {
		}
		finished(t, folder)
	}
}
