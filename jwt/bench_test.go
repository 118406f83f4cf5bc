package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"
)

// BenchmarkTokens compares what this package does with the bare signature work
// of the standard library on the same bytes: the hash where the algorithm has
// one, and the signature in the form that the standard library has it.
//
// Both take turns within one benchmark. "bare-ns" is the median of the bare
// work, "more-ns" the median of the differences.
func BenchmarkTokens(b *testing.B) {
	for _, alg := range []Algorithm{EdDSA, ES256, RS256, HS256} {
		b.Run(string(alg), func(b *testing.B) { benchmarkAlgorithm(b, alg) })
	}
}

func benchmarkAlgorithm(b *testing.B, alg Algorithm) {
	key, err := GenerateKey(alg)
	if err != nil {
		b.Fatal(err)
	}
	claims := benchClaims()
	token, err := key.SignAccessToken(claims)
	if err != nil {
		b.Fatal(err)
	}
	c, err := parseCompact(token, MaxTokenSize)
	if err != nil {
		b.Fatal(err)
	}
	input := []byte(c.header + "." + c.payload)
	b.Run("first-sight", func(b *testing.B) {
		tokens := benchTokens(b, key)
		// Tokens come round long after the cache dropped them.
		v := benchVerifier(b, key, len(tokens)/4)
		check := bareCheck(b, key, input)
		takeTurns(b, check, func(i int) {
			if _, err := v.Verify(tokens[i%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("issue", func(b *testing.B) {
		sign := bareSign(b, key, input)
		if alg == RS256 {
			// A signature takes milliseconds, and no two the same: the
			// difference is measured around one that is there already.
			ready, err := NewSigningKey(alg, key.KeyID(), instantSigner{key.m.private(), make([]byte, key.m.signatureSize())})
			if err != nil {
				b.Fatal(err)
			}
			key, sign = ready, func(int) { sha256.Sum256(input) }
		}
		takeTurns(b, sign, func(int) {
			if _, err := key.SignAccessToken(claims); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("seen", func(b *testing.B) {
		v := benchVerifier(b, key, 0)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// instantSigner has its signature ready.
type instantSigner struct {
	crypto.Signer
	signature []byte
}

func (s instantSigner) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.signature, nil
}

// takeTurns runs both, one after the other and in changing order.
func takeTurns(b *testing.B, bare, ours func(i int)) {
	timed := func(work func(int), i int) float64 {
		start := time.Now()
		work(i)
		return float64(time.Since(start))
	}
	var first, more []float64
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var x, y float64
		if i%2 == 0 {
			x = timed(bare, i)
			y = timed(ours, i)
		} else {
			y = timed(ours, i)
			x = timed(bare, i)
		}
		first, more = append(first, x), append(more, y-x)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(first), "bare-ns")
	b.ReportMetric(median(more), "more-ns")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// bareCheck checks one signature with nothing but the standard library.
func bareCheck(b *testing.B, key *SigningKey, input []byte) func(int) {
	m := key.VerifyKey().m
	signature, err := bareSignature(key, input)
	if err != nil {
		b.Fatal(err)
	}
	check := map[Algorithm]func() bool{
		EdDSA: func() bool { return ed25519.Verify(m.public.(ed25519.PublicKey), input, signature) },
		ES256: func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(m.public.(*ecdsa.PublicKey), digest[:], signature)
		},
		RS256: func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(m.public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
		},
		HS256: func() bool {
			mac := hmac.New(sha256.New, m.secret())
			mac.Write(input)
			return hmac.Equal(mac.Sum(nil), signature)
		},
	}[key.Algorithm()]
	return func(int) {
		if !check() {
			b.Fatal("refused")
		}
	}
}

// bareSignature signs with nothing but the standard library.
func bareSignature(key *SigningKey, input []byte) ([]byte, error) {
	digest := func() []byte { sum := sha256.Sum256(input); return sum[:] }
	switch key.Algorithm() {
	case EdDSA:
		return ed25519.Sign(key.m.private().(ed25519.PrivateKey), input), nil
	case ES256:
		return ecdsa.SignASN1(rand.Reader, key.m.private().(*ecdsa.PrivateKey), digest())
	case RS256:
		return rsa.SignPKCS1v15(nil, key.m.private().(*rsa.PrivateKey), crypto.SHA256, digest())
	}
	mac := hmac.New(sha256.New, key.m.verify.m.secret())
	mac.Write(input)
	return mac.Sum(nil), nil
}

func bareSign(b *testing.B, key *SigningKey, input []byte) func(int) {
	return func(int) {
		if _, err := bareSignature(key, input); err != nil {
			b.Fatal(err)
		}
	}
}

func benchTokens(b *testing.B, key *SigningKey) []string {
	tokens := make([]string, 512)
	for i := range tokens {
		claims := benchClaims()
		claims.TokenID = "token-" + strconv.Itoa(i) + "-0123456789"
		token, err := key.SignAccessToken(claims)
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = token
	}
	return tokens
}

func benchClaims() *Claims {
	now := time.Now()
	return &Claims{
		Issuer: "https://id.example.com", Subject: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e6f", Audience: []string{"shop"},
		IssuedAt: now, ExpiresAt: now.Add(10 * time.Minute), AuthTime: now,
		TokenID: NewTokenID(), ClientID: "gatehouse", SessionID: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e70",
		AMR: []string{"pwd"}, ACR: "1", Roles: []string{"admin", "editor"},
		Status: StatusReference{Index: 4711, URI: "https://id.example.com/v1/status-list"},
	}
}

func benchVerifier(b *testing.B, key *SigningKey, cacheSize int) *Verifier {
	b.Helper()
	keys, err := NewKeySet(key.VerifyKey())
	if err != nil {
		b.Fatal(err)
	}
	v, err := NewVerifier(VerifierConfig{
		Issuer: "https://id.example.com", Audience: "shop", Keys: func() KeySet { return keys }, CacheSize: cacheSize,
	})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkReadClaims(b *testing.B) {
	doc := string(benchClaims().appendJSON(nil))
	for name, read := range map[string]func(*payload) error{
		"ours": func(p *payload) error { return p.readClaims(doc) },
		"any":  func(p *payload) error { return p.readAny(doc) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(new(payload)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeBase64(b *testing.B) {
	text := base64url.EncodeToString(benchClaims().appendJSON(nil))
	var space [1024]byte
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := decodeBase64(space[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}
