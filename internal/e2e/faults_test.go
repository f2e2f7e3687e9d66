package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// through is a server behind a proxy, as the program sees it. Everybody else
// goes to it directly.
type through struct {
	server
	proxy *servertest.Proxy
}

func (p through) block(kind, name string, settings ...string) string {
	return imapBlock(kind, name, p.proxy.Port, settings)
}

// settled is a server with another settling time.
type settled struct {
	server
	settle string
}

func (s settled) block(kind, name string, settings ...string) string {
	return s.server.block(kind, name, append(settings, fmt.Sprintf("settle = %q", s.settle))...)
}

// story is the folders of the mailbox that the faults happen to.
func story(t *testing.T, src server, user string, messages int) []string {
	folders := []string{"INBOX", "Sent", "Archive/2021", "Empty"}
	for i, folder := range folders[:3] {
		if refused := deliver(t, src, user, folder, generated(fmt.Sprint(folder, i), messages/3)); len(refused) > 0 {
			t.Fatal(refused)
		}
	}
	deliver(t, src, user, "Empty", nil)
	return folders[:3]
}

// applyUntilDone applies again and again, as after each fault, and fails the
// test unless it ends well.
func (m *migration) applyUntilDone(most int) {
	m.t.Helper()
	var r result
	for range most {
		if r = m.run("apply", "-auto-approve"); r.code == 0 {
			return
		}
	}
	m.t.Fatalf("not done after %d runs: %s", most, r)
}

// TestKilledAtRandomInstants kills the process 100 times, at any instant of
// its life, and lets it go on after each.
func TestKilledAtRandomInstants(t *testing.T) {
	t.Parallel()
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, settled{dst, "1s"}, []string{"anna"}, "max_connections = 2")
	folders := story(t, src, "anna", 3000)
	random := rand.New(rand.NewPCG(7, 11))
	kills, copies := 0, 0
	for kills < 100 {
		// A fresh copy is killed within its first half second, one with writes
		// in doubt anywhere in the time that it waits and the half second after.
		most := 500
		if kills > 0 {
			most = 1700
		}
		if m.killed(time.Duration(random.IntN(most)) * time.Millisecond) {
			kills++
			continue
		}
		copies++
		m.check(folders)
		m.startOver("anna")
	}
	m.applyUntilDone(1)
	m.check(folders)
	m.want(0, "state", "check")
	m.want(0, "verify")
	m.want(0, "plan", "-detailed-exitcode")
	t.Logf("%d kills; the copy was complete %d times in between", kills, copies)
}

// startOver empties the target and forgets the state.
func (m *migration) startOver(user string) {
	m.t.Helper()
	d := m.dst.(settled).server.(dovecot)
	d.Stop()
	if err := os.RemoveAll(d.Home(user)); err != nil {
		m.t.Fatal(err)
	}
	d.Start()
	states, err := filepath.Glob(filepath.Join(m.dir, "*.cutover.db*"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, path := range states {
		if err := os.Remove(path); err != nil {
			m.t.Fatal(err)
		}
	}
}

// killed runs apply, kills it after a while, and reports whether it was alive
// then.
func (m *migration) killed(after time.Duration) bool {
	m.t.Helper()
	cmd := m.command("apply", "-auto-approve")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGKILL) })
	err := cmd.Wait()
	timer.Stop()
	if err == nil {
		return false
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		m.t.Fatalf("apply failed by itself: %v\n%s", err, out.String())
	}
	return true
}

func (m *migration) check(folders []string) {
	m.t.Helper()
	for _, folder := range folders {
		m.equal("anna", folder)
	}
}

// TestConnectionsAreCutInMidLiteral cuts connections of both sides after any
// number of bytes, also where a server has taken a message and cannot say so.
func TestConnectionsAreCutInMidLiteral(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	var mu sync.Mutex // both proxies ask
	calm := false
	fate := func(connection int) servertest.Fate {
		mu.Lock()
		defer mu.Unlock()
		if connection > 40 || calm {
			return servertest.Fate{}
		}
		return servertest.Fate{ToServer: 2000 + random.Int64N(300_000), ToClient: 3000 + random.Int64N(400_000)}
	}
	src := startDovecot(t, servertest.DovecotOptions{})
	dst := startCyrus(t, servertest.CyrusOptions{})
	m := newMigration(t,
		through{src, servertest.StartProxy(t, src.port(), fate)},
		through{dst, servertest.StartProxy(t, dst.port(), fate)}, []string{"anna"}, "max_connections = 2")
	folders := story(t, src, "anna", 1500)
	m.applyUntilDone(20)
	m.check(folders)
	mu.Lock()
	calm = true
	mu.Unlock()
	m.want(0, "verify")
}

