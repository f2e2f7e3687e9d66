package imapstream

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Stream is the use of a connection that was taken over. It is used by one
// goroutine, one sequence at a time.
type Stream struct {
	tap *Tap
	in  *reader
	out *writer
	scanner
	// watching is nil while no command is under way.
	watching *watch
	// others are lines that answer a command of the other user.
	others []byte
}

func newStream(t *Tap) *Stream {
	s := &Stream{tap: t}
	if t.in == nil {
		t.in = newReader(nil)
		t.out = newWriter(nil)
	}
	s.in, s.out = t.in, t.out
	s.in.src, s.out.dst = s.receive, s.send
	s.scanner.in = s.in
	return s
}

// Release gives the connection back to go-imap. The stream must not be used
// after it; a second call does nothing.
func (s *Stream) Release() {
	if s.tap == nil {
		return
	}
	s.in.dropLong()
	s.tap.release(append(s.others, s.in.rest()...))
	s.tap = nil
}

func (s *Stream) receive(p []byte) (int, error) {
	s.watching.begin()
	defer s.watching.end()
	n, err := s.tap.streamRead(p)
	if err != nil {
		return n, fmt.Errorf("imap connection: %w", err)
	}
	return n, nil
}

func (s *Stream) send(p []byte) (n int, err error) {
	for n < len(p) {
		s.watching.begin()
		// In pieces, so that the watch sees a slow link move.
		m, err := s.tap.conn.Write(p[n:min(len(p), n+64<<10)])
		s.watching.end()
		n += m
		if err != nil {
			return n, fmt.Errorf("imap connection: %w", s.tap.fail(err))
		}
	}
	return n, nil
}

// begin prepares the connection for commands; the function it returns ends
// that. A context that ends meanwhile ends the connection.
func (s *Stream) begin(ctx context.Context) (end func(), err error) {
	if s.tap == nil {
		return nil, fmt.Errorf("imap connection: stream was released")
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := s.tap.Err(); err != nil {
		return nil, fmt.Errorf("imap connection: %w", err)
	}
	tap := s.tap
	s.watching = &watch{idle: tap.idle, expired: func() { tap.fail(ErrIdle) }}
	stopWatch := s.watching.start()
	stopContext := context.AfterFunc(ctx, func() { tap.fail(context.Cause(ctx)) })
	return func() {
		stopContext()
		stopWatch()
	}, nil
}

// newTag returns a tag that go-imap, which counts T1, T2, never uses.
func (s *Stream) newTag() string {
	s.tap.tag++
	return "S" + strconv.FormatUint(s.tap.tag, 10)
}

// broken ends the connection after an error that leaves it in an unknown
// state, and returns that error.
func (s *Stream) broken(err error) error {
	if bad, ok := err.(*SyntaxError); ok {
		err = &SyntaxError{Problem: bad.Problem, Near: s.tap.hide(bad.Near)}
	}
	s.tap.fail(err)
	return err
}

// kind says what a response line is.
type kind uint8

const (
	untagged kind = iota + 1
	continuation
	tagged
)

// response reads the start of the next response. For a tagged one, tag says
// which; for an untagged one the scanner stands behind "* ". BYE is an error.
func (s *Stream) response(command string) (k kind, tag []byte, err error) {
	for {
		if err := s.next(); err != nil {
			return 0, nil, err
		}
		if !s.keepOther() {
			return s.classify(command)
		}
	}
}

// keepOther keeps what is for go-imap, which asks for capabilities on its own
// after signing in, and may still have done so before it was interrupted.
func (s *Stream) keepOther() bool {
	if !hasWord(s.line, "* CAPABILITY") && (len(s.line) < 2 || s.line[0] != 'T' || s.line[1] < '0' || s.line[1] > '9') {
		return false
	}
	if len(s.others) < 64<<10 {
		s.others = append(append(s.others, s.line...), "\r\n"...)
	}
	return true
}

func (s *Stream) classify(command string) (k kind, tag []byte, err error) {
	if bytes.HasPrefix(s.line, []byte("* ")) {
		s.pos = 2
		if hasWord(s.line[2:], "BYE") {
			return 0, nil, s.status(command, s.line[2:])
		}
		return untagged, nil, nil
	}
	if s.peek() == '+' {
		return continuation, nil, nil
	}
	i := bytes.IndexByte(s.line, ' ')
	if i <= 0 {
		return 0, nil, s.syntax("response expected")
	}
	s.pos = i + 1
	return tagged, s.line[:i], nil
}

// hasWord reports whether line begins with the word, in any case.
func hasWord(line []byte, word string) bool {
	return len(line) >= len(word) && bytes.EqualFold(line[:len(word)], []byte(word)) &&
		(len(line) == len(word) || line[len(word)] == ' ')
}

// status makes an error of "NO [CODE args] text"; nil for OK.
func (s *Stream) status(command string, line []byte) error {
	word, rest, _ := bytes.Cut(line, []byte(" "))
	status := Status(strings.ToUpper(string(word[:min(len(word), 8)])))
	switch status {
	case "OK":
		return nil
	case NO, BAD, BYE:
	default:
		return syntax("status expected", line)
	}
	code, _, text := responseCode(rest)
	return &ResponseError{
		Command: command, Status: status, Code: strings.ToUpper(string(code)),
		Text: s.tap.hide(strings.ToValidUTF8(string(text[:min(len(text), 1<<10)]), "\uFFFD")),
	}
}

// responseCode splits "[CODE args] text".
func responseCode(rest []byte) (code, args, text []byte) {
	if len(rest) == 0 || rest[0] != '[' {
		return nil, nil, rest
	}
	end := bytes.IndexByte(rest, ']')
	if end < 0 {
		return nil, nil, rest
	}
	code, args, _ = bytes.Cut(rest[1:end], []byte(" "))
	return code, args, bytes.TrimLeft(rest[end+1:], " ")
}

// run sends one command and gives each untagged response to handle, which
// finds the scanner behind "* " and has passed the whole response, literals
// included, when it returns. An error of handle ends the connection.
func (s *Stream) run(name, command string, handle func() error) error {
	tag := s.newTag()
	s.out.string(tag)
	s.out.string(" ")
	s.out.string(command)
	s.out.string("\r\n")
	if err := s.out.flush(); err != nil {
		return err
	}
	for {
		k, got, err := s.response(name)
		if err != nil {
			return s.broken(err)
		}
		switch k {
		case untagged:
			if err := handle(); err != nil {
				return s.broken(err)
			}
		case tagged:
			if string(got) != tag {
				return s.broken(s.syntax("answer to a command that was not given"))
			}
			return s.verdict(name)
		case continuation:
			return s.broken(s.syntax("continuation that was not asked for"))
		}
	}
}

// verdict reads a tagged response behind its tag: nil, a *ResponseError with
// status NO or BAD, or an error that ends the connection.
func (s *Stream) verdict(command string) error {
	err := s.status(command, s.line[s.pos:])
	if refusal, ok := err.(*ResponseError); err == nil || ok && refusal.Status != BYE {
		return err
	}
	return s.broken(err)
}
