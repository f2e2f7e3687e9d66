// Package servertest starts real servers for tests: each in a temporary
// directory, on random loopback ports, ended with the test. A server that is
// not installed skips the test, or fails it when CUTOVER_REQUIRE_SERVERS is
// set; scripts/install-test-servers installs them all.
package servertest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Missing skips the test because what is missing, or fails it where every
// server is required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CUTOVER_REQUIRE_SERVERS") != "" {
		t.Fatalf("%s is missing; run scripts/install-test-servers", what)
	}
	t.Skipf("%s is missing; run scripts/install-test-servers", what)
}

// Root returns the top of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Corpus returns the folder of real messages and replies beside the
// repository, joined with the names given, and skips the test without it.
func Corpus(t testing.TB, names ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Root(), "..", "shared", "corpus"}, names...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no corpus: %v", err)
	}
	return path
}

// account returns the unix account that owns the mail stores: "mail" for root,
// who may not own them, else whoever runs the test.
func account(t testing.TB) *user.User {
	t.Helper()
	u, err := user.Current()
	if err == nil && u.Uid == "0" {
		u, err = user.Lookup("mail")
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// tempDir is like t.TempDir with a short path, which unix sockets need, that
// the account may enter.
func tempDir(t testing.TB, owner *user.User) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cutover-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	own(t, owner, dir)
	return dir
}

// own gives paths to the account.
func own(t testing.TB, owner *user.User, paths ...string) {
	t.Helper()
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, path := range paths {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

// freePort returns a loopback port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// waitListening returns when the port answers, or fails with the log.
func waitListening(t testing.TB, port int, log func() string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no server on port %d:\n%s", port, log())
}

// run runs a command and returns its output, failing the test if it fails.
func run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, errs.String())
	}
	return string(out)
}

// launch runs a command that leaves a server behind. Its output goes to a
// file, because the server inherits it and a pipe would never end.
func launch(t testing.TB, log string, cmd *exec.Cmd) {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log)
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
}
