package imapstream

import (
	"sync/atomic"
	"time"
)

// watch ends a connection on which I/O has been waiting without a byte moving
// for longer than idle. Deadlines on the connection are no use for that: a
// server that takes a large message says nothing meanwhile, and a write that
// times out spoils TLS.
type watch struct {
	idle    time.Duration
	waiting atomic.Int32 // reads and writes under way
	last    atomic.Int64 // when a byte last moved or a wait began
	expired func()
}

// start watches until stop is called.
func (w *watch) start() (stop func()) {
	w.last.Store(time.Now().UnixNano())
	var timer *time.Timer
	done := make(chan struct{})
	timer = time.AfterFunc(w.idle, func() {
		select {
		case <-done:
			return
		default:
		}
		silent := time.Duration(time.Now().UnixNano() - w.last.Load())
		switch {
		case w.waiting.Load() == 0:
			timer.Reset(w.idle)
		case silent >= w.idle:
			w.expired()
		default:
			timer.Reset(w.idle - silent)
		}
	})
	return func() {
		close(done)
		timer.Stop()
	}
}

// begin and end bracket one read or write.
func (w *watch) begin() {
	w.last.Store(time.Now().UnixNano())
	w.waiting.Add(1)
}

func (w *watch) end() {
	w.last.Store(time.Now().UnixNano())
	w.waiting.Add(-1)
}
