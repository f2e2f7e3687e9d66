package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheMemoryLimitFollowsWhatIsAlive(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before); debug.SetGCPercent(100) })
	held := make([]byte, 3*softMemory)
	runtime.GC()
	adjustLimit()
	if limit := debug.SetMemoryLimit(-1); limit < int64(len(held)) {
		t.Errorf("the limit is %d MiB with %d MiB alive", limit>>20, len(held)>>20)
	}
	runtime.KeepAlive(held)
	held = nil
	runtime.GC()
	adjustLimit()
	if limit := debug.SetMemoryLimit(-1); limit != softMemory {
		t.Errorf("the limit is %d MiB when everything is gone", limit>>20)
	}
	if limitFor(math.MaxUint64) != math.MaxInt64 {
		t.Error("an absurd heap has a limit")
	}
}
