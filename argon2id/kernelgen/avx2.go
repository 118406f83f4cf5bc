package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where the kernel keeps R and the result of the rows, from the start of the
// scratch: a block does not fit into 16 registers.
const (
	scratchR    = 4 * blockBytes
	scratchRows = 5 * blockBytes
	rowBytes    = blockBytes / 8
)

// walk256 computes a block in two halves of four parts: two rows at a time, then
// two columns at a time. Words lie in their own order.
type walk256 struct {
	*walk
	part       [8]VecPhysical
	temps      [4]VecPhysical
	turns      int
	by24, by16 VecPhysical // byte orders that rotate words by so many bits
}

func generateAVX2(ctx *build.Context) {
	by24 := constant(ctx, "right24", 0x0201000706050403, 0x0a09080f0e0d0c0b, 0x0201000706050403, 0x0a09080f0e0d0c0b)
	by16 := constant(ctx, "right16", 0x0100070605040302, 0x09080f0e0d0c0b0a, 0x0100070605040302, 0x09080f0e0d0c0b0a)
	for _, known := range []bool{true, false} {
		name := "foundAVX2"
		if known {
			name = "knownAVX2"
		}
		w := &walk256{walk: begin(ctx, name, known), by24: Y14, by16: Y15,
			part:  [8]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7},
			temps: [4]VecPhysical{Y8, Y9, Y10, Y11}}
		w.VMOVDQU(by24, w.by24)
		w.VMOVDQU(by16, w.by16)
		w.generate()
	}
}

func (w *walk256) generate() {
	if w.known {
		w.listed(0, w.next)
	} else {
		word := w.GP64()
		w.MOVQ(Mem{Base: w.previous}, word)
		w.find(word, "first")
	}
	w.Label("block")
	w.turn()
	for row := 0; row < 8; row += 2 {
		w.rows(row)
		if row == 0 {
			w.prefetchDestination()
		}
	}
	w.columns(0)
	if !w.known {
		w.findNext(X0)
	}
	for pair := 1; pair < 4; pair++ {
		w.columns(pair)
	}
	w.step("block")
	// Nothing of a block stays in the registers.
	w.VZEROALL()
	w.RET()
}

func (w *walk256) temp() VecPhysical {
	w.turns++
	return w.temps[w.turns%len(w.temps)]
}

// rows is the permutation P of RFC 9106 section 3.6 on two rows of R, which it
// computes and keeps in the scratch.
func (w *walk256) rows(row int) {
	at := func(i int) int { return rowBytes*row + 32*i }
	for i, y := range w.part {
		w.VMOVDQU(Mem{Base: w.previous, Disp: at(i)}, y)
		w.VPXOR(Mem{Base: w.ref, Disp: at(i)}, y, y)
		w.VMOVDQU(y, Mem{Base: w.scratch, Disp: scratchR + at(i)})
	}
	w.permute([]quad{quad(w.part[:4]), quad(w.part[4:])}, w.mix)
	for i, y := range w.part {
		w.VMOVDQU(y, Mem{Base: w.scratch, Disp: scratchRows + at(i)})
	}
}

// columns is the same on two columns, and stores their part of the new block. A
// register holds two words of either column, so the rows of the matrix p, q lie
// in p, then in q.
func (w *walk256) columns(pair int) {
	at := func(row int) int { return rowBytes*row + 32*pair }
	for row, y := range w.part {
		w.VMOVDQU(Mem{Base: w.scratch, Disp: scratchRows + at(row)}, y)
	}
	y := w.part
	p, q := quad{y[0], y[2], y[4], y[6]}, quad{y[1], y[3], y[5], y[7]}
	w.mix([]quad{p, q})
	w.cross(p[1], q[1])
	p[2], q[2] = q[2], p[2]
	w.cross(p[3], q[3])
	p[3], q[3] = q[3], p[3]
	w.mix([]quad{p, q})
	w.cross(p[1], q[1])
	p[1], q[1] = q[1], p[1]
	p[2], q[2] = q[2], p[2]
	w.cross(p[3], q[3])
	for row := range w.part {
		y := p[row/2]
		if row%2 == 1 {
			y = q[row/2]
		}
		w.VPXOR(Mem{Base: w.scratch, Disp: scratchR + at(row)}, y, y)
		if !w.known {
			w.VPXOR(Mem{Base: w.old, Disp: at(row)}, y, y)
		}
		w.VMOVDQU(y, Mem{Base: w.current, Disp: at(row)})
	}
}

// cross turns x = (x0 x1), y = (y0 y1) into (x1 y0), (y1 x0).
func (w *walk256) cross(x, y VecPhysical) {
	t := w.temp()
	w.VPALIGNR(Imm(8), x, y, t)
	w.VPALIGNR(Imm(8), y, x, y)
	w.VMOVDQA(t, x)
}

// mix is GB of RFC 9106 section 3.6 on every column of each matrix.
func (w *walk256) mix(quads []quad) {
	for _, s := range quarters() {
		for _, q := range quads {
			x, y, z, t := q[s.x], q[s.y], q[s.z], w.temp()
			w.VPMULUDQ(x, y, t)
			w.VPADDQ(y, x, x)
			w.VPADDQ(t, x, x)
			w.VPADDQ(t, x, x)
			w.VPXOR(x, z, z)
			switch s.right {
			case 32:
				w.VPSHUFD(Imm(0xb1), z, z)
			case 24:
				w.VPSHUFB(w.by24, z, z)
			case 16:
				w.VPSHUFB(w.by16, z, z)
			case 63:
				t := w.temp()
				w.VPADDQ(z, z, t)
				w.VPSRLQ(Imm(63), z, z)
				w.VPXOR(t, z, z)
			}
		}
	}
}
