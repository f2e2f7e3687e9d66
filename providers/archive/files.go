package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// replaceFile writes a file that is either the old or the new one, whenever
// the machine stops.
func replaceFile(name string, content []byte, durable bool) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".cutover-tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err == nil && durable {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil || !durable {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// lock takes the lock of a mailbox or of the directory, against other sessions
// and other processes; it is held for one short piece of work. Readers share
// it, and do without where there is no lock file, since they make none.
func lock(name string, write bool) (unlock func(), err error) {
	how, mode := syscall.LOCK_SH, os.O_RDONLY
	if write {
		how, mode = syscall.LOCK_EX, os.O_RDWR|os.O_CREATE
	}
	file, err := os.OpenFile(name, mode, 0o600)
	if !write && errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(file.Fd()), how); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}

// stamp is when a folder was last changed, in nanoseconds; 0 when it is absent.
func stamp(dir string) int64 {
	info, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
