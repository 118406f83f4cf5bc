package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	blockBytes = 1024 // RFC 9106 section 3.1
	blockShift = 10
	lineBytes  = 64 // of the caches
	// ahead is how many blocks before its use a listed reference block is asked
	// for: one is too late for memory, more push each other out of the cache.
	ahead = 2
)

// Offsets of the fields of the Go type stretch.
const (
	fieldFirst = 8 * iota
	fieldPrevious
	fieldCount
	fieldLane
	fieldLanes
	fieldLaneLength
	fieldStart
	fieldArea
	fieldOtherArea
	fieldAgain
)

// walk is what both kernels share: the way along the blocks of a stretch, and
// from each to the block it refers to.
//
// The time of a hash is the time of its memory: what is computed in a block
// takes less than a third of the time that its 16 cache lines take to arrive.
// Hence the order of things. The word that names the next reference block is
// computed before the rest of its block, and the lines are asked for at once, so
// that they travel while the rest is computed. The block to be overwritten is
// known long before, and is asked for one block ahead.
type walk struct {
	*build.Context
	known bool // the reference blocks are listed; else each is found in the block before it

	memory, stretch, refs, scratch Register
	previous, current              Register // the addresses of these blocks
	ref, next                      Register // and of the reference blocks of the current one and the one after
	old, oldStep                   Register // what is XORed over: the current block, or zeros
	count, area, laneBase          Register
}

// begin declares the function and reads its arguments.
func begin(ctx *build.Context, name string, known bool) *walk {
	w := &walk{Context: ctx, known: known}
	ctx.Function(name)
	ctx.Attributes(attr.NOSPLIT)
	ctx.Pragma("noescape")
	if known {
		ctx.SignatureExpr("func(memory *byte, stretch *uint64, refs *uint32, scratch *byte)")
		ctx.Doc(name + " computes the blocks of a stretch whose reference blocks are listed.")
	} else {
		ctx.SignatureExpr("func(memory *byte, stretch *uint64, scratch *byte)")
		ctx.Doc(name + " computes the blocks of a stretch each of which names the reference block of the next.")
	}
	w.memory = ctx.Load(ctx.Param("memory"), ctx.GP64())
	w.stretch = ctx.Load(ctx.Param("stretch"), ctx.GP64())
	w.scratch = ctx.Load(ctx.Param("scratch"), ctx.GP64())
	w.previous, w.current = w.block(w.load(fieldPrevious)), w.block(w.load(fieldFirst))
	w.count = w.load(fieldCount)
	w.ref, w.next = ctx.GP64(), ctx.GP64()
	if known {
		w.refs = ctx.Load(ctx.Param("refs"), ctx.GP64())
		return w
	}
	w.area = w.load(fieldArea)
	w.laneBase = w.load(fieldLane)
	ctx.IMULQ(w.field(fieldLaneLength), w.laneBase)
	w.block(w.laneBase)
	// The scratch begins with a block of zeros: to XOR them costs less than a
	// second form of the function.
	w.old, w.oldStep = ctx.GP64(), w.load(fieldAgain)
	ctx.MOVQ(w.scratch, w.old)
	ctx.SHLQ(Imm(blockShift), w.oldStep)
	ctx.CMOVQNE(w.current, w.old)
	return w
}

func (w *walk) field(offset int) Mem { return Mem{Base: w.stretch, Disp: offset} }

func (w *walk) load(offset int) Register {
	r := w.GP64()
	w.MOVQ(w.field(offset), r)
	return r
}

// block turns the number of a block into its address.
func (w *walk) block(number Register) Register {
	w.SHLQ(Imm(blockShift), number)
	w.ADDQ(w.memory, number)
	return number
}

// listed sets next to the block that the list names at the offset.
func (w *walk) listed(offset int, address Register) {
	w.MOVL(Mem{Base: w.refs, Disp: offset}, address.(GPVirtual).As32())
	w.block(address)
}

