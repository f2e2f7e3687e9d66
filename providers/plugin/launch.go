// Package plugin is the boundary to providers that run in a process of their
// own: third-party executables, and built-ins with `isolate = true`. It is a
// thin adapter both ways over gRPC (hashicorp/go-plugin); verdicts of errors
// cross intact, bodies cross as chunks. A process that dies is started again
// by the next call that opens a mailbox, so that it costs a retry.
package plugin

import (
	"context"
	"io"
	"log/slog"
	"strings"

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

// Launch starts a provider as a process and returns it with what ends the
// process, once for all. The process gets the environment given, and nothing
// of ours, without the variables of the configuration (CUTOVER_VAR_...), which
// may be secrets of others; settings reach it over its socket only. What it
// writes to its output goes to the logger, line by line, at level debug.
//
// An error is a *providers.Error that names the command.
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

// grpcPlugin joins the service to go-plugin. The side that launches has no
// server.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
}

func (g *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterProviderServer(s, g.server)
	return nil
}

func (g *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pb.NewProviderClient(c), nil
}
