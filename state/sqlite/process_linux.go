package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// machine names the running kernel and the process numbering in use on it, so
// that two containers with one host name are told apart. Empty is unknown.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	numbering, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + numbering
}

// processBorn tells when a process started, in ticks since the boot, which
// distinguishes it from a later one of the same number. Empty: there is none.
func processBorn(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in field 2 may hold spaces and parentheses; see proc(5).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime || bytes.ContainsAny(fields[state], "ZX") {
		return ""
	}
	return string(fields[startTime])
}
