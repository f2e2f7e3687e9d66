package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// A batch is made durable together: its files at once, then one line each in
// the index, then their names.
const (
	batchItems = 256
	batchBytes = 8 << 20
	syncers    = 8
)

func (s *session) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		if err := s.writable(ctx, "put"); err != nil {
			yield(providers.Stored{}, err)
			return
		}
		queue, stop := pull(ctx, items)
		defer stop()
		p := newPutting(s)
		defer p.abandon()
		if err := p.run(ctx, queue, yield); err != nil {
			yield(providers.Stored{}, err)
		}
	}
}

// pull reads items on a goroutine of its own, which stop ends and waits for.
func pull(ctx context.Context, items iter.Seq[providers.Outgoing]) (<-chan providers.Outgoing, func()) {
	queue, done := make(chan providers.Outgoing, 64), make(chan struct{})
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

// putting is one Put under way.
type putting struct {
	session *session
	unique  string
	count   int
	batch   []*pending
	bytes   int64
	syncing *errgroup.Group
	failed  []providers.Stored
}

// pending is an item whose content lies in tmp.
type pending struct {
	line     line
	key      uint64
	folder   *folder
	tmp      string
	received time.Time
}

func newPutting(s *session) *putting {
	p := &putting{session: s, unique: rand.Text()[:10], syncing: new(errgroup.Group)}
	p.syncing.SetLimit(syncers)
	return p
}

// run stores what comes; it commits when a batch is full, and whenever nothing
// more has come yet.
func (p *putting) run(ctx context.Context, queue <-chan providers.Outgoing, yield func(providers.Stored, error) bool) error {
	for {
		out, ok, waiting := next(queue, len(p.batch)+len(p.failed) > 0)
		if waiting || !ok || len(p.batch) >= batchItems || p.bytes >= batchBytes {
			if more, err := p.commit(ctx, yield); err != nil || !more {
				return err
			}
		}
		if waiting {
			continue
		}
		if err := p.session.alive(ctx, "put"); err != nil || !ok {
			return err
		}
		if err := p.write(out); err != nil {
			return err
		}
	}
}

// next takes an item from the queue. With work at hand it does not wait.
func next(queue <-chan providers.Outgoing, busy bool) (out providers.Outgoing, ok, waiting bool) {
	if busy {
		select {
		case out, ok = <-queue:
			return out, ok, false
		default:
			return out, false, true
		}
	}
	out, ok = <-queue
	return out, ok, false
}

// write puts the content of an item into tmp.
func (p *putting) write(out providers.Outgoing) error {
	if formatOf(out.Class) != out.Format {
		err := failure(providers.Rejected, "archive-format", "put", string(out.Class), "it is not taken as "+string(out.Format))
		p.failed = append(p.failed, providers.Stored{Key: out.Key, Err: err})
		return nil
	}
	f, err := p.session.box.folder(out.Folder)
	if err != nil {
		return err
	}
	p.count++
	id := fmt.Sprintf("%d.C%s%d.cutover", time.Now().Unix(), p.unique, p.count)
	item := &pending{key: out.Key, folder: f, tmp: filepath.Join(f.tmp(), id), received: out.Received.Truncate(time.Second)}
	item.line = line{Op: "put", ID: id, Class: out.Class, Size: out.Size, Flags: out.Flags, Received: formatReceived(item.received)}
	p.batch = append(p.batch, item)
	p.bytes += out.Size
	return p.fill(item, out)
}

func (p *putting) fill(item *pending, out providers.Outgoing) error {
	body, err := out.Open()
	if err != nil {
		return failure(providers.Other, "archive-content", "open content", string(out.Folder), err.Error())
	}
	defer body.Close()
	file, err := os.OpenFile(item.tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return disk("put", string(out.Folder), err)
	}
	lines := &lineCounter{}
	n, err := io.Copy(io.MultiWriter(file, lines), &source{from: body})
	if read, ok := errors.AsType[*readError](err); ok {
		err = failure(providers.Other, "archive-content", "read content", string(out.Folder), read.Error())
	} else if err == nil && n != out.Size {
		err = failure(providers.Other, "archive-content", "put", string(out.Folder), "the content is not as long as was said")
	}
	if err != nil {
		file.Close()
		return disk("put", string(out.Folder), err)
	}
	item.line.Bare = lines.bare
	durable := p.session.endpoint.durable
	p.syncing.Go(func() error { return finish(file, item, durable) })
	return nil
}

// finish makes the content of a file durable, with its time.
func finish(file *os.File, item *pending, durable bool) error {
	var err error
	if !item.received.IsZero() {
		err = os.Chtimes(file.Name(), time.Time{}, item.received)
	}
	if err == nil && durable {
		err = file.Sync()
	}
	return disk("put", item.line.ID, errors.Join(err, file.Close()))
}

// commit makes a batch durable and tells its results.
func (p *putting) commit(ctx context.Context, yield func(providers.Stored, error) bool) (more bool, err error) {
	if err := p.syncing.Wait(); err != nil {
		return false, err
	}
	p.syncing = new(errgroup.Group)
	p.syncing.SetLimit(syncers)
	if err := p.session.alive(ctx, "put"); err != nil {
		return false, err
	}
	results := p.failed
	p.failed = nil
	for len(p.batch) > 0 {
		f := p.batch[0].folder
		var same, rest []*pending
		for _, item := range p.batch {
			if item.folder == f {
				same = append(same, item)
				results = append(results, providers.Stored{Key: item.key, ID: inventory.ItemID(item.line.ID)})
			} else {
				rest = append(rest, item)
			}
		}
		if err := f.receive(same); err != nil {
			return false, disk("put", filepath.Base(f.dir), err)
		}
		p.batch = rest
	}
	p.bytes = 0
	for _, stored := range results {
		if !yield(stored, nil) {
			return false, nil
		}
	}
	return true, nil
}

// abandon removes what was not committed.
func (p *putting) abandon() {
	p.syncing.Wait()
	for _, item := range p.batch {
		os.Remove(item.tmp)
	}
}

// receive gives durable files their names.
func (f *folder) receive(items []*pending) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := lock(f.lockFile, true)
	if err != nil {
		return err
	}
	defer unlock()
	loaded := f.file != nil
	last, clean := f.tail()
	if loaded || !clean {
		if err := f.refresh(true); err != nil {
			return err
		}
		if last, clean = f.tail(); !clean {
			return failure(providers.Transient, "archive-disk", "put", filepath.Base(f.dir), "the folder changes while it is written to")
		}
	}
	if err := f.name(items, last); err != nil {
		return err
	}
	if !loaded { // a copy into a large folder needs no index in memory
		f.reset("")
		return nil
	}
	return f.load()
}

