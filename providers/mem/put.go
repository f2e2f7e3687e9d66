package mem

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/cutover-mail/cutover/providers"
)

func (s *session) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		end, err := s.begin(ctx, "Put")
		if err != nil {
			yield(providers.Stored{}, err)
			return
		}
		defer end()
		queue, stop := pull(ctx, items)
		defer stop()
		s.put(ctx, queue, yield)
	}
}

// pull reads items on a goroutine of its own, which stop ends and waits for.
func pull(ctx context.Context, items iter.Seq[providers.Outgoing]) (<-chan providers.Outgoing, func()) {
	queue, done := make(chan providers.Outgoing), make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		defer close(queue)
		for out := range items {
			select {
			case queue <- out:
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return queue, func() { close(done); working.Wait() }
}

// put stores what comes and tells results in batches.
func (s *session) put(ctx context.Context, queue <-chan providers.Outgoing, yield func(providers.Stored, error) bool) {
	c := s.endpoint.organisation.settings()
	var batch []providers.Stored
	var held int64
	flush := func() bool {
		for _, stored := range batch {
			if !yield(stored, nil) {
				return false
			}
		}
		batch, held = batch[:0], 0
		return true
	}
	for out := range queue {
		stored, err := s.store(c, out)
		if err == nil {
			err = s.alive(ctx, "put")
		}
		if err != nil {
			yield(providers.Stored{}, err)
			return
		}
		batch, held = append(batch, stored), held+out.Size
		if len(batch) >= min(c.PutBatch, providers.PutWindowItems) || held > providers.PutWindow {
			if !flush() {
				return
			}
		}
	}
	if err := s.alive(ctx, "put"); err != nil {
		yield(providers.Stored{}, err)
		return
	}
	flush()
}

// store stores one item. The error is one of the session; a verdict on the
// item is in Stored.
func (s *session) store(c Config, out providers.Outgoing) (providers.Stored, error) {
	stored := providers.Stored{Key: out.Key}
	if err := s.endpoint.takes(out); err != nil {
		stored.Err = err
		return stored, nil
	}
	if c.MaxItemSize > 0 && out.Size > c.MaxItemSize {
		stored.Err = failure(providers.Rejected, "mem-too-large", "put", string(out.Folder), "the item is larger than the limit")
		return stored, nil
	}
	it, err := receive(out, c.Discard)
	if err != nil {
		return stored, err
	}
	it.Flags, stored.Refused = c.accept(out.Flags)
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("put", out.Folder)
	if err != nil {
		return stored, err
	}
	if s.mailbox.full(c, out.Size) {
		stored.Refused = ""
		stored.Err = failure(providers.Quota, "mem-quota", "put", string(out.Folder), "the mailbox is full")
		return stored, nil
	}
	id := s.mailbox.store(f, it)
	if !c.HideIDs {
		stored.ID = id
	}
	return stored, nil
}

func (m *Mailbox) full(c Config, size int64) bool {
	return (c.Quota > 0 && m.used+size > c.Quota) || (c.QuotaItems > 0 && m.count+1 > c.QuotaItems)
}

// takes reports whether the endpoint takes the item's class in its format.
func (e *endpoint) takes(out providers.Outgoing) error {
	supported, ok := e.info.Formats[out.Class]
	if !ok {
		supported = e.info.Formats[""]
	}
	for _, s := range supported {
		if s.Format == out.Format {
			return nil
		}
	}
	return failure(providers.Rejected, "mem-format", "put", string(out.Class), "not taken as "+string(out.Format))
}

// receive reads the content of an item to its end.
func receive(out providers.Outgoing, discard bool) (*item, error) {
	body, err := out.Open()
	if err != nil {
		return nil, failure(providers.Other, "mem-content", "open content", string(out.Folder), err.Error())
	}
	defer body.Close()
	it := newItem(Item{Class: out.Class, Format: out.Format, Received: out.Received}, "")
	it.Size = out.Size
	if discard {
		var n counter
		it.content, it.open = nil, func() io.Reader { return io.TeeReader(body, &n) }
		it.seal()
		it.open = nil
		return it, check(int64(n), out)
	}
	it.content, err = io.ReadAll(body)
	if err != nil {
		return nil, failure(providers.Other, "mem-content", "read content", string(out.Folder), err.Error())
	}
	return it, check(int64(len(it.content)), out)
}

func check(n int64, out providers.Outgoing) error {
	if n == out.Size {
		return nil
	}
	return &providers.Error{Kind: providers.Other, Code: "mem-content", Op: "put", Subject: string(out.Folder), Err: errContent}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