// TestAServerThatFallsSilent must not hold the run for ever.
func TestAServerThatFallsSilent(t *testing.T) {
	t.Parallel()
	fate := func(connection int) servertest.Fate {
		return servertest.Fate{ToServer: int64(60_000 * (connection + 1)), Silent: connection < 3}
	}
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, through{dst, servertest.StartProxy(t, dst.port(), fate)}, []string{"anna"}, `timeout = "1s"`)
	folders := story(t, src, "anna", 300)
	m.applyUntilDone(10)
	m.check(folders)
}

// TestTheTargetRestarts stops the target in the middle of a run.
func TestTheTargetRestarts(t *testing.T) {
	t.Parallel()
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"}, "max_connections = 1")
	folders := story(t, src, "anna", 3000)
	cmd := m.command("apply", "-auto-approve")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for count(dst.messages("anna", "INBOX")) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	dst.Stop()
	dst.Start()
	if err := cmd.Wait(); err != nil {
		t.Logf("the run ended: %v", err)
		m.applyUntilDone(3)
	}
	m.check(folders)
	m.want(0, "verify")
}

// TestAFullMailboxFailsAlone: one mailbox does not fit, the other does.
func TestAFullMailboxFailsAlone(t *testing.T) {
	t.Parallel()
	src := startDovecot(t, servertest.DovecotOptions{})
	dst := startDovecot(t, servertest.DovecotOptions{
		Plugins: "$mail_plugins quota imap_quota",
		Extra:   "mail_plugins = quota\nplugin {\n  quota = maildir:User quota\n  quota_rule = *:storage=1M\n  quota_grace = 0\n}\n",
	})
	m := newMigration(t, src, dst, []string{"anna", "wei"})
	big := generated("big", 40)
	for i := range big {
		big[i].body = append(big[i].body, bytes.Repeat([]byte("a long line of text that fills the mailbox up\r\n"), 1500)...)
	}
	deliver(t, src, "anna", "INBOX", big)
	deliver(t, src, "wei", "INBOX", generated("small", 50))
	if r := m.want(0, "plan"); !strings.Contains(r.stdout, "quota") {
		t.Errorf("the plan does not warn of the quota: %s", r)
	}
	m.want(3, "apply", "-auto-approve")
	m.equal("wei", "INBOX")
	found := false
	for _, row := range m.failures() {
		found = found || row["recipient"] == "anna@contoso.test" && row["code"] == "imap-overquota"
	}
	if !found {
		t.Errorf("the report does not name the full mailbox: %v", m.failures())
	}
	if n := count(dst.messages("anna", "INBOX")); n == 0 || n >= 40 {
		t.Errorf("%d of 40 messages are in the full mailbox", n)
	}
}

// TestAMessageOf150MB must pass through without being held.
func TestAMessageOf150MB(t *testing.T) {
	t.Parallel()
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startDovecot(t, servertest.DovecotOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	huge := letter{name: "huge", body: append([]byte("Subject: huge\r\nMessage-ID: <huge@contoso.test>\r\n\r\n"),
		bytes.Repeat([]byte(strings.Repeat("x", 98)+"\r\n"), 1_500_000)...)}
	if refused := deliver(t, src, "anna", "INBOX", []letter{huge}); len(refused) > 0 {
		t.Fatal(refused)
	}
	cmd := m.command("apply", "-auto-approve")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	most := watchMemory(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	m.equal("anna", "INBOX")
	if mib := <-most; mib == 0 || mib > 100 {
		t.Errorf("the process took %d MiB of memory", mib)
	}
}

// watchMemory tells the most memory that a process had resident, in MiB, when
// it has ended. (What wait tells includes the process that started it.)
func watchMemory(pid int) <-chan int64 {
	most := make(chan int64, 1)
	go func() {
		var peak int64
		for {
			kib, ok := highWater(pid)
			if !ok {
				most <- peak >> 10
				return
			}
			peak = max(peak, kib)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return most
}

func highWater(pid int) (kib int64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0, false // a zombie has none
	}
	_, err = fmt.Sscan(rest, &kib)
	return kib, err == nil
}
