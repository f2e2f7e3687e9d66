package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"sync/atomic"
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
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/state/sqlite"
)

// A run whose source is killed twice, in the middle of large and of small
// items, ends complete, and with nothing there twice.
func TestRunSurvivesThePluginOfItsSource(t *testing.T) {
	p, c := launch(t, "crowd")
	e, session := open(t, p, providers.Source, anna)
	folders, err := session.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	target := mem.New()
	target.AddMailbox(anna)
	var reads atomic.Int64
	result, err := execute(t, &deadly{Endpoint: e, read: func() {
		if n := reads.Add(1); n == 20 || n == crowdSize {
			kill(t, c.pid(t))
		}
	}}, target.Endpoint(), folders)
	if err != nil {
		t.Fatalf("the run: %v (%+v)", err, result)
	}
	if c.generation < 2 {
		t.Error("no process was killed")
	}
	if diff := cmp.Diff(contents(t, crowd().Endpoint()), contents(t, target.Endpoint())); diff != "" {
		t.Error(diff)
	}
}

// The same with the target killed while it stores.
func TestRunSurvivesThePluginOfItsTarget(t *testing.T) {
	p, c := launch(t, "archive")
	folder := t.TempDir()
	e, err := p.Open(t.Context(), providers.Options{Role: providers.Target, Name: "files", Folder: folder, Settings: providers.Settings(`{"path": "archive"}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.CreateRecipient(t.Context(), inventory.Recipient{Kind: inventory.KindMailbox, Address: anna}, ""); err != nil {
		t.Fatal(err)
	}
	source := crowd()
	_, session := open(t, source.Provider(), providers.Source, anna)
	folders, err := session.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	var writes atomic.Int64
	result, err := execute(t, source.Endpoint(), &deadly{Endpoint: e, write: func() {
		if n := writes.Add(1); n == 30 || n == crowdSize {
			kill(t, c.pid(t))
		}
	}}, folders)
	if err != nil {
		t.Fatalf("the run: %v (%+v)", err, result)
	}
	if c.generation < 2 {
		t.Error("no process was killed")
	}
	e.Close()
	there, err := p.Open(t.Context(), providers.Options{Role: providers.Source, Name: "files", Folder: folder, Settings: providers.Settings(`{"path": "archive"}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if diff := cmp.Diff(contents(t, source.Endpoint()), contents(t, there)); diff != "" {
		t.Error(diff)
	}
}

// contents is the digest of every item of Anna's inbox, sorted.
func contents(t *testing.T, e providers.Endpoint) (all []inventory.Digest) {
	t.Helper()
	m, err := e.OpenMailbox(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	folders, err := m.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []inventory.ItemID
	i := slices.IndexFunc(folders, func(f inventory.Folder) bool { return f.Role == inventory.RoleInbox })
	for change, err := range m.Changes(t.Context(), folders[i].ID, "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == providers.Listed {
			ids = append(ids, change.Item.ID)
		}
	}
	for fetched, err := range m.Fetch(t.Context(), folders[i].ID, ids, inventory.FormatRFC5322) {
		if err != nil || fetched.Err != nil {
			t.Fatal(err, fetched.Err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, fetched.Body); err != nil {
			t.Fatal(err)
		}
		all = append(all, inventory.Digest(sum.Sum(nil)))
	}
	slices.SortFunc(all, func(a, b inventory.Digest) int { return bytes.Compare(a[:], b[:]) })
	return all
}

// execute copies Anna's folders and expects the run to be done.
func execute(t *testing.T, source, target providers.Endpoint, folders []inventory.Folder) (executor.Result, error) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	run, err := store.BeginRun(t.Context(), state.Run{Migration: "contoso", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	step := plan.Step{ID: "copy", Action: plan.Copy, Kind: inventory.KindMailbox, Source: anna, Target: anna, Endpoint: "target.there"}
	for _, f := range folders {
		step.Folders = append(step.Folders, plan.Folder{Source: f.ID, Path: f.Path, Role: f.Role, Holds: f.Holds, Endpoint: "target.there", Target: f.Path, Epoch: f.Epoch})
	}
	result, err := executor.Run(t.Context(), t.Context(), executor.Options{
		Plan:   &plan.Plan{Migration: "contoso", Deletions: "mirror", Source: plan.Endpoint{Address: "source.here"}, Steps: []plan.Step{step}},
		Source: source, Targets: map[string]providers.Endpoint{"target.there": target}, Store: store, Run: run, Sink: silence{},
		TempDir: t.TempDir(), Retry: pace.Policy{Base: time.Microsecond, Max: time.Microsecond},
	})
	if err == nil && result.Outcome != event.Done {
		t.Errorf("the run ended %s: %+v", result.Outcome, result)
	}
	return result, err
}

type silence struct{}

func (silence) Send(time.Time, event.Event) {}

// deadly calls a hook in the middle of each body that is read or written.
type deadly struct {
	providers.Endpoint
	read, write func()
}

func (d *deadly) OpenMailbox(ctx context.Context, a inventory.Address) (providers.Mailbox, error) {
	m, err := d.Endpoint.OpenMailbox(ctx, a)
	if err != nil {
		return nil, err
	}
	return deadlyMailbox{m, d}, nil
}

type deadlyMailbox struct {
	providers.Mailbox
	*deadly
}

func (m deadlyMailbox) Close() error { return m.Mailbox.Close() }
func (m deadlyMailbox) Info(ctx context.Context) (providers.MailboxInfo, error) {
	return m.Mailbox.Info(ctx)
}

func (m deadlyMailbox) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		for f, err := range m.Mailbox.Fetch(ctx, folder, ids, format) {
			if err == nil && f.Body != nil && m.read != nil {
				f.Body = &hooked{Reader: f.Body, after: 100, hook: m.read}
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

func (m deadlyMailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	if m.write == nil {
		return m.Mailbox.Put(ctx, items)
	}
	return m.Mailbox.Put(ctx, func(yield func(providers.Outgoing) bool) {
		for out := range items {
			content := out.Open
			out.Open = func() (io.ReadCloser, error) {
				r, err := content()
				if err != nil {
					return nil, err
				}
				return struct {
					io.Reader
					io.Closer
				}{&hooked{Reader: r, after: 100, hook: m.write}, r}, nil
			}
			if !yield(out) {
				return
			}
		}
	})
}
