package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (c *child) pid(t testing.TB) int {
	t.Helper()
	pid, err := strconv.Atoi(c.running.plugin.ID())
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// works fails the test unless a session can be opened and reads everything.
func works(t *testing.T, e providers.Endpoint) {
	t.Helper()
	m, err := e.OpenMailbox(patient(t), anna)
	if err != nil {
		t.Fatalf("after the process was killed: %v", err)
	}
	defer m.Close()
	if got := count(t, m); got != crowdSize {
		t.Errorf("%d items are listed of %d", got, crowdSize)
	}
}

func count(t *testing.T, m providers.Mailbox) (n int) {
	t.Helper()
	for change, err := range m.Changes(patient(t), "INBOX", "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == providers.Listed {
			n++
		}
	}
	return n
}

func listed(t *testing.T, m providers.Mailbox) (ids []inventory.ItemID) {
	t.Helper()
	for change, err := range m.Changes(patient(t), "INBOX", "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == providers.Listed {
			ids = append(ids, change.Item.ID)
		}
	}
	return ids
}

func TestKilledInTheMiddleOfAFetchedItem(t *testing.T) {
	p, c := launch(t, "crowd")
	e, m := open(t, p, providers.Source, anna)
	ids := listed(t, m)
	var read, last error
	for fetched, err := range m.Fetch(patient(t), "INBOX", ids[crowdSize-1:], inventory.FormatRFC5322) {
		if last = err; err != nil {
			break
		}
		if _, err := io.CopyN(io.Discard, fetched.Body, 100); err != nil {
			t.Fatal(err)
		}
		kill(t, c.pid(t))
		_, read = io.Copy(io.Discard, fetched.Body)
	}
	for what, err := range map[string]error{"the body": read, "the stream": last} {
		if providers.KindOf(err) != providers.Transient || providers.CodeOf(err) != codeLost {
			t.Errorf("%s says %v: Transient, %s", what, err, codeLost)
		}
	}
	works(t, e)
}

func TestKilledInTheMiddleOfAStoredItem(t *testing.T) {
	p, c := launch(t, "crowd")
	e, m := open(t, p, providers.Target, anna)
	large := outgoing(2, make([]byte, 8<<20))
	large.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(&hooked{Reader: reader(make([]byte, 8<<20)), after: 3 << 20, hook: func() { kill(t, c.pid(t)) }}), nil
	}
	results := 0
	var last error
	for stored, err := range m.Put(patient(t), sequence(outgoing(1, []byte("one")), large, outgoing(3, []byte("three")))) {
		if last = err; err == nil && stored.Err == nil {
			results++
		}
	}
	if providers.KindOf(last) != providers.Transient || results > 1 {
		t.Errorf("%d results, then %v: Transient, and no result for what was cut", results, last)
	}
	works(t, e)
}

// hooked calls hook once, when that many bytes were read.
type hooked struct {
	io.Reader
	after int
	hook  func()
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if h.after -= n; h.after <= 0 && h.hook != nil {
		h.hook()
		h.hook = nil
	}
	return n, err
}

func TestKilledBetweenCalls(t *testing.T) {
	p, c := launch(t, "crowd")
	e, m := open(t, p, providers.Source, anna)
	for range 3 {
		before := c.pid(t)
		kill(t, before)
		if _, err := m.Folders(patient(t)); providers.KindOf(err) != providers.Transient {
			t.Errorf("a session of a process that was killed says %v", err)
		}
		m.Close()
		var err error
		if m, err = e.OpenMailbox(patient(t), anna); err != nil || c.pid(t) == before {
			t.Fatalf("a session afterwards: %v, in process %d after %d", err, c.pid(t), before)
		}
	}
	works(t, e)
	m.Close()
}

func TestCommandsThatAreNoProvider(t *testing.T) {
	for _, test := range []struct {
		part string
		says []string
	}{
		{"garbage", []string{"no provider", "Welcome to the accounting system"}},
		{"silent", []string{"out of paper"}},
		{"version", []string{"version: 2"}},
	} {
		command, env := play(test.part)
		_, _, err := Launch(patient(t), command, env, slog.New(slog.DiscardHandler))
		explains(t, err, append(test.says, command[0])...)
	}
	_, _, err := Launch(patient(t), []string{"./no-such-provider", "-x"}, nil, slog.New(slog.DiscardHandler))
	explains(t, err, "./no-such-provider -x")
	_, _, err = Launch(patient(t), nil, nil, slog.New(slog.DiscardHandler))
	explains(t, err, "empty")
}

func explains(t *testing.T, err error, words ...string) {
	t.Helper()
	if providers.CodeOf(err) != codeStart || providers.KindOf(err) != providers.Other {
		t.Errorf("verdict %v, code %q: %v", providers.KindOf(err), providers.CodeOf(err), err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in: %v", word, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	command, env := play("hang")
	ctx, cancel := context.WithCancel(t.Context())
	log := &lineWatch{line: "started", seen: cancel}
	if _, _, err := Launch(ctx, command, env, slog.New(log)); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was cancelled says %v", err)
	}
}

// lineWatch is a log handler that calls seen when the plugin says a line.
type lineWatch struct {
	slog.Handler
	line string
	seen func()
}

func (w *lineWatch) Enabled(context.Context, slog.Level) bool { return true }
func (w *lineWatch) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *lineWatch) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.String() == w.line {
			w.seen()
		}
		return true
	})
	return nil
}

func TestSecretsReachNoArgumentAndNoEnvironment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	p, c := launch(t, "crowd", "CUTOVER_VAR_source_password=tiger-in-variable", "KEPT=yes")
	e, err := p.Open(t.Context(), providers.Options{Role: providers.Source, Settings: providers.Settings(`{"password": "tiger-in-setting"}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, file := range []string{"cmdline", "environ"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.pid(t), file))
		if err != nil || len(data) == 0 {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "tiger") {
			t.Errorf("%s of the plugin holds a secret", file)
		}
		if file == "environ" && !strings.Contains(string(data), "KEPT=yes") {
			t.Error("the environment did not reach the plugin")
		}
	}
}

// The socket is the way to everything that the endpoint may do.
func TestSocketIsOfThisUserOnly(t *testing.T) {
	_, c := launch(t, "crowd")
	folder := c.running.folder
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatal(info, err)
	}
	if sockets, _ := os.ReadDir(folder); len(sockets) == 0 {
		t.Error("the socket is elsewhere")
	}
	kill(t, c.pid(t))
	c.Close()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder of the socket is left behind: %v", err)
	}
}

// A provider whose user was killed must not go on writing for nobody, beside
// the run that continues.
func TestPluginEndsWithTheProgramThatStartedIt(t *testing.T) {
	parent, pid := startParent(t)
	kill(t, parent)
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for runs(pid) {
		select {
		case <-tick.C:
		case <-deadline.C:
			kill(t, pid)
			t.Fatal("the plugin outlives the program that started it")
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		p, c := launch(t, "crowd")
		e, m := open(t, p, providers.Source, anna)
		for range m.Fetch(patient(t), "INBOX", listed(t, m), inventory.FormatRFC5322) {
			break
		}
		m.Close()
		e.Close()
		c.Close()
	}
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before+3 {
		select {
		case <-tick.C:
		case <-deadline.C:
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before and %d after\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}
