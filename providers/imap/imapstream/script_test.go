package imapstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	. "github.com/cutover-mail/cutover/providers/imap/imapstream"
)

// scripted returns a stream on a server that reads what the client sends and
// answers by serve; serve's end closes the connection.
func scripted(t *testing.T, serve func(in *bufio.Reader, out io.Writer)) *Stream {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		serve(bufio.NewReader(server), server)
	}()
	return taken(t, client, "* OK ready\r\n")
}

// answering serves one command: reply, with TAG replaced by the command's tag.
func answering(reply string) func(*bufio.Reader, io.Writer) {
	return func(in *bufio.Reader, out io.Writer) {
		tag, _ := in.ReadString(' ')
		in.ReadString('\n')
		io.WriteString(out, strings.ReplaceAll(reply, "TAG ", tag))
		io.Copy(io.Discard, in)
	}
}

func fetched(s *Stream, uids ...uint32) (told []string, err error) {
	for m, err := range s.Fetch(context.Background(), uids) {
		if err != nil {
			return told, err
		}
		line := fmt.Sprintf("%d [%s] %s", m.UID, m.Flags, m.Received.Format("060102 1504 -0700"))
		if m.Err != nil {
			told = append(told, line+" "+m.Err.Error())
			continue
		}
		body, err := io.ReadAll(m.Body)
		if int64(len(body)) != m.Size && err == nil {
			err = errors.New("size differs")
		}
		if err != nil {
			line += " " + err.Error()
		}
		told = append(told, line+fmt.Sprintf(" %.40q", body))
	}
	return told, nil
}

