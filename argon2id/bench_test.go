package argon2id

import (
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// BenchmarkHash sets each kernel beside bare golang.org/x/crypto/argon2; only
// ratios within one run mean something. All take turns, and the best time of
// each counts, since what else the machine does can only add. scripts/bench hash
// runs it, with the reference implementation in C beside it.
func BenchmarkHash(b *testing.B) {
	in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
	for _, price := range []Params{{19 * 1024, 2, 1}, {46 * 1024, 1, 1}, {64 * 1024, 3, 1}} {
		b.Run(price.String(), func(b *testing.B) {
			pool := newWorkers(portable, uint64(price.MemoryKiB))
			w, err := pool.take(uint64(price.MemoryKiB))
			if err != nil {
				b.Fatal(err)
			}
			tag := make([]byte, tagBytes)
			best := map[string]time.Duration{}
			for b.Loop() {
				took(best, "x-crypto", func() {
					argon2.IDKey(in.password, in.salt, price.Passes, price.MemoryKiB, price.Lanes, tagBytes)
				})
				for _, w.kernel = range kernels() {
					took(best, w.kernel.String(), func() { w.derive(tag, in, price, 1) })
				}
				took(best, "wipe", w.wipe)
			}
			b.ReportMetric(0, "ns/op")
			for name, duration := range best {
				b.ReportMetric(float64(duration.Microseconds())/1000, name+"-ms")
			}
			pool.giveBack(w)
		})
	}
}

func took(best map[string]time.Duration, name string, work func()) {
	begin := time.Now()
	work()
	if taken := time.Since(begin); best[name] == 0 || taken < best[name] {
		best[name] = taken
	}
}

// BenchmarkDerive is the fastest kernel alone, with what it allocates.
func BenchmarkDerive(b *testing.B) {
	in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
	for _, price := range []Params{{19 * 1024, 2, 1}, {46 * 1024, 1, 1}, {64 * 1024, 3, 1}} {
		b.Run(price.String(), func(b *testing.B) {
			w, err := newWorkers(kernels()[0], uint64(price.MemoryKiB)).take(uint64(price.MemoryKiB))
			if err != nil {
				b.Fatal(err)
			}
			tag := make([]byte, tagBytes)
			w.derive(tag, in, price, 1)
			b.ReportAllocs()
			for b.Loop() {
				w.derive(tag, in, price, 1)
			}
			if err := w.release(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkParseHash(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseHash(goodPHC); err != nil {
			b.Fatal(err)
		}
	}
}
