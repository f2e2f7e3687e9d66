package main

import (
	"os"
	"runtime/debug"
)

// softMemory is what the garbage collector keeps the heap to, unless GOMEMLIMIT
// says otherwise: bodies in transit are bounded, and garbage need not grow to
// their size.
const softMemory = 64 << 20

func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
