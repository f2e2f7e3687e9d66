package executor_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

func dropped() error {
	return &providers.Error{Kind: providers.Transient, Code: "mem-dropped", Op: "read", Response: "connection reset"}
}

func TestLostAnswersDoubleNothing(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprintf("hide IDs %v", hidden), func(t *testing.T) {
			w := newWorld(t, anna)
			w.target.Configure(func(c *mem.Config) { c.HideIDs = hidden })
			w.deliver(anna, "INBOX", 450)
			for range 7 {
				w.source.Mailbox(anna).Deliver("INBOX", message("INBOX", 11)) // equal to another
			}
			w.connect()
			lost := w.to.On("Put", 1).AfterItems(120).Lost(40).Then(dropped())
			again := w.to.On("Put", 2).After().Then(dropped())
			w.must()
			w.same()
			if lost.Fired() != 1 || again.Fired() != 1 || w.events.sum().Matched == 0 {
				t.Errorf("faults fired %d and %d times, %+v", lost.Fired(), again.Fired(), w.events.sum())
			}
		})
	}
}

func TestBrokenBodiesAreReadAgain(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 300)
	w.connect()
	w.from.On("Fetch", 1).AfterBytes(50_000).Then(dropped())
	w.to.On("Put", 2).AfterBytes(50_000).Then(dropped())
	w.must()
	w.same()
}

// Everything that can fail fails, at every seed in another order; in the end
// the target is that of a run in which nothing failed.
func TestAnyFaultsAnywhere(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, anna, berta)
			w.target.Configure(func(c *mem.Config) { c.HideIDs = seed%3 == 0; c.PutBatch = seed % 7 * 10 })
			w.source.Configure(func(c *mem.Config) {
				c.NoHistory, c.HideSizes, c.Page, c.Reverse = seed%2 == 0, seed%5 == 0, seed%4*30, seed%2 == 1
			})
			w.retry.Attempts = 1000
			faulty := func() {
				w.connect()
				w.from.Random(uint64(seed), 0.08, dropped())
				w.to.Random(uint64(seed)+1000, 0.08, dropped())
			}
			ids := w.deliver(anna, "INBOX", 260)
			w.deliver(anna, "Archive", 20)
			w.deliver(berta, "INBOX", 30)
			faulty()
			w.must()
			w.same()
			box := w.source.Mailbox(anna)
			for i, id := range ids[:60] {
				switch i % 4 {
				case 0:
					box.SetFlags("INBOX", id, inventory.MakeFlags(inventory.Answered))
				case 1:
					box.Move("INBOX", id, "Archive")
				case 2:
					box.Delete("INBOX", id)
				}
			}
			w.deliver(anna, "INBOX", 40)
			faulty()
			w.must()
			w.same()
		})
	}
}

func TestRefusedItemsAreRememberedAndTriedAgain(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 30)
	w.connect()
	w.to.On("Put", 1).Item(3).Then(&providers.Error{Kind: providers.Rejected, Code: "mem-refused", Op: "append", Response: "no such luck"})
	w.from.On("Fetch", 1).Item(20).Then(&providers.Error{Kind: providers.Rejected, Code: "mem-unreadable", Op: "fetch"})
	result, err := w.run()
	if err != nil || result.Outcome != event.Failed || result.Failed != 1 || result.Items != 28 {
		t.Fatalf("run: %+v %v", result, err)
	}
	if codes := w.events.codes(); codes["mem-refused"] != 1 || codes["mem-unreadable"] != 1 {
		t.Errorf("told %v", codes)
	}
	w.sound()
	if result := w.must(); result.Items != 2 {
		t.Errorf("the next run copied %d items", result.Items)
	}
	w.same()
	for problem := range w.store.Problems(t.Context(), "contoso") {
		t.Errorf("still remembered: %+v", problem)
	}
}

func TestItemsTooLargeAreNotSent(t *testing.T) {
	w := newWorld(t, anna)
	w.deliver(anna, "INBOX", 3)
	w.source.Mailbox(anna).Deliver("INBOX", mem.Item{Content: make([]byte, 5000)})
	w.target.Configure(func(c *mem.Config) { c.MaxItemSize = 4000 })
	result, err := w.run()
	if err != nil || result.Items != 3 || w.events.codes()["item-too-large"] != 1 {
		t.Errorf("%+v, %v, %v", result, err, w.events.codes())
	}
	w.sound()
}

func TestFullMailboxDoesNotHoldUpOthers(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(anna, "INBOX", 100)
	w.deliver(berta, "INBOX", 100)
	w.connect()
	w.to.On("Put", 1).For(anna).Item(50).Then(&providers.Error{Kind: providers.Quota, Code: "imap-overquota", Op: "append", Response: "NO [OVERQUOTA]"})
	result, err := w.run()
	if err != nil || result.Failed != 1 || result.Steps != 2 || w.events.codes()["imap-overquota"] != 1 {
		t.Fatalf("%+v, %v\n%s", result, err, w.events)
	}
	if got := len(w.target.Mailbox(berta).IDs("INBOX")); got != 100 {
		t.Errorf("the other mailbox has %d items", got)
	}
	for r := range w.store.Recipients(t.Context(), "contoso") {
		if (r.Source == anna) != (r.ErrorCode == "imap-overquota") || (r.Source == berta) == r.Synced.IsZero() {
			t.Errorf("remembered: %+v", r)
		}
	}
	w.must()
	w.same()
}

func TestRefusedMasterAccountFailsFast(t *testing.T) {
	w := newWorld(t, anna, berta, "carla@contoso.test")
	w.connect()
	w.to.On("OpenMailbox", 0).Then(&providers.Error{Kind: providers.Denied, Code: "imap-auth", Op: "sign in", WholeEndpoint: true})
	to := w.to
	result, err := w.run()
	if err != nil || result.Failed != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	if calls := to.Calls("OpenMailbox"); calls > 3 || calls < 1 {
		t.Errorf("signed in %d times", calls)
	}
}

func TestMailboxThatKeepsFailingFailsAlone(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(berta, "INBOX", 3)
	w.connect()
	w.from.On("Folders", 0).For(anna).Then(dropped())
	from := w.from
	result, err := w.run()
	if err != nil || result.Failed != 1 || result.Items != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	if calls := from.Calls("Folders"); calls != pace.DefaultAttempts+1 {
		t.Errorf("listed %d times", calls)
	}
}

func TestServersHintIsHonoured(t *testing.T) {
	w := newWorld(t, anna, berta)
	w.deliver(anna, "INBOX", 300)
	w.deliver(berta, "INBOX", 300)
	w.connect()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var next time.Duration
		w.to.On("Put", 1).AfterItems(10).Then(&providers.Error{
			Kind: providers.Throttled, Code: "busy", Op: "append", RetryAfter: 10 * time.Minute, WholeEndpoint: true})
		w.to.On("OpenMailbox", 0).Hook(func(context.Context) {
			if d := time.Since(began); d > 0 && (next == 0 || d < next) {
				next = d
			}
		})
		result, err := w.apply(t.Context(), t.Context())
		if err != nil || result.Outcome != event.Done || next < 10*time.Minute {
			t.Errorf("%+v, %v; first sign-in after the hint at %v", result, err, next)
		}
	})
	w.same()
}
