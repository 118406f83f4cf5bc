package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// quad is the matrix that one permutation works on, one row to a register: a, b,
// c, d of RFC 9106 section 3.6.
type quad [4]VecPhysical

// walk512 keeps a whole block in Z0 to Z15 from one block to the next: vector
// 4r+q holds quarter q of row 2r, then quarter q of row 2r+1. So the four
// vectors of one r are two rows, the vectors q, q+4, q+8, q+12 are two columns,
// and nothing is moved between rows and columns.
type walk512 struct {
	*walk
	block      [16]VecPhysical
	kept       [12]VecPhysical // R of the vectors in the order of keeping
	temps      [2]VecPhysical
	turns      int
	left, back VecPhysical // indices that rotate the words of two columns
}

func generateAVX512(ctx *build.Context) {
	left := constant(ctx, "columnsLeft", 1, 4, 3, 6, 5, 0, 7, 2)
	back := constant(ctx, "columnsBack", 5, 0, 7, 2, 1, 4, 3, 6)
	for _, known := range []bool{true, false} {
		name := "foundAVX512"
		if known {
			name = "knownAVX512"
		}
		w := &walk512{walk: begin(ctx, name, known), left: Z30, back: Z31,
			block: [16]VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15},
			kept:  [12]VecPhysical{Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27},
			temps: [2]VecPhysical{Z28, Z29}}
		w.VMOVDQU64(left, w.left)
		w.VMOVDQU64(back, w.back)
		w.generate()
	}
}

func (w *walk512) generate() {
	for i, z := range w.block {
		w.VMOVDQU64(Mem{Base: w.previous, Disp: 64 * i}, z)
	}
	if w.known {
		w.listed(0, w.next)
	} else {
		word := w.GP64()
		w.VMOVQ(X0, word)
		w.find(word, "first")
	}
	w.Label("block")
	w.turn()
	for i, z := range w.block {
		w.VPXORQ(Mem{Base: w.ref, Disp: 64 * i}, z, z)
		if r, ok := w.keeper(i); ok {
			w.VMOVDQA64(z, r)
		}
	}
	w.prefetchDestination()
	b := w.block
	w.rows(quad(b[0:4]), quad(b[4:8]), quad(b[8:12]), quad(b[12:16]))
	w.columns(w.column(0))
	w.finish(0)
	if !w.known {
		w.findNext(X0)
	}
	w.columns(w.column(1), w.column(2), w.column(3))
	for i := 1; i < len(b); i++ {
		w.finish(i)
	}
	w.step("block")
	// Nothing of a block stays in the registers.
	for _, z := range []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29} {
		w.VPXORQ(z, z, z)
	}
	w.VZEROUPPER()
	w.RET()
}

func (w *walk512) column(q int) quad {
	return quad{w.block[q], w.block[q+4], w.block[q+8], w.block[q+12]}
}

// keeper returns the register that R of the vector stays in. The last column
// has none: its R is computed twice.
func (w *walk512) keeper(i int) (VecPhysical, bool) {
	if i%4 == 3 {
		return nil, false
	}
	return w.kept[i/4*3+i%4], true
}

func (w *walk512) temp() VecPhysical {
	w.turns++
	return w.temps[w.turns%len(w.temps)]
}

// finish stores vector i of the new block: the result of the permutation, XORed
// with R and with what is overwritten.
func (w *walk512) finish(i int) {
	z := w.block[i]
	r, ok := w.keeper(i)
	if !ok {
		r = w.temp()
		w.VMOVDQU64(Mem{Base: w.previous, Disp: 64 * i}, r)
		w.VPXORQ(Mem{Base: w.ref, Disp: 64 * i}, r, r)
	}
	if w.known {
		w.VPXORQ(r, z, z)
	} else {
		w.VPTERNLOGQ(Imm(0x96), Mem{Base: w.old, Disp: 64 * i}, r, z) // 0x96: the XOR of three
	}
	w.VMOVDQU64(z, Mem{Base: w.current, Disp: 64 * i})
}

// rows is the permutation on the rows of a block.
func (w *walk512) rows(quads ...quad) { w.permute(quads, w.mix) }

// columns is the same on columns.
func (w *walk512) columns(quads ...quad) {
	w.mix(quads)
	for _, q := range quads {
		w.VPERMQ(q[1], w.left, q[1])
		w.VSHUFI64X2(Imm(0x4e), q[2], q[2], q[2])
		w.VPERMQ(q[3], w.back, q[3])
	}
	w.mix(quads)
	for _, q := range quads {
		w.VPERMQ(q[1], w.back, q[1])
		w.VSHUFI64X2(Imm(0x4e), q[2], q[2], q[2])
		w.VPERMQ(q[3], w.left, q[3])
	}
}

// mix is GB of RFC 9106 section 3.6 on every column of each matrix.
func (w *walk512) mix(quads []quad) {
	for _, s := range quarters() {
		for _, q := range quads {
			x, y, z, t := q[s.x], q[s.y], q[s.z], w.temp()
			w.VPMULUDQ(x, y, t)
			w.VPADDQ(y, x, x)
			w.VPADDQ(t, x, x)
			w.VPADDQ(t, x, x)
			w.VPXORQ(x, z, z)
			w.VPRORQ(Imm(s.right), z, z)
		}
	}
}

// quarter is one of the four steps of GB: x becomes x + y + 2*lo(x)*lo(y), and z
// becomes z XOR x, rotated to the right.
type quarter struct {
	x, y, z int
	right   uint64 // bits
}

func quarters() []quarter {
	return []quarter{{0, 1, 3, 32}, {2, 3, 1, 24}, {0, 1, 3, 16}, {2, 3, 1, 63}}
}
