package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// process is a running plugin. connect returns its client, starting the
// process again when it has ended; the generation says which start it is.
type process interface {
	connect(ctx context.Context) (client pb.ProviderClient, generation int, err error)
}

// provider is a providers.Provider whose work is done by another process.
type provider struct {
	process     process
	description providers.Description
}

func newProvider(ctx context.Context, p process) (*provider, error) {
	client, _, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := client.Describe(ctx, &pb.Empty{})
	d, err := parse[providers.Description](doc.GetJson(), fromStatus(ctx, "describe", err))
	if err != nil {
		return nil, err
	}
	return &provider{p, d}, nil
}

func (p *provider) Describe() providers.Description { return p.description }

func (p *provider) Open(ctx context.Context, o providers.Options) (providers.Endpoint, error) {
	e := &endpoint{process: p.process, request: &pb.OpenRequest{
		Role: string(o.Role), Name: o.Name, Settings: o.Settings, Folder: o.Folder,
	}}
	if _, _, err := e.connect(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// endpoint is opened again in each generation of the process.
type endpoint struct {
	process process
	request *pb.OpenRequest

	mu         sync.Mutex
	generation int
	handle     uint64
}

// connect returns the client and the handle of the endpoint there.
func (e *endpoint) connect(ctx context.Context) (pb.ProviderClient, uint64, error) {
	client, generation, err := e.process.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handle != 0 && e.generation == generation {
		return client, e.handle, nil
	}
	h, err := client.Open(ctx, e.request)
	if err != nil {
		return nil, 0, fromStatus(ctx, "open", err)
	}
	e.handle, e.generation = h.Id, generation
	return client, e.handle, nil
}

func (e *endpoint) Info(ctx context.Context) (providers.Info, error) {
	client, h, err := e.connect(ctx)
	if err != nil {
		return providers.Info{}, err
	}
	doc, err := client.Info(ctx, &pb.Handle{Id: h})
	return parse[providers.Info](doc.GetJson(), fromStatus(ctx, "info", err))
}

func (e *endpoint) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		client, h, err := e.connect(ctx)
		if err != nil {
			yield(inventory.Recipient{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := client.Recipients(ctx, &pb.Handle{Id: h})
		receive(ctx, "list recipients", stream, err, func(r *pb.Recipient, err error) bool {
			return yield(parse[inventory.Recipient](r.GetJson(), err))
		})
	}
}

// receive hands each message of a stream to next, and the error that ends it,
// unless it ends well.
func receive[T any](ctx context.Context, op string, stream grpc.ServerStreamingClient[T], err error, next func(*T, error) bool) {
	if err != nil {
		next(nil, fromStatus(ctx, op, err))
		return
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			next(nil, fromStatus(ctx, op, err))
			return
		}
		if !next(message, nil) {
			return
		}
	}
}

func (e *endpoint) CreateRecipient(ctx context.Context, r inventory.Recipient, password string) (providers.Created, error) {
	return e.write(ctx, "create recipient", r, password, pb.ProviderClient.CreateRecipient)
}

func (e *endpoint) UpdateRecipient(ctx context.Context, r inventory.Recipient) (providers.Created, error) {
	return e.write(ctx, "update recipient", r, "", pb.ProviderClient.UpdateRecipient)
}

type recipientCall func(pb.ProviderClient, context.Context, *pb.RecipientRequest, ...grpc.CallOption) (*pb.Created, error)

func (e *endpoint) write(ctx context.Context, op string, r inventory.Recipient, password string, call recipientCall) (providers.Created, error) {
	client, h, err := e.connect(ctx)
	if err != nil {
		return providers.Created{}, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return providers.Created{}, err
	}
	created, err := call(client, ctx, &pb.RecipientRequest{Endpoint: h, Json: data, Password: password})
	return fromCreated(created), fromStatus(ctx, op, err)
}

func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	client, h, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	m, err := client.OpenMailbox(ctx, &pb.OpenMailboxRequest{Endpoint: h, Address: string(address)})
	if err != nil {
		return nil, fromStatus(ctx, "open mailbox "+string(address), err)
	}
	return &mailbox{client: client, handle: m.Id}, nil
}

// closePatience is how long a close waits for the other process.
const closePatience = 5 * time.Second

func (e *endpoint) Close() error {
	e.mu.Lock()
	h, generation := e.handle, e.generation
	e.handle = 0
	e.mu.Unlock()
	if h == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	client, now, err := e.process.connect(ctx)
	if err != nil || now != generation {
		return nil // what it held went with its process
	}
	_, err = client.CloseEndpoint(ctx, &pb.Handle{Id: h})
	return fromStatus(ctx, "close", err)
}
