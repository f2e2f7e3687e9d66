package plugin

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// incoming is the stream of items of one Put as a provider wants it: each item
// is complete before it is handed on, and can be read again until it has a
// result.
type incoming struct {
	ctx   context.Context
	next  *pb.PutPart // the first of the stream, received already
	parts chan arrival
	// stopped ends the wait for more items.
	stopped chan struct{}
	stop    func()

	mu     sync.Mutex
	files  map[uint64]*os.File
	failed error
}

// arrival is one step of the stream of parts.
type arrival struct {
	part *pb.PutPart
	err  error
}

func newIncoming(ctx context.Context, stream grpc.BidiStreamingServer[pb.PutPart, pb.Stored], first *pb.PutPart) *incoming {
	in := &incoming{ctx: ctx, next: first, parts: make(chan arrival), stopped: make(chan struct{}), files: map[uint64]*os.File{}}
	in.stop = sync.OnceFunc(func() { close(in.stopped) })
	go in.receive(stream)
	return in
}

// receive hands on what comes, one part ahead at most. It ends with the call:
// gRPC answers a Recv then.
func (in *incoming) receive(stream grpc.BidiStreamingServer[pb.PutPart, pb.Stored]) {
	for {
		part, err := stream.Recv()
		select {
		case in.parts <- arrival{part, err}:
		case <-in.stopped:
			return
		}
		if err != nil {
			return
		}
	}
}

var (
	errCut     = errors.New("the stream of items ended in the middle of one")
	errStopped = errors.New("no more items are wanted")
)

// recv returns the next part; the first of a stream may have named the mailbox
// only.
func (in *incoming) recv() (*pb.PutPart, error) {
	if first := in.next; first != nil {
		in.next = nil
		if first.Header != nil {
			return first, nil
		}
	}
	select {
	case a := <-in.parts:
		return a.part, a.err
	case <-in.stopped:
		return nil, errStopped
	case <-in.ctx.Done():
		return nil, in.ctx.Err()
	}
}

// items is the sequence for Mailbox.Put.
func (in *incoming) items(yield func(providers.Outgoing) bool) {
	for {
		item, failed, err := in.item()
		switch {
		case err == io.EOF:
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

// item receives one item whole. failed says that its sender could not read it;
// io.EOF, bare, that no more items come.
func (in *incoming) item() (item providers.Outgoing, failed bool, err error) {
	part, err := in.recv()
	if err != nil {
		return item, false, err
	}
	h := part.Header
	if h == nil {
		return item, false, errCut
	}
	content := &body{}
	for {
		if err := content.write(part.Data); err != nil {
			content.discard()
			return item, false, err
		}
		if part.Last {
			break
		}
		if part, err = in.recv(); err != nil {
			content.discard()
			return item, false, errors.Join(errCut, err)
		}
	}
	if part.Failed {
		content.discard()
		return item, true, nil
	}
	in.keep(h.Key, content.file)
	return providers.Outgoing{
		Key: h.Key, Folder: inventory.FolderID(h.Folder), Class: inventory.Class(h.Class), Format: inventory.Format(h.Format),
		Flags: inventory.Flags(h.Flags), Received: fromTime(h.Received), Size: h.Size, Open: content.open,
	}, false, nil
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

// release ends the stream of parts and drops all bodies.
func (in *incoming) release() {
	in.stop()
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
