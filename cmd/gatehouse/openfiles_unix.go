//go:build unix

package main

import (
	"math"
	"syscall"
)

// maxOpenFiles is how many files this process may have open; 0 where the system
// does not say. Go has raised the limit as far as it goes.
func maxOpenFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
