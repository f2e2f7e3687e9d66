package verify_test

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/providers/mem"
)

// TestLargeFolderIsComparedInLittleMemory holds 200,000 items against 200,000
// of which one is another.
func TestLargeFolderIsComparedInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 200_000
	s := newScene(t, alice)
	s.copied(nil)
	for i := range n {
		text := fmt.Sprintf("Message-ID: <%d@contoso.test>\r\n\r\nhello\r\n", i)
		it := mem.Item{Received: morning.Add(time.Duration(i) * time.Second), Size: int64(len(text)), Open: func() io.Reader { return strings.NewReader(text) }}
		s.source.Mailbox(alice).Deliver("INBOX", it)
		if i != 777 {
			s.target.Mailbox(alice).Deliver("INBOX", it)
		}
	}
	before, most := heap(), atomic.Uint64{}
	// The collector keeps to the limit if what is held allows it.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(before) + 96<<20))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
				most.Store(max(most.Load(), live()))
			}
		}
	}()
	began := time.Now()
	r := s.verify()
	close(stop)
	<-done
	grown := int64(most.Load()) - int64(before)
	t.Logf("%v, %+d MiB", time.Since(began), grown>>20)
	if r.Counts.Same != n-1 || r.Counts.Missing != 1 || r.Counts.Extra != 0 {
		t.Errorf("%+v", r.Counts)
	}
	if grown > 130<<20 {
		t.Errorf("held %d MiB", grown>>20)
	}
}

// heap returns what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	return live()
}

// live returns what the last collection found in use.
func live() uint64 {
	found := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(found)
	return found[0].Value.Uint64()
}
