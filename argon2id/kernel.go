package argon2id

const (
	blockBytes = 1024 // RFC 9106 section 3.1
	blockWords = blockBytes / 8
)

// kernel is a way to compute blocks. All of them compute the same; they differ
// in speed, in what the processor must have, and in the order in which they keep
// the words of a block.
//
// Its known computes the blocks of a stretch whose reference blocks are listed
// in lane.refs; its found those of a stretch where the first word of each block
// names the reference block of the next.
type kernel uint8

const (
	portable kernel = iota
	avx2
	avx512
)

// String returns the name under which operators know it.
func (k kernel) String() string {
	return [...]string{portable: "portable", avx2: "AVX2", avx512: "AVX-512"}[k]
}

// stretch is a run of neighbouring blocks of one segment. The assembler reads
// it by offset, so all fields are uint64 and their order is that of kernelgen.
// All numbers count blocks.
type stretch struct {
	first      uint64 // the first block to compute, from the start of the memory
	previous   uint64 // the block before it, which at the start of a lane is its last
	count      uint64 // how many to compute; at least 1
	lane       uint64 // the lane they are in
	lanes      uint64
	laneLength uint64
	start      uint64 // where the area that may be referred to begins within its lane
	area       uint64 // its size in the own lane; grows by one with each block
	otherArea  uint64 // its size in another lane
	again      uint64 // 1 when earlier passes have filled the blocks, else 0
}

// reference returns the block that the word names: its lane by the high half,
// and of the area there, by the low half, the nearer the likelier. RFC 9106
// section 3.4.2.
func (s *stretch) reference(word uint64) uint64 {
	lane, area := s.lane, s.area
	if other := word >> 32 % s.lanes; s.lanes > 1 && other != s.lane {
		lane, area = other, s.otherArea
	}
	x := word & 0xffffffff
	x = x * x >> 32
	position := s.start + area - 1 - (area * x >> 32)
	if position >= s.laneLength {
		position -= s.laneLength
	}
	return lane*s.laneLength + position
}
