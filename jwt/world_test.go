package jwt

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testIssuer   = "https://id.example.com"
	testAudience = "shop"
)

// testNow is when every test happens.
var testNow = time.Unix(1_790_000_000, 0).UTC()

var testAlgorithms = []Algorithm{EdDSA, ES256, RS256, HS256}

// testKey returns one key per algorithm, the same for all tests, because RSA
// keys take long to make.
var testKeys = sync.OnceValue(func() map[Algorithm]*SigningKey {
	keys := make(map[Algorithm]*SigningKey)
	for _, alg := range testAlgorithms {
		key, err := GenerateKey(alg)
		if err != nil {
			panic(err)
		}
		keys[alg] = key
	}
	return keys
})

func testKey(alg Algorithm) *SigningKey { return testKeys()[alg] }

func newTestKey(t testing.TB, alg Algorithm) *SigningKey {
	t.Helper()
	key, err := GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keySetOf(t testing.TB, keys ...*SigningKey) KeySet {
	t.Helper()
	verify := make([]VerifyKey, len(keys))
	for i, key := range keys {
		verify[i] = key.VerifyKey()
	}
	set, err := NewKeySet(verify...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// verifierOf returns a verifier of testIssuer and testAudience at testNow.
func verifierOf(t testing.TB, keys ...*SigningKey) *Verifier {
	t.Helper()
	set := keySetOf(t, keys...)
	v, err := NewVerifier(VerifierConfig{
		Issuer: testIssuer, Audience: testAudience,
		Keys: func() KeySet { return set },
		Now:  func() time.Time { return testNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testClaims() *Claims {
	return &Claims{
		Issuer: testIssuer, Subject: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e6f", Audience: []string{testAudience},
		IssuedAt: testNow, ExpiresAt: testNow.Add(10 * time.Minute), AuthTime: testNow.Add(-time.Hour),
		TokenID: "Zm9vYmFyYmF6cXV4cXV1eA", ClientID: "gatehouse", SessionID: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e70",
		AMR: []string{"pwd"}, ACR: "1", Roles: []string{"admin", "editor"}, Scope: "read write",
		Status: StatusReference{Index: 4711, URI: testIssuer + "/v1/status-list"},
	}
}

func signed(t testing.TB, key *SigningKey, c *Claims) string {
	t.Helper()
	token, err := key.SignAccessToken(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// forge signs any header and payload.
func forge(t testing.TB, key *SigningKey, header, payload string) string {
	t.Helper()
	token, err := key.sign(base64url.EncodeToString([]byte(header)), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// headerOf returns the header that SignAccessToken makes, with members replaced
// by the raw JSON given, added, or left out where it is "".
func headerOf(key *SigningKey, changes ...[2]string) string {
	members := [][2]string{
		{"alg", quote(string(key.Algorithm()))}, {"kid", quote(key.KeyID())}, {"typ", `"at+jwt"`},
	}
	return changed(members, changes)
}

// payloadOf returns a payload that is valid at testNow, with changes like headerOf.
func payloadOf(changes ...[2]string) string {
	return changed([][2]string{
		{"iss", quote(testIssuer)}, {"sub", `"user-1"`}, {"aud", quote(testAudience)},
		{"exp", "1790000600"}, {"iat", "1790000000"}, {"jti", `"token-1"`}, {"client_id", `"gatehouse"`},
	}, changes)
}

func changed(members, changes [][2]string) string {
	for _, change := range changes {
		found := false
		for i := range members {
			if members[i][0] == change[0] {
				members[i][1], found = change[1], true
			}
		}
		if !found {
			members = append(members, change)
		}
	}
	var parts []string
	for _, member := range members {
		if member[1] != "" {
			parts = append(parts, quote(member[0])+":"+member[1])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// refuse fails unless the token is refused for this reason, without claims, and
// with a text that does not repeat the token.
func refuse(t *testing.T, v *Verifier, token string, want error) {
	t.Helper()
	claims, err := v.Verify(token)
	if !errors.Is(err, ErrInvalid) || !errors.Is(err, want) {
		t.Errorf("Verify(%.200q): got error %v, want %v", token, err, want)
	}
	if claims != nil {
		t.Errorf("Verify(%.200q): got claims together with error %v", token, err)
	}
	if err != nil && len(token) > 20 && strings.Contains(err.Error(), token) {
		t.Errorf("the error repeats the token: %v", err)
	}
}

func accept(t *testing.T, v *Verifier, token string) *Claims {
	t.Helper()
	claims, err := v.Verify(token)
	if err != nil {
		t.Fatalf("Verify(%.200q): %v", token, err)
	}
	return claims
}
