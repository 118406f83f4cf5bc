package argon2id

import (
	"fmt"
)

// What a stored hash may ask for. One poisoned row must not take the memory of
// the machine, so nothing above is ever computed.
const (
	maxMemoryKiB = 256 * 1024
	maxPasses    = 10
	maxLanes     = 16

	minSaltBytes, maxSaltBytes = 8, 64
	minTagBytes, maxTagBytes   = 16, 64

	// What a new hash has, RFC 9106 section 3.1.
	saltBytes = 16
	tagBytes  = 32

	// minBlocksPerLane is the least memory of one lane in KiB, RFC 9106 section 3.1.
	minBlocksPerLane = 8
)

// Params is the price of one hash.
type Params struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultParams returns 64 MiB, 3 passes, 1 lane: the second recommendation of
// RFC 9106 section 4 with one lane, because a server under load has no idle
// cores to give to a second.
func DefaultParams() Params { return Params{MemoryKiB: 64 * 1024, Passes: 3, Lanes: 1} }

// floors are the cheapest prices for new hashes, OWASP ASVS 5.0 appendix C.
// Meeting one of them is enough.
func floors() []Params {
	return []Params{
		{MemoryKiB: 46 * 1024, Passes: 1, Lanes: 1},
		{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1},
		{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1},
	}
}

// Check returns nil for a price that new hashes may have. The error names the
// numbers and what to set instead.
func (p Params) Check() error {
	if p.MemoryKiB > maxMemoryKiB || p.Passes > maxPasses || p.Lanes > maxLanes {
		return fmt.Errorf("argon2id: %s is too dear; use at most m=%d (KiB), t=%d, p=%d",
			p, maxMemoryKiB, maxPasses, maxLanes)
	}
	if p.Lanes == 0 {
		return fmt.Errorf("argon2id: %s has no lane; use p=1", p)
	}
	for _, floor := range floors() {
		if p.MemoryKiB >= floor.MemoryKiB && p.Passes >= floor.Passes {
			return nil
		}
	}
	return fmt.Errorf("argon2id: %s is too cheap; use at least m=47104,t=1 or m=19456,t=2 or m=12288,t=3 (m in KiB), or the default %s",
		p, DefaultParams())
}

// String returns the price as a PHC string has it: m=65536,t=3,p=1.
func (p Params) String() string {
	return fmt.Sprintf("m=%d,t=%d,p=%d", p.MemoryKiB, p.Passes, p.Lanes)
}

// ParseParams reads what String writes, for new hashes: the error is that of
// Check, or says how to write it.
func ParseParams(text string) (Params, error) {
	p, err := parseParams(text)
	if p == (Params{}) {
		return p, fmt.Errorf("argon2id: %q is no price; write it as in %s", text, DefaultParams())
	}
	if err := p.Check(); err != nil {
		return Params{}, err
	}
	return p, err
}

// checkStored holds a stored price to the bounds of this package and of RFC
// 9106 section 3.1. It asks for no floor: old and imported hashes may be cheap.
func (p Params) checkStored() error {
	switch {
	case p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("%w: m is above %d KiB", ErrRejected, maxMemoryKiB)
	case p.Passes < 1 || p.Passes > maxPasses:
		return fmt.Errorf("%w: t is not 1 to %d", ErrRejected, maxPasses)
	case p.Lanes < 1 || p.Lanes > maxLanes:
		return fmt.Errorf("%w: p is not 1 to %d", ErrRejected, maxLanes)
	case p.MemoryKiB < minBlocksPerLane*uint32(p.Lanes):
		return fmt.Errorf("%w: m is below %d KiB a lane", ErrRejected, minBlocksPerLane)
	}
	return nil
}

// work is what a hash costs, in KiB filled.
func (p Params) work() uint64 { return uint64(p.MemoryKiB) * uint64(p.Passes) }

// missing gives a price that, paid after p, makes the work of p as large as
// that of whole; ok is false when there is nothing worth paying.
func (p Params) missing(whole Params) (rest Params, ok bool) {
	if p.work() >= whole.work() {
		return Params{}, false
	}
	rest = whole
	rest.MemoryKiB = uint32((whole.work() - p.work()) / uint64(whole.Passes))
	return rest, rest.MemoryKiB >= minBlocksPerLane*uint32(rest.Lanes)
}