// tail is the last line of the index, if it tells all there is.
func (f *folder) tail() (last line, clean bool) {
	_, last, ok := lastLine(f.index())
	cur, fresh := f.stamps()
	return last, ok && last.Cur == cur && last.Fresh == fresh
}

// name tells the index of durable files, gives them their names, and says that
// the index tells all there is.
func (f *folder) name(items []*pending, last line) error {
	k, err := f.grow(items)
	if err != nil {
		return err
	}
	lines := make([]line, len(items))
	for i, item := range items {
		last.N++
		last.Items++
		last.Bytes += item.line.Size
		lines[i] = item.line
		lines[i].N = last.N
	}
	if err := f.appendLines(lines, f.endpoint.durable); err != nil {
		return err
	}
	for _, item := range items {
		e := entry{id: item.line.ID, size: item.line.Size, bare: item.line.Bare, label: &label{item.line.Class, item.line.Flags}}
		if err := os.Rename(item.tmp, filepath.Join(f.cur(), f.fileName(&e, k))); err != nil {
			return err
		}
	}
	if f.endpoint.durable {
		if err := syncDir(f.cur()); err != nil {
			return err
		}
	}
	last.Cur, last.Fresh = f.stamps()
	return f.appendLines([]line{last}, false)
}

// grow gives letters to keywords that have none yet.
func (f *folder) grow(items []*pending) (keywords, error) {
	k, err := readKeywords(f.dir)
	if err != nil || !f.mail() {
		return k, err
	}
	grown := false
	for _, item := range items {
		more, changed := k.with(item.line.Flags)
		k, grown = more, grown || changed
	}
	if grown {
		err = k.write(f.dir, f.endpoint.durable)
	}
	return k, err
}

// lineCounter counts LF without CR before it.
type lineCounter struct {
	bare int64
	last byte
}

func (c *lineCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' && c.last != '\r' {
			c.bare++
		}
		c.last = b
	}
	return len(p), nil
}

// source tells errors of reading from those of writing.
type source struct{ from io.Reader }

type readError struct{ error }

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}
