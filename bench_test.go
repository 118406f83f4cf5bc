package gatehouse_test

import (
	"crypto/ed25519"
	"testing"

	"golang.org/x/crypto/argon2"

	"gatehouse"
)

// Each benchmark runs its reference beside it, so that a ratio can be read from
// one run whatever the machine does meanwhile.

func BenchmarkLogin(b *testing.B) {
	b.Run("bare_hash", func(b *testing.B) {
		salt := make([]byte, 16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				argon2.IDKey([]byte(goodPassword), salt, cheap.Passes, cheap.MemoryKiB, cheap.Lanes, 32)
			}
		})
	})
	b.Run("LoginUser", func(b *testing.B) {
		h := newHouse(b)
		h.register(b, "ana")
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				h.login(b, "ana")
			}
		})
	})
}

func BenchmarkLoginJWT(b *testing.B) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	h := newHouse(b)
	h.register(b, "ana")
	grant := h.login(b, "ana")
	signature := ed25519.Sign(private, []byte(grant.AccessToken))
	b.Run("bare_check", func(b *testing.B) {
		for b.Loop() {
			if !ed25519.Verify(public, []byte(grant.AccessToken), signature) {
				b.Fatal("bad signature")
			}
		}
	})
	b.Run("seen_before", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.LoginJWT(b.Context(), grant.AccessToken); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRefreshJWT(b *testing.B) {
	h := newHouse(b)
	h.register(b, "ana")
	b.Run("one_after_another", func(b *testing.B) {
		token := h.login(b, "ana").RefreshToken
		for b.Loop() {
			token = h.refresh(b, token).RefreshToken
		}
	})
	b.Run("many_at_once", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			var grant gatehouse.Grant
			for first := true; pb.Next(); first = false {
				if first {
					grant = h.login(b, "ana")
				}
				grant = h.refresh(b, grant.RefreshToken)
			}
		})
	})
}

func BenchmarkBearerPresence(b *testing.B) {
	h := newHouse(b)
	h.register(b, "ana")
	grant := h.login(b, "ana")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.BearerPresence(b.Context(), grant.AccessToken); err != nil {
				b.Fatal(err)
			}
		}
	})
}
