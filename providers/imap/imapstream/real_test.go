package imapstream_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	. "github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// session is a signed-in connection with both its users.
type session struct {
	t      *testing.T
	tap    *Tap
	client *imapclient.Client
}

func dial(t *testing.T, conn net.Conn, err error, user string) *session {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	tap := NewTap(conn, TapOptions{Idle: 20 * time.Second})
	client := imapclient.New(tap, nil)
	t.Cleanup(func() { client.Close() })
	if err := client.Login(user, servertest.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return &session{t, tap, client}
}

func dialPlain(t *testing.T, port int, user string) *session {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	return dial(t, conn, err, user)
}

// stream runs f on the connection.
func (s *session) stream(f func(*Stream)) {
	s.t.Helper()
	stream, err := s.tap.Take()
	if err != nil {
		s.t.Fatal(err)
	}
	f(stream)
	stream.Release()
	if err := s.client.Noop().Wait(); err != nil {
		s.t.Fatalf("go-imap after the release: %v", err)
	}
}

func (s *session) examine(folder string) uint32 {
	s.t.Helper()
	data, err := s.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		s.t.Fatal(err)
	}
	return data.NumMessages
}

func item(key uint64, body string, flags ...string) Item {
	return Item{
		Key: key, Folder: "INBOX", Flags: inventory.MakeFlags(flags...), Size: int64(len(body)),
		Received: time.Date(2021, 3, 4, 5, 6, int(key%60), 0, time.FixedZone("", 2*3600)),
		Open:     func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
	}
}

func text(i int) string {
	return fmt.Sprintf("Subject: message %d\r\n\r\n%s\r\n", i, strings.Repeat("content ", i))
}

func (s *session) appendAll(o AppendOptions, items ...Item) map[uint64]Result {
	s.t.Helper()
	results := map[uint64]Result{}
	s.stream(func(stream *Stream) {
		for r, err := range stream.Append(context.Background(), o, slices.Values(items)) {
			if err != nil {
				s.t.Fatal(err)
			}
			if _, double := results[r.Key]; double {
				s.t.Errorf("item %d has two results", r.Key)
			}
			results[r.Key] = r
		}
	})
	if len(results) != len(items) {
		s.t.Errorf("%d results for %d items", len(results), len(items))
	}
	return results
}

func (s *session) fetchAll(uids ...uint32) map[uint32]string {
	s.t.Helper()
	bodies := map[uint32]string{}
	s.stream(func(stream *Stream) {
		for m, err := range stream.Fetch(context.Background(), uids) {
			if err != nil || m.Err != nil {
				s.t.Fatal(err, m.Err)
			}
			body, err := io.ReadAll(m.Body)
			if err != nil || int64(len(body)) != m.Size {
				s.t.Errorf("body of %d: %d of %d bytes, %v", m.UID, len(body), m.Size, err)
			}
			bodies[m.UID] = string(body)
		}
	})
	return bodies
}

var ways = map[string]AppendOptions{
	"multi with LITERAL+":      {MultiAppend: true, LiteralPlus: true, BatchItems: 7},
	"multi, waiting":           {MultiAppend: true, BatchItems: 7},
	"multi with LITERAL-":      {MultiAppend: true, LiteralMinus: true, BatchItems: 7},
	"one by one with LITERAL+": {LiteralPlus: true},
	"one by one, waiting":      {},
	"narrow window":            {MultiAppend: true, LiteralPlus: true, WindowItems: 3, WindowBytes: 1000},
}

