// Package e2e runs the program, as users do, between real servers, and looks
// at what came of it with the servers' own files and tools.
package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cutover-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "cutover")
	build := exec.Command("go", "build", "-o", binary, "./cmd/cutover")
	build.Dir = servertest.Root()
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server is a real server on one side of a migration.
type server interface {
	port() int
	// addUser makes an account with servertest.Password.
	addUser(name string)
	// messages are the digests of the files of one folder, line ends as on the
	// wire, with how often each is there. The folder is named as over IMAP.
	messages(user, folder string) map[digest]int
	block(kind, name string, settings ...string) string
}

type digest = [sha256.Size]byte

// migration is a folder with a configuration between two servers.
type migration struct {
	t        *testing.T
	dir      string
	src, dst server
}

// newMigration writes the configuration for the users, each at contoso.test.
// Settings are added to both endpoints.
func newMigration(t *testing.T, src, dst server, users []string, settings ...string) *migration {
	t.Helper()
	m := &migration{t: t, dir: t.TempDir(), src: src, dst: dst}
	accounts := "address,username\n"
	for _, u := range users {
		src.addUser(u)
		dst.addUser(u)
		accounts += u + "@contoso.test," + u + "\n"
	}
	m.write("accounts.csv", accounts)
	m.write("main.hcl", src.block("source", "old", settings...)+dst.block("target", "new", settings...)+`
migration "contoso" {
  from             = source.imap.old
  to               = target.imap.new
  accepted_domains = ["contoso.test"]
  batch "all" {
    everyone_else = true
  }
}
`)
	return m
}

func imapBlock(kind, name string, port int, settings []string) string {
	return fmt.Sprintf(`%s "imap" %q {
  host     = "127.0.0.1"
  port     = %d
  security = "none"
  accounts = csvdecode(file("accounts.csv"))
  password = env("TEST_PASSWORD")
  %s
}
`, kind, name, port, strings.Join(settings, "\n  "))
}

func (m *migration) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// result is what came of one run of the program.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\n--- stdout\n%s--- stderr\n%s", r.code, r.stdout, r.stderr)
}

func (m *migration) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "TEST_PASSWORD="+servertest.Password)
	return cmd
}

// run runs the program and returns what it did, whatever that was.
func (m *migration) run(args ...string) result {
	m.t.Helper()
	cmd := m.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		m.t.Fatalf("%s: %v", cmd, err)
	} else if ok {
		return result{out.String(), errs.String(), exit.ExitCode()}
	}
	return result{out.String(), errs.String(), 0}
}

// want runs the program and fails the test unless it exits with the code.
func (m *migration) want(code int, args ...string) result {
	m.t.Helper()
	r := m.run(args...)
	if r.code != code {
		m.t.Fatalf("cutover %s: want exit code %d, got %s", strings.Join(args, " "), code, r)
	}
	return r
}

// equal compares one folder of both sides by the servers' own files.
func (m *migration) equal(user, folder string) {
	m.t.Helper()
	if diff := difference(m.src.messages(user, folder), m.dst.messages(user, folder)); diff != "" {
		m.t.Errorf("%s of %s: %s", folder, user, diff)
	}
}

func difference(want, got map[digest]int) string {
	var missing, extra int
	for d, n := range want {
		missing += max(0, n-got[d])
	}
	for d, n := range got {
		extra += max(0, n-want[d])
	}
	if missing+extra == 0 {
		return ""
	}
	return fmt.Sprintf("%d messages missing, %d too many on the target", missing, extra)
}

// count sums up a folder.
func count(messages map[digest]int) (n int) {
	for v := range maps.Values(messages) {
		n += v
	}
	return n
}

// dovecot is a Dovecot as one side.
type dovecot struct{ *servertest.Dovecot }

func startDovecot(t *testing.T, o servertest.DovecotOptions) dovecot {
	return dovecot{servertest.StartDovecot(t, o)}
}

func (d dovecot) port() int      { return d.Port }
func (d dovecot) addUser(string) {}
func (d dovecot) block(kind, name string, settings ...string) string {
	return imapBlock(kind, name, d.Port, settings)
}

// messages reads the Maildir. Dovecot keeps lines with LF there, and gives
// them CRLF on the wire; a NUL, which RFC 9051 section 4.3 keeps out of
// literals, it gives as 0x80.
func (d dovecot) messages(user, folder string) map[digest]int {
	dir := filepath.Join(d.Home(user), "Maildir")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+strings.ReplaceAll(folder, "/", "."))
	}
	found := map[digest]int{}
	for _, sub := range []string{"cur", "new"} {
		eachFile(filepath.Join(dir, sub), func(string) bool { return true }, func(data []byte) { found[sha256.Sum256(onWire(data))]++ })
	}
	return found
}

