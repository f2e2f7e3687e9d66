package imapstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/cutover-mail/cutover/providers/imap/imapstream"
)

var literalMark = regexp.MustCompile(`~?\{(\d+)(\+?)\}\r\n$`)

// readAppend reads one APPEND with its literals, asking for those that wait.
func readAppend(in *bufio.Reader, out io.Writer) (tag string, bodies []string, err error) {
	line, err := in.ReadString('\n')
	for err == nil {
		if tag == "" {
			tag, _, _ = strings.Cut(line, " ")
		}
		mark := literalMark.FindStringSubmatch(line)
		if mark == nil {
			return tag, bodies, nil
		}
		if mark[2] == "" {
			io.WriteString(out, "+ go on\r\n")
		}
		n, _ := strconv.Atoi(mark[1])
		body := make([]byte, n)
		if _, err = io.ReadFull(in, body); err != nil {
			break
		}
		bodies = append(bodies, string(body))
		line, err = in.ReadString('\n')
	}
	return tag, bodies, err
}

// storing is a server that stores what does not contain "bad", all of a
// command or nothing.
func storing(stored *[]string) func(*bufio.Reader, io.Writer) {
	return func(in *bufio.Reader, out io.Writer) {
		for {
			tag, bodies, err := readAppend(in, out)
			if err != nil {
				return
			}
			if slices.ContainsFunc(bodies, func(b string) bool { return strings.Contains(b, "bad") }) {
				fmt.Fprintf(out, "%s NO [CANNOT] I do not like it\r\n", tag)
				continue
			}
			first := len(*stored) + 1
			*stored = append(*stored, bodies...)
			fmt.Fprintf(out, "* %d EXISTS\r\n%s OK [APPENDUID 9 %d:%d] done\r\n", len(*stored), tag, first, len(*stored))
		}
	}
}

func appended(s *Stream, o AppendOptions, items iter.Seq[Item]) (map[uint64]Result, error) {
	results := map[uint64]Result{}
	for r, err := range s.Append(context.Background(), o, items) {
		if err != nil {
			return results, err
		}
		results[r.Key] = r
	}
	return results, nil
}

func TestARefusedBatchLosesOnlyItsCulprit(t *testing.T) {
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			var stored []string
			s := scripted(t, storing(&stored))
			items := []Item{item(0, "a"), item(1, "b"), item(2, "bad"), item(3, "c"), item(4, "d")}
			results, err := appended(s, o, slices.Values(items))
			if err != nil || len(results) != 5 {
				t.Fatal(results, err)
			}
			for key, r := range results {
				refusal, _ := r.Err.(*ResponseError)
				if key == 2 != (refusal != nil && refusal.Code == "CANNOT") {
					t.Errorf("item %d: %v", key, r.Err)
				}
				if key != 2 && (r.UIDValidity != 9 || stored[r.UID-1] != []string{"a", "b", "", "c", "d"}[key]) {
					t.Errorf("item %d has UID %d in %q", key, r.UID, stored)
				}
			}
		})
	}
}

func opening(key uint64, size int64, open func() (io.ReadCloser, error)) Item {
	return Item{Key: key, Folder: "INBOX", Size: size, Open: open}
}

func TestAnItemThatCannotBeReadIsNotSent(t *testing.T) {
	broken := errors.New("disk on fire")
	reading := func(s string, size int64) func(uint64) Item {
		return func(key uint64) Item {
			return opening(key, size, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil })
		}
	}
	for name, culprit := range map[string]func(uint64) Item{
		"does not open": func(key uint64) Item { return opening(key, 3, func() (io.ReadCloser, error) { return nil, broken }) },
		"too short":     reading("ab", 3),
		"too long":      reading("abcd", 3),
		"flags that would break the command": func(key uint64) Item {
			it := item(key, "x")
			it.Flags = "a) {3+}"
			return it
		},
		"line end in the folder": func(key uint64) Item {
			it := item(key, "x")
			it.Folder = "a\r\nb"
			return it
		},
	} {
		for way, o := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				var stored []string
				s := scripted(t, storing(&stored))
				results, err := appended(s, o, slices.Values([]Item{culprit(1), item(2, "a"), culprit(3), item(4, "b"), culprit(5)}))
				if err != nil || len(results) != 5 {
					t.Fatal(results, err)
				}
				if !slices.Equal(stored, []string{"a", "b"}) {
					t.Errorf("stored %q", stored)
				}
				if _, ok := errors.AsType[*ItemError](results[3].Err); !ok || results[2].Err != nil {
					t.Errorf("results %v", results)
				}
			})
		}
	}
}

