package plugin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/mem"
)

const anna = inventory.Address("anna@contoso.test")

// crowdSize is how many messages Anna has.
const crowdSize = 300

// crowd is an organisation that is the same in every process: Anna's messages
// begin small; the last is large.
func crowd() *mem.Organisation {
	org := mem.New()
	box := org.AddMailbox(anna)
	for i := range crowdSize {
		box.Deliver("INBOX", mem.Item{Content: message(i)})
	}
	return org
}

func message(i int) []byte {
	size := 2_000
	if i == crowdSize-1 {
		size = 8 << 20
	}
	return append(fmt.Appendf(nil, "Subject: %d\r\n\r\n", i), bytes.Repeat([]byte("x"), size)...)
}

func reader(content []byte) io.Reader { return bytes.NewReader(content) }

// playFault is a command that is no provider, in one of several ways.
func playFault(part string) {
	switch part {
	case "garbage":
		fmt.Println("Welcome to the accounting system")
		fmt.Fprintln(os.Stderr, "no tape in drive 0")
		io.Copy(io.Discard, os.Stdin)
	case "silent":
		fmt.Fprintln(os.Stderr, "out of paper")
		os.Exit(3)
	case "hang":
		fmt.Fprintln(os.Stderr, "started")
		io.Copy(io.Discard, never{})
	case "version":
		fmt.Println("1|2|unix|/nowhere|grpc|")
		io.Copy(io.Discard, os.Stdin)
	}
}

// never is a reader that waits for ever.
type never struct{}

func (never) Read([]byte) (int, error) {
	<-time.After(time.Hour)
	return 0, io.EOF
}

// playParent starts a plugin, tells its process ID and waits to be killed.
func playParent() {
	command, env := play("crowd")
	_, closer, err := Launch(context.Background(), command, env, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(closer.(*child).running.plugin.ID())
	io.Copy(io.Discard, never{})
}

// startParent starts the test binary as a program that has started a plugin.
func startParent(t *testing.T) (parent, plugin int) {
	command, env := play("parent")
	cmd := exec.Command(command[0])
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := fmt.Fscan(out, &plugin); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, plugin
}

// runs reports whether a process runs. One that waits for its parent to
// take note of its end does not.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
