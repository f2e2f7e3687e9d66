package providertest

import (
	"runtime"
	"testing"
	"time"
)

// leaks counts goroutines now. The function returned fails the test when, some
// time later, there are at least four more: what is to end has been done more
// often than that.
func leaks(t *testing.T) func(what string) {
	t.Helper()
	baseline := runtime.NumGoroutine()
	return func(what string) {
		t.Helper()
		deadline := time.NewTimer(5 * time.Second)
		defer deadline.Stop()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for runtime.NumGoroutine() >= baseline+4 {
			select {
			case <-tick.C:
			case <-deadline.C:
				stacks := make([]byte, 1<<20)
				stacks = stacks[:runtime.Stack(stacks, true)]
				t.Fatalf("%s left goroutines behind (%d before, %d after)\n%s", what, baseline, runtime.NumGoroutine(), stacks)
			}
		}
	}
}
