package providertest

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

type faultyMailbox struct {
	faults  *Faults
	inner   providers.Mailbox
	address inventory.Address
	broken  error // used by the session's one goroutine
}

// strike returns the fault of a call; a broken session fails before each.
func (m *faultyMailbox) strike(method string) *Fault {
	if m.broken != nil {
		return &Fault{err: m.broken}
	}
	return m.faults.strike(method, m.address)
}

// note breaks the session after an error of the kind that does.
func (m *faultyMailbox) note(err error) {
	if err != nil && providers.KindOf(err) == providers.Transient {
		m.broken = err
	}
}

// Close never fails by script.
func (m *faultyMailbox) Close() error { return m.inner.Close() }

func on[T any](ctx context.Context, m *faultyMailbox, method string, call func() (T, error)) (T, error) {
	answer, err := once(ctx, m.strike(method), call)
	m.note(err)
	return answer, err
}

func (m *faultyMailbox) Info(ctx context.Context) (providers.MailboxInfo, error) {
	return on(ctx, m, "MailboxInfo", func() (providers.MailboxInfo, error) { return m.inner.Info(ctx) })
}

func (m *faultyMailbox) Folders(ctx context.Context) ([]inventory.Folder, error) {
	return on(ctx, m, "Folders", func() ([]inventory.Folder, error) { return m.inner.Folders(ctx) })
}

func (m *faultyMailbox) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	return on(ctx, m, "CreateFolder", func() (inventory.Folder, error) { return m.inner.CreateFolder(ctx, f) })
}

func (m *faultyMailbox) RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error) {
	return on(ctx, m, "RenameFolder", func() (inventory.Folder, error) { return m.inner.RenameFolder(ctx, id, to) })
}

func (m *faultyMailbox) Find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	return on(ctx, m, "Find", func() ([][]inventory.ItemID, error) { return m.inner.Find(ctx, folder, after, prints) })
}

func (m *faultyMailbox) Larger(ctx context.Context, folder inventory.FolderID, size int64) ([]inventory.Item, error) {
	return on(ctx, m, "Larger", func() ([]inventory.Item, error) { return m.inner.Larger(ctx, folder, size) })
}

func (m *faultyMailbox) Changes(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		m.note(many(ctx, m.strike("Changes"), m.inner.Changes(ctx, folder, after, limit), yield))
	}
}

func (m *faultyMailbox) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		x := m.strike("Fetch")
		left := x.at
		n := 0
		inner := func(yield func(providers.Fetched, error) bool) {
			for fetched, err := range m.inner.Fetch(ctx, folder, ids, format) {
				n++
				if x.position == onItem && int64(n) == x.at {
					if failed := x.hits(ctx, onItem); failed != nil {
						fetched.Body, fetched.Err = nil, failed
					}
				}
				cut := x.position == afterBytes && err == nil && fetched.Body != nil && left < fetched.Item.Size
				if cut {
					fetched.Body = &cutReader{fetched.Body, left, x.hits(ctx, afterBytes)}
				}
				left -= fetched.Item.Size
				if !yield(fetched, err) {
					return
				}
				if cut && x.err != nil {
					yield(providers.Fetched{}, x.err)
					return
				}
			}
		}
		m.note(many(ctx, x, inner, yield))
	}
}

func (m *faultyMailbox) Edit(ctx context.Context, folder inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		x := m.strike("Edit")
		inner := m.inner.Edit(ctx, folder, edits)
		if n := int(x.at); x.position == onItem && n >= 1 && n <= len(edits) && x.err != nil {
			rest := append(append([]providers.Edit{}, edits[:n-1]...), edits[n:]...)
			inner = chain(providers.Edited{ID: edits[n-1].ID, Err: x.hits(ctx, onItem)}, m.inner.Edit(ctx, folder, rest))
		}
		m.note(many(ctx, x, inner, yield))
	}
}

// chain tells first, then rest.
func chain[T any](first T, rest iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if yield(first, nil) {
			rest(yield)
		}
	}
}

func (m *faultyMailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		x := m.strike("Put")
		p := &faultyPut{ctx: ctx, fault: x, left: x.at}
		m.note(many(ctx, x, p.results(m.inner.Put(ctx, p.outgoing(items))), yield))
	}
}

// faultyPut meddles with the items on their way in.
type faultyPut struct {
	ctx   context.Context
	fault *Fault

	mu       sync.Mutex
	left     int64 // bytes before the cut
	cut      bool
	rejected []providers.Stored
}

// outgoing takes out the item that is to be rejected, and cuts bodies.
func (p *faultyPut) outgoing(items iter.Seq[providers.Outgoing]) iter.Seq[providers.Outgoing] {
	return func(yield func(providers.Outgoing) bool) {
		var n int64
		for out := range items {
			n++
			if p.fault.position == onItem && n == p.fault.at {
				if err := p.fault.hits(p.ctx, onItem); err != nil {
					p.reject(providers.Stored{Key: out.Key, Err: err})
					continue
				}
			}
			if p.fault.position == afterBytes {
				out.Open = p.opener(out.Open)
			}
			if !yield(out) {
				return
			}
		}
	}
}

func (p *faultyPut) reject(stored providers.Stored) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejected = append(p.rejected, stored)
}

func (p *faultyPut) takeRejected() []providers.Stored {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.rejected
	p.rejected = nil
	return taken
}

// results slips in those of rejected items, and puts the scripted error in the
// place of what the endpoint said of a cut body.
func (p *faultyPut) results(inner iter.Seq2[providers.Stored, error]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		for stored, err := range inner {
			if p.wasCut() && p.fault.err != nil && (err != nil || stored.Err != nil) {
				yield(providers.Stored{}, p.fault.err)
				return
			}
			if !yield(stored, err) || !p.tell(yield) {
				return
			}
		}
		p.tell(yield)
	}
}

func (p *faultyPut) tell(yield func(providers.Stored, error) bool) bool {
	for _, stored := range p.takeRejected() {
		if !yield(stored, nil) {
			return false
		}
	}
	return true
}

func (p *faultyPut) wasCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

func (p *faultyPut) opener(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		body, err := open()
		if err != nil {
			return nil, err
		}
		return &faultyBody{body, p}, nil
	}
}

type faultyBody struct {
	io.ReadCloser
	put *faultyPut
}

// Read fails once the bytes allowed to pass have passed.
func (b *faultyBody) Read(into []byte) (int, error) {
	b.put.mu.Lock()
	left := b.put.left
	b.put.mu.Unlock()
	if left <= 0 {
		if err := b.put.strike(); err != nil {
			return 0, err
		}
		return b.ReadCloser.Read(into)
	}
	n, err := b.ReadCloser.Read(into[:min(int64(len(into)), left)])
	b.put.mu.Lock()
	b.put.left -= int64(n)
	b.put.mu.Unlock()
	return n, err
}

func (p *faultyPut) strike() error {
	p.mu.Lock()
	first := !p.cut
	p.cut = true
	p.mu.Unlock()
	if first && p.fault.hook != nil {
		p.fault.hook(p.ctx)
	}
	return p.fault.err
}

// cutReader fails after left bytes.
type cutReader struct {
	inner io.Reader
	left  int64
	err   error
}

func (r *cutReader) Read(into []byte) (int, error) {
	if r.left <= 0 {
		if r.err == nil {
			return r.inner.Read(into)
		}
		return 0, r.err
	}
	n, err := r.inner.Read(into[:min(int64(len(into)), r.left)])
	r.left -= int64(n)
	return n, err
}
