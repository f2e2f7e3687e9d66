package executor

import (
	"errors"
	"fmt"
	"os"
)

// rotateAt is the size at which a spill file gets no further bodies.
const rotateAt = 64 << 20

// spills holds the bodies of one lane that do not fit into memory: one after
// the other in a file without a name, which goes away with the process. A file
// is closed when the last of its bodies has been given back. It is used under
// the lane's lock.
type spills struct {
	folder  string
	current *spillFile
}

type spillFile struct {
	file *os.File
	end  int64
	used int // bodies in it
}

// take reserves room for a body and returns where it is.
func (s *spills) take(size int64) (*spillFile, int64, error) {
	if s.current == nil || s.current.end >= rotateAt {
		s.retire()
		file, err := newSpillFile(s.folder)
		if err != nil {
			return nil, 0, err
		}
		s.current = &spillFile{file: file}
	}
	f := s.current
	at := f.end
	f.end += size
	f.used++
	return f, at, nil
}

func newSpillFile(folder string) (*os.File, error) {
	file, err := os.CreateTemp(folder, "cutover-*") // mode 0600
	if err != nil {
		return nil, coded(codeSpill, "create a temporary file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(coded(codeSpill, "unlink a temporary file: %w", err), file.Close())
	}
	return file, nil
}

// give takes a body's room back.
func (s *spills) give(f *spillFile) {
	f.used--
	if f.used > 0 {
		return
	}
	if f != s.current {
		_ = f.file.Close()
		return
	}
	if f.file.Truncate(0) == nil {
		f.end = 0
	}
}

// retire lets go of the current file.
func (s *spills) retire() {
	if s.current != nil && s.current.used == 0 {
		_ = s.current.file.Close()
	}
	s.current = nil
}

// spillError says that the disk for temporary files failed, unless reading
// the body did.
func spillError(err error) error {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return coded(codeSpill, "write a temporary file: %w", pathErr.Err)
	}
	return fmt.Errorf("read the content: %w", brokenBody(err))
}
