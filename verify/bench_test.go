package verify

import (
	"context"
	"testing"
	"time"

	"gatehouse/jwt"
)

// BenchmarkCheck is the work for a token that was seen before; "jwt-alone" is
// what of it is package jwt's.
func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	w.now = time.Now()
	v := w.renewed(func(c *Config) { c.Now = nil })
	token := w.token(4711 % places)
	alone, err := jwt.NewVerifier(jwt.VerifierConfig{Issuer: w.server.URL, Audience: audience, Keys: v.keys.set})
	must(b, err)
	ctx := context.Background()
	for _, bench := range []struct {
		name  string
		check func() error
	}{
		{"jwt-alone", func() error { _, err := alone.Verify(token); return err }},
		{"seen", func() error { _, err := v.Check(ctx, token); return err }},
		{"seen-with-a-role", func() error { _, err := v.Check(ctx, token, Role("editor")); return err }},
		{"seen-with-a-scope", func() error { _, err := v.Check(ctx, token, Scope("notes:write")); return err }},
	} {
		must(b, v.list.renew(ctx)) // the list held is younger than its limit
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.check(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("seen-on-all-cores", func(b *testing.B) {
		must(b, v.list.renew(ctx))
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := v.Check(ctx, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func TestATokenSeenBeforeCostsOneAllocation(t *testing.T) {
	w := newWorld(t)
	v := w.renewed()
	token, ctx := w.token(1), context.Background()
	wantCheck(t, v, token, nil)
	got := testing.AllocsPerRun(1000, func() {
		if _, err := v.Check(ctx, token, Role("editor"), Scope("notes:write")); err != nil {
			t.Fatal(err)
		}
	})
	if got > 1 {
		t.Errorf("got %v allocations, want at most 1", got)
	}
}
