package archive

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// span is where the content of a message lies in an mbox file, without its
// From_ line and the empty line that parts it from the next.
type span struct {
	start, end int64
	from       string // the From_ line
}

// fromLine is a From_ line of RFC 4155 or one of its many kin: a sender, who
// may be absent, and a time of day; or the dash alone of old Netscapes. "From
// here on ..." is none.
var fromLine = regexp.MustCompile(`^From (-[ \t]*|(.*[ \t])?\d?\d:\d\d(:\d\d)?([ \t].*)?)[\r\n]*$`)

// headerLine is the beginning of a header, which follows a From_ line.
var headerLine = regexp.MustCompile(`^>?(From |[!-9;-~]+[ \t]*:)`)

// splitMbox finds the messages of an mbox file. A message begins with a From_
// line at the start of the file or after an empty line; without an empty line
// only if its date can be read and a header follows, since some programs leave
// the empty line out. Content-Length is not believed: it is wrong in the wild.
// Whatever stands before the first From_ line is not mail, and is passed over.
func splitMbox(r io.Reader) ([]span, error) {
	s := splitter{lines: bufio.NewReaderSize(r, 64<<10), fresh: true, parted: true}
	for {
		text, err := s.lines.ReadSlice('\n')
		s.take(text, err == nil)
		switch {
		case errors.Is(err, io.EOF):
			s.close()
			return s.spans, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return s.spans, err
		}
	}
}

type splitter struct {
	lines  *bufio.Reader
	spans  []span
	offset int64
	blank  int64 // length of the line before, if it is empty
	fresh  bool  // at the start of a line
	parted bool  // at the start of the file, or after an empty line
}

// take looks at a line, or at a part of one that is very long.
func (s *splitter) take(text []byte, ended bool) {
	if s.fresh && s.begins(text) {
		s.close()
		s.spans = append(s.spans, span{start: s.offset + int64(len(text)), from: strings.TrimRight(string(text), "\r\n")})
		s.blank, s.parted = 0, false
	} else if len(text) > 0 {
		s.blank = 0
		if s.fresh && (string(text) == "\n" || string(text) == "\r\n") {
			s.blank = int64(len(text))
		}
		s.parted = s.blank > 0
	}
	s.offset += int64(len(text))
	s.fresh = ended
}

// close ends the last message before the empty line that was read last.
func (s *splitter) close() {
	if n := len(s.spans); n > 0 {
		s.spans[n-1].end = max(s.offset-s.blank, s.spans[n-1].start)
	}
}

func (s *splitter) begins(text []byte) bool {
	if !bytes.HasPrefix(text, []byte("From ")) || !fromLine.Match(text) {
		return false
	}
	if s.parted {
		return true
	}
	next, _ := s.lines.Peek(100)
	dated := !parseFrom(string(text)).IsZero() || string(bytes.TrimSpace(text)) == "From -"
	return dated && headerLine.Match(next)
}

// unquoteReader takes one ">" off lines that begin with any number of them and
// "From ", as mboxrd and mboxo put it there.
type unquoteReader struct {
	from  *bufio.Reader
	fresh bool
}

func newUnquoteReader(from io.Reader) *unquoteReader {
	return &unquoteReader{bufio.NewReaderSize(from, 32<<10), true}
}

func (r *unquoteReader) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	if r.fresh && r.quoted() {
		r.from.Discard(1)
	}
	waiting, err := r.from.Peek(1)
	if err != nil && len(waiting) == 0 {
		return 0, err
	}
	waiting, _ = r.from.Peek(min(r.from.Buffered(), len(into)))
	n := len(waiting)
	if i := bytes.IndexByte(waiting, '\n'); i >= 0 {
		n = i + 1
	}
	copy(into, waiting[:n])
	r.fresh = waiting[n-1] == '\n'
	r.from.Discard(n)
	return n, nil
}

// quoted reports whether a quoted From_ line is next. More than a thousand
// signs are no quotation.
func (r *unquoteReader) quoted() bool {
	for n := 1; n <= 1000; n++ {
		start, _ := r.from.Peek(n + 5)
		if len(start) < n+5 || start[n-1] != '>' {
			return false
		}
		if start[n] != '>' {
			return string(start[n:]) == "From "
		}
	}
	return false
}

var fromTimes = []string{
	"Mon Jan _2 15:04:05 2006", "Mon Jan _2 15:04 2006", "Mon Jan _2 15:04:05 2006 -0700", "Mon Jan _2 15:04:05 -0700 2006",
	"Mon Jan _2 15:04:05 MST 2006", "Mon Jan _2 15:04:05 2006 MST", "Mon, _2 Jan 2006 15:04:05 -0700", "Mon, _2 Jan 2006 15:04:05 MST",
}

// parseFrom reads the time of a From_ line, which is UTC unless it says
// otherwise (RFC 4155); zero when it cannot be read.
func parseFrom(line string) time.Time {
	fields := strings.Fields(strings.TrimPrefix(line, "From "))
	for i := range fields {
		text := strings.Join(fields[i:], " ")
		for _, layout := range fromTimes {
			if t, err := time.Parse(strings.ReplaceAll(layout, "_2", "2"), text); err == nil && t.Year() > 1969 {
				return t
			}
		}
	}
	return time.Time{}
}
