package jwt

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// remembered counts the tokens a verifier has in its cache.
func remembered(v *Verifier) int {
	n := 0
	for i := range v.cache.sets {
		for j, token := range v.cache.sets[i].tokens {
			if (token == "") != (v.cache.sets[i].values[j] == nil) {
				panic("a token without claims, or the other way round")
			}
			if token != "" {
				n++
			}
		}
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
		forged := []byte(w.token)
		forged[strings.LastIndexByte(w.token, '.')+1] ^= 'A' ^ 'B'
		refuse(t, v, string(forged), ErrInvalid)
		if got := remembered(v); got != 0 {
			t.Errorf("got %d tokens, want 0", got)
		}
	})
	t.Run("the_cache_is_bounded", func(t *testing.T) {
		w := newSeenWorld(t)
		for _, size := range []int{1, 7, 64, 100} {
			v := w.verifier(t, size)
			for i := range 300 {
				accept(t, v, forge(t, w.key, headerOf(w.key), payloadOf([2]string{"jti", quote(strconv.Itoa(i))})))
			}
			if got := remembered(v); got == 0 || got > size {
				t.Errorf("size %d: got %d tokens", size, got)
			}
		}
	})
}

func TestTheCacheHasLimits(t *testing.T) {
	t.Run("a_full_set_forgets_what_expires_first", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 3)
		token := func(id string, expires int) string {
			return forge(t, w.key, headerOf(w.key), payloadOf([2]string{"jti", quote(id)}, [2]string{"exp", strconv.Itoa(1_790_000_000 + expires)}))
		}
		long, short, same := token("long", 900), token("short", 60), token("same", 900)
		for _, text := range []string{long, short, same} {
			accept(t, v, text)
		}
		w.now = testNow.Add(5 * time.Minute)
		next := []string{token("1", 600), token("2", 700), token("3", 900), token("4", 900), token("5", 900), token("6", 900)}
		for i, gone := range []string{short, next[0], next[1], same, long, next[2]} {
			if v.cache.find(gone) == nil {
				t.Fatalf("token %d: forgotten too early", i)
			}
			accept(t, v, next[i])
			if v.cache.find(gone) != nil || v.cache.find(next[i]) == nil || remembered(v) != 3 {
				t.Errorf("token %d: the wrong one was forgotten", i)
			}
		}
	})
	t.Run("long_tokens_are_not_remembered", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		for _, length := range []int{1000, 3000} {
			long := forge(t, w.key, headerOf(w.key), payloadOf([2]string{"scope", quote(strings.Repeat("x", length))}))
			for range 2 {
				if got := accept(t, v, long); len(got.Scope) != length {
					t.Errorf("got a scope of %d bytes, want %d", len(got.Scope), length)
				}
			}
			if got := v.cache.find(long) != nil; got != (len(long) <= maxCachedToken) {
				t.Errorf("%d bytes: remembered is %v", len(long), got)
			}
		}
	})
}

func TestForget(t *testing.T) {
	t.Run("a_forgotten_token_is_verified_anew", func(t *testing.T) {
		w := newSeenWorld(t)
		v := w.verifier(t, 0)
		other := forge(t, w.key, headerOf(w.key), payloadOf())
		accept(t, v, w.token)
		accept(t, v, other)
		v.Forget(w.token)
		v.Forget(w.token)
		v.Forget("")
		if got := remembered(v); got != 1 {
			t.Errorf("got %d tokens, want the other one only", got)
		}
		accept(t, v, w.token)
		if got := remembered(v); got != 2 {
			t.Errorf("got %d tokens, want 2", got)
		}
	})
	t.Run("a_verifier_without_memory_forgets_nothing", func(t *testing.T) {
		w := newSeenWorld(t)
		var none *Verifier
		none.Forget(w.token)
		new(Verifier).Forget(w.token)
		v := w.verifier(t, -1)
		v.Forget(w.token)
		accept(t, v, w.token)
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
