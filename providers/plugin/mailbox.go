package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// mailbox is a session that lives in another process.
type mailbox struct {
	client pb.ProviderClient
	handle uint64
	// life ends when the session or its endpoint is closed, and every call on
	// it; end ends the process.
	life  context.Context
	close context.CancelCauseFunc
	end   func()
}

func (m *mailbox) Info(ctx context.Context) (providers.MailboxInfo, error) {
	ctx, done := within(ctx, m.life)
	defer done()
	doc, err := m.client.MailboxInfo(ctx, &pb.Handle{Id: m.handle})
	return parse[providers.MailboxInfo](doc.GetJson(), fromStatus(ctx, "mailbox info", err))
}

func (m *mailbox) Folders(ctx context.Context) (folders []inventory.Folder, failed error) {
	ctx, done := within(ctx, m.life)
	defer done()
	stream, err := m.client.Folders(ctx, &pb.Handle{Id: m.handle})
	receive(ctx, "list folders", stream, err, func(f *pb.Folder, err error) bool {
		var folder inventory.Folder
		if folder, failed = parse[inventory.Folder](f.GetJson(), err); failed == nil {
			folders = append(folders, folder)
		}
		return failed == nil
	})
	if failed != nil {
		return nil, failed
	}
	return folders, nil
}

func (m *mailbox) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	ctx, done := within(ctx, m.life)
	defer done()
	data, err := json.Marshal(f)
	if err != nil {
		return inventory.Folder{}, err
	}
	made, err := m.client.CreateFolder(ctx, &pb.FolderRequest{Mailbox: m.handle, Json: data})
	return parse[inventory.Folder](made.GetJson(), fromStatus(ctx, "create folder", err))
}

func (m *mailbox) RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error) {
	ctx, done := within(ctx, m.life)
	defer done()
	renamed, err := m.client.RenameFolder(ctx, &pb.RenameRequest{Mailbox: m.handle, Folder: string(id), To: to})
	return parse[inventory.Folder](renamed.GetJson(), fromStatus(ctx, "rename folder", err))
}

func (m *mailbox) Changes(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		ctx, done := within(ctx, m.life)
		defer done()
		stream, err := m.client.Changes(ctx, &pb.ChangesRequest{Mailbox: m.handle, Folder: string(folder), After: string(after), Limit: int64(limit)})
		receive(ctx, "list changes", stream, err, func(list *pb.ChangeList, err error) bool {
			if err != nil {
				return yield(providers.Change{}, err)
			}
			for _, c := range list.Changes {
				if !yield(fromChange(c), nil) {
					return false
				}
			}
			return true
		})
	}
}

func (m *mailbox) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		ctx, done := within(ctx, m.life)
		defer done()
		request := &pb.FetchRequest{Mailbox: m.handle, Folder: string(folder), Format: string(format), Ids: make([]string, len(ids))}
		for i, id := range ids {
			request.Ids[i] = string(id)
		}
		stream, err := m.client.Fetch(ctx, request)
		receive(ctx, "fetch", stream, err, func(part *pb.FetchPart, err error) bool {
			if err != nil {
				return yield(providers.Fetched{}, err)
			}
			return fetched(ctx, stream, part, yield)
		})
	}
}

// fetched yields the item that first begins, with a body that receives the
// rest of its parts.
func fetched(ctx context.Context, stream grpc.ServerStreamingClient[pb.FetchPart], first *pb.FetchPart, yield func(providers.Fetched, error) bool) bool {
	if first.Item == nil {
		yield(providers.Fetched{}, &providers.Error{Kind: providers.Other, Code: codeProtocol, Op: "fetch", Err: errors.New("a part belongs to no item")})
		return false
	}
	f := providers.Fetched{Item: fromItem(first.Item), Format: inventory.Format(first.Format), Err: fromError(first.Error)}
	content := &parts{current: first, next: func() (*pb.FetchPart, error) {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, lost("fetch", io.ErrUnexpectedEOF)
		}
		return part, fromStatus(ctx, "fetch", err)
	}}
	if f.Err == nil {
		f.Body = content
	}
	if !yield(f, nil) {
		return false
	}
	if err := content.skip(); err != nil {
		yield(providers.Fetched{}, err)
		return false
	}
	return true
}

// parts reads a body that arrives in parts.
type parts struct {
	current *pb.FetchPart
	next    func() (*pb.FetchPart, error)
	data    bytes.Reader
	begun   bool
}

func (p *parts) Read(b []byte) (int, error) {
	for {
		if !p.begun {
			p.data.Reset(p.current.Data)
			p.begun = true
		}
		if p.data.Len() > 0 {
			return p.data.Read(b)
		}
		if p.current.Last {
			return 0, io.EOF
		}
		part, err := p.next()
		if err != nil {
			return 0, err
		}
		p.current, p.begun = part, false
	}
}

// skip reads to the end, so that the next item can be received.
func (p *parts) skip() error {
	for !p.current.Last {
		part, err := p.next()
		if err != nil {
			return err
		}
		p.current = part
	}
	return nil
}

func (m *mailbox) Find(ctx context.Context, folder inventory.FolderID, after inventory.Cursor, prints []inventory.Fingerprint) ([][]inventory.ItemID, error) {
	ctx, done := within(ctx, m.life)
	defer done()
	request := &pb.FindRequest{Mailbox: m.handle, Folder: string(folder), After: string(after)}
	for _, p := range prints {
		request.Prints = append(request.Prints, toPrint(p))
	}
	response, err := m.client.Find(ctx, request)
	if err != nil {
		return nil, fromStatus(ctx, "find", err)
	}
	if len(response.Matches) != len(prints) {
		return nil, &providers.Error{Kind: providers.Other, Code: codeProtocol, Op: "find", Err: errors.New("the answer has another length than the question")}
	}
	found := make([][]inventory.ItemID, len(prints))
	for i, match := range response.Matches {
		if len(match.Ids) > 0 {
			found[i] = itemIDs(match.Ids)
		}
	}
	return found, nil
}

func (m *mailbox) Edit(ctx context.Context, folder inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		ctx, done := within(ctx, m.life)
		defer done()
		request := &pb.EditRequest{Mailbox: m.handle, Folder: string(folder)}
		for _, e := range edits {
			request.Edits = append(request.Edits, toEdit(e))
		}
		stream, err := m.client.Edit(ctx, request)
		receive(ctx, "edit", stream, err, func(e *pb.Edited, err error) bool {
			if err != nil {
				return yield(providers.Edited{}, err)
			}
			return yield(fromEdited(e), nil)
		})
	}
}

func (m *mailbox) Larger(ctx context.Context, folder inventory.FolderID, size int64) (items []inventory.Item, failed error) {
	ctx, done := within(ctx, m.life)
	defer done()
	stream, err := m.client.Larger(ctx, &pb.LargerRequest{Mailbox: m.handle, Folder: string(folder), Size: size})
	receive(ctx, "list large items", stream, err, func(i *pb.Item, err error) bool {
		if failed = err; failed == nil {
			items = append(items, fromItem(i))
		}
		return failed == nil
	})
	return items, failed
}

func (m *mailbox) Close() error {
	if m.life.Err() != nil {
		return nil // closed before, or with its endpoint
	}
	m.close(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	// A process that has gone took the session with it.
	_, _ = m.client.CloseMailbox(ctx, &pb.Handle{Id: m.handle})
	if ctx.Err() != nil {
		m.end()
	}
	return nil
}
