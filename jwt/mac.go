package jwt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// macPool computes HMAC with SHA-256 under one secret. It keeps what was worked
// out from the secret, and costs no allocation. Safe for use by several goroutines.
type macPool struct {
	idle sync.Pool // of *macState
}

type macState struct {
	mac  hash.Hash
	text [512]byte
	sum  []byte
}

func newMACPool(secret []byte) *macPool {
	own := bytes.Clone(secret)
	return &macPool{idle: sync.Pool{New: func() any {
		return &macState{mac: hmac.New(sha256.New, own), sum: make([]byte, 0, sha256.Size)}
	}}}
}

// sum appends the MAC of the input.
func (p *macPool) sum(dst, input []byte) []byte {
	s := p.idle.Get().(*macState)
	defer p.idle.Put(s)
	s.mac.Reset()
	// In pieces, through memory of its own: what goes to an interface cannot
	// stay on the stack of the caller.
	for len(input) > 0 {
		n := copy(s.text[:], input)
		s.mac.Write(s.text[:n])
		input = input[n:]
	}
	s.sum = s.mac.Sum(s.sum[:0])
	return append(dst, s.sum...)
}
