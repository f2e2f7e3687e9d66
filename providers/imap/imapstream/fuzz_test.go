package imapstream

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// replay is a connection on which the server has said everything already.
type replay struct {
	net.Conn
	in *bytes.Reader
}

func (r *replay) Read(p []byte) (int, error)         { return r.in.Read(p) }
func (r *replay) Write(p []byte) (int, error)        { return len(p), nil }
func (r *replay) Close() error                       { return nil }
func (r *replay) SetDeadline(time.Time) error        { return nil }
func (r *replay) SetReadDeadline(d time.Time) error  { return nil }
func (r *replay) SetWriteDeadline(d time.Time) error { return nil }

func replaying(server []byte) *Stream {
	tap := NewTap(&replay{in: bytes.NewReader(server)}, TapOptions{})
	return newStream(tap)
}

func seed(f *testing.F) {
	for _, reply := range []string{
		"* 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE \"04-Mar-2021 05:06:07 +0200\" RFC822.SIZE 5 MODSEQ (3) BODY[] {5}\r\nhello)\r\nS1 OK done\r\n",
		"* 1 FETCH (BODY[] ~{5}\r\nhello UID 7 X (a {3}\r\n(() \"q\\\"\") FLAGS ())\r\nS1 NO [TOOBIG x] text\r\n",
		"* VANISHED (EARLIER) 1:5,7\r\n* LIST () {3}\r\na b\r\n* BYE\r\n",
		"+ go\r\n* 1 EXISTS\r\nS1 OK [APPENDUID 1 2:4] x\r\nS2 BAD\r\n",
	} {
		f.Add([]byte(reply))
	}
	files, _ := filepath.Glob("../../../../shared/corpus/imap/*/*")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) < 20<<10 {
			f.Add(bytes.ReplaceAll(text, []byte("A########"), []byte("S1")))
		}
	}
}

// FuzzReplies: whatever a server says, reading it ends, and gives no more than
// was said.
func FuzzReplies(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, server []byte) {
		n := 0
		for m, err := range replaying(server).Fetch(context.Background(), []uint32{1, 2, 3, 5, 7, 16, 270, 3016}) {
			if err != nil || m.Err != nil {
				continue
			}
			body, err := io.ReadAll(m.Body)
			if n += len(body); n > len(server) {
				t.Fatalf("%d bytes of bodies from %d", n, len(server))
			}
			if err == nil && int64(len(body)) != m.Size {
				t.Fatalf("body of %d bytes, announced with %d", len(body), m.Size)
			}
		}
		for fact, err := range replaying(server).List(context.Background(), ListRequest{Set: "1:*"}) {
			if err == nil && fact.UID == 0 {
				t.Fatal("a fact without UID")
			}
			if fact.Vanished {
				break
			}
		}
		items := func(yield func(Item) bool) {
			for key := range uint64(3) {
				if !yield(Item{Key: key, Size: 2, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("ab"))), nil }}) {
					return
				}
			}
		}
		results := 0
		for range replaying(server).Append(context.Background(), AppendOptions{LiteralPlus: true, MultiAppend: true}, items) {
			if results++; results > 4 {
				t.Fatal("more results than items")
			}
		}
	})
}
