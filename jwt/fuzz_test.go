package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func FuzzVerify(f *testing.F) {
	keys := []*SigningKey{testKey(EdDSA), testKey(ES256)}
	v := verifierOf(f, keys...)
	genuine := make(map[string]bool)
	for _, key := range keys {
		token := signed(f, key, testClaims())
		genuine[token] = true
		f.Add(token, "")
		f.Add(token[:len(token)-1], "")
		f.Add("", payloadOf())
		f.Add("", payloadOf([2]string{"status", `{"status_list":{"idx":1,"uri":"u"}}`}, [2]string{"roles", `["a","\u0062"]`}))
	}
	f.Fuzz(func(t *testing.T, token, payload string) {
		claims, err := v.Verify(token)
		if err == nil && !genuine[token] {
			t.Fatalf("forged: %q", token)
		}
		checkOutcome(t, claims, err)
		// What our own key signed reaches the reader of claims.
		key := keys[0]
		claims, err = v.Verify(forge(t, key, headerOf(key), payload))
		checkOutcome(t, claims, err)
		if err != nil {
			return
		}
		var lax map[string]any
		if err := json.Unmarshal([]byte(payload), &lax); err != nil {
			t.Fatalf("%q: accepted, but encoding/json says %v", payload, err)
		}
		if lax["sub"] != claims.Subject || lax["iss"] != testIssuer || lax["jti"] != claims.TokenID || lax["cnf"] != nil {
			t.Fatalf("%q: got %+v", payload, claims)
		}
	})
}

func checkOutcome(t *testing.T, claims *Claims, err error) {
	t.Helper()
	if (claims == nil) == (err == nil) {
		t.Fatalf("claims %v with error %v", claims, err)
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		t.Fatalf("error %v is not ErrInvalid", err)
	}
}

func FuzzParseKeySet(f *testing.F) {
	for _, alg := range []Algorithm{EdDSA, ES256} {
		document, err := json.Marshal(keySetOf(f, testKey(alg)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","kid":"a","key_ops":["verify"]}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		set, err := ParseKeySet(document)
		if err != nil {
			if set.Len() != 0 {
				t.Fatal("keys together with an error")
			}
			return
		}
		written, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeySet(written)
		if err != nil || again.Len() != set.Len() {
			t.Fatalf("%s: read back as %d keys, %v", written, again.Len(), err)
		}
	})
}

func FuzzStatusList(f *testing.F) {
	key := testKey(EdDSA)
	set := keySetOf(f, key)
	v, err := NewStatusListVerifier(StatusListVerifierConfig{
		Issuer: testIssuer, URI: testStatusURI, Keys: func() KeySet { return set }, Now: func() time.Time { return testNow },
	})
	if err != nil {
		f.Fatal(err)
	}
	list := NewStatusList(100)
	list.Revoke(7)
	compressed, err := list.Compress()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compressed, statusPayloadOf())
	f.Add([]byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1}, statusPayloadOf([2]string{"ttl", "1.5"}))
	f.Fuzz(func(t *testing.T, compressed []byte, payload string) {
		if list, err := DecompressStatusList(compressed); err == nil {
			again, err := list.Compress()
			if err != nil {
				t.Fatal(err)
			}
			same, err := DecompressStatusList(again)
			if err != nil || !bytes.Equal(same.bits, list.bits) {
				t.Fatalf("%x: changed on the way, %v", compressed, err)
			}
			if !list.Revoked(-1) || !list.Revoked(int64(list.Len())) {
				t.Fatal("an entry outside the list is not revoked")
			}
		}
		claims, err := v.Verify(forge(t, key, `{"alg":"EdDSA","kid":"`+key.KeyID()+`","typ":"statuslist+jwt"}`, payload))
		if (claims == nil) == (err == nil) || err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("claims %v with error %v", claims, err)
		}
		if err == nil && (claims.List == nil || claims.URI != testStatusURI) {
			t.Fatalf("%q: got %+v", payload, claims)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, doc := range []string{
		`{}`, payloadOf(), `{"a":[1,2.5e-3,{"b":null}],"c":"\ud83d\ude00\n"}`, `{"a":1,"\u0061":2}`, nested(8), `{"a":1e999}`, "{\"a\":\"\xff\"}",
		manyMembers(20, "m1"), `{"a":"\ud800"}`, `{"a":-0}`, strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9),
	} {
		f.Add(doc)
	}
	f.Fuzz(agrees)
}
