package statetest

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/cutover-mail/cutover/state"
)

// Point is a moment of a write.
type Point struct {
	// Write counts the writes of the store from 1, in the order in which they
	// begin. Those of the lock are not counted.
	Write int
	// Op is the method: "Record".
	Op string
	// After is set when the write is durable, and nobody knows yet.
	After bool
}

// Hook is called before and after every write. An error before it keeps the
// write from happening and is its result; an error after it is the result of a
// write that has happened. Calls may be concurrent.
type Hook func(Point) error

// Watch returns s with a hook on its writes.
func Watch(s state.Store, hook Hook) state.Store {
	return &watched{Store: s, hook: hook}
}

// KillAt ends this process, as kill -9 does, before or after its n-th write.
func KillAt(n int, after bool) Hook {
	return func(p Point) error {
		if p.Write == n && p.After == after {
			kill()
		}
		return nil
	}
}

// kill does not return.
func kill() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Kill()
	}
	select {}
}

// FullAt makes writes from the n-th to the last find no space; last 0 is
// every write from the n-th on.
func FullAt(n, last int) Hook {
	return func(p Point) error {
		if !p.After && p.Write >= n && (last == 0 || p.Write <= last) {
			return state.ErrFull
		}
		return nil
	}
}

// Count counts writes, for a first run that is not interrupted.
func Count(n *atomic.Int64) Hook {
	return func(p Point) error {
		if !p.After {
			n.Add(1)
		}
		return nil
	}
}

type watched struct {
	state.Store
	hook   Hook
	writes atomic.Int64
}

func (w *watched) write(op string, do func() error) error {
	p := Point{Write: int(w.writes.Add(1)), Op: op}
	if err := w.hook(p); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	p.After = true
	return w.hook(p)
}

func (w *watched) BeginRun(ctx context.Context, run state.Run) (begun state.Run, err error) {
	err = w.write("BeginRun", func() (err error) {
		begun, err = w.Store.BeginRun(ctx, run)
		return err
	})
	return begun, err
}

func (w *watched) EndRun(ctx context.Context, number int64, result state.RunResult) error {
	return w.write("EndRun", func() error { return w.Store.EndRun(ctx, number, result) })
}

func (w *watched) SaveRecipient(ctx context.Context, r state.Recipient) (saved state.Recipient, err error) {
	err = w.write("SaveRecipient", func() (err error) {
		saved, err = w.Store.SaveRecipient(ctx, r)
		return err
	})
	return saved, err
}

func (w *watched) RemoveRecipient(ctx context.Context, id int64) error {
	return w.write("RemoveRecipient", func() error { return w.Store.RemoveRecipient(ctx, id) })
}

func (w *watched) SaveFolder(ctx context.Context, f state.Folder) (saved state.Folder, err error) {
	err = w.write("SaveFolder", func() (err error) {
		saved, err = w.Store.SaveFolder(ctx, f)
		return err
	})
	return saved, err
}

func (w *watched) Record(ctx context.Context, r state.Record) error {
	return w.write("Record", func() error { return w.Store.Record(ctx, r) })
}
