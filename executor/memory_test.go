package executor_test

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// pattern is endless content that takes no memory.
type pattern struct{ n byte }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = p.n
	}
	return len(b), nil
}

// heapPeak samples the heap until stop is called.
func heapPeak() (stop func() uint64) {
	var peak atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	sample := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), m.HeapAlloc))
	}
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				sample()
			}
		}
	}()
	return func() uint64 { close(done); <-ended; sample(); return peak.Load() }
}

// copySynthetic copies one folder of items made up from their number, and
// returns what the heap grew by at most.
func copySynthetic(t *testing.T, items int, size func(int) int64) int64 {
	w := newWorld(t)
	source, target := &synthetic{items: items, size: size}, &synthetic{}
	inbox := inventory.Path{"INBOX"}
	w.planned = func(p *plan.Plan) {
		p.Steps = []plan.Step{{ID: "copy", Action: plan.Copy, Kind: inventory.KindMailbox, Source: anna, Target: anna, Endpoint: there,
			Folders: []plan.Folder{{Source: "INBOX", Path: inbox, Holds: inventory.Mail, Endpoint: there, Target: inbox}}}}
	}
	w.options = func(o *executor.Options) { o.Source, o.Targets = source, map[string]providers.Endpoint{there: target} }
	// Little garbage, so that what is counted is in use.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := heapPeak()
	w.must()
	peak := int64(stop()) - int64(before.HeapAlloc)
	if got := target.taken.Load(); got != int64(items) {
		t.Fatalf("copied %d items", got)
	}
	t.Logf("%d items: at most %d MiB", items, peak>>20)
	return peak
}

func TestMemoryIsBoundedWithManyItems(t *testing.T) {
	if testing.Short() {
		t.Skip("copies 200,000 items")
	}
	if used := copySynthetic(t, 200_000, func(int) int64 { return 600 }); used > 40<<20 {
		t.Errorf("the run used %d MiB", used>>20)
	}
}

func TestMemoryIsBoundedWithLargeItems(t *testing.T) {
	sizes := func(i int) int64 {
		if i == 40 {
			return 150 << 20
		}
		return int64(i%90) * 10_000 // in memory for the most part
	}
	if used := copySynthetic(t, 1500, sizes); used > 60<<20 {
		t.Errorf("the run used %d MiB", used>>20)
	}
}
