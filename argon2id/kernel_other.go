//go:build !amd64 || purego

package argon2id

// kernels returns those that run on this machine, the fastest first.
func kernels() []kernel { return []kernel{portable} }

func (k kernel) known(memory []byte, s *stretch, l *lane) { knownPortable(memory, s, l) }
func (k kernel) found(memory []byte, s *stretch, _ *lane) { foundPortable(memory, s) }

// position says where a kernel keeps a word of a block.
func (k kernel) position(word int) int { return word }
