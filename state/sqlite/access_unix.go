//go:build unix

package sqlite

import "golang.org/x/sys/unix"

func mayCreateIn(folder string) bool {
	return unix.Access(folder, unix.W_OK|unix.X_OK) == nil
}
