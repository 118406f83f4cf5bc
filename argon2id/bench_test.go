package argon2id

import (
	"testing"

	"golang.org/x/crypto/argon2"
)

// BenchmarkHash sets the Engine beside bare golang.org/x/crypto/argon2; only the
// ratio within one run means something.
func BenchmarkHash(b *testing.B) {
	password, salt := []byte("correct horse battery"), []byte("sixteen octets!!")
	for _, price := range []Params{{19 * 1024, 2, 1}, {46 * 1024, 1, 1}, {64 * 1024, 3, 1}} {
		b.Run(price.String()+"/engine", func(b *testing.B) {
			engine := newTestEngine(b, Config{Params: price})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.Hash(b.Context(), password); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(price.String()+"/x-crypto", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				argon2.IDKey(password, salt, price.Passes, price.MemoryKiB, price.Lanes, tagBytes)
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