func TestFetchReadsWhatServersSend(t *testing.T) {
	const date = `INTERNALDATE "04-Mar-2021 05:06:07 +0200"`
	const want = `7 [\Seen] 210304 0506 +0200 "hello"`
	big := strings.Repeat("x", 3<<20)
	for name, c := range map[string]struct{ reply, want string }{
		"in the order asked":        {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", want},
		"body first":                {"* 1 FETCH (BODY[] {5}\r\nhello FLAGS (\\Seen) UID 7 " + date + ")\r\nTAG OK done\r\n", want},
		"large body first":          {"* 1 FETCH (BODY[] {3145728}\r\n" + big + " FLAGS (\\Seen) UID 7 " + date + ")\r\nTAG OK done\r\n", `7 [\Seen] 210304 0506 +0200 "` + big[:40] + `"`},
		"flags after the literal":   {"* 1 FETCH (UID 7 " + date + " BODY[] {5}\r\nhello FLAGS (\\Seen \\Recent))\r\nTAG OK done\r\n", want},
		"literal8":                  {`* 1 FETCH (UID 7 FLAGS (\seen) ` + date + " BODY[] ~{5}\r\nhello)\r\nTAG OK done\r\n", want},
		"quoted body":               {`* 1 fetch (uid 7 flags (\Seen) ` + strings.ToLower(date) + " body[] \"he\\l\\lo\")\r\nTAG OK done\r\n", want},
		"quoted body first":         {`* 1 FETCH (BODY[] "hello" X "(" UID 7 FLAGS (\Seen) ` + date + ")\r\nTAG OK done\r\n", want},
		"NIL body":                  {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] NIL)\r\nTAG OK done\r\n", `7 [\Seen] 210304 0506 +0200 the server sent no content`},
		"no flags at all":           {`* 1 FETCH (UID 7 ` + date + " BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", `7 [] 210304 0506 +0200 the server sent no flags`},
		"Gmail's and AOL's extras":  {`* 1 FETCH (UID 7 MODSEQ (29233) XAOL.SPAM.REASON 0 XAOL-PAREN-LIST (A (B "c)")) ANNOTATION (/comment (value.priv {4}` + "\r\n)\r\n)" + `)) FLAGS (\Seen) X-GM-LABELS ("Tr\"ash") ` + date + " BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", want},
		"Domino's parentheses":      {`* 1 FETCH (UID 7 (ENVELOPE (NIL NIL)) FLAGS (\Seen) ` + date + " BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", want},
		"leading zeros, spaces":     {`* 1 FETCH ( UID 7  FLAGS (\Seen) ` + date + " BODY[] {005}\r\nhello )\r\nTAG OK done\r\n", want},
		"date with a blank":         {`* 1 FETCH (UID 7 FLAGS (\Seen) INTERNALDATE " 4-Mar-2021 05:06:07 +0200" BODY[] {5}` + "\r\nhello)\r\nTAG OK done\r\n", want},
		"a date that is none":       {`* 1 FETCH (UID 7 FLAGS (\Seen) INTERNALDATE "yesterday" BODY[] {5}` + "\r\nhello)\r\nTAG OK done\r\n", `7 [\Seen] 010101 0000 +0000 "hello"`},
		"other news in between":     {"* 9 EXISTS\r\n* 3 EXPUNGE\r\n* VANISHED 4\r\n* OK [ALERT] looks like {5}\r\n* LIST () \"/\" {3}\r\na b\r\n* 2 FETCH (FLAGS ())\r\n* 1 FETCH (UID 7 FLAGS (\\Seen) " + date + " BODY[] {5}\r\nhello)\r\n* 5 FETCH (UID 9 FLAGS ())\r\nTAG OK done\r\n", want},
		"a message not asked for":   {`* 2 FETCH (UID 8 FLAGS (\Seen) ` + date + " BODY[] {2}\r\nno)\r\n* 1 FETCH (UID 7 FLAGS (\\Seen) " + date + " BODY[] {5}\r\nhello)\r\nTAG OK done\r\n", want},
		"the same message twice":    {strings.Repeat(`* 1 FETCH (UID 7 FLAGS (\Seen) `+date+" BODY[] {5}\r\nhello)\r\n", 2) + "TAG OK done\r\n", want},
		"nothing":                   {"TAG OK done\r\n", ""},
		"expunged meanwhile":        {"TAG NO [EXPUNGEISSUED] gone\r\n", ""},
		"a refusal":                 {"TAG NO [SERVERBUG] sorry\r\n", "error: UID FETCH: NO [SERVERBUG] sorry"},
		"a farewell":                {"* BYE [UNAVAILABLE] going down\r\n", "error: UID FETCH: BYE [UNAVAILABLE] going down"},
		"a literal that is cut":     {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] {5}\r\nhell", "lost"},
		"a literal of 4 GB":         {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] {4294967296}\r\nx", "error: literal too large"},
		"a negative literal":        {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] {-1}\r\nx", "error: literal with a size that is no number"},
		"a literal beyond counting": {`* 1 FETCH (UID 7 FLAGS (\Seen) ` + date + " BODY[] {99999999999999999999}\r\nx", "error: literal with a size that is no number"},
		"garbage":                   {"HTTP/1.1 400 Bad Request\r\n", "error: answer to a command that was not given"},
		"half a response":           {"* 1 FETCH (UID 7 FLAGS (\\Seen\r\n", "error: flags without end"},
		"an endless line":           {"* " + strings.Repeat("x", 17<<20), "error: endless line"},
	} {
		t.Run(name, func(t *testing.T) {
			reply := c.reply
			serve := answering(reply)
			if c.want == "lost" {
				serve = func(in *bufio.Reader, out io.Writer) { in.ReadString('\n'); io.WriteString(out, reply) }
			}
			told, err := fetched(scripted(t, serve), 7)
			if c.want == "lost" {
				if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("error %v", err)
				}
				if len(told) != 1 || !strings.Contains(told[0], "connection") {
					t.Errorf("the body does not tell that it was cut: %q", told)
				}
				return
			}
			if message, ok := strings.CutPrefix(c.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), message) {
					t.Errorf("error %v, want %s", err, message)
				}
				return
			}
			if got := strings.Join(told, "\n"); got != c.want || err != nil {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestAnUnreadBodyIsPassedOver(t *testing.T) {
	var reply strings.Builder
	for uid := 1; uid <= 3; uid++ {
		fmt.Fprintf(&reply, "* %d FETCH (UID %d FLAGS () INTERNALDATE \"04-Mar-2021 05:06:07 +0000\" BODY[] {700000}\r\n%s)\r\n", uid, uid, strings.Repeat("y", 700000))
	}
	s := scripted(t, answering(reply.String()+"TAG OK done\r\n"))
	var earlier []io.Reader
	for m, err := range s.Fetch(context.Background(), []uint32{3, 1, 2, 2}) {
		if err != nil {
			t.Fatal(err)
		}
		io.CopyN(io.Discard, m.Body, int64(m.UID)*1000)
		earlier = append(earlier, m.Body)
	}
	if len(earlier) != 3 {
		t.Errorf("%d messages", len(earlier))
	}
	for _, body := range earlier {
		if n, err := io.Copy(io.Discard, body); n != 0 || err == nil {
			t.Errorf("a body was readable after its time: %d bytes, %v", n, err)
		}
	}
}

func TestListComplainsOfAServerThatLeavesOutDates(t *testing.T) {
	s := scripted(t, answering("* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS () INTERNALDATE \"04-Mar-2021 05:06:07 +0000\")\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* 3 FETCH (UID 3 FLAGS ())\r\nTAG OK done\r\n"))
	var err error
	n := 0
	for _, e := range s.List(context.Background(), ListRequest{Set: "1:*"}) {
		if err = e; e == nil {
			n++
		}
	}
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "of 2 messages") || n != 1 {
		t.Errorf("%d facts, then %v", n, err)
	}
}

func TestListSharesEqualFlags(t *testing.T) {
	const messages = 50_000
	s := scripted(t, func(in *bufio.Reader, out io.Writer) {
		tag, _ := in.ReadString(' ')
		in.ReadString('\n')
		w := bufio.NewWriterSize(out, 1<<16)
		for i := 1; i <= messages; i++ {
			fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (\\Seen $Label%d) INTERNALDATE \"04-Mar-2021 05:06:07 +0200\" RFC822.SIZE 12345 MODSEQ (77))\r\n", i, i, i%5)
		}
		fmt.Fprintf(w, "%sOK done\r\n", tag)
		w.Flush()
		io.Copy(io.Discard, in)
	})
	flags := map[inventory.Flags]int{}
	n := 0
	for f, err := range s.List(context.Background(), ListRequest{Set: "1:*", Size: true, ModSeq: true}) {
		if err != nil || f.Size != 12345 || f.ModSeq != 77 {
			t.Fatal(f, err)
		}
		n++
		flags[f.Flags]++
	}
	if n != messages || len(flags) != 5 {
		t.Errorf("%d facts with %d flag sets", n, len(flags))
	}
}

func TestASilentServerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, func(in *bufio.Reader, out io.Writer) { io.Copy(io.Discard, in) })
		began := time.Now()
		_, err := fetched(s, 1)
		if !errors.Is(err, ErrIdle) || time.Since(began) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestACancelledContextEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, func(in *bufio.Reader, out io.Writer) { io.Copy(io.Discard, in) })
		ctx, cancel := context.WithCancelCause(context.Background())
		reason := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(reason) })
		var err error
		for _, err = range s.Append(ctx, AppendOptions{LiteralPlus: true}, slices.Values([]Item{item(1, "x")})) {
		}
		if !errors.Is(err, reason) {
			t.Errorf("error %v", err)
		}
	})
}
