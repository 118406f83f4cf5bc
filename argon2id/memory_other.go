//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package argon2id

// mapMemory returns memory of the Go heap.
func mapMemory(size int) ([]byte, error) { return make([]byte, size), nil }

// unmapMemory wipes, since the garbage collector may keep what it has.
func unmapMemory(memory []byte) error {
	clear(memory)
	return nil
}
