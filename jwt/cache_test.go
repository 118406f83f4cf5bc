package jwt

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"
)

// remembered counts the tokens a verifier has in its cache.
func remembered(v *Verifier) int {
	n := 0
	for i := range v.cache.shards {
		n += len(v.cache.shards[i].tokens)
	}
	return n
}

// seenWorld is a verifier's surroundings, which the tests change under it.
type seenWorld struct {
	key   *SigningKey
	token string
	set   KeySet
	now   time.Time
}

func newSeenWorld(t *testing.T) *seenWorld {
	key := testKey(EdDSA)
	return &seenWorld{key: key, token: signed(t, key, testClaims()), set: keySetOf(t, key), now: testNow}
}

func (w *seenWorld) verifier(t *testing.T, cacheSize int) *Verifier {
	v, err := NewVerifier(VerifierConfig{
		Issuer: testIssuer, Audience: testAudience, CacheSize: cacheSize,
		Keys: func() KeySet { return w.set }, Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTokensSeenBefore(t *testing.T) {
	t.Run("JW-11_expiry_is_checked_at_each_sight", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		accept(t, v, w.token)
		w.now = testNow.Add(10*time.Minute + 59*time.Second)
		accept(t, v, w.token)
		w.now = testNow.Add(10*time.Minute + 61*time.Second)
		refuse(t, v, w.token, ErrExpired)
		if remembered(v) != 0 {
			t.Error("the expired token is still remembered")
		}
		w.now = testNow
		accept(t, v, w.token)
		w.now = testNow.Add(-61 * time.Second)
		refuse(t, v, w.token, ErrNotYetValid)
	})
	t.Run("JW-24_a_token_dies_with_its_key", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		accept(t, v, w.token)
		next := newTestKey(t, EdDSA)
		w.set = keySetOf(t, w.key, next)
		accept(t, v, w.token)
		w.set = keySetOf(t, next)
		refuse(t, v, w.token, ErrUnknownKey)
		w.set = KeySet{}
		refuse(t, v, w.token, ErrUnknownKey)
	})
	t.Run("JW-31_another_key_of_the_same_id_is_another_key", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		accept(t, v, w.token)
		for _, alg := range []Algorithm{EdDSA, ES256} {
			impostor, err := NewSigningKey(alg, w.key.KeyID(), newTestKey(t, alg).m.private())
			if err != nil {
				t.Fatal(err)
			}
			w.set = keySetOf(t, impostor)
			if claims, err := v.Verify(w.token); !errors.Is(err, ErrInvalid) || claims != nil {
				t.Errorf("%s: got %v, %v, want a refusal", alg, claims, err)
			}
		}
		again, err := NewSigningKey(EdDSA, w.key.KeyID(), w.key.m.private())
		if err != nil {
			t.Fatal(err)
		}
		w.set = keySetOf(t, again)
		accept(t, v, w.token)
	})
}

func TestWhatIsRemembered(t *testing.T) {
	t.Run("JW-01_only_the_whole_token_is_recognised", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		accept(t, v, w.token)
		for i := range len(w.token) {
			bad := []byte(w.token)
			bad[i] ^= 1
			if claims, err := v.Verify(string(bad)); err == nil || claims != nil {
				t.Fatalf("byte %d changed: accepted", i)
			}
		}
		for _, bad := range []string{w.token + "A", w.token[:len(w.token)-1], w.token + "\x00", "\x00" + w.token} {
			refuse(t, v, bad, ErrInvalid)
		}
	})
	t.Run("refused_tokens_are_not_remembered", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		refuse(t, v, forge(t, w.key, headerOf(w.key), payloadOf([2]string{"iss", `"x"`})), ErrIssuer)
		refuse(t, v, w.token[:len(w.token)-2]+"AA", ErrInvalid)
		if got := remembered(v); got != 0 {
			t.Errorf("got %d tokens, want 0", got)
		}
	})
	t.Run("the_cache_is_bounded", func(t *testing.T) {
		w := newSeenWorld(t)
		for _, size := range []int{1, 64, 100} {
			v := w.verifier(t, size)
			for i := range 300 {
				accept(t, v, forge(t, w.key, headerOf(w.key), payloadOf([2]string{"jti", quote(strconv.Itoa(i))})))
			}
			if got := remembered(v); got == 0 || got > max(size, cacheShards) {
				t.Errorf("size %d: got %d tokens", size, got)
			}
		}
	})
	t.Run("nothing_is_remembered_with_a_negative_size", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, -1)
		accept(t, v, w.token)
		accept(t, v, w.token)
		if v.cache != nil {
			t.Error("there is a cache")
		}
	})
}

func TestClaimsBelongToTheCaller(t *testing.T) {
	key := testKey(EdDSA)
	for _, roles := range [][]string{{"editor"}, make([]string, 20)} {
		claims := testClaims()
		claims.Roles = roles
		token := signed(t, key, claims)
		v := verifierOf(t, key)
		for range 3 {
			got := accept(t, v, token)
			if got.Subject != claims.Subject || got.Roles[0] != roles[0] || got.Audience[0] != testAudience || got.AMR[0] != "pwd" {
				t.Fatalf("somebody changed the claims: %+v", got)
			}
			got.Subject, got.Roles[0], got.Audience[0], got.AMR[0] = "root", "admin", "x", "x"
			_ = append(got.Audience, "y")
			_ = append(got.AMR, "y")
			if got.AMR[0] != "x" || got.Roles[0] != "admin" {
				t.Fatalf("a longer list reaches into the next: %+v", got)
			}
		}
	}
}

func TestVerifierInParallel(t *testing.T) {
	key, next := testKey(EdDSA), newTestKey(t, EdDSA)
	both := keySetOf(t, key, next)
	v, err := NewVerifier(VerifierConfig{
		Issuer: testIssuer, Audience: testAudience, CacheSize: 32,
		Keys: func() KeySet { return both }, Now: func() time.Time { return testNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, 40)
	for i := range tokens {
		signer := key
		if i%2 == 1 {
			signer = next
		}
		tokens[i] = forge(t, signer, headerOf(signer), payloadOf([2]string{"jti", quote(strconv.Itoa(i))}))
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				n := (i*7 + worker) % len(tokens)
				claims, err := v.Verify(tokens[n])
				if err != nil || claims.TokenID != strconv.Itoa(n) {
					t.Errorf("token %d: got %v, %v", n, claims, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestATokenSeenBeforeCostsOneAllocation(t *testing.T) {
	for _, alg := range testAlgorithms {
		key := testKey(alg)
		v := verifierOf(t, key)
		token := signed(t, key, testClaims())
		accept(t, v, token)
		got := testing.AllocsPerRun(1000, func() {
			if _, err := v.Verify(token); err != nil {
				t.Fatal(err)
			}
		})
		// Under the race detector a sync.Pool forgets at random.
		if got > 1 && !raceEnabled {
			t.Errorf("%s: got %v allocations, want at most 1", alg, got)
		}
	}
}
