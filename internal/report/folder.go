package report

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// folder is a directory of files that appear together, when all are complete.
type folder struct {
	path  string
	files []*pending
}

// pending is a file that does not have its name yet.
type pending struct {
	file   *os.File
	buffer *bufio.Writer
	name   string
}

func newFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the report directory: %w", err)
	}
	return &folder{path: path}, nil
}

// create opens a file that commit gives its name. Only its owner can read it.
func (f *folder) create(name string) (*bufio.Writer, error) {
	file, err := os.CreateTemp(f.path, "."+name+"-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make a report file: %w", err)
	}
	p := &pending{file: file, buffer: bufio.NewWriterSize(file, 64<<10), name: name}
	f.files = append(f.files, p)
	return p.buffer, nil
}

// commit makes every file durable, then gives each its name.
func (f *folder) commit() error {
	for _, p := range f.files {
		err := errors.Join(p.buffer.Flush(), p.file.Sync(), p.file.Close())
		if err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
	}
	for _, p := range f.files {
		if err := os.Rename(p.file.Name(), filepath.Join(f.path, p.name)); err != nil {
			return fmt.Errorf("name a report file: %w", err)
		}
	}
	f.files = nil
	return nil
}

// abandon removes what was not committed.
func (f *folder) abandon() {
	for _, p := range f.files {
		p.file.Close()
		os.Remove(p.file.Name())
	}
}
