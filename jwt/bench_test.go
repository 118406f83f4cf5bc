package jwt

import (
	"strconv"
	"testing"
	"time"
)

// BenchmarkTokens compares, in one run, the bare signature work with what this
// package adds: "first-sight" and "seen" against "verify-bare", "issue"
// against "sign-bare".
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
	signature, err := decodeBase64(nil, c.signature)
	if err != nil {
		b.Fatal(err)
	}
	material := key.VerifyKey().m
	b.Run("verify-bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !material.verify(input, signature) {
				b.Fatal("refused")
			}
		}
	})
	b.Run("first-sight", func(b *testing.B) {
		// A verifier that remembers, given tokens it has never seen.
		benchmarkFirstSight(b, key)
	})
	b.Run("seen", func(b *testing.B) {
		v := benchVerifier(b, key)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sign-bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.m.sign(input); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("issue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.SignAccessToken(claims); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkFirstSight(b *testing.B, key *SigningKey) {
	const count = 512
	tokens := make([]string, count)
	for i := range tokens {
		claims := benchClaims()
		claims.TokenID = "token-" + strconv.Itoa(i)
		token, err := key.SignAccessToken(claims)
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = token
	}
	v := benchVerifier(b, key)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n%count == 0 {
			v = benchVerifier(b, key)
		}
		if _, err := v.Verify(tokens[n%count]); err != nil {
			b.Fatal(err)
		}
		n++
	}
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

func benchVerifier(b *testing.B, key *SigningKey) *Verifier {
	b.Helper()
	keys, err := NewKeySet(key.VerifyKey())
	if err != nil {
		b.Fatal(err)
	}
	v, err := NewVerifier(VerifierConfig{
		Issuer: "https://id.example.com", Audience: "shop", Keys: func() KeySet { return keys },
	})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkReadClaims(b *testing.B) {
	doc := string(benchClaims().appendJSON(nil))
	b.ReportAllocs()
	for b.Loop() {
		if err := new(payload).readClaims(doc); err != nil {
			b.Fatal(err)
		}
	}
}
