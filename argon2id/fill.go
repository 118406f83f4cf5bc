package argon2id

import (
	"encoding/binary"
	"sync"
)

const (
	slicesPerPass = 4 // RFC 9106 section 3.4: SL
	// addressesInBlock is how many reference blocks one address block names.
	addressesInBlock = blockWords
)

// The blocks of a lane's scratch. The assembler knows the first and the last two.
const (
	scratchZero = iota // stays zero
	scratchInput
	scratchHalfway
	scratchAddresses
	scratchOfKernel
	scratchBlocks = scratchOfKernel + 2
)

// shape is the matrix that a hash fills, in blocks.
type shape struct {
	passes, lanes             uint32
	laneLength, segmentLength uint32
}

// shapeOf follows RFC 9106 section 3.2: the memory is rounded down to a multiple
// of 4 blocks a lane.
func shapeOf(price Params) shape {
	lanes := uint32(price.Lanes)
	segment := price.MemoryKiB / (slicesPerPass * lanes)
	return shape{passes: price.Passes, lanes: lanes, laneLength: slicesPerPass * segment, segmentLength: segment}
}

// segment is where a lane is filled between two points at which the lanes wait
// for each other.
type segment struct{ pass, slice, lane uint32 }

// known says that reference blocks do not depend on the password: in Argon2id
// the first half of the first pass, RFC 9106 section 3.4.1.3.
func (s segment) known() bool { return s.pass == 0 && s.slice < slicesPerPass/2 }

func (w *worker) fill(cores int) {
	for pass := range w.shape.passes {
		for slice := range uint32(slicesPerPass) {
			if cores == 1 {
				w.fillSlice(pass, slice, 0, 1)
			} else {
				w.fillSliceTogether(pass, slice, uint32(cores))
			}
		}
	}
}

// fillSliceTogether is apart because what it starts takes memory of the heap.
func (w *worker) fillSliceTogether(pass, slice, cores uint32) {
	var group sync.WaitGroup
	for core := range cores {
		group.Go(func() { w.fillSlice(pass, slice, core, cores) })
	}
	group.Wait()
}

// fillSlice fills the slice in every so manieth lane.
func (w *worker) fillSlice(pass, slice, firstLane, every uint32) {
	for lane := firstLane; lane < w.shape.lanes; lane += every {
		w.fillSegment(segment{pass, slice, lane})
	}
}

// fillSegment goes in stretches of one address block at most: that is some tens
// of microseconds, within which the assembler cannot be interrupted.
func (w *worker) fillSegment(at segment) {
	begin := uint32(0)
	if at.pass == 0 && at.slice == 0 {
		begin = 2 // these are made of the seed
	}
	for i := begin; i < w.shape.segmentLength; {
		s := w.stretchAt(at, i)
		if at.known() {
			if i == begin || i%addressesInBlock == 0 {
				w.nextAddresses(at, i/addressesInBlock+1)
			}
			w.listReferences(s, at, i)
			w.kernel.known(w.memory, &s, &w.lanes[at.lane])
		} else {
			w.kernel.found(w.memory, &s, &w.lanes[at.lane])
		}
		i += uint32(s.count)
	}
}

// stretchAt returns what is to be computed in one go from block i of a segment.
func (w *worker) stretchAt(at segment, i uint32) stretch {
	s := stretch{
		lane: uint64(at.lane), lanes: uint64(w.shape.lanes), laneLength: uint64(w.shape.laneLength),
		count: uint64(min(addressesInBlock-i%addressesInBlock, w.shape.segmentLength-i)),
	}
	finished := at.slice * w.shape.segmentLength
	if at.pass > 0 {
		s.again = 1
		finished = w.shape.laneLength - w.shape.segmentLength
		s.start = uint64((at.slice + 1) % slicesPerPass * w.shape.segmentLength)
	}
	inLane := uint64(at.slice*w.shape.segmentLength + i)
	s.first = s.lane*s.laneLength + inLane
	s.previous = s.first - 1
	if inLane == 0 {
		s.previous += s.laneLength
	}
	// RFC 9106 section 3.4.2: neither the previous block nor, for the first of a
	// segment, its counterpart in another lane is referred to.
	s.area, s.otherArea = uint64(finished+i-1), uint64(finished)
	if i == 0 && s.lanes > 1 {
		s.otherArea--
		s.count = 1
	}
	return s
}

// listReferences writes the reference blocks of s, which begins with block i of
// a segment, for the kernel.
func (w *worker) listReferences(s stretch, at segment, i uint32) {
	if at.slice == 0 {
		s.lanes = 1 // the others have nothing yet
	}
	l := &w.lanes[at.lane]
	addresses := l.scratch[scratchAddresses*blockBytes:][:blockBytes]
	for j := range s.count {
		word := w.kernel.position(int((uint64(i) + j) % addressesInBlock))
		l.refs[j] = uint32(s.reference(binary.LittleEndian.Uint64(addresses[8*word:])))
		s.area++
	}
}

// nextAddresses computes an address block, RFC 9106 section 3.4.1.2.
func (w *worker) nextAddresses(at segment, counter uint32) {
	l := &w.lanes[at.lane]
	input := l.scratch[scratchInput*blockBytes:][:blockBytes]
	for i, value := range [...]uint32{at.pass, at.lane, at.slice,
		w.shape.laneLength * w.shape.lanes, w.shape.passes, argon2ID, counter} {
		binary.LittleEndian.PutUint64(input[8*w.kernel.position(i):], uint64(value))
	}
	for i, reference := range [...]uint32{scratchInput, scratchHalfway} {
		l.refs[0] = reference
		s := stretch{first: scratchHalfway + uint64(i), previous: scratchZero, count: 1}
		w.kernel.known(l.scratch[:], &s, l)
	}
}
