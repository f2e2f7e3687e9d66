package executor_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/executor/event"
	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/providers/providertest"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

const (
	anna  = inventory.Address("anna@contoso.test")
	berta = inventory.Address("berta@contoso.test")
	there = "target.mem.there"
)

// world is two organisations and a state between them.
type world struct {
	t              testing.TB
	source, target *mem.Organisation
	from, to       *providertest.Faults
	store          state.Store
	deletions      string
	deleted        int64 // that the plan shows, for each folder
	retry          pace.Policy
	// planned changes the plan before it is applied.
	planned func(*plan.Plan)
	options func(*executor.Options)
	events  *recorder
}

func newWorld(t testing.TB, people ...inventory.Address) *world {
	w := &world{t: t, source: mem.New(), target: mem.New(), deletions: "mirror", deleted: 1000,
		retry: pace.Policy{Base: time.Microsecond, Max: time.Microsecond}}
	w.source.Configure(func(c *mem.Config) { c.Identity = "mem:here" })
	w.target.Configure(func(c *mem.Config) { c.Identity = "mem:there" })
	for _, address := range people {
		w.source.AddMailbox(address)
		w.target.AddMailbox(address)
	}
	w.store = openStore(t, filepath.Join(t.TempDir(), "state.db"))
	return w
}

func openStore(t testing.TB, path string) state.Store {
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// connect opens both endpoints, so that faults can be scripted before a run.
func (w *world) connect() {
	w.from = providertest.NewFaults(w.source.Endpoint())
	w.to = providertest.NewFaults(w.target.Endpoint())
}

// deliver puts n messages of different content into a source folder.
func (w *world) deliver(who inventory.Address, folder string, n int) []inventory.ItemID {
	var ids []inventory.ItemID
	box := w.source.Mailbox(who)
	start := len(box.IDs(folder))
	for i := start; i < start+n; i++ {
		ids = append(ids, box.Deliver(folder, message(folder, i)))
	}
	return ids
}

func message(folder string, i int) mem.Item {
	body := fmt.Sprintf("Subject: %s %d\r\n\r\n%s\r\n", folder, i, strings.Repeat("x", i*37%2000))
	return mem.Item{
		Content: []byte(body), Received: time.Date(2024, 1, 2, 3, 4, i, 0, time.UTC),
		Flags: []inventory.Flags{"", inventory.Seen, inventory.MakeFlags(inventory.Seen, "$Label1")}[i%3],
	}
}

// run plans what the sources hold and applies it.
func (w *world) run() (executor.Result, error) {
	return w.apply(w.t.Context(), w.t.Context())
}

func (w *world) apply(admit, work context.Context) (executor.Result, error) {
	w.t.Helper()
	if w.from == nil {
		w.connect()
	}
	p := w.plan()
	if w.planned != nil {
		w.planned(p)
	}
	begun, err := w.store.BeginRun(context.WithoutCancel(work), state.Run{Migration: "contoso", Started: time.Now()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.events = &recorder{}
	o := executor.Options{
		Plan: p, Source: w.from, Targets: map[string]providers.Endpoint{there: w.to},
		Store: w.store, Run: begun, Sink: w.events, TempDir: w.t.TempDir(), Retry: w.retry,
	}
	if w.options != nil {
		w.options(&o)
	}
	result, err := executor.Run(admit, work, o)
	w.from, w.to = nil, nil
	return result, err
}

// plan is what a planner makes of the organisations, roughly: every folder of
// every mailbox is worked on.
func (w *world) plan() *plan.Plan {
	p := &plan.Plan{Migration: "contoso", Deletions: w.deletions, Source: plan.Endpoint{Address: "source.mem.here"}}
	for _, r := range w.source.Recipients() {
		if r.Kind != inventory.KindMailbox {
			continue
		}
		s := plan.Step{ID: plan.StepID("copy:" + r.Address), Action: plan.Copy, Kind: r.Kind, Source: r.Address, Target: r.Address, Endpoint: there}
		session, err := w.source.Endpoint().OpenMailbox(w.t.Context(), r.Address)
		if err != nil {
			w.t.Fatal(err)
		}
		folders, err := session.Folders(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		session.Close()
		for _, f := range folders {
			s.Folders = append(s.Folders, plan.Folder{
				Source: f.ID, Path: f.Path, Role: f.Role, Holds: f.Holds, Endpoint: there, Target: f.Path,
				Container: f.Container, Subscribed: f.Subscribed, Epoch: f.Epoch, Work: plan.Work{Deleted: w.deleted},
			})
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// must runs and expects the run to be done.
func (w *world) must() executor.Result {
	w.t.Helper()
	result, err := w.run()
	if err != nil {
		w.t.Fatalf("run: %v", err)
	}
	if result.Outcome != event.Done {
		w.t.Fatalf("run ended %s: %+v\n%s", result.Outcome, result, w.events)
	}
	return result
}

// same compares both organisations, item by item.
func (w *world) same() {
	w.t.Helper()
	if diff := cmp.Diff(w.source.Contents(), w.target.Contents()); diff != "" {
		w.t.Fatalf("target differs (-source +target):\n%s", diff)
	}
	w.sound()
}

// sound checks the state: nothing in doubt, nothing claimed twice.
func (w *world) sound() {
	w.t.Helper()
	faults, err := w.store.Check(w.t.Context())
	if err != nil || len(faults) > 0 {
		w.t.Fatalf("state: %v %v", faults, err)
	}
	for r, err := range w.store.Recipients(w.t.Context(), "contoso") {
		if err != nil {
			w.t.Fatal(err)
		}
		intents, err := w.store.Intents(w.t.Context(), r.ID)
		if err != nil || len(intents) > 0 {
			w.t.Fatalf("%s has %d writes in doubt (%v)", r.Source, len(intents), err)
		}
	}
}

// recorder keeps what a run told.
type recorder struct {
	mu  sync.Mutex
	all []event.Event
}

func (r *recorder) Send(_ time.Time, e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.all {
		fmt.Fprintf(&b, "%T%+v\n", e, e)
	}
	return b.String()
}

// sum adds up all progress of a run.
func (r *recorder) sum() (p event.Progressed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		if q, ok := e.(event.Progressed); ok {
			p.Items += q.Items
			p.Bytes += q.Bytes
			p.Matched += q.Matched
			p.Changed += q.Changed
			p.Moved += q.Moved
			p.Deleted += q.Deleted
		}
	}
	return p
}

// codes counts the codes of failures, losses and notes.
func (r *recorder) codes() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]int{}
	for _, e := range r.all {
		switch e := e.(type) {
		case event.ItemFailed:
			all[e.Code]++
		case event.Lost:
			all[e.Code]++
		case event.Noted:
			all[e.Code]++
		case event.StepFinished:
			if e.Code != "" {
				all[e.Code]++
			}
		}
	}
	return all
}
