package argon2id

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"
)

const (
	version  = 0x13 // RFC 9106 section 3.2: v
	argon2ID = 2    // RFC 9106 section 3.2: y

	seedBytes   = 64 // H0
	lengthBytes = 4  // what every input of H' begins with
)

// worker computes one tag at a time, in memory that it keeps for the next.
type worker struct {
	kernel kernel
	memory []byte
	lanes  []lane // as many as a hash had at most
	text   []byte // for the input of H0
	shape  shape  // of the hash that is being computed
}

// lane is what the filling of one lane needs beside the memory itself. Its size
// is a power of two, so that the allocator aligns it to cache lines.
type lane struct {
	scratch [scratchBlocks * blockBytes]byte
	refs    [512]uint32 // reference blocks, the first addressesInBlock are used
}

// input is what a tag is made of. RFC 9106 section 3.1 calls the last two K and
// X; PHC strings of ours have neither.
type input struct {
	password, salt, secret, data []byte
}

// derive computes a tag of 4 to 1,024 bytes. It is the only place where memory
// is filled; its caller has checked the price, holds a place for it, and has
// seen to it that the memory is large enough. With more than one core, lanes run
// side by side. What stays behind of the password is the memory, which is
// overwritten by the next hash or wiped by whoever keeps the worker.
func (w *worker) derive(tag []byte, in input, price Params, cores int) {
	for len(w.lanes) < int(price.Lanes) {
		w.lanes = append(w.lanes, lane{})
	}
	w.shape = shapeOf(price)
	seed := w.seed(in, price, len(tag))
	var block [blockBytes]byte
	for lane := range w.shape.lanes {
		binary.LittleEndian.PutUint32(seed[lengthBytes+seedBytes+4:], lane)
		for i := range uint32(2) {
			binary.LittleEndian.PutUint32(seed[lengthBytes+seedBytes:], i)
			extend(block[:], seed[:])
			w.put(lane*w.shape.laneLength+i, &block)
		}
	}
	w.fill(min(cores, int(price.Lanes)))
	var last [lengthBytes + blockBytes]byte
	binary.LittleEndian.PutUint32(last[:], uint32(len(tag)))
	for lane := range w.shape.lanes {
		w.addTo(last[lengthBytes:], (lane+1)*w.shape.laneLength-1)
	}
	extend(tag, last[:])
	clear(seed[:])
	clear(block[:])
	clear(last[:])
	clear(w.lanes[:price.Lanes])
}

// seed returns H0 of RFC 9106 section 3.2 as the first two blocks of a lane are
// made of it: after their length, and before two numbers.
func (w *worker) seed(in input, price Params, tagLength int) (seed [lengthBytes + seedBytes + 8]byte) {
	text := w.text[:0]
	for _, number := range [...]uint32{uint32(price.Lanes), uint32(tagLength), price.MemoryKiB, price.Passes, version, argon2ID} {
		text = binary.LittleEndian.AppendUint32(text, number)
	}
	for _, part := range [...][]byte{in.password, in.salt, in.secret, in.data} {
		text = binary.LittleEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	h0 := blake2b.Sum512(text)
	clear(text)
	w.text = text
	binary.LittleEndian.PutUint32(seed[:], blockBytes)
	copy(seed[lengthBytes:], h0[:])
	return seed
}

// put writes a block to the memory, its words where the kernel keeps them.
func (w *worker) put(number uint32, block *[blockBytes]byte) {
	at := w.memory[uint64(number)*blockBytes:][:blockBytes]
	for i := range blockWords {
		copy(at[8*w.kernel.position(i):], block[8*i:8*i+8])
	}
}

// addTo XORs a block of the memory over the sum.
func (w *worker) addTo(sum []byte, number uint32) {
	at := w.memory[uint64(number)*blockBytes:][:blockBytes]
	for i := range blockWords {
		word := binary.LittleEndian.Uint64(at[8*w.kernel.position(i):])
		binary.LittleEndian.PutUint64(sum[8*i:], binary.LittleEndian.Uint64(sum[8*i:])^word)
	}
}

// extend is H' of RFC 9106 section 3.3. in begins with the length of out.
func extend(out, in []byte) {
	if len(out) <= blake2b.Size {
		digest(out, in)
		return
	}
	v := blake2b.Sum512(in)
	out = out[copy(out, v[:blake2b.Size/2]):]
	for len(out) > blake2b.Size {
		v = blake2b.Sum512(v[:])
		out = out[copy(out, v[:blake2b.Size/2]):]
	}
	digest(out, v[:])
}

// digest is BLAKE2b with as many bytes as out has, 1 to 64. Those of our own
// hashes take no memory.
func digest(out, in []byte) {
	switch len(out) {
	case blake2b.Size:
		sum := blake2b.Sum512(in)
		copy(out, sum[:])
	case blake2b.Size256:
		sum := blake2b.Sum256(in)
		copy(out, sum[:])
	default:
		h, err := blake2b.New(len(out), nil)
		if err != nil {
			panic("argon2id: a digest of no or of more than 64 bytes")
		}
		_, _ = h.Write(in)
		copy(out, h.Sum(nil))
	}
}