// A message that turns out shorter when part of it has left must not be
// completed.
func TestALargeItemThatIsCutEndsTheConnection(t *testing.T) {
	var stored []string
	s := scripted(t, storing(&stored))
	cut := opening(1, 1<<20, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", 700<<10))), nil
	})
	results, err := appended(s, AppendOptions{LiteralPlus: true}, slices.Values([]Item{cut, item(2, "a")}))
	if err == nil || !strings.Contains(err.Error(), "716800 of 1048576 bytes") || len(results) != 0 {
		t.Errorf("%v, %v", results, err)
	}
	if len(stored) != 0 {
		t.Errorf("stored %d messages", len(stored))
	}
}

func TestItemsWithoutAnAnswerHaveNoResult(t *testing.T) {
	for name, farewell := range map[string]string{"cut": "", "BYE": "* BYE [UNAVAILABLE] shutting down\r\n", "OK to what was not sent": "S3 OK done\r\n"} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(in *bufio.Reader, out io.Writer) {
				for range 2 {
					tag, _, _ := readAppend(in, out)
					fmt.Fprintf(out, "%s OK done\r\n", tag)
				}
				io.WriteString(out, farewell)
			})
			items := []Item{}
			for i := range 5 {
				items = append(items, item(uint64(i), "text"))
			}
			results, err := appended(s, AppendOptions{}, slices.Values(items))
			if err == nil || len(results) != 2 || results[0].Err != nil {
				t.Errorf("%v, %v", results, err)
			}
		})
	}
}

// The server here reads nothing while its answers are not read, and the input
// gives nothing more until the first results are there.
func TestResultsComeBeforeTheInputEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored []string
		s := scripted(t, storing(&stored))
		answered := make(chan uint64, 100)
		input := func(yield func(Item) bool) {
			for i := range uint64(6) {
				if !yield(item(i, "text")) {
					return
				}
				if i%2 == 1 {
					<-answered
					<-answered
				}
			}
		}
		n := 0
		for r, err := range s.Append(context.Background(), AppendOptions{MultiAppend: true, LiteralPlus: true}, input) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			answered <- r.Key
		}
		if n != 6 {
			t.Errorf("%d results", n)
		}
	})
}

func TestTheInputWaitsWhileTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored []string
		s := scripted(t, func(in *bufio.Reader, out io.Writer) {
			var tags []string
			for range 10 { // taken at once, answered late
				tag, _, _ := readAppend(in, out)
				tags = append(tags, tag)
			}
			time.Sleep(2 * time.Second)
			for _, tag := range tags {
				fmt.Fprintf(out, "%s OK done\r\n", tag)
			}
			storing(&stored)(in, out)
		})
		var pulled atomic.Int32
		input := func(yield func(Item) bool) {
			for i := range uint64(50) {
				pulled.Add(1)
				if !yield(item(i, "text")) {
					return
				}
			}
		}
		time.AfterFunc(time.Second, func() {
			if n := pulled.Load(); n != 11 {
				t.Errorf("%d items pulled with a window of 10 and one at hand", n)
			}
		})
		results, err := appended(s, AppendOptions{LiteralPlus: true, WindowItems: 10}, input)
		if err != nil || len(results) != 50 {
			t.Errorf("%d results, %v", len(results), err)
		}
	})
}

func TestAnAbandonedAppendEndsItsInput(t *testing.T) {
	var stored []string
	s := scripted(t, storing(&stored))
	ended := false
	input := func(yield func(Item) bool) {
		defer func() { ended = true }()
		for i := uint64(0); yield(item(i, "text")); i++ {
		}
	}
	for range s.Append(context.Background(), AppendOptions{LiteralPlus: true}, input) {
		break
	}
	if !ended {
		t.Error("the input is still being pulled")
	}
	if _, err := appended(s, AppendOptions{}, slices.Values([]Item{item(1, "x")})); !errors.Is(err, ErrAbandoned) {
		t.Errorf("the connection goes on: %v", err)
	}
}