func TestDovecotKeepsEveryMessageAsSent(t *testing.T) {
	t.Parallel()
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			user := strings.NewReplacer(" ", "", ",", "", "+", "p", "-", "m").Replace(name)
			s := dialPlain(t, server.Port, user)
			items := []Item{}
			for i := range 60 {
				items = append(items, item(uint64(i), text(i*20), inventory.Seen, "$Label1"))
			}
			results := s.appendAll(o, items...)
			if n := s.examine("INBOX"); n != 60 {
				t.Fatalf("%d messages in the folder", n)
			}
			uids := []uint32{}
			for _, r := range results {
				if r.Err != nil || r.UID == 0 || r.UIDValidity == 0 {
					t.Errorf("result %+v", r)
				}
				uids = append(uids, r.UID)
			}
			bodies := s.fetchAll(uids...)
			for key, r := range results {
				if bodies[r.UID] != text(int(key)*20) {
					t.Errorf("item %d differs", key)
				}
			}
			s.stream(func(stream *Stream) {
				for f, err := range stream.List(context.Background(), ListRequest{Set: "1:*", Size: true, ModSeq: true}) {
					if err != nil {
						t.Fatal(err)
					}
					if f.Flags != inventory.MakeFlags(inventory.Seen, "$Label1") || f.Size != int64(len(bodies[f.UID])) || f.ModSeq == 0 {
						t.Errorf("fact %+v", f)
					}
					if _, offset := f.Received.Zone(); f.Received.Year() != 2021 || offset < 0 {
						t.Errorf("received %v", f.Received)
					}
				}
			})
		})
	}
}

func TestTLSSurvivesManyTakeovers(t *testing.T) {
	t.Parallel()
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	pem, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.TLSPort), &tls.Config{RootCAs: roots, ServerName: "localhost"})
	s := dial(t, conn, err, "tls")
	for i := range 50 {
		r := s.appendAll(AppendOptions{LiteralPlus: true}, item(uint64(i), text(i*1000)))[uint64(i)]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		s.examine("INBOX")
		if got := s.fetchAll(r.UID)[r.UID]; got != text(i*1000) {
			t.Fatalf("message %d differs", i)
		}
	}
}

func TestALargeMessageTakesNoMemory(t *testing.T) {
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	s := dialPlain(t, server.Port, "large")
	line := strings.Repeat("x", 998) + "\r\n"
	const lines = 40_000
	big := Item{Key: 1, Folder: "INBOX", Size: lines * 1000, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(&repeated{line: line}, lines*1000)), nil
	}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if r := s.appendAll(AppendOptions{MultiAppend: true, LiteralPlus: true}, big)[1]; r.Err != nil {
		t.Fatal(r.Err)
	}
	s.examine("INBOX")
	s.stream(func(stream *Stream) {
		for m, err := range stream.Fetch(context.Background(), []uint32{1}) {
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, m.Body)
			if n != lines*1000 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		}
	})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a message of %d", n, lines*1000)
	}
}

type repeated struct {
	line string
	at   int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], r.line[r.at:])
		n += m
		r.at = (r.at + m) % len(r.line)
	}
	return n, nil
}

