package imapstream

import (
	"bytes"
	"io"
)

const (
	bufferSize = 256 << 10
	// maxLine bounds a line without its literals. A server that forgot its
	// history answers VANISHED with every other UID of a large folder.
	maxLine = 16 << 20
	// maxLiteral bounds a literal; no mail server takes larger messages.
	maxLiteral = 2 << 30
)

// reader splits what the server sends into lines and literals without copying
// either where they fit the buffer.
type reader struct {
	src  func([]byte) (int, error)
	buf  []byte
	r, w int // unread bytes are buf[r:w]
	long []byte
}

func newReader(src func([]byte) (int, error)) *reader {
	return &reader{src: src, buf: make([]byte, bufferSize)}
}

// line returns the next line without its line end, valid until the next call.
func (r *reader) line() ([]byte, error) {
	scanned := 0
	for {
		if i := bytes.IndexByte(r.buf[r.r+scanned:r.w], '\n'); i >= 0 {
			line := r.buf[r.r : r.r+scanned+i]
			r.r += scanned + i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		scanned = r.w - r.r
		if scanned == len(r.buf) {
			return r.longLine()
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// longLine reads on in a line that has filled the buffer.
func (r *reader) longLine() ([]byte, error) {
	r.long = r.long[:0]
	for {
		chunk := r.buf[r.r:r.w]
		i := bytes.IndexByte(chunk, '\n')
		if i >= 0 {
			chunk = chunk[:i]
		}
		if len(r.long)+len(chunk) > maxLine {
			return nil, syntax("endless line", r.long)
		}
		r.long = append(r.long, chunk...)
		if i >= 0 {
			r.r += i + 1
			return bytes.TrimSuffix(r.long, []byte("\r")), nil
		}
		r.r, r.w = 0, 0
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// dropLong gives the memory of a long line back.
func (r *reader) dropLong() {
	if cap(r.long) > bufferSize {
		r.long = nil
	}
}

// fill reads more behind the unread bytes, moving them to the front first when
// there is little room behind them.
func (r *reader) fill() error {
	if r.r == r.w {
		r.r, r.w = 0, 0
	} else if r.w == len(r.buf) {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	n, err := r.src(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	return err
}

// read reads part of a literal, past the buffer where it is empty.
func (r *reader) read(p []byte) (int, error) {
	if r.r == r.w {
		if len(p) >= len(r.buf)/4 {
			return r.src(p)
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.r:r.w])
	r.r += n
	return n, nil
}

// rest returns the bytes that were read ahead and makes the reader empty.
func (r *reader) rest() []byte {
	rest := r.buf[r.r:r.w]
	r.r, r.w = 0, 0
	return rest
}

// literal is the content of one literal. It ends at its own end, or when it
// is closed because the caller has moved on.
type literal struct {
	r    *reader
	left int64
	err  error
}

// Read returns io.EOF after the last byte of the literal.
func (l *literal) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := l.r.read(p)
	l.left -= int64(n)
	l.err = err
	return n, err
}

// WriteTo hands the buffer itself to w.
func (l *literal) WriteTo(w io.Writer) (total int64, err error) {
	for l.err == nil && l.left > 0 {
		chunk, err := l.chunk()
		if err != nil {
			return total, err
		}
		n, err := w.Write(chunk)
		total += int64(n)
		l.r.r += n
		l.left -= int64(n)
		if err != nil {
			return total, err
		}
		if n < len(chunk) {
			return total, io.ErrShortWrite
		}
	}
	return total, l.err
}

// chunk returns buffered bytes of the literal, at least one.
func (l *literal) chunk() ([]byte, error) {
	if l.r.r == l.r.w {
		if l.err = l.r.fill(); l.err != nil {
			return nil, l.err
		}
	}
	return l.r.buf[l.r.r:min(l.r.w, l.r.r+int(min(l.left, bufferSize)))], nil
}

// finish reads past what was not read and ends the literal.
func (l *literal) finish() error {
	for l.err == nil && l.left > 0 {
		chunk, err := l.chunk()
		if err != nil {
			return err
		}
		l.r.r += len(chunk)
		l.left -= int64(len(chunk))
	}
	if l.err != nil {
		return l.err
	}
	l.err = io.ErrClosedPipe
	return nil
}

func syntax(problem string, near []byte) error {
	return &SyntaxError{Problem: problem, Near: string(near[:min(len(near), 80)])}
}
