package plugin

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

type putStream = grpc.BidiStreamingClient[pb.PutPart, pb.Stored]

func (m *mailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		ctx, done := within(ctx, m.life)
		stream, err := m.client.Put(ctx)
		if err != nil {
			yield(providers.Stored{}, fromStatus(ctx, "put", err))
			done()
			return
		}
		sender := &sender{stream: stream, mailbox: m.handle, unread: make(chan providers.Stored, 16), ended: make(chan struct{})}
		go sender.run(ctx, items)
		// The sender ends with the stream; nothing of items is pulled later.
		defer func() { <-sender.ended }()
		defer done()
		sender.results(ctx, yield)
	}
}

// sender pulls items and sends them, while results are received beside it.
type sender struct {
	stream  putStream
	mailbox uint64
	buffer  [chunkSize]byte
	// unread are items that could not be read here and so were not sent whole.
	unread chan providers.Stored
	// sent says that all items were; ended, that nothing is pulled any more.
	sent  atomic.Bool
	ended chan struct{}
}

func (s *sender) run(ctx context.Context, items iter.Seq[providers.Outgoing]) {
	defer close(s.ended)
	defer s.stream.CloseSend()
	defer close(s.unread)
	if s.stream.Send(&pb.PutPart{Mailbox: s.mailbox}) != nil {
		return
	}
	for item := range items {
		if err := s.send(ctx, item); err != nil {
			return // the stream has ended; its receiver tells why
		}
	}
	s.sent.Store(true)
}

// send sends one item. An error means that the stream has ended.
func (s *sender) send(ctx context.Context, item providers.Outgoing) error {
	body, err := item.Open()
	if err != nil {
		return s.refuse(ctx, item, "open the content", err)
	}
	defer body.Close()
	part := &pb.PutPart{Header: &pb.PutHeader{
		Key: item.Key, Folder: string(item.Folder), Class: string(item.Class), Format: string(item.Format),
		Flags: string(item.Flags), Received: toTime(item.Received), Size: item.Size,
	}}
	for left := item.Size; ; {
		n, last, err := s.read(body, left)
		left -= int64(n)
		part.Data, part.Last, part.Failed = s.buffer[:n], last || err != nil, err != nil
		if sendErr := s.stream.Send(part); sendErr != nil {
			return sendErr
		}
		switch {
		case err != nil:
			return s.refuse(ctx, item, "read the content", err)
		case last:
			return nil
		}
		part = &pb.PutPart{}
	}
}

// read fills the buffer. last says that the content has ended, where it was to
// end: content of another length than the provider is told would be taken for
// something else on the way to the server.
func (s *sender) read(body io.Reader, left int64) (n int, last bool, err error) {
	n, err = io.ReadFull(body, s.buffer[:])
	last = err == io.EOF || err == io.ErrUnexpectedEOF
	switch {
	case err != nil && !last:
		return 0, false, err
	case int64(n) > left || (last && int64(n) < left):
		return 0, false, errors.New("the content is not as long as was told")
	}
	return n, last, nil
}

// refuse reports an item whose content cannot be had, as the verdict of its
// reader if there is one: the other items do not suffer.
func (s *sender) refuse(ctx context.Context, item providers.Outgoing, op string, err error) error {
	if _, verdict := errors.AsType[*providers.Error](err); !verdict {
		err = &providers.Error{Kind: providers.Rejected, Code: codeContent, Op: op, Err: err}
	}
	select {
	case s.unread <- providers.Stored{Key: item.Key, Err: err}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// received is one step of the stream of results.
type received struct {
	stored *pb.Stored
	err    error
}

// results yields what the provider answers and what could not be read here.
func (s *sender) results(ctx context.Context, yield func(providers.Stored, error) bool) {
	answers := make(chan received)
	go func() {
		defer close(answers)
		for {
			stored, err := s.stream.Recv()
			select {
			case answers <- received{stored, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	unread := s.unread
	for {
		select {
		case refused, ok := <-unread:
			if !ok {
				unread = nil
			} else if !yield(refused, nil) {
				return
			}
		case a, ok := <-answers:
			switch {
			case !ok:
				a.err = ctx.Err() // the wait for answers was given up
			case errors.Is(a.err, io.EOF):
				s.rest(ctx, yield)
				return
			}
			if a.err != nil {
				yield(providers.Stored{}, fromStatus(ctx, "put", a.err))
				return
			}
			if !yield(fromStored(a.stored), nil) {
				return
			}
		}
	}
}

// rest yields the refusals that came with the last items. A provider that ends
// before it has pulled all items leaves some without a result.
func (s *sender) rest(ctx context.Context, yield func(providers.Stored, error) bool) {
	if !s.sent.Load() {
		err := fromStatus(ctx, "put", status.Error(codes.Unknown, "the provider ended before it had taken all items"))
		yield(providers.Stored{}, err)
		return
	}
	for refused := range s.unread {
		if !yield(refused, nil) {
			return
		}
	}
}

func fromStored(s *pb.Stored) providers.Stored {
	return providers.Stored{
		Key: s.Key, ID: inventory.ItemID(s.Id), Refused: inventory.Flags(s.Refused), Err: fromError(s.Error),
	}
}