func TestListTellsWhatHasChanged(t *testing.T) {
	t.Parallel()
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	s := dialPlain(t, server.Port, "changes")
	items := []Item{}
	for i := range 10 {
		items = append(items, item(uint64(i), text(i)))
	}
	s.appendAll(AppendOptions{MultiAppend: true, LiteralPlus: true}, items...)
	data, err := s.client.Select("INBOX", &imap.SelectOptions{CondStore: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	server.Doveadm("flags", "add", "-u", "changes", `\Flagged`, "mailbox", "INBOX", "uid", "3")
	server.Doveadm("expunge", "-u", "changes", "mailbox", "INBOX", "uid", "5:6")
	stream := qresync(t, server.Port, "changes")
	var got []string
	request := ListRequest{Set: "1:*", ChangedSince: data.HighestModSeq, Vanished: true}
	for f, err := range stream.List(context.Background(), request) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(f.UID, f.Vanished, f.Flags))
	}
	slices.Sort(got)
	if want := []string{`3 false\Flagged`, "5 true", "6 true"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// qresync opens a folder with QRESYNC enabled, which go-imap cannot.
func qresync(t *testing.T, port int, user string) *Stream {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	greeting, _ := in.ReadString('\n')
	for i, command := range []string{"LOGIN " + user + " " + servertest.Password, "ENABLE QRESYNC", "EXAMINE INBOX"} {
		fmt.Fprintf(conn, "A%d %s\r\n", i, command)
		for {
			line, err := in.ReadString('\n')
			if err != nil || strings.HasPrefix(line, fmt.Sprintf("A%d NO", i)) {
				t.Fatal(line, err)
			}
			if strings.HasPrefix(line, fmt.Sprintf("A%d OK", i)) {
				break
			}
		}
	}
	return taken(t, conn, greeting)
}

// taken returns a stream on a connection that nobody else uses.
func taken(t *testing.T, conn net.Conn, greeting string) *Stream {
	t.Helper()
	tap := NewTap(conn, TapOptions{Buffered: []byte(greeting), Idle: time.Minute})
	t.Cleanup(func() { tap.Close() })
	go io.Copy(io.Discard, tap)
	stream, err := tap.Take()
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestOnlyTheOversizedMessageIsRefused(t *testing.T) {
	t.Parallel()
	server := servertest.StartDovecot(t, servertest.DovecotOptions{
		Plugins: "$mail_plugins quota imap_quota",
		Extra:   "mail_plugins = $mail_plugins quota\nplugin {\n  quota = maildir:User\n  quota_rule = *:storage=10M\n  quota_max_mail_size = 20k\n}\n",
	})
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			user := strings.NewReplacer(" ", "", ",", "", "+", "p", "-", "m").Replace(name)
			s := dialPlain(t, server.Port, user)
			items := []Item{}
			for i := range 30 {
				items = append(items, item(uint64(i), text(i)))
			}
			items[13] = item(13, text(5000))
			for key, r := range s.appendAll(o, items...) {
				if (r.Err != nil) != (key == 13) {
					t.Errorf("item %d: %v", key, r.Err)
				}
			}
			if n := s.examine("INBOX"); n != 29 {
				t.Errorf("%d messages in the folder", n)
			}
		})
	}
}

func TestAFolderThatDoesNotExistRefusesEachItem(t *testing.T) {
	t.Parallel()
	server := servertest.StartDovecot(t, servertest.DovecotOptions{})
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			s := dialPlain(t, server.Port, "nofolder")
			items := []Item{}
			for i := range 20 {
				it := item(uint64(i), text(i*300))
				it.Folder = `No "such" folder`
				items = append(items, it)
			}
			for _, r := range s.appendAll(o, items...) {
				refusal, ok := r.Err.(*ResponseError)
				if !ok || refusal.Code != "TRYCREATE" || refusal.Status != NO {
					t.Errorf("item %d: %v", r.Key, r.Err)
				}
			}
		})
	}
}

func TestCyrusTakesEveryWay(t *testing.T) {
	t.Parallel()
	server := servertest.StartCyrus(t, servertest.CyrusOptions{Settings: []string{"maxmessagesize: 100000"}})
	server.AddUser("u1")
	admin := dialPlain(t, server.Port, "cyrus")
	if err := admin.client.Create("user/u1", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			o.Binary = true
			s := dialPlain(t, server.Port, "u1")
			folder := strings.NewReplacer("+", "p").Replace(name)
			if err := s.client.Create(folder, nil).Wait(); err != nil {
				t.Fatal(err)
			}
			items := []Item{}
			for i := range 30 {
				it := item(uint64(i), text(i))
				it.Folder = folder
				items = append(items, it)
			}
			withNUL := "Subject: a\r\nContent-Transfer-Encoding: binary\r\n\r\nb\x00c\r\n"
			items[7] = item(7, withNUL)
			items[7].Folder = folder
			results := s.appendAll(o, items...)
			for key, r := range results {
				if r.Err != nil {
					t.Logf("item %d: %v", key, r.Err)
				}
				if r.Err != nil && key != 7 {
					t.Errorf("item %d: %v", key, r.Err)
				}
			}
			s.examine(folder)
			for key, r := range results {
				if r.Err != nil {
					continue
				}
				want := text(int(key))
				if got := s.fetchAll(r.UID)[r.UID]; got != want && key != 7 {
					t.Errorf("item %d differs: %q", key, got)
				} else if key == 7 {
					t.Logf("NUL: %q", got)
				}
			}
		})
	}
}
