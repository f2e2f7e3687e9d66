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

// process is a running plugin. A generation is one start of it.
type process interface {
	// connect returns its client, starting the process again when it has ended.
	connect(ctx context.Context) (client pb.ProviderClient, generation int, err error)
	// alive reports whether that generation still runs.
	alive(generation int) bool
	// end ends that generation, if it still runs, before it returns.
	end(generation int)
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
	e.life, e.close = context.WithCancelCause(context.Background())
	if _, err := e.connect(ctx); err != nil {
		e.close(errClosed)
		return nil, err
	}
	return e, nil
}

// endpoint is opened again in each generation of the process.
type endpoint struct {
	process process
	request *pb.OpenRequest
	// life ends when the endpoint is closed, and every call on it.
	life  context.Context
	close context.CancelCauseFunc

	mu     sync.Mutex
	opened opened
}

// opened is an endpoint in one generation of the process.
type opened struct {
	client     pb.ProviderClient
	generation int
	handle     uint64 // 0 is none
}

var errClosed = &providers.Error{Kind: providers.Transient, Code: codeLost, Op: "use a session", Err: errors.New("it was closed")}

// within returns a context that ends with life as well, for the cause of life.
func within(ctx, life context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// connect returns the endpoint as it is opened in the process that runs now.
func (e *endpoint) connect(ctx context.Context) (opened, error) {
	if e.life.Err() != nil {
		return opened{}, errClosed
	}
	client, generation, err := e.process.connect(ctx)
	if err != nil {
		return opened{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opened.handle != 0 && e.opened.generation == generation {
		return e.opened, nil
	}
	h, err := client.Open(ctx, e.request)
	if err != nil {
		return opened{}, e.failed(ctx, generation, "open", err)
	}
	e.opened = opened{client, generation, h.Id}
	return e.opened, nil
}

// failed is what a call that ended with err means. A connection to a process
// is lost for good when the process ends: the next call starts another.
func (e *endpoint) failed(ctx context.Context, generation int, op string, err error) error {
	if gone(err) && ctx.Err() == nil {
		e.process.end(generation)
	}
	return fromStatus(ctx, op, err)
}

func (e *endpoint) Info(ctx context.Context) (providers.Info, error) {
	ctx, done := within(ctx, e.life)
	defer done()
	o, err := e.connect(ctx)
	if err != nil {
		return providers.Info{}, err
	}
	doc, err := o.client.Info(ctx, &pb.Handle{Id: o.handle})
	return parse[providers.Info](doc.GetJson(), e.failed(ctx, o.generation, "info", err))
}

func (e *endpoint) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		ctx, done := within(ctx, e.life)
		defer done()
		o, err := e.connect(ctx)
		if err != nil {
			yield(inventory.Recipient{}, err)
			return
		}
		stream, err := o.client.Recipients(ctx, &pb.Handle{Id: o.handle})
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
	ctx, done := within(ctx, e.life)
	defer done()
	o, err := e.connect(ctx)
	if err != nil {
		return providers.Created{}, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return providers.Created{}, err
	}
	created, err := call(o.client, ctx, &pb.RecipientRequest{Endpoint: o.handle, Json: data, Password: password})
	return fromCreated(created), e.failed(ctx, o.generation, op, err)
}

// OpenMailbox tries twice where the process turns out to have ended: nothing
// was begun in it, and the other sessions have told of it already.
func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	ctx, done := within(ctx, e.life)
	defer done()
	m, ended, err := e.openMailbox(ctx, address)
	if ended {
		m, _, err = e.openMailbox(ctx, address)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (e *endpoint) openMailbox(ctx context.Context, address inventory.Address) (m *mailbox, ended bool, err error) {
	o, err := e.connect(ctx)
	if err != nil {
		return nil, false, err
	}
	h, err := o.client.OpenMailbox(ctx, &pb.OpenMailboxRequest{Endpoint: o.handle, Address: string(address)})
	if err != nil {
		return nil, gone(err), e.failed(ctx, o.generation, "open mailbox "+string(address), err)
	}
	m = &mailbox{client: o.client, handle: h.Id, end: func() { e.process.end(o.generation) }}
	m.life, m.close = context.WithCancelCause(e.life)
	return m, false, nil
}

// closePatience is how long a session or an endpoint may take to close. Then
// the process is ended, since what it would still write could be written twice.
const closePatience = 10 * time.Second

func (e *endpoint) Close() error {
	e.close(errClosed)
	e.mu.Lock()
	o := e.opened
	e.opened.handle = 0
	e.mu.Unlock()
	if o.handle == 0 || !e.process.alive(o.generation) {
		return nil // what it held went with its process
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	_, err := o.client.CloseEndpoint(ctx, &pb.Handle{Id: o.handle})
	if ctx.Err() != nil {
		e.process.end(o.generation)
	}
	if err = fromStatus(ctx, "close", err); providers.CodeOf(err) == codeLost {
		return nil
	}
	return err
}
