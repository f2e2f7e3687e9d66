package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something that has to come.
const patience = 60 * time.Second

// process is the program running beside the script.
type process struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
	err  error
}

// output collects both streams and tells who waits when something comes.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	close(o.grown)
	o.grown = make(chan struct{})
	return len(p), nil
}

func (o *output) now() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.grown
}

// startCutover is `start NAME ARGUMENT...`: runs the program beside the script.
func startCutover(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath("cutover")
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "NO_COLOR", "CUTOVER_VAR_password", "CUTOVER_VAR_port"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	p := &process{cmd: cmd, out: &output{grown: make(chan struct{})}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	ts.Check(cmd.Start())
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	worldOf(ts).processes[args[0]] = p
	ts.Defer(func() {
		cmd.Process.Kill()
		<-p.done
	})
}

func processOf(ts *testscript.TestScript, name string) *process {
	p := worldOf(ts).processes[name]
	if p == nil {
		ts.Fatalf("no process %q was started", name)
	}
	return p
}

// signalProcess is `signal NAME INT|KILL`.
func signalProcess(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	ts.Check(processOf(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// awaitText is `await NAME REGEXP`: waits until the process has written it.
func awaitText(ts *testscript.TestScript, _ bool, args []string) {
	p, want := processOf(ts, args[0]), regexp.MustCompile(args[1])
	late := time.After(patience)
	for {
		text, grown := p.out.now()
		if want.MatchString(text) {
			return
		}
		select {
		case <-grown:
		case <-p.done:
			if text, _ = p.out.now(); !want.MatchString(text) {
				ts.Fatalf("%s ended without writing %q:\n%s", args[0], args[1], text)
			}
		case <-late:
			ts.Fatalf("%s did not write %q:\n%s", args[0], args[1], text)
		}
	}
}

// finishProcess is `finish NAME CODE [REGEXP]`: waits for the end.
func finishProcess(ts *testscript.TestScript, _ bool, args []string) {
	p := processOf(ts, args[0])
	select {
	case <-p.done:
	case <-time.After(patience):
		text, _ := p.out.now()
		ts.Fatalf("%s does not end:\n%s", args[0], text)
	}
	text, _ := p.out.now()
	ts.Logf("[%s]\n%s", args[0], text)
	if got := strconv.Itoa(exitCode(p.err)); got != args[1] {
		ts.Fatalf("%s: exit code %s, want %s", args[0], got, args[1])
	}
	for _, want := range args[2:] {
		if !regexp.MustCompile(want).MatchString(text) {
			ts.Fatalf("%s did not write %q", args[0], want)
		}
	}
}

func scriptsFolder() string {
	here, _ := os.Getwd()
	if _, err := os.Stat(filepath.Join(here, scripts)); err == nil {
		return filepath.Join(here, scripts)
	}
	return scripts
}

func tells(all []byte, command string) bool {
	return regexp.MustCompile(`(?m)^(run \d|start \w+) (-\S+ )*` + regexp.QuoteMeta(command) + `\b`).Match(all)
}

func TestTells(t *testing.T) {
	if !tells([]byte("x\nrun 0 -chdir=x state list\n"), "state list") || tells([]byte("run 0 plane\n"), "plan") {
		t.Error(strings.TrimSpace("commands are not recognised"))
	}
}
