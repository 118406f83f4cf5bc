package blocklist

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"

	"github.com/FastFilter/xorfilter"
)

// common is the filter that the test of this package makes from the lists named
// in NOTICE. It holds fingerprints and no text.
//
//go:embed common.fuse
var common []byte

// shortestCommon is how long a word must be, in code points, to be refused for
// itself or with digits around it. Every policy asks for at least as much.
const shortestCommon = 8

// shortestWord is the shortest word that is looked at at all, in code points.
const shortestWord = 4

// List is a set of passwords that many people use. It never changes and is safe
// for concurrent use.
type List struct {
	filter *xorfilter.BinaryFuse[uint16]
}

// Common returns the list that is part of the binary: some 100,000 words, 45,000
// of them of 8 code points and more. An error means that the binary is broken.
func Common() (*List, error) { return read(common) }

func read(text []byte) (*List, error) {
	filter, err := xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("blocklist: read the list: %w", err)
	}
	return &List{filter: filter}, nil
}

// Holds reports whether a password in NFC is a word of the list in any case, two
// or three times in a row, or with a few digits and signs around it. No word is
// missed; what is not a word is taken for one once in 65,536 comparisons, and
// one password makes one to six of them.
func (l *List) Holds(password string) bool {
	for _, core := range cores(fold(password)) {
		if length(core) >= shortestCommon && l.holds(core) {
			return true
		}
		if unit := unitOf(core, maxRepeats); unit != core && length(unit) >= shortestWord && l.holds(unit) {
			return true
		}
	}
	return false
}

func (l *List) holds(word string) bool { return l.filter.Contains(key(word)) }

// key is what the filter knows a word by.
func key(word string) uint64 {
	digest := sha256.Sum256([]byte(word))
	return binary.BigEndian.Uint64(digest[:8])
}
