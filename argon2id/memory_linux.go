package argon2id

import "golang.org/x/sys/unix"

// mapMemory asks the system for memory that the garbage collector never sees, in
// huge pages where there are any, and left out of core dumps.
func mapMemory(size int) ([]byte, error) {
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	// A kernel that knows neither works without them.
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	_ = unix.Madvise(memory, unix.MADV_DONTDUMP)
	return memory, nil
}

func unmapMemory(memory []byte) error { return unix.Munmap(memory) }
