package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/internal/servertest"
)

func read(t testing.TB, text string) (Response, error) {
	t.Helper()
	r := reader{br: bufio.NewReader(strings.NewReader(text))}
	return r.read()
}

func TestResponses(t *testing.T) {
	atom := func(s string) Value { return Value{Kind: Atom, Text: s} }
	str := func(s string) Value { return Value{Kind: String, Text: s} }
	list := func(v ...Value) Value { return Value{Kind: List, List: v} }
	for text, want := range map[string]Response{
		"* OK [UIDNEXT 5] Predicted\r\n": {Tag: "*", Name: "OK", Code: "UIDNEXT", CodeArg: "5", Text: "Predicted"},
		"* ok\r\n":                       {Tag: "*", Name: "OK"},
		"c1 NO\r\n":                      {Tag: "c1", Name: "NO"},
		"* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n": {Tag: "*", Name: "OK", Code: "PERMANENTFLAGS", CodeArg: `(\Seen \*)`, Text: "Limited"},
		"* OK [unclosed\r\n":                             {Tag: "*", Name: "OK", Text: "[unclosed"},
		"* 23 EXISTS\r\n":                                {Tag: "*", Name: "EXISTS", Number: 23},
		"* List (\\HasNoChildren  \\Trash) \"/\" \"a\\\"b\"\r\n": {Tag: "*", Name: "LIST", Values: []Value{
			list(atom(`\HasNoChildren`), atom(`\Trash`)), str("/"), str(`a"b`)}},
		"* LIST () NIL {5}\r\na\r\nb) x\r\n": {Tag: "*", Name: "LIST", Values: []Value{list(), {Kind: Nil}, str("a\r\nb)"), atom("x")}},
		"* 1 FETCH (UID 7 MODSEQ (12))\r\n":  {Tag: "*", Name: "FETCH", Number: 1, Values: []Value{list(atom("UID"), atom("7"), atom("MODSEQ"), list(atom("12")))}},
		"* VANISHED (EARLIER) 1:4,9\r\n":     {Tag: "*", Name: "VANISHED", Values: []Value{list(atom("EARLIER")), atom("1:4,9")}},
		"+ go ahead\r\n":                     {Tag: "+", Text: "go ahead"},
		"+\r\n":                              {Tag: "+"},
		"* CAPABILITY IMAP4rev1   IDLE \r\n": {Tag: "*", Name: "CAPABILITY", Values: []Value{atom("IMAP4rev1"), atom("IDLE")}},
	} {
		got, err := read(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	for _, bad := range []string{"* LIST (\r\n", "* LIST )\r\n", "* LIST \"a\r\n", "*\r\n", "* LIST {99999999}\r\n", "* LIST {x}\r\n", "* X " + strings.Repeat("(", 99) + "\r\n"} {
		if got, err := read(t, bad); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q gives %+v, %v", bad, got, err)
		}
	}
	if _, err := read(t, "* LIST"); !errors.Is(err, io.EOF) {
		t.Errorf("a response that breaks off gives %v", err)
	}
}

// FuzzResponses feeds what servers sent, and what fuzzing makes of it.
func FuzzResponses(f *testing.F) {
	f.Add([]byte("* LIST () \"/\" {3}\r\nabc\r\n+ x\r\nc1 OK [COPYUID 1 2 3] x\r\n"))
	files, _ := filepath.Glob(filepath.Join(servertest.Root(), "..", "shared", "corpus", "imap", "mailkit", "*.txt"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) < 4096 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := reader{br: bufio.NewReader(bytes.NewReader(text))}
		for range 1000 {
			if _, err := r.read(); err != nil {
				return
			}
		}
	})
}

