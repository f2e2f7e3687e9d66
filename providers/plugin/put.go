package plugin

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

type putStream = grpc.BidiStreamingClient[pb.PutPart, pb.Stored]

func (m *mailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := m.client.Put(ctx)
		if err != nil {
			cancel()
			yield(providers.Stored{}, fromStatus(ctx, "put", err))
			return
		}
		sender := &sender{stream: stream, mailbox: m.handle, unread: make(chan providers.Stored, 16), ended: make(chan struct{})}
		go sender.run(ctx, items)
		// The sender ends with the stream; nothing of items is pulled later.
		defer func() { <-sender.ended }()
		defer cancel()
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
	ended  chan struct{}
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
}

// send sends one item. An error means that the stream has ended.
func (s *sender) send(ctx context.Context, item providers.Outgoing) error {
	body, err := item.Open()
	if err != nil {
		return s.refuse(ctx, item.Key, err)
	}
	defer body.Close()
	part := &pb.PutPart{Header: &pb.PutHeader{
		Key: item.Key, Folder: string(item.Folder), Class: string(item.Class), Format: string(item.Format),
		Flags: string(item.Flags), Received: toTime(item.Received), Size: item.Size,
	}}
	for {
		n, err := io.ReadFull(body, s.buffer[:])
		part.Data, part.Last = s.buffer[:n], err != nil
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			part.Data, part.Failed = nil, true
		}
		if sendErr := s.stream.Send(part); sendErr != nil {
			return sendErr
		}
		switch {
		case part.Failed:
			return s.refuse(ctx, item.Key, err)
		case part.Last:
			return nil
		}
		part = &pb.PutPart{}
	}
}

func (s *sender) refuse(ctx context.Context, key uint64, err error) error {
	select {
	case s.unread <- providers.Stored{Key: key, Err: &providers.Error{Kind: providers.Rejected, Op: "read the content", Err: err}}:
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
			if !ok || errors.Is(a.err, io.EOF) {
				s.rest(yield)
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

// rest yields the refusals that came with the last items.
func (s *sender) rest(yield func(providers.Stored, error) bool) {
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
