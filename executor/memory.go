package executor

import (
	"math/bits"
	"sync"
)

// Bodies above maxInMemory always wait in a temporary file.
const (
	defaultMemory = 32 << 20
	maxInMemory   = 1 << 20
	smallestClass = 12 // 4 KiB
	largestClass  = 20 // 1 MiB
)

// memory lends buffers for bodies and takes them back. What it has made is
// never more than its limit. Its methods may be called concurrently.
type memory struct {
	mu    sync.Mutex
	limit int64
	made  int64
	free  [largestClass - smallestClass + 1][][]byte
}

func newMemory(limit int64) *memory { return &memory{limit: limit} }

func classOf(size int64) int {
	if size <= 1<<smallestClass {
		return 0
	}
	return bits.Len64(uint64(size-1)) - smallestClass
}

// get returns a buffer of size bytes, or nil when there is no room.
func (m *memory) get(size int64) []byte {
	if size > maxInMemory {
		return nil
	}
	class := classOf(size)
	m.mu.Lock()
	defer m.mu.Unlock()
	if free := m.free[class]; len(free) > 0 {
		m.free[class] = free[:len(free)-1]
		return free[len(free)-1][:size]
	}
	want := int64(1) << (class + smallestClass)
	m.drop(m.made + want - m.limit)
	if m.made+want > m.limit {
		return nil
	}
	m.made += want
	return make([]byte, size, want)
}

// drop gives up free buffers until need bytes are gained, largest first.
func (m *memory) drop(need int64) {
	for class := len(m.free) - 1; class >= 0 && need > 0; class-- {
		for len(m.free[class]) > 0 && need > 0 {
			last := len(m.free[class]) - 1
			size := int64(cap(m.free[class][last]))
			m.free[class][last] = nil
			m.free[class] = m.free[class][:last]
			m.made -= size
			need -= size
		}
	}
}

// put takes a buffer back.
func (m *memory) put(b []byte) {
	class := classOf(int64(cap(b)))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free[class] = append(m.free[class], b[:0])
}
