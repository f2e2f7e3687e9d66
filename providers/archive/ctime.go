package archive

import (
	"os"
	"syscall"
)

// changeTime is when anything of the file was last changed, its name included
// on the file systems of Linux, in nanoseconds.
func changeTime(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ctim.Nano()
	}
	return info.ModTime().UnixNano()
}
