package plugin

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/hashicorp/go-plugin"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/archive"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/providers/plugin/pb"
	"github.com/cutover-mail/cutover/providers/providertest"
)

// playing is the variable that makes the test binary a plugin.
const playing = "PLAY_PROVIDER"

func TestMain(m *testing.M) {
	switch part := os.Getenv(playing); part {
	case "":
		os.Exit(m.Run())
	case "mem":
		Serve(mem.New().Provider())
	case "crowd":
		Serve(crowd().Provider())
	case "archive":
		Serve(archive.Provider{})
	case "bench":
		Serve(benchOrg().Provider())
	case "parent":
		playParent()
	default:
		playFault(part)
	}
}

// play returns command and environment of the test binary in that part.
func play(part string, env ...string) (command, environment []string) {
	return []string{os.Args[0]}, append([]string{playing + "=" + part, "TMPDIR=" + os.TempDir()}, env...)
}

// launch starts the test binary as a plugin.
func launch(t testing.TB, part string, env ...string) (providers.Provider, *child) {
	t.Helper()
	command, environment := play(part, env...)
	p, closer, err := Launch(t.Context(), command, environment, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closer.Close() })
	return p, closer.(*child)
}

// inside is a process that is none: the server runs beside the client.
type inside struct{ client pb.ProviderClient }

func (i inside) connect(context.Context) (pb.ProviderClient, int, error) { return i.client, 1, nil }
func (i inside) alive(int) bool                                          { return true }
func (i inside) end(int)                                                 {}

// across returns a provider behind real gRPC, in this process.
func across(t testing.TB, p providers.Provider) providers.Provider {
	t.Helper()
	client, server := plugin.TestPluginGRPCConn(t, false, plugin.PluginSet{"provider": &grpcPlugin{server: newServer(p)}})
	t.Cleanup(func() { client.Conn.Close(); server.Stop() })
	raw, err := client.Dispense("provider")
	if err != nil {
		t.Fatal(err)
	}
	remote, err := newProvider(t.Context(), inside{raw.(pb.ProviderClient)})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

func harness(p providers.Provider) providertest.Harness {
	return providertest.Harness{
		Provider: p,
		Options: func(_ *testing.T, role providers.Role) providers.Options {
			return providers.Options{Role: role, Name: "suite"}
		},
		Wrong: []providertest.Wrong{{Name: "half a connection", Role: providers.Source,
			Settings: providers.Settings(`{"max_connections": 0.5}`), Path: []string{"max_connections"}}},
		KeepsBareNewlines: true, KeepsNUL: true,
	}
}

func TestConformanceOverGRPC(t *testing.T) {
	org := mem.New()
	h := harness(across(t, org.Provider()))
	h.ResetEpoch = func(_ *testing.T, address inventory.Address, path inventory.Path) {
		org.Mailbox(address).ResetEpoch(path.String())
	}
	providertest.Run(t, h)
	if open, _ := org.Sessions(); open != 0 {
		t.Errorf("%d sessions of the provider are still open when all were closed on the other side", open)
	}
}

// Unhelpful providers use the freedom of the contract, and so does the wire.
func TestConformanceOfUnhelpfulProviderOverGRPC(t *testing.T) {
	org := mem.New().Configure(func(c *mem.Config) {
		c.HideIDs, c.HideSizes, c.HideState, c.HideIdentity, c.NoHistory, c.Reverse = true, true, true, true, true, true
		c.Page, c.PutBatch = 7, 100
	})
	providertest.Run(t, harness(across(t, org.Provider())))
}

func TestConformanceOfProcess(t *testing.T) {
	p, _ := launch(t, "mem")
	providertest.Run(t, harness(p))
}

func TestServeRefusesToBeStartedByHand(t *testing.T) {
	command, env := play("mem")
	cmd := exec.Command(command[0])
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("a plugin that is started by hand serves: %s", out)
	}
}

// open opens an endpoint and a session of a provider in a process or across.
func open(t testing.TB, p providers.Provider, role providers.Role, address inventory.Address) (providers.Endpoint, providers.Mailbox) {
	t.Helper()
	e, err := p.Open(t.Context(), providers.Options{Role: role, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	m, err := e.OpenMailbox(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return e, m
}

// sequence is a sequence of items.
func sequence(items ...providers.Outgoing) func(func(providers.Outgoing) bool) {
	return func(yield func(providers.Outgoing) bool) {
		for _, item := range items {
			if !yield(item) {
				return
			}
		}
	}
}

func outgoing(key uint64, content []byte) providers.Outgoing {
	return providers.Outgoing{
		Key: key, Folder: "INBOX", Class: inventory.ClassMessage, Format: inventory.FormatRFC5322, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(reader(content)), nil },
	}
}
