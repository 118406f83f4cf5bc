//go:build amd64 && !purego

package argon2id

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd kernelgen && go run . -out .."

// kernels returns those that run on this machine, the fastest first.
func kernels() []kernel {
	var usable []kernel
	if cpu.X86.HasAVX512F {
		usable = append(usable, avx512)
	}
	if cpu.X86.HasAVX2 {
		usable = append(usable, avx2)
	}
	return append(usable, portable)
}

func (k kernel) known(memory []byte, s *stretch, l *lane) {
	switch k {
	case avx512:
		knownAVX512(&memory[0], &s.first, &l.refs[0], &l.scratch[0])
	case avx2:
		knownAVX2(&memory[0], &s.first, &l.refs[0], &l.scratch[0])
	default:
		knownPortable(memory, s, l)
	}
}

func (k kernel) found(memory []byte, s *stretch, l *lane) {
	switch k {
	case avx512:
		foundAVX512(&memory[0], &s.first, &l.scratch[0])
	case avx2:
		foundAVX2(&memory[0], &s.first, &l.scratch[0])
	default:
		foundPortable(memory, s)
	}
}

// position says where a kernel keeps a word of a block. With AVX-512 a register
// holds the same quarter of two rows: then both the rows and the columns of the
// permutation lie in registers as they are needed, and nothing is moved between.
func (k kernel) position(word int) int {
	if k != avx512 {
		return word
	}
	row, quarter, within := word/16, word%16/4, word%4
	return (row/2*4+quarter)*8 + row%2*4 + within
}
