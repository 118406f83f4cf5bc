package jwt

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKeySetDocument(t *testing.T) {
	public := []*SigningKey{testKey(EdDSA), testKey(ES256), testKey(RS256)}
	set := keySetOf(t, public...)
	document, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("JW-23_public_members_only", func(t *testing.T) {
		var parsed struct{ Keys []map[string]any }
		if err := json.Unmarshal(document, &parsed); err != nil {
			t.Fatal(err)
		}
		allowed := []string{"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}
		for i, key := range parsed.Keys {
			for name := range key {
				if !slices.Contains(allowed, name) {
					t.Errorf("key %d has the member %q", i, name)
				}
			}
			if key["use"] != "sig" || key["alg"] != string(public[i].Algorithm()) || key["kid"] != public[i].KeyID() {
				t.Errorf("key %d: got %v", i, key)
			}
		}
		if len(parsed.Keys) != len(public) {
			t.Errorf("got %d keys, want %d", len(parsed.Keys), len(public))
		}
	})
	t.Run("JW-03_HS256_publishes_nothing", func(t *testing.T) {
		for _, set := range []KeySet{{}, keySetOf(t), keySetOf(t, testKey(HS256))} {
			if got, err := json.Marshal(set); string(got) != `{"keys":[]}` || err != nil {
				t.Errorf("got %s, %v", got, err)
			}
		}
	})
	t.Run("JW-31_what_is_published_verifies", func(t *testing.T) {
		read, err := ParseKeySet(document)
		if err != nil {
			t.Fatal(err)
		}
		v, err := NewVerifier(VerifierConfig{
			Issuer: testIssuer, Audience: testAudience, Keys: func() KeySet { return read }, Now: func() time.Time { return testNow },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range public {
			accept(t, v, signed(t, key, testClaims()))
		}
		if read.Len() != len(public) {
			t.Errorf("got %d keys, want %d", read.Len(), len(public))
		}
		again, err := json.Marshal(read)
		if err != nil || string(again) != string(document) {
			t.Errorf("the document changed on the way (%v):\n%s\n%s", err, document, again)
		}
	})
}

func TestNewKeySet(t *testing.T) {
	key := testKey(EdDSA)
	t.Run("JW-05_duplicate_kid", func(t *testing.T) {
		if _, err := NewKeySet(key.VerifyKey(), key.VerifyKey()); err == nil {
			t.Error("the same key twice was accepted")
		}
		other, err := NewSigningKey(ES256, key.KeyID(), testKey(ES256).m.private())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewKeySet(key.VerifyKey(), other.VerifyKey()); err == nil {
			t.Error("two keys of one id were accepted")
		}
	})
	t.Run("JW-03_secrets_and_public_keys_do_not_mix", func(t *testing.T) {
		if _, err := NewKeySet(key.VerifyKey(), testKey(HS256).VerifyKey()); err == nil {
			t.Error("HS256 beside EdDSA was accepted")
		}
		if _, err := NewKeySet(testKey(HS256).VerifyKey(), key.VerifyKey()); err == nil {
			t.Error("EdDSA beside HS256 was accepted")
		}
	})
	if _, err := NewKeySet(VerifyKey{}); err == nil {
		t.Error("an empty key was accepted")
	}
}

// jwkParts are members of good keys, to build bad ones from.
type jwkParts struct{ ed, rsaN, ecX, ecY string }

func newJWKParts() jwkParts {
	text := func(alg Algorithm, member int) string { return testKey(alg).VerifyKey().m.publicMembers()[member].text }
	return jwkParts{
		ed:   `"kty":"OKP","crv":"Ed25519","x":"` + text(EdDSA, 2) + `"`,
		rsaN: text(RS256, 1), ecX: text(ES256, 2), ecY: text(ES256, 3),
	}
}

// oneKey is a key set document with one key of these members.
func oneKey(members string) string { return `{"keys":[{` + members + `}]}` }

// refuseKeySets fails unless each document is refused.
func refuseKeySets(t *testing.T, documents map[string]string) {
	t.Helper()
	for name, document := range documents {
		if set, err := ParseKeySet([]byte(document)); err == nil || set.Len() != 0 {
			t.Errorf("%s: got %d keys, error %v, want an error", name, set.Len(), err)
		}
	}
}

func TestBrokenKeySetsAreRefused(t *testing.T) {
	k := newJWKParts()
	t.Run("JW-31_refused_documents", func(t *testing.T) {
		var many []string
		for i := range 101 {
			many = append(many, fmt.Sprintf(`{"kty":"X","kid":"%d"}`, i))
		}
		refuseKeySets(t, map[string]string{
			"empty":              "",
			"a list":             "[]",
			"no keys":            "{}",
			"keys is an object":  `{"keys":{}}`,
			"keys is null":       `{"keys":null}`,
			"two keys members":   `{"keys":[],"keys":[]}`,
			"trailing data":      `{"keys":[]} x`,
			"a key is a text":    `{"keys":["x"]}`,
			"not UTF-8":          "{\"keys\":[],\"x\":\"\xff\"}",
			"more than 1 MiB":    `{"keys":[]` + strings.Repeat(" ", 1<<20) + `}`,
			"more than 100 keys": `{"keys":[` + strings.Join(many, ",") + `]}`,
			"no kty":             oneKey(`"kid":"a"`),
			"a secret":           oneKey(`"kty":"oct","k":"AAAA","kid":"a"`),
			"a secret without k": oneKey(`"kty":"oct","kid":"a"`),
			"no kid":             oneKey(k.ed),
			"an empty kid":       oneKey(k.ed + `,"kid":""`),
			"a long kid":         oneKey(k.ed + `,"kid":"` + strings.Repeat("k", 65) + `"`),
			"kid is a number":    oneKey(k.ed + `,"kid":1`),
			"duplicate kid":      `{"keys":[{` + k.ed + `,"kid":"a"},{` + k.ed + `,"kid":"a"}]}`,
			"duplicate member":   oneKey(k.ed + `,"kid":"a","kid":"b"`),
			"duplicate deeper":   oneKey(k.ed + `,"kid":"a","z":{"b":1,"b":2}`),
			"key_ops is a text":  oneKey(k.ed + `,"kid":"a","key_ops":"verify"`),
			"key_ops repeats":    oneKey(k.ed + `,"kid":"a","key_ops":["verify","verify"]`),
			"use is a number":    oneKey(k.ed + `,"kid":"a","use":1`),
		})
		for _, name := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"} {
			if _, err := ParseKeySet([]byte(oneKey(k.ed + `,"kid":"a","` + name + `":"AAAA"`))); err == nil {
				t.Errorf("a key with %q was accepted", name)
			}
		}
	})
}

func TestWeakKeySetsAreRefused(t *testing.T) {
	k := newJWKParts()
	t.Run("JW-25_JW-26_weak_or_broken_keys", func(t *testing.T) {
		refuseKeySets(t, map[string]string{
			"x is short":           oneKey(`"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"a"`),
			"x is missing":         oneKey(`"kty":"OKP","crv":"Ed25519","kid":"a"`),
			"x is padded":          oneKey(strings.TrimSuffix(k.ed, `"`) + `=","kid":"a"`),
			"y is missing":         oneKey(`"kty":"EC","crv":"P-256","kid":"a","x":"` + k.ecX + `"`),
			"x and y swapped":      oneKey(`"kty":"EC","crv":"P-256","kid":"a","x":"` + k.ecY + `","y":"` + k.ecX + `"`),
			"y is short":           oneKey(`"kty":"EC","crv":"P-256","kid":"a","x":"` + k.ecX + `","y":"` + k.ecY[:40] + `"`),
			"exponent 1":           oneKey(`"kty":"RSA","kid":"a","e":"AQ","n":"` + k.rsaN + `"`),
			"exponent 3":           oneKey(`"kty":"RSA","kid":"a","e":"Aw","n":"` + k.rsaN + `"`),
			"even exponent":        oneKey(`"kty":"RSA","kid":"a","e":"AQAC","n":"` + k.rsaN + `"`),
			"huge exponent":        oneKey(`"kty":"RSA","kid":"a","e":"AQAAAAAB","n":"` + k.rsaN + `"`),
			"zero before exponent": oneKey(`"kty":"RSA","kid":"a","e":"AAEAAQ","n":"` + k.rsaN + `"`),
			"zero before modulus":  oneKey(`"kty":"RSA","kid":"a","e":"AQAB","n":"AAAA` + k.rsaN + `"`),
			"RSA-2048":             oneKey(`"kty":"RSA","kid":"a","e":"AQAB","n":"` + k.rsaN[:342] + `"`),
			"huge modulus":         oneKey(`"kty":"RSA","kid":"a","e":"AQAB","n":"` + strings.Repeat(k.rsaN, 3) + `"`),
			"even modulus":         oneKey(`"kty":"RSA","kid":"a","e":"AQAB","n":"` + k.rsaN[:len(k.rsaN)-4] + `AAAA"`),
		})
	})
}

func TestOtherKeySets(t *testing.T) {
	k := newJWKParts()
	t.Run("keys_for_something_else_are_left_out", func(t *testing.T) {
		for _, members := range []string{
			k.ed + `,"kid":"a","use":"enc"`, k.ed + `,"kid":"a","alg":"ES256"`, k.ed + `,"kid":"a","alg":"Ed448"`,
			k.ed + `,"kid":"a","key_ops":["encrypt"]`, k.ed + `,"kid":"a","key_ops":[]`, k.ed + `,"kid":"a","key_ops":["verify","encrypt"]`,
			`"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA","kid":"a"`, `"kty":"EC","crv":"P-384","x":"AA","y":"AA","kid":"a"`,
			`"kty":"OKP","crv":"X25519","x":"AA","kid":"a"`, `"kty":"RSA","alg":"PS256","n":"AA","e":"AQAB","kid":"a"`,
		} {
			set, err := ParseKeySet([]byte(oneKey(members)))
			if err != nil || set.Len() != 0 {
				t.Errorf("%s: got %d keys, %v, want none and no error", members, set.Len(), err)
			}
		}
	})
	t.Run("use_alg_and_key_ops_may_be_absent_or_right", func(t *testing.T) {
		for _, members := range []string{
			k.ed + `,"kid":"a"`, k.ed + `,"kid":"a","use":"sig","alg":"EdDSA","key_ops":["verify"]`, k.ed + `,"kid":"a","key_ops":["sign","verify"],"x5t":"?"`,
		} {
			set, err := ParseKeySet([]byte(oneKey(members)))
			if err != nil || set.Len() != 1 {
				t.Errorf("%s: got %d keys, %v, want one", members, set.Len(), err)
			}
		}
	})
}

// TestSmallOrderKeys shows why points of small order are refused: a signature
// that nobody made is valid under them.
func TestSmallOrderKeys(t *testing.T) {
	t.Run("JW-26_points_of_small_order", func(t *testing.T) {
		forged := append([]byte{1}, make([]byte, 63)...) // R is the neutral point, S is 0
		for _, text := range []string{
			"0000000000000000000000000000000000000000000000000000000000000000",
			"0100000000000000000000000000000000000000000000000000000000000000",
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
			"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		} {
			for _, sign := range []byte{0, 0x80} {
				key, err := hex.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				key[31] |= sign
				if err := checkEd25519(key); err == nil {
					t.Errorf("%x was accepted", key)
				}
				valid := false
				for i := range 200 {
					valid = valid || ed25519.Verify(key, []byte{byte(i)}, forged)
				}
				if !valid {
					t.Errorf("%x is on the list for no reason", key)
				}
			}
		}
	})
	t.Run("JW-26_no_point_of_the_curve", func(t *testing.T) {
		for _, text := range []string{
			"0200000000000000000000000000000000000000000000000000000000000000",
			"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		} {
			key, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkEd25519(key); err == nil {
				t.Errorf("%s was accepted", text)
			}
		}
		for range 50 {
			public, _, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkEd25519(public); err != nil {
				t.Errorf("%x: %v", public, err)
			}
		}
	})
}
