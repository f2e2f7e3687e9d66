package plugin

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// spillOver is the size above which a body waits in a file.
const spillOver = 1 << 20

// incoming is the stream of items of one Put as a provider wants it: each item
// is complete before it is handed on, and can be read again until it has a
// result.
type incoming struct {
	stream grpc.BidiStreamingServer[pb.PutPart, pb.Stored]
	next   *pb.PutPart

	mu     sync.Mutex
	files  map[uint64]*os.File
	failed error
}

func newIncoming(stream grpc.BidiStreamingServer[pb.PutPart, pb.Stored], first *pb.PutPart) *incoming {
	return &incoming{stream: stream, next: first, files: map[uint64]*os.File{}}
}

// items is the sequence for Mailbox.Put.
func (in *incoming) items(yield func(providers.Outgoing) bool) {
	for {
		item, failed, err := in.item()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			in.mu.Lock()
			in.failed = err
			in.mu.Unlock()
			return
		case failed:
			continue
		}
		if !yield(item) {
			return
		}
	}
}

// item receives one item whole. failed says that its sender could not read it.
func (in *incoming) item() (item providers.Outgoing, failed bool, err error) {
	part, err := in.recv()
	if err != nil {
		return item, false, err
	}
	h := part.Header
	if h == nil {
		return item, false, errCut
	}
	body := &body{}
	for ; ; part, err = in.stream.Recv() {
		if err != nil {
			body.discard()
			return item, false, errors.Join(errCut, err)
		}
		if err := body.write(part.Data); err != nil {
			return item, false, err
		}
		if part.Last {
			break
		}
	}
	if part.Failed {
		body.discard()
		return item, true, nil
	}
	in.keep(h.Key, body.file)
	return providers.Outgoing{
		Key: h.Key, Folder: inventory.FolderID(h.Folder), Class: inventory.Class(h.Class), Format: inventory.Format(h.Format),
		Flags: inventory.Flags(h.Flags), Received: fromTime(h.Received), Size: h.Size, Open: body.open,
	}, false, nil
}

// recv returns the next part; the first of a stream was received already, and
// may have named the mailbox only.
func (in *incoming) recv() (*pb.PutPart, error) {
	if first := in.next; first != nil {
		in.next = nil
		if first.Header != nil {
			return first, nil
		}
	}
	return in.stream.Recv()
}

func (in *incoming) keep(key uint64, f *os.File) {
	if f == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.files[key] = f
}

// done drops the body of an item that has its result.
func (in *incoming) done(key uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if f, ok := in.files[key]; ok {
		f.Close()
		delete(in.files, key)
	}
}

func (in *incoming) release() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for key, f := range in.files {
		f.Close()
		delete(in.files, key)
	}
}

func (in *incoming) err() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.failed
}

// body is content in memory, or in a file without a name when it is large.
type body struct {
	memory []byte
	file   *os.File
	size   int64
}

func (b *body) write(p []byte) error {
	b.size += int64(len(p))
	if b.file == nil && b.size <= spillOver {
		b.memory = append(b.memory, p...)
		return nil
	}
	if b.file == nil {
		if err := b.spill(); err != nil {
			return err
		}
	}
	_, err := b.file.Write(p)
	return err
}

func (b *body) spill() error {
	f, err := os.CreateTemp("", "cutover-item-*")
	if err != nil {
		return err
	}
	os.Remove(f.Name())
	b.file = f
	_, err = f.Write(b.memory)
	b.memory = nil
	return err
}

func (b *body) open() (io.ReadCloser, error) {
	if b.file == nil {
		return io.NopCloser(bytes.NewReader(b.memory)), nil
	}
	return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
}

func (b *body) discard() {
	if b.file != nil {
		b.file.Close()
	}
}
