package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Bodies in transit are bounded, and garbage need not grow to their size: the
// collector runs when the heap has grown by half, and keeps it to softMemory if
// it can. GOGC and GOMEMLIMIT win over both.
//
// What a plan of 100,000 mailboxes holds is above softMemory. The collector
// would take half of the processor then, to no avail: the limit follows what is
// alive, a third above it.
const (
	gcPercent  = 50
	softMemory = 56 << 20
)

func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
		followHeap()
	}
}

// followHeap adjusts the limit after every collection: the cleanup of an object
// that nothing holds runs then, and leaves another one.
func followHeap() {
	adjustLimit()
	runtime.AddCleanup(new([16]byte), func(struct{}) { followHeap() }, struct{}{})
}

func adjustLimit() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	debug.SetMemoryLimit(limitFor(live[0].Value.Uint64()))
}

func limitFor(live uint64) int64 {
	if live > math.MaxInt64/2 {
		return math.MaxInt64
	}
	return max(softMemory, int64(live)/3*4)
}