// crlf gives every line the end it has on the wire.
func crlf(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}

func onWire(data []byte) []byte { return bytes.ReplaceAll(crlf(data), []byte{0}, []byte{0x80}) }

// cyrus is a Cyrus as one side.
type cyrus struct {
	*servertest.Cyrus
	t *testing.T
}

func startCyrus(t *testing.T, o servertest.CyrusOptions) cyrus {
	return cyrus{servertest.StartCyrus(t, o), t}
}

func (c cyrus) port() int { return c.Port }
func (c cyrus) addUser(name string) {
	c.t.Helper()
	c.AddUser(name)
	admin := signIn(c.t, c.Port, "cyrus")
	defer admin.Close()
	if err := admin.Create("user/"+name, nil).Wait(); err != nil && !strings.Contains(err.Error(), "exists") {
		c.t.Fatal(err)
	}
}
func (c cyrus) block(kind, name string, settings ...string) string {
	return imapBlock(kind, name, c.Port, settings)
}

// messages reads the spool, where each message is a file "N.".
func (c cyrus) messages(user, folder string) map[digest]int {
	mailbox := "user/" + user
	if folder != "INBOX" {
		mailbox += "/" + folder
	}
	found := map[digest]int{}
	message := func(name string) bool { return strings.HasSuffix(name, ".") && !strings.HasPrefix(name, "cyrus") }
	eachFile(c.MailDir(mailbox), message, func(data []byte) { found[sha256.Sum256(data)]++ })
	return found
}

func eachFile(dir string, choose func(string) bool, do func([]byte)) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() || !choose(e.Name()) {
			continue
		}
		if data, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			do(data)
		}
	}
}

// signIn opens a connection with a client that is not ours.
func signIn(t *testing.T, port int, user string) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(fmt.Sprintf("127.0.0.1:%d", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(user, servertest.Password).Wait(); err != nil {
		t.Fatalf("sign in as %s: %v", user, err)
	}
	return c
}

// letter is a message to be put on a server.
type letter struct {
	name     string
	body     []byte
	flags    []imap.Flag
	received time.Time
}

// deliver appends letters to a folder, which it creates, and returns what the
// server said of those it refused, by name.
func deliver(t *testing.T, s server, user, folder string, letters []letter) map[string]string {
	t.Helper()
	c := signIn(t, s.port(), user)
	defer c.Close()
	if folder != "INBOX" {
		c.Create(folder, nil).Wait()
	}
	refused := map[string]string{}
	for _, l := range letters {
		w := c.Append(folder, int64(len(l.body)), &imap.AppendOptions{Flags: l.flags, Time: l.received})
		_, err := w.Write(l.body)
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			_, err = w.Wait()
		}
		if err != nil {
			refused[l.name] = err.Error()
			if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "closed") {
				c.Close()
				c = signIn(t, s.port(), user)
			}
		}
	}
	return refused
}

// collect reads a folder with a client that is not ours.
func collect(t *testing.T, s server, user, folder string) []letter {
	t.Helper()
	c := signIn(t, s.port(), user)
	defer c.Close()
	if _, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	all := imap.SeqSet{{Start: 1, Stop: 0}}
	messages, err := c.Fetch(all, &imap.FetchOptions{InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var letters []letter
	for _, m := range messages {
		letters = append(letters, letter{name: fmt.Sprint(m.SeqNum), body: m.FindBodySection(section), received: m.InternalDate})
	}
	return letters
}

// generated makes n distinct small letters.
func generated(seed string, n int) []letter {
	letters := make([]letter, n)
	began := time.Date(2021, 5, 1, 8, 0, 0, 0, time.UTC)
	for i := range letters {
		text := strings.Repeat(fmt.Sprintf("line %d of the story\r\n", i), 5+i%40)
		letters[i] = letter{
			name:     fmt.Sprintf("%s-%d", seed, i),
			received: began.Add(time.Duration(i) * 17 * time.Minute),
			body:     fmt.Appendf(nil, "From: a@contoso.test\r\nTo: b@contoso.test\r\nSubject: %s %d\r\nMessage-ID: <%s.%d@contoso.test>\r\n\r\n%s", seed, i, seed, i, text),
		}
		if i%3 == 0 {
			letters[i].flags = []imap.Flag{imap.FlagSeen}
		}
	}
	return letters
}

// corpus is every message of the shared corpus, sorted by name.
func corpus(t *testing.T) []letter {
	t.Helper()
	root := servertest.Corpus(t, "mail")
	files, err := filepath.Glob(filepath.Join(root, "*", "*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in the corpus: %v", err)
	}
	slices.Sort(files)
	var letters []letter
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, file)
		letters = append(letters, letter{name: name, body: body, received: time.Date(2002, 8, 1, 0, i, 0, 0, time.UTC)})
	}
	return letters
}
