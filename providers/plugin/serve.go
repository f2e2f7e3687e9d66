package plugin

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/cutover-mail/cutover/providers"
)

// Serve serves a provider until the process that started this one ends it, or
// has ended itself, however: a provider does not go on writing for nobody. It
// is what main of a third-party provider calls. The endpoints that are open
// then are closed before it returns.
func Serve(p providers.Provider) {
	s := newServer(p)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake(),
		Plugins:         plugin.PluginSet{"provider": &grpcPlugin{server: s}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			watch := &connections{}
			options = append(options, grpc.MaxRecvMsgSize(maxMessage), grpc.StatsHandler(watch), grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window))
			watch.server = grpc.NewServer(options...)
			return watch.server
		},
		Logger: hclog.NewNullLogger(),
	})
	ctx, cancel := context.WithTimeout(context.Background(), servePatience)
	defer cancel()
	s.close(ctx)
	// The program that made the folder of the socket may not be there to remove
	// it. It is empty now.
	if folder := os.Getenv(plugin.EnvUnixSocketDir); folder != "" {
		_ = os.Remove(folder)
	}
}

// servePatience is how long sessions may take to close at the end; go-plugin
// kills a process that takes two seconds to go.
const servePatience = time.Second

// window is how much of one stream may be under way: some messages, so that
// neither side waits for the other after each.
const window = 1 << 20

// connections stops the server when the last connection to it has ended: the
// one that started the process has one as long as it runs.
type connections struct {
	server *grpc.Server
	open   atomic.Int64
}

// HandleConn counts.
func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		c.open.Add(1)
	case *stats.ConnEnd:
		if c.open.Add(-1) == 0 {
			go c.server.Stop()
		}
	}
}

// TagConn does nothing.
func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC does nothing.
func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (c *connections) HandleRPC(context.Context, stats.RPCStats) {}
