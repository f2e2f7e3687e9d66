package main

import (
	"os"
	"runtime/debug"
)

// Bodies in transit are bounded, and garbage need not grow to their size: the
// collector runs when the heap has grown by half, and keeps it to softMemory if
// it can. GOGC and GOMEMLIMIT win over both.
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
	}
}
