package argon2id

import (
	"encoding/binary"
	"math/bits"
)

// knownPortable computes the blocks of s; l.refs lists their reference blocks.
func knownPortable(memory []byte, s *stretch, l *lane) {
	previous := s.previous
	for i := range s.count {
		compress(memory, s.first+i, previous, uint64(l.refs[i]), false)
		previous = s.first + i
	}
}

// foundPortable computes the blocks of s; each names the reference block of the
// next in its first word.
func foundPortable(memory []byte, s *stretch) {
	previous, at := s.previous, *s
	for i := range s.count {
		word := binary.LittleEndian.Uint64(memory[previous*blockBytes:])
		compress(memory, s.first+i, previous, at.reference(word), s.again == 1)
		previous = s.first + i
		at.area++
	}
}

// compress is the function G of RFC 9106 section 3.5: it sets block out to
// G(x, y), or XORs it over what is there.
func compress(memory []byte, out, x, y uint64, over bool) {
	var r [blockWords]uint64
	bx, by := memory[x*blockBytes:][:blockBytes], memory[y*blockBytes:][:blockBytes]
	for i := range r {
		r[i] = binary.LittleEndian.Uint64(bx[8*i:]) ^ binary.LittleEndian.Uint64(by[8*i:])
	}
	q := r
	for i := 0; i < blockWords; i += 16 {
		permute(&q[i], &q[i+1], &q[i+2], &q[i+3], &q[i+4], &q[i+5], &q[i+6], &q[i+7],
			&q[i+8], &q[i+9], &q[i+10], &q[i+11], &q[i+12], &q[i+13], &q[i+14], &q[i+15])
	}
	for i := 0; i < 16; i += 2 {
		permute(&q[i], &q[i+1], &q[i+16], &q[i+17], &q[i+32], &q[i+33], &q[i+48], &q[i+49],
			&q[i+64], &q[i+65], &q[i+80], &q[i+81], &q[i+96], &q[i+97], &q[i+112], &q[i+113])
	}
	result := memory[out*blockBytes:][:blockBytes]
	for i := range q {
		word := q[i] ^ r[i]
		if over {
			word ^= binary.LittleEndian.Uint64(result[8*i:])
		}
		binary.LittleEndian.PutUint64(result[8*i:], word)
	}
}

// permute is the permutation P of RFC 9106 section 3.6 on a matrix of 16 words.
func permute(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15 *uint64) {
	a0, a1, a2, a3 := *p0, *p1, *p2, *p3
	b0, b1, b2, b3 := *p4, *p5, *p6, *p7
	c0, c1, c2, c3 := *p8, *p9, *p10, *p11
	d0, d1, d2, d3 := *p12, *p13, *p14, *p15

	a0, b0, c0, d0 = half(a0, b0, c0, d0, 32, 24)
	a1, b1, c1, d1 = half(a1, b1, c1, d1, 32, 24)
	a2, b2, c2, d2 = half(a2, b2, c2, d2, 32, 24)
	a3, b3, c3, d3 = half(a3, b3, c3, d3, 32, 24)
	a0, b0, c0, d0 = half(a0, b0, c0, d0, 16, 63)
	a1, b1, c1, d1 = half(a1, b1, c1, d1, 16, 63)
	a2, b2, c2, d2 = half(a2, b2, c2, d2, 16, 63)
	a3, b3, c3, d3 = half(a3, b3, c3, d3, 16, 63)
	a0, b1, c2, d3 = half(a0, b1, c2, d3, 32, 24)
	a1, b2, c3, d0 = half(a1, b2, c3, d0, 32, 24)
	a2, b3, c0, d1 = half(a2, b3, c0, d1, 32, 24)
	a3, b0, c1, d2 = half(a3, b0, c1, d2, 32, 24)
	a0, b1, c2, d3 = half(a0, b1, c2, d3, 16, 63)
	a1, b2, c3, d0 = half(a1, b2, c3, d0, 16, 63)
	a2, b3, c0, d1 = half(a2, b3, c0, d1, 16, 63)
	a3, b0, c1, d2 = half(a3, b0, c1, d2, 16, 63)

	*p0, *p1, *p2, *p3 = a0, a1, a2, a3
	*p4, *p5, *p6, *p7 = b0, b1, b2, b3
	*p8, *p9, *p10, *p11 = c0, c1, c2, c3
	*p12, *p13, *p14, *p15 = d0, d1, d2, d3
}

// half is one half of GB of RFC 9106 section 3.6, with its two rotations to the
// right. A whole one would not be inlined.
func half(a, b, c, d uint64, first, second int) (uint64, uint64, uint64, uint64) {
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -first)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -second)
	return a, b, c, d
}
