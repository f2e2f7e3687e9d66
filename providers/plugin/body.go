package plugin

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// spillOver is the size above which a body waits in a file.
const spillOver = 1 << 20

// body is content in memory, or in a file without a name when it is large.
type body struct {
	chunks [][]byte // as they came, not copied
	file   *os.File
	size   int64
}

// write adds p to the body, which keeps p.
func (b *body) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	b.size += int64(len(p))
	if b.file == nil && b.size <= spillOver {
		b.chunks = append(b.chunks, p)
		return nil
	}
	if b.file == nil {
		if err := b.spill(); err != nil {
			return err
		}
	}
	return b.append(p)
}

func (b *body) append(p []byte) error {
	if _, err := b.file.Write(p); err != nil {
		return fmt.Errorf("keep a large item: %w", err)
	}
	return nil
}

func (b *body) spill() error {
	f, err := os.CreateTemp("", "cutover-item-*")
	if err != nil {
		return fmt.Errorf("keep a large item: %w", err)
	}
	os.Remove(f.Name())
	b.file = f
	for _, chunk := range b.chunks {
		if err := b.append(chunk); err != nil {
			return err
		}
	}
	b.chunks = nil
	return nil
}

// open returns the content from its start; any number of readers may be open.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.file != nil:
		return io.NopCloser(io.NewSectionReader(b.file, 0, b.size)), nil
	case len(b.chunks) == 1:
		return io.NopCloser(bytes.NewReader(b.chunks[0])), nil
	}
	readers := make([]io.Reader, len(b.chunks))
	for i, chunk := range b.chunks {
		readers[i] = bytes.NewReader(chunk)
	}
	return io.NopCloser(io.MultiReader(readers...)), nil
}

func (b *body) discard() {
	if b.file != nil {
		b.file.Close()
	}
}
