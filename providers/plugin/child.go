package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
)

// child is a process that is started again when it has ended.
type child struct {
	command, env []string
	logger       *slog.Logger

	mu         sync.Mutex
	running    *running // nil before the first start and after one that failed
	generation int
	closed     bool
}

// running is one start of the process.
type running struct {
	plugin *plugin.Client
	client pb.ProviderClient
	kill   context.CancelFunc
	folder string // of its socket, readable by this user only
}

// end ends the process and waits for that.
func (r *running) end() {
	r.plugin.Kill()
	r.kill()
	os.RemoveAll(r.folder)
}

func (c *child) connect(ctx context.Context) (pb.ProviderClient, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, 0, c.failure(providers.Other, "use the provider", errors.New("its process was ended"))
	case c.running != nil && !c.running.plugin.Exited():
		return c.running.client, c.generation, nil
	case c.running != nil:
		c.logger.Warn("the process of a provider ended and is started again", "command", c.name())
		c.running.end()
		c.running = nil
	}
	r, err := c.start(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case err != nil && c.generation == 0: // an error in the configuration
		return nil, 0, c.failure(providers.Other, "start the provider", err)
	case err != nil:
		return nil, 0, c.failure(providers.Transient, "start the provider", err)
	}
	c.running = r
	c.generation++
	return r.client, c.generation, nil
}

func (c *child) alive(generation int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running != nil && c.generation == generation && !c.running.plugin.Exited()
}

func (c *child) end(generation int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running != nil && c.generation == generation {
		c.running.end()
	}
}

// Close ends the process.
func (c *child) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.running != nil {
		c.running.end()
		c.running = nil
	}
	return nil
}

func (c *child) name() string { return strings.Join(c.command, " ") }

func (c *child) failure(kind providers.Kind, op string, err error) error {
	return &providers.Error{Kind: kind, Code: codeStart, Op: op, Subject: c.name(), Err: err}
}

// startPatience is how long a process may take until it serves.
const startPatience = 30 * time.Second

// start starts the process; the end of ctx ends one that does not serve yet.
func (c *child) start(ctx context.Context) (*running, error) {
	if len(c.command) == 0 {
		return nil, errors.New("the command is empty")
	}
	folder, err := os.MkdirTemp("", "cutover-provider-*")
	if err != nil {
		return nil, err
	}
	life, kill := context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, kill)()
	cmd := exec.CommandContext(life, c.command[0], c.command[1:]...)
	cmd.Env = append(c.env[:len(c.env):len(c.env)], plugin.EnvUnixSocketDir+"="+folder)
	says := &lineLog{logger: c.logger.With("command", c.name())}
	r := &running{kill: kill, folder: folder, plugin: plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake(), Plugins: plugin.PluginSet{"provider": &grpcPlugin{}}, Cmd: cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, SkipHostEnv: true,
		// A socket in a folder of this user needs no encryption.
		AutoMTLS:     runtime.GOOS == "windows",
		StartTimeout: startPatience, Logger: hclog.NewNullLogger(),
		Stderr: says, SyncStdout: &lineLog{logger: says.logger}, SyncStderr: &lineLog{logger: says.logger},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)), grpc.WithIdleTimeout(0),
			grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		},
	})}
	if r.client, err = dispense(r.plugin); err != nil {
		r.end()
		return nil, started(err, says)
	}
	return r, nil
}

func dispense(p *plugin.Client) (pb.ProviderClient, error) {
	protocol, err := p.Client()
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

// started makes one line of why a process does not serve: go-plugin's words
// without its notes on the file, and the last the process said.
func started(err error, says *lineLog) error {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	if rest, garbage := strings.CutPrefix(reason, "Unrecognized remote plugin message:"); garbage {
		reason = "it is no provider"
		if rest = strings.TrimSpace(rest); rest != "" {
			reason += fmt.Sprintf(", it writes %.200q", rest)
		}
	}
	if last := says.last(); last != "" {
		reason += fmt.Sprintf(" (it says %.200q)", last)
	}
	return errors.New(reason)
}