// turn goes on to a new block.
func (w *walk) turn() {
	w.MOVQ(w.next, w.ref)
	if !w.known {
		return
	}
	later := w.GP64()
	w.listed(4*ahead, later)
	w.prefetch(later, 0)
	w.listed(4, w.next)
	w.ADDQ(Imm(4), w.refs)
}

// findNext sets next to the block that the first word of the new block names,
// and asks for it. The last block of a stretch has no next.
func (w *walk) findNext(newest Register) {
	w.CMPQ(w.count, Imm(1))
	w.JE(LabelRef("last"))
	word := w.GP64()
	w.VMOVQ(newest, word)
	w.find(word, "next")
	w.prefetch(w.next, 0)
	w.Label("last")
}

// find sets next to the block that the word names, RFC 9106 section 3.4.2.
func (w *walk) find(word Register, label string) {
	area, base, x := w.GP64(), w.GP64(), w.GP64()
	w.MOVQ(w.area, area)
	w.MOVQ(w.laneBase, base)
	w.MOVL(word.(GPVirtual).As32(), x.(GPVirtual).As32())
	w.CMPQ(w.field(fieldLanes), Imm(1))
	w.JE(LabelRef(label + "_in_lane"))
	w.MOVQ(word, RAX)
	w.SHRQ(Imm(32), RAX)
	w.XORL(EDX, EDX)
	w.DIVL(w.field(fieldLanes))
	w.CMPQ(RDX, w.field(fieldLane))
	w.CMOVQNE(w.field(fieldOtherArea), area)
	w.MOVQ(RDX, base)
	w.IMULQ(w.field(fieldLaneLength), base)
	w.block(base)
	w.Label(label + "_in_lane")
	w.IMULQ(x, x)
	w.SHRQ(Imm(32), x)
	w.IMULQ(area, x)
	w.SHRQ(Imm(32), x)
	w.DECQ(area)
	w.SUBQ(x, area)
	w.ADDQ(w.field(fieldStart), area)
	w.MOVQ(area, x)
	w.SUBQ(w.field(fieldLaneLength), x)
	w.CMOVQCC(x, area)
	w.SHLQ(Imm(blockShift), area)
	w.ADDQ(base, area)
	w.MOVQ(area, w.next)
	w.INCQ(w.area)
}

// prefetch asks for a block; offset is from its address. To ask for what lies
// outside the memory is harmless and has no effect.
func (w *walk) prefetch(address Register, offset int) {
	for line := 0; line < blockBytes; line += lineBytes {
		w.PREFETCHT0(Mem{Base: address, Disp: offset + line})
	}
}

// prefetchDestination asks for the block that will be written after this one.
func (w *walk) prefetchDestination() { w.prefetch(w.current, blockBytes) }

// step makes the current block the previous one and goes back to the label
// while there are blocks left.
func (w *walk) step(label string) {
	if !w.known {
		w.ADDQ(w.oldStep, w.old)
	}
	w.MOVQ(w.current, w.previous)
	w.ADDQ(U32(blockBytes), w.current)
	w.DECQ(w.count)
	w.JNE(LabelRef(label))
}

// permute is the permutation P of RFC 9106 section 3.6: what mixes the columns of
// four words, on the columns and then on the diagonals.
func (w *walk) permute(quads []quad, mix func([]quad)) {
	mix(quads)
	for _, q := range quads {
		w.VPERMQ(Imm(0x39), q[1], q[1])
		w.VPERMQ(Imm(0x4e), q[2], q[2])
		w.VPERMQ(Imm(0x93), q[3], q[3])
	}
	mix(quads)
	for _, q := range quads {
		w.VPERMQ(Imm(0x93), q[1], q[1])
		w.VPERMQ(Imm(0x4e), q[2], q[2])
		w.VPERMQ(Imm(0x39), q[3], q[3])
	}
}

// constant puts words into read-only data.
func constant(ctx *build.Context, name string, words ...uint64) Mem {
	m := ctx.StaticGlobal(name)
	ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, word := range words {
		ctx.AddDatum(8*i, U64(word))
	}
	return m
}
