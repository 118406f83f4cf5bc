package jwt

import (
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkStatusList is the list of ten million live sessions, which lie among
// 2^27 places, with so many of them ended that a token may still name.
func BenchmarkStatusList(b *testing.B) {
	for _, ended := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(ended), func(b *testing.B) { benchmarkList(b, ended) })
	}
}

func benchmarkList(b *testing.B, ended int) {
	key, set := testKey(EdDSA), keySetOf(b, testKey(EdDSA))
	indexes := randomPlaces(ended)
	list := NewStatusList(1 << 27)
	claims := StatusListClaims{
		Issuer: testIssuer, URI: testStatusURI, IssuedAt: testNow, ExpiresAt: testNow.Add(5 * time.Minute), TTL: time.Second, List: list,
	}
	b.Run("fill", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			list = NewStatusList(1 << 27)
			for _, index := range indexes {
				list.Revoke(index)
			}
		}
	})
	claims.List = list
	b.Run("compress", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			compressed, err := list.Compress()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(compressed)), "list-B")
		}
	})
	var token string
	b.Run("compress_and_sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if token, err = key.SignStatusList(claims); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(token)), "wire-B")
	})
	b.Run("verify_and_decompress", func(b *testing.B) {
		v, err := NewStatusListVerifier(StatusListVerifierConfig{
			Issuer: testIssuer, URI: testStatusURI, Keys: func() KeySet { return set }, Now: func() time.Time { return testNow },
		})
		if err != nil {
			b.Fatal(err)
		}
		var held *StatusListClaims
		before := liveBytes()
		b.ReportAllocs()
		for b.Loop() {
			if held, err = v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(liveBytes()-before, "held-B")
		runtime.KeepAlive(held)
	})
}

// randomPlaces returns places below 2^27.
func randomPlaces(n int) []int64 {
	places := make([]int64, n)
	for i := range places {
		var random [8]byte
		_, _ = rand.Read(random[:])
		places[i] = int64(binary.BigEndian.Uint64(random[:]) >> (64 - 27))
	}
	return places
}

// liveBytes is the size of what is still reachable.
func liveBytes() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