// TestCorpusIsUnderstood: what real servers answered to control commands reads
// without an error. Fetched bodies pass elsewhere.
func TestCorpusIsUnderstood(t *testing.T) {
	dir := servertest.Corpus(t, "imap", "mailkit")
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files in %s, %v", len(files), dir, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.Contains(name, "fetch") || strings.Contains(name, "get") || strings.Contains(name, "headers") || strings.Contains(name, "message") || strings.Contains(name, "METADATA") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := reader{br: bufio.NewReader(bytes.NewReader(text))}
		for {
			if _, err := r.read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

// serve plays the server's side on a pipe.
func serve(t *testing.T, timeout time.Duration, play func(in *bufio.Reader, out net.Conn)) *Conn {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		play(bufio.NewReader(server), server)
	}()
	t.Cleanup(func() { client.Close(); <-done })
	return New(client, timeout)
}

func TestPipelinedCommandsKeepTheirOutcomes(t *testing.T) {
	c := serve(t, time.Second, func(in *bufio.Reader, out net.Conn) {
		for range 3 {
			in.ReadString('\n')
		}
		fmt.Fprint(out, "* 1 EXISTS\r\nc2 NO [NONEXISTENT] not there\r\nc1 OK done\r\nc3 BAD what\r\n")
	})
	var heard []string
	done, err := c.Run(t.Context(), func(r Response) { heard = append(heard, r.Name) }, Cmd("A"), Cmd("B"), Cmd("C"))
	if err != nil {
		t.Fatal(err)
	}
	var second *StatusError
	if done[0] != nil || !errors.As(done[1], &second) || second.Code != "NONEXISTENT" || done[2] == nil {
		t.Errorf("outcomes are %v", done)
	}
	if diff := cmp.Diff([]string{"EXISTS", "OK"}, heard); diff != "" {
		t.Error(diff)
	}
}

func TestLiteralsWaitUnlessTheServerTakesThem(t *testing.T) {
	c := serve(t, time.Second, func(in *bufio.Reader, out net.Conn) {
		line, _ := in.ReadString('\n')
		if line != "c1 SELECT {4}\r\n" {
			t.Errorf("sent %q", line)
		}
		fmt.Fprint(out, "* 5 EXISTS\r\n+ go\r\n")
		rest, _ := in.ReadString('\n')
		if rest != "a\xffb\"\r\n" {
			t.Errorf("sent %q", rest)
		}
		fmt.Fprint(out, "c1 OK [CAPABILITY LITERAL+] done\r\n")
		line, _ = in.ReadString('\n')
		rest, _ = in.ReadString('\n')
		if line+rest != "c2 SELECT {3+}\r\na\xffb X\r\n" {
			t.Errorf("sent %q", line+rest)
		}
		fmt.Fprint(out, "c2 OK done\r\n")
	})
	if err := c.Do(t.Context(), Cmd("SELECT").Str("a\xffb\""), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), Cmd("SELECT").Str("a\xffb").Atom("X"), nil); err != nil {
		t.Fatal(err)
	}
}

func TestARefusedLiteralEndsItsCommandOnly(t *testing.T) {
	c := serve(t, time.Second, func(in *bufio.Reader, out net.Conn) {
		in.ReadString('\n')
		fmt.Fprint(out, "c1 NO too long\r\n")
		in.ReadString('\n')
		fmt.Fprint(out, "c2 OK\r\n")
	})
	if err := c.Do(t.Context(), Cmd("SELECT").Str("\xff"), nil); err == nil {
		t.Error("the refusal is lost")
	}
	if err := c.Do(t.Context(), Cmd("NOOP"), nil); err != nil {
		t.Fatal(err)
	}
}

func TestInjectionIsRefused(t *testing.T) {
	c := New(nil, time.Second)
	for _, command := range []*Command{Cmd("X").Atom("a\r\nc2 DELETE INBOX"), Cmd("X").Str("a\x00b")} {
		if err := c.Do(t.Context(), command, nil); err == nil {
			t.Error("a command with a line end or NUL was sent")
		}
	}
}

func TestAServerThatEndsIsQuoted(t *testing.T) {
	c := serve(t, time.Second, func(in *bufio.Reader, out net.Conn) {
		in.ReadString('\n')
		fmt.Fprint(out, "* BYE [UNAVAILABLE] Server shutting down\r\n")
	})
	err := c.Do(t.Context(), Cmd("NOOP"), nil)
	status, ok := errors.AsType[*StatusError](err)
	if !ok || status.Name != "BYE" || status.Code != "UNAVAILABLE" {
		t.Fatalf("got %v", err)
	}
	if again := c.Do(t.Context(), Cmd("NOOP"), nil); again == nil || c.Broken() == nil {
		t.Error("the connection is used again")
	}
}

func TestSilenceTimesOut(t *testing.T) {
	c := serve(t, 20*time.Millisecond, func(in *bufio.Reader, out net.Conn) { io.Copy(io.Discard, in) })
	err := c.Do(t.Context(), Cmd("NOOP"), nil)
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
}

func TestCancellingInterrupts(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped by the user")
	c := serve(t, time.Minute, func(in *bufio.Reader, out net.Conn) {
		in.ReadString('\n')
		cancel(stop)
		io.Copy(io.Discard, in)
	})
	if err := c.Do(ctx, Cmd("NOOP"), nil); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
