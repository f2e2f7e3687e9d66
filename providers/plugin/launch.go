// Package plugin is the boundary to providers that run in a process of their
// own: third-party executables, and built-ins with `isolate = true`. It is a
// thin adapter both ways over gRPC (hashicorp/go-plugin); verdicts of errors
// cross intact, bodies cross as chunks. A process that dies is started again
// by the next call that opens a mailbox, so that it costs a retry.
package plugin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// handshake keeps people from starting a plugin by hand, and old from new.
// ProtocolVersion is the major version of the wire.
func handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "CUTOVER_PROVIDER", MagicCookieValue: "9c2f4c1e-provider"}
}

const maxMessage = 64 << 20

// Serve serves a provider until the process that started this one ends it. It
// is what main of a third-party provider calls.
func Serve(p providers.Provider) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake(),
		Plugins:         plugin.PluginSet{"provider": &grpcPlugin{provider: p}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(maxMessage))...)
		},
		Logger: hclog.NewNullLogger(),
	})
}

// grpcPlugin joins the service to go-plugin.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	provider providers.Provider
}

func (g *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterProviderServer(s, newServer(g.provider))
	return nil
}

func (g *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pb.NewProviderClient(c), nil
}

// Launch starts a provider as a process and returns it with what ends the
// process. The environment reaches the process without the variables of the
// configuration (CUTOVER_VAR_...), which may be secrets of others.
func Launch(ctx context.Context, command, env []string, logger *slog.Logger) (providers.Provider, io.Closer, error) {
	c := &child{command: command, env: withoutVariables(env), logger: logger}
	p, err := newProvider(ctx, c)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return p, c, nil
}

func withoutVariables(env []string) []string {
	var kept []string
	for _, entry := range env {
		if !strings.HasPrefix(entry, "CUTOVER_VAR_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// child is a process that is started again when it has ended.
type child struct {
	command, env []string
	logger       *slog.Logger

	mu         sync.Mutex
	plugin     *plugin.Client
	client     pb.ProviderClient
	generation int
	closed     bool
}

func (c *child) connect(context.Context) (pb.ProviderClient, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, 0, &providers.Error{Kind: providers.Other, Code: codeStart, Op: "use the provider", Err: fmt.Errorf("its process was ended")}
	case c.plugin != nil && !c.plugin.Exited():
		return c.client, c.generation, nil
	case c.plugin != nil:
		c.logger.Warn("the process of a provider ended and is started again", "command", c.command[0])
	}
	return c.start()
}

// start starts the process. A first start that fails is an error in the
// configuration, a later one may pass.
func (c *child) start() (pb.ProviderClient, int, error) {
	if c.plugin != nil {
		c.plugin.Kill()
	}
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Env = c.env
	c.plugin = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake(), Plugins: plugin.PluginSet{"provider": &grpcPlugin{}}, Cmd: cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, SkipHostEnv: true,
		StartTimeout: 30 * time.Second, Logger: hclog.NewNullLogger(), Stderr: c.stderr(),
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage))},
	})
	client, err := c.dispense()
	if err != nil {
		c.plugin.Kill()
		kind := providers.Transient
		if c.generation == 0 {
			kind = providers.Other
		}
		return nil, 0, &providers.Error{Kind: kind, Code: codeStart, Op: "start the provider " + c.command[0], Err: err}
	}
	c.client = client
	c.generation++
	return c.client, c.generation, nil
}

func (c *child) dispense() (pb.ProviderClient, error) {
	protocol, err := c.plugin.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense("provider")
	if err != nil {
		return nil, err
	}
	client, ok := raw.(pb.ProviderClient)
	if !ok {
		return nil, fmt.Errorf("it serves %T", raw)
	}
	return client, nil
}

// stderr passes what the process writes on to the developer's log.
func (c *child) stderr() io.Writer { return &lineLog{logger: c.logger.With("command", c.command[0])} }

// lineLog logs what is written to it line by line. It is written to by one
// goroutine at a time.
type lineLog struct {
	logger *slog.Logger
	rest   []byte
}

// maxLogLine bounds what is kept of a line that does not end.
const maxLogLine = 64 << 10

func (l *lineLog) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found && len(line) < maxLogLine {
			return len(p), nil
		}
		l.logger.Debug("the provider says", "line", string(line))
		l.rest = rest
	}
}

// Close ends the process.
func (c *child) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.plugin != nil {
		c.plugin.Kill()
	}
	return nil
}
