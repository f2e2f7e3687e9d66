package imapstream

import (
	"errors"
	"fmt"
	"io"
)

// writer buffers commands. What is in the buffer can still be taken back.
type writer struct {
	dst func([]byte) (int, error)
	buf []byte
	err error // of dst; sticky
}

func newWriter(dst func([]byte) (int, error)) *writer {
	return &writer{dst: dst, buf: make([]byte, 0, bufferSize)}
}

func (w *writer) space() int { return cap(w.buf) - len(w.buf) }

// flush sends everything in the buffer.
func (w *writer) flush() error { return w.flushTo(len(w.buf)) }

// flushTo sends the first n bytes of the buffer.
func (w *writer) flushTo(n int) error {
	if w.err == nil && n > 0 {
		_, w.err = w.dst(w.buf[:n])
	}
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	return w.err
}

// string and the like add to the buffer, sending it when it is full. Errors
// stick and are told by flush.
func (w *writer) string(s string) {
	for len(s) > w.space() {
		n := w.space()
		w.buf = append(w.buf, s[:n]...)
		s = s[n:]
		w.flush()
	}
	w.buf = append(w.buf, s...)
}

var errLength = errors.New("content is not as long as announced")

// whole adds exactly size bytes of r, which must then be at its end. They must
// fit the buffer. On an error the buffer is as before.
func (w *writer) whole(r io.Reader, size int64) error {
	mark := len(w.buf)
	room := w.buf[mark : mark+int(size)]
	if n, err := io.ReadFull(r, room); err != nil {
		return short(int64(n), size, err)
	}
	if err := atEnd(r, size); err != nil {
		return err
	}
	w.buf = w.buf[:mark+int(size)]
	return nil
}

// stream sends exactly size bytes of r, which must then be at its end. An
// error of r is returned as *sourceError: part of the content may have been
// sent.
func (w *writer) stream(r io.Reader, size int64) error {
	for left := size; left > 0; {
		if w.space() == 0 {
			if err := w.flush(); err != nil {
				return err
			}
		}
		room := w.buf[len(w.buf):min(int64(cap(w.buf)), int64(len(w.buf))+left)]
		n, err := r.Read(room)
		w.buf = w.buf[:len(w.buf)+n]
		left -= int64(n)
		if err != nil && left > 0 {
			return &sourceError{short(size-left, size, err)}
		}
	}
	if err := atEnd(r, size); err != nil {
		return &sourceError{err}
	}
	return w.err
}

// sourceError is a failure to read what was to be sent.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

func short(got, want int64, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: %d of %d bytes", errLength, got, want)
	}
	return err
}

// atEnd checks that r has nothing left.
func atEnd(r io.Reader, size int64) error {
	var one [1]byte
	for range 100 {
		n, err := r.Read(one[:])
		switch {
		case n > 0:
			return fmt.Errorf("%w: more than %d bytes", errLength, size)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}
