package archive

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/cutover-mail/cutover/inventory"
)

// crlfReader gives CRLF for each LF that has no CR before it.
type crlfReader struct {
	from    *bufio.Reader
	last    byte
	pending bool // an LF is owed
}

func newCRLFReader(from io.Reader) *crlfReader {
	return &crlfReader{from: bufio.NewReaderSize(from, 32<<10)}
}

func (r *crlfReader) Read(into []byte) (n int, err error) {
	for n < len(into) {
		if r.pending {
			into[n], r.pending, r.last = '\n', false, '\n'
			n++
			continue
		}
		if n > 0 && r.from.Buffered() == 0 {
			return n, nil
		}
		c, err := r.from.ReadByte()
		if err != nil {
			if n > 0 && errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		if c == '\n' && r.last != '\r' {
			c, r.pending = '\r', true
		}
		into[n], r.last = c, c
		n++
	}
	return n, nil
}

// converted is a file read as CRLF.
type converted struct {
	io.Reader
	io.Closer
}

// openConverted counts first, since the size of a body comes before it.
func openConverted(item inventory.Item, file *os.File) (inventory.Item, io.ReadCloser, error) {
	size, err := io.Copy(io.Discard, newCRLFReader(file))
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return item, nil, disk("fetch", string(item.ID), err)
	}
	item.Size = size
	return item, converted{newCRLFReader(file), file}, nil
}
