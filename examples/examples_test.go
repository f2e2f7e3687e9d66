// Package examples holds examples; its tests run their scripts as they are.
package examples

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// built is the program under test, built once for all examples.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cutover-examples-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "cutover"), "../cmd/cutover").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build cutover: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := built(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// environment is that of the tests, with cutover in the path and nothing that
// the examples could read by accident.
func environment(t *testing.T, extra ...string) []string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NO_COLOR=1"}
	return append(env, extra...)
}

// example copies the folder of an example, so that what it writes is gone with
// the test.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// script runs a script in its folder and returns what it says, in order.
func script(t *testing.T, env []string, path string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = filepath.Dir(path), env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, env []string, path string) string {
	t.Helper()
	out, err := script(t, env, path)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	return out
}

// fill stores messages in a mailbox with the server's own tool.
func fill(t *testing.T, d *servertest.Dovecot, user, folder string, n int) {
	t.Helper()
	if folder != "INBOX" {
		d.Doveadm("mailbox", "create", "-u", user, folder)
	}
	for i := range n {
		message := fmt.Sprintf("From: Wei Zhang <wei@contoso.test>\r\nTo: %s\r\nSubject: %s %d\r\n\r\nText %d.\r\n", user, folder, i, i)
		file := filepath.Join(d.Dir, "message") // the server's account has to read it
		if err := os.WriteFile(file, []byte(message), 0o644); err != nil {
			t.Fatal(err)
		}
		d.Doveadm("save", "-u", user, "-m", folder, file)
	}
}

// texts returns the messages of a mailbox in an order of their own, as the
// server's own tool tells them.
func texts(d *servertest.Dovecot, user string) string {
	return d.Doveadm("fetch", "-u", user, "mailbox size.physical hdr.subject body", "NOT", "mailbox", "Junk")
}

func TestIMAPToIMAP(t *testing.T) {
	old := servertest.StartDovecot(t, servertest.DovecotOptions{})
	new := servertest.StartDovecot(t, servertest.DovecotOptions{})
	for _, user := range []string{"anna.berg@contoso.test", "maria.nunez@contoso.test", "wei.zhang@contoso.test"} {
		fill(t, old, user, "INBOX", 4)
		fill(t, old, user, "Projects/2026", 3)
		fill(t, old, user, "Junk", 1)
	}
	env := environment(t, "OLD_PASSWORD="+servertest.MasterPassword, "NEW_PASSWORD="+servertest.MasterPassword,
		"CUTOVER_VAR_old_host=localhost", "CUTOVER_VAR_new_host=localhost", "CUTOVER_VAR_old_ca="+old.CAFile, "CUTOVER_VAR_new_ca="+new.CAFile,
		fmt.Sprintf("CUTOVER_VAR_old_port=%d", old.TLSPort), fmt.Sprintf("CUTOVER_VAR_new_port=%d", new.TLSPort))
	out := mustRun(t, env, filepath.Join(example(t, "imap-to-imap"), "run.sh"))
	if !strings.Contains(out, "Clean: 21 items") {
		t.Errorf("verify did not compare 21 items:\n%s", out)
	}
	for source, target := range map[string]string{
		"anna.berg@contoso.test": "anna.lind@contoso.test", "maria.nunez@contoso.test": "maria.nunez@contoso.test", "wei.zhang@contoso.test": "wei.zhang@contoso.test",
	} {
		if want, got := texts(old, source), texts(new, target); want != got || strings.Count(got, "Subject: ")+strings.Count(got, "hdr.subject: ") == 0 {
			t.Errorf("%s: want\n%s\ngot\n%s", target, want, got)
		}
	}
}

func TestIMAPToArchive(t *testing.T) {
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	fill(t, server, "anna@contoso.test", "INBOX", 3)
	fill(t, server, "wei@contoso.test", "Sent", 2)
	dir := example(t, "imap-to-archive")
	accounts := "address,password\nanna@contoso.test," + servertest.Password + "\nwei@contoso.test," + servertest.Password + "\n"
	if err := os.WriteFile(filepath.Join(dir, "accounts.csv"), []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment(t, "CUTOVER_VAR_host=localhost", "CUTOVER_VAR_ca="+server.CAFile, fmt.Sprintf("CUTOVER_VAR_port=%d", server.TLSPort))
	out := mustRun(t, env, filepath.Join(dir, "run.sh"))
	if got := archived(t, dir); got != 5 {
		t.Errorf("the archive holds %d messages, not 5:\n%s", got, out)
	}
	fill(t, server, "anna@contoso.test", "Later", 1)
	server.Doveadm("expunge", "-u", "wei@contoso.test", "mailbox", "Sent", "1")
	out = mustRun(t, env, filepath.Join(dir, "run.sh"))
	if got := archived(t, dir); got != 6 {
		t.Errorf("after the second run the archive holds %d messages, not 6:\n%s", got, out)
	}
}

// archived counts the messages in the Maildirs of an archive.
func archived(t *testing.T, dir string) int {
	t.Helper()
	var all []string
	for _, pattern := range []string{"archive/*/Maildir/cur/*", "archive/*/Maildir/.*/cur/*", "archive/*/Maildir/new/*", "archive/*/Maildir/.*/new/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return len(all)
}

func TestMboxImport(t *testing.T) {
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	env := environment(t, "NEW_PASSWORD="+servertest.MasterPassword, "CUTOVER_VAR_host=localhost", "CUTOVER_VAR_ca="+server.CAFile,
		fmt.Sprintf("CUTOVER_VAR_port=%d", server.TLSPort))
	mustRun(t, env, filepath.Join(example(t, "mbox-import"), "run.sh"))
	for query, want := range map[string]string{
		"anna@contoso.test INBOX":         "Monday The offer",
		"anna@contoso.test Projects/2026": "Plan",
		"wei@contoso.test INBOX":          "Plan",
	} {
		user, folder, _ := strings.Cut(query, " ")
		out := server.Doveadm("-f", "flow", "fetch", "-u", user, "hdr.subject", "mailbox", folder)
		if got := strings.Join(strings.FieldsFunc(strings.ReplaceAll(out, "hdr.subject=", "\n"), func(r rune) bool { return r == '\n' }), " "); got != want {
			t.Errorf("%s holds %q, not %q", query, got, want)
		}
	}
	if text := server.Doveadm("fetch", "-u", "anna@contoso.test", "text", "mailbox", "INBOX", "header", "subject", "Monday"); !bytes.Contains([]byte(text), []byte("\nFrom ten to eleven")) {
		t.Errorf("the quoted From_ line is still quoted:\n%s", text)
	}
}
