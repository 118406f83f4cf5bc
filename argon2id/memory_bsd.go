//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package argon2id

import "golang.org/x/sys/unix"

// mapMemory asks the system for memory that the garbage collector never sees.
func mapMemory(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapMemory(memory []byte) error { return unix.Munmap(memory) }
