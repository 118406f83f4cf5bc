package gatehouse

import (
	"encoding/base64"
	"math/bits"
	"testing"

	"gatehouse/model"
)

// A generator that is broken shows here; one that is weak does not, which is why
// floors_test.go looks at where chance comes from.
func TestSessionTokensAreRandom(t *testing.T) {
	const many = 100_000
	seen := make(map[model.SessionToken]bool, many)
	var counts [256]int
	ones, octets := 0, 0
	for range many {
		token := newSecret[model.SessionToken]("")
		raw, err := base64.RawURLEncoding.Strict().DecodeString(string(token))
		if err != nil || len(token) != 43 || len(raw) != 32 || seen[token] {
			t.Fatalf("%d characters, %d octets, seen before: %t, %v", len(token), len(raw), seen[token], err)
		}
		seen[token] = true
		for _, b := range raw {
			counts[b]++
			ones += bits.OnesCount8(b)
			octets++
		}
	}
	// The bounds are six standard deviations wide: chance passes them once in
	// 500 million runs.
	t.Run("SC-01_as_many_ones_as_zeros", func(t *testing.T) {
		// The variance of n fair bits is n/4.
		if off := 2*ones - 8*octets; off*off > 36*8*octets {
			t.Errorf("%d of %d bits are one", ones, 8*octets)
		}
	})
	t.Run("SC-01_every_octet_as_often", func(t *testing.T) {
		expected, chi := float64(octets)/256, 0.0
		for _, n := range counts {
			chi += (float64(n) - expected) * (float64(n) - expected) / expected
		}
		// 255 degrees of freedom: mean 255, standard deviation 22.6.
		if chi < 255-6*22.6 || chi > 255+6*22.6 {
			t.Errorf("chi square is %.0f", chi)
		}
	})
}
