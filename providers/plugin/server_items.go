package plugin

import (
	"context"
	"io"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// changesPerMessage bounds a ChangeList, chunkSize the data of one part: well
// below the 4 MiB that gRPC takes by default.
const (
	changesPerMessage = 512
	chunkSize         = 256 << 10
)

func (s *server) Changes(r *pb.ChangesRequest, stream grpc.ServerStreamingServer[pb.ChangeList]) error {
	m, ctx, done, err := s.mailbox(stream.Context(), r.Mailbox)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	list := &pb.ChangeList{}
	for c, err := range m.Changes(ctx, inventory.FolderID(r.Folder), inventory.Cursor(r.After), int(r.Limit)) {
		if err != nil {
			return asStatus(err)
		}
		list.Changes = append(list.Changes, toChange(c))
		if len(list.Changes) == changesPerMessage {
			if err := stream.Send(list); err != nil {
				return err
			}
			list = &pb.ChangeList{}
		}
	}
	return stream.Send(list)
}

func (s *server) Fetch(r *pb.FetchRequest, stream grpc.ServerStreamingServer[pb.FetchPart]) error {
	m, ctx, done, err := s.mailbox(stream.Context(), r.Mailbox)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	buffer := make([]byte, chunkSize)
	for f, err := range m.Fetch(ctx, inventory.FolderID(r.Folder), itemIDs(r.Ids), inventory.Format(r.Format)) {
		if err != nil {
			return asStatus(err)
		}
		if err := sendFetched(stream, f, buffer); err != nil {
			return err
		}
	}
	return nil
}

func sendFetched(stream grpc.ServerStreamingServer[pb.FetchPart], f providers.Fetched, buffer []byte) error {
	part := &pb.FetchPart{Item: toItem(f.Item), Format: string(f.Format), Error: toError(f.Err)}
	for {
		n, err := 0, io.EOF
		if f.Err == nil && f.Body != nil {
			n, err = io.ReadFull(f.Body, buffer)
		}
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return asStatus(err)
		}
		part.Data, part.Last = buffer[:n], err != nil
		if sendErr := stream.Send(part); sendErr != nil {
			return sendErr
		}
		if part.Last {
			return nil
		}
		part = &pb.FetchPart{}
	}
}

func itemIDs(ids []string) []inventory.ItemID {
	out := make([]inventory.ItemID, len(ids))
	for i, id := range ids {
		out[i] = inventory.ItemID(id)
	}
	return out
}

func (s *server) Put(stream grpc.BidiStreamingServer[pb.PutPart, pb.Stored]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	m, ctx, done, err := s.mailbox(stream.Context(), first.Mailbox)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	in := newIncoming(ctx, stream, first)
	defer in.release()
	for stored, err := range m.Put(ctx, in.items) {
		if err == nil {
			in.done(stored.Key)
			err = stream.Send(&pb.Stored{Key: stored.Key, Id: string(stored.ID), Refused: string(stored.Refused), Error: toError(stored.Err)})
		}
		if err != nil {
			// A provider waits for the goroutine that pulls items before its
			// sequence ends, and that one waits for the other process.
			in.stop()
			return asStatus(err)
		}
	}
	return asStatus(in.err())
}

func (s *server) Find(ctx context.Context, r *pb.FindRequest) (*pb.FindResponse, error) {
	m, ctx, done, err := s.mailbox(ctx, r.Mailbox)
	if err != nil {
		return nil, asStatus(err)
	}
	defer done()
	prints := make([]inventory.Fingerprint, len(r.Prints))
	for i, p := range r.Prints {
		prints[i] = fromPrint(p)
	}
	found, err := m.Find(ctx, inventory.FolderID(r.Folder), inventory.Cursor(r.After), prints)
	if err != nil {
		return nil, asStatus(err)
	}
	out := &pb.FindResponse{}
	for _, ids := range found {
		matches := &pb.FindResponse_Matches{}
		for _, id := range ids {
			matches.Ids = append(matches.Ids, string(id))
		}
		out.Matches = append(out.Matches, matches)
	}
	return out, nil
}

func (s *server) Edit(r *pb.EditRequest, stream grpc.ServerStreamingServer[pb.Edited]) error {
	m, ctx, done, err := s.mailbox(stream.Context(), r.Mailbox)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	edits := make([]providers.Edit, len(r.Edits))
	for i, e := range r.Edits {
		edits[i] = fromEdit(e)
	}
	for e, err := range m.Edit(ctx, inventory.FolderID(r.Folder), edits) {
		if err != nil {
			return asStatus(err)
		}
		if err := stream.Send(toEdited(e)); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) Larger(r *pb.LargerRequest, stream grpc.ServerStreamingServer[pb.Item]) error {
	m, ctx, done, err := s.mailbox(stream.Context(), r.Mailbox)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	items, err := m.Larger(ctx, inventory.FolderID(r.Folder), r.Size)
	if err != nil {
		return asStatus(err)
	}
	for _, i := range items {
		if err := stream.Send(toItem(i)); err != nil {
			return err
		}
	}
	return nil
}
