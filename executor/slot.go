package executor

import (
	"bytes"
	"io"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// slot is an item between the source and the confirmation of the target. Its
// content is in memory or in a spill file.
type slot struct {
	key    uint64
	chunk  *chunk
	work   work
	digest inventory.Digest

	memory []byte
	file   *spillFile
	at     int64
	// open is the method value of openBody, made once for each slot.
	open func() (io.ReadCloser, error)
}

func newSlot() *slot {
	s := &slot{}
	s.open = s.openBody
	return s
}

// openBody returns the content from its start.
func (s *slot) openBody() (io.ReadCloser, error) {
	if s.file != nil {
		return io.NopCloser(io.NewSectionReader(s.file.file, s.at, s.work.Size)), nil
	}
	b := &body{}
	b.Reset(s.memory)
	return b, nil
}

// body reads content in memory.
type body struct{ bytes.Reader }

// Close does nothing.
func (*body) Close() error { return nil }

func (s *slot) outgoing() providers.Outgoing {
	f := s.chunk.folder
	return providers.Outgoing{
		Key: s.key, Folder: f.row.Target, Class: s.work.Class, Format: s.chunk.format,
		Flags: s.work.Flags, Received: s.work.Received, Size: s.work.Size, Open: s.open,
	}
}
