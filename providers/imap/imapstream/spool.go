package imapstream

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

const spoolMemory = 1 << 20

// spool keeps the body of one message until it can be given on.
type spool struct {
	kept bool
	kind bodyKind
	size int64
	mem  []byte
	file *os.File // in place of mem for large bodies
}

func (p *spool) keep(kind bodyKind, content *literal, quoted []byte) error {
	if p.kept {
		return nil
	}
	p.kept, p.kind = true, kind
	if kind != bodyLiteral {
		p.mem, p.size = bytes.Clone(quoted), int64(len(quoted))
		return nil
	}
	p.size = content.left
	if p.size <= spoolMemory {
		p.mem = make([]byte, p.size)
		_, err := io.ReadFull(content, p.mem)
		return err
	}
	return p.toFile(content)
}

func (p *spool) toFile(content *literal) (err error) {
	if p.file, err = os.CreateTemp("", "cutover-fetch-*"); err != nil {
		return fmt.Errorf("keep a large message: %w", err)
	}
	if _, err := content.WriteTo(p.file); err != nil {
		return fmt.Errorf("keep a large message: %w", err)
	}
	_, err = p.file.Seek(0, io.SeekStart)
	return err
}

func (p *spool) message() Message {
	switch {
	case p.kind == bodyNIL:
		return Message{Err: ErrNoBody}
	case p.file != nil:
		return Message{Size: p.size, Body: p.file}
	}
	return Message{Size: p.size, Body: bytes.NewReader(p.mem)}
}

// drop forgets the body.
func (p *spool) drop() {
	if p.file != nil {
		p.file.Close()
		os.Remove(p.file.Name())
	}
	*p = spool{}
}
