package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// server serves a provider. Endpoints and mailboxes are known to the other
// side by handles.
type server struct {
	pb.UnimplementedProviderServer
	provider providers.Provider

	mu        sync.Mutex
	last      uint64
	endpoints map[uint64]providers.Endpoint
	mailboxes map[uint64]*session
}

func newServer(p providers.Provider) *server {
	return &server{provider: p, endpoints: map[uint64]providers.Endpoint{}, mailboxes: map[uint64]*session{}}
}

// errHandle says that a session or an endpoint was closed, or went with the
// process that had it.
func errHandle() error {
	return &providers.Error{Kind: providers.Transient, Code: codeLost, Op: "find the session", Err: errors.New("it was closed, or went with its process")}
}

func (s *server) endpoint(id uint64) (providers.Endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.endpoints[id]; ok {
		return e, nil
	}
	return nil, errHandle()
}

// handle gives a value the next number.
func handle[T any](s *server, table map[uint64]T, v T) *pb.Handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	table[s.last] = v
	return &pb.Handle{Id: s.last}
}

// take removes a value from its table.
func take[T any](s *server, table map[uint64]T, id uint64) (v T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok = table[id]
	delete(table, id)
	return v, ok
}

func (s *server) Describe(context.Context, *pb.Empty) (*pb.Document, error) {
	data, err := document(s.provider.Describe(), nil)
	return &pb.Document{Json: data}, asStatus(err)
}

func (s *server) Open(ctx context.Context, r *pb.OpenRequest) (*pb.Handle, error) {
	e, err := s.provider.Open(ctx, providers.Options{
		Role: providers.Role(r.Role), Name: r.Name, Settings: providers.Settings(r.Settings), Folder: r.Folder,
	})
	if err != nil {
		return nil, asStatus(err)
	}
	return handle(s, s.endpoints, e), nil
}

func (s *server) Info(ctx context.Context, h *pb.Handle) (*pb.Document, error) {
	e, err := s.endpoint(h.Id)
	if err != nil {
		return nil, asStatus(err)
	}
	data, err := document(e.Info(ctx))
	return &pb.Document{Json: data}, asStatus(err)
}

func (s *server) Recipients(h *pb.Handle, stream grpc.ServerStreamingServer[pb.Recipient]) error {
	e, err := s.endpoint(h.Id)
	if err != nil {
		return asStatus(err)
	}
	for r, err := range e.Recipients(stream.Context()) {
		data, err := document(r, err)
		if err != nil {
			return asStatus(err)
		}
		if err := stream.Send(&pb.Recipient{Json: data}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) CreateRecipient(ctx context.Context, r *pb.RecipientRequest) (*pb.Created, error) {
	return s.write(r, func(e providers.Endpoint, recipient inventory.Recipient) (providers.Created, error) {
		return e.CreateRecipient(ctx, recipient, r.Password)
	})
}

func (s *server) UpdateRecipient(ctx context.Context, r *pb.RecipientRequest) (*pb.Created, error) {
	return s.write(r, func(e providers.Endpoint, recipient inventory.Recipient) (providers.Created, error) {
		return e.UpdateRecipient(ctx, recipient)
	})
}

func (s *server) write(r *pb.RecipientRequest, do func(providers.Endpoint, inventory.Recipient) (providers.Created, error)) (*pb.Created, error) {
	e, err := s.endpoint(r.Endpoint)
	if err != nil {
		return nil, asStatus(err)
	}
	recipient, err := parse[inventory.Recipient](r.Json, nil)
	if err != nil {
		return nil, asStatus(err)
	}
	created, err := do(e, recipient)
	return toCreated(created), asStatus(err)
}

func (s *server) OpenMailbox(ctx context.Context, r *pb.OpenMailboxRequest) (*pb.Handle, error) {
	e, err := s.endpoint(r.Endpoint)
	if err != nil {
		return nil, asStatus(err)
	}
	m, err := e.OpenMailbox(ctx, inventory.Address(r.Address))
	if err != nil {
		return nil, asStatus(err)
	}
	if ctx.Err() != nil {
		return nil, asStatus(errors.Join(ctx.Err(), m.Close())) // nobody is there to close it
	}
	return handle(s, s.mailboxes, newSession(m, r.Endpoint)), nil
}

func (s *server) MailboxInfo(ctx context.Context, h *pb.Handle) (*pb.Document, error) {
	m, ctx, done, err := s.mailbox(ctx, h.Id)
	if err != nil {
		return nil, asStatus(err)
	}
	defer done()
	data, err := document(m.Info(ctx))
	return &pb.Document{Json: data}, asStatus(err)
}

func (s *server) Folders(h *pb.Handle, stream grpc.ServerStreamingServer[pb.Folder]) error {
	m, ctx, done, err := s.mailbox(stream.Context(), h.Id)
	if err != nil {
		return asStatus(err)
	}
	defer done()
	folders, err := m.Folders(ctx)
	if err != nil {
		return asStatus(err)
	}
	for _, f := range folders {
		data, err := json.Marshal(f)
		if err != nil {
			return asStatus(err)
		}
		if err := stream.Send(&pb.Folder{Json: data}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) CreateFolder(ctx context.Context, r *pb.FolderRequest) (*pb.Folder, error) {
	m, ctx, done, err := s.mailbox(ctx, r.Mailbox)
	if err != nil {
		return nil, asStatus(err)
	}
	defer done()
	f, err := parse[inventory.Folder](r.Json, nil)
	if err != nil {
		return nil, asStatus(err)
	}
	data, err := document(m.CreateFolder(ctx, f))
	return &pb.Folder{Json: data}, asStatus(err)
}

func (s *server) RenameFolder(ctx context.Context, r *pb.RenameRequest) (*pb.Folder, error) {
	m, ctx, done, err := s.mailbox(ctx, r.Mailbox)
	if err != nil {
		return nil, asStatus(err)
	}
	defer done()
	data, err := document(m.RenameFolder(ctx, inventory.FolderID(r.Folder), r.To))
	return &pb.Folder{Json: data}, asStatus(err)
}
