// Package crosscheck holds the tokens and key sets of gatehouse/jwt against
// three libraries that have nothing in common with it: golang-jwt, go-jose and
// jwx. It is a module of its own, so that none of them is a dependency of ours.
package crosscheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/jwt"
)

const (
	issuer    = "https://id.example.com"
	audience  = "shop"
	statusURI = issuer + "/v1/status-list"
	atJWT     = "at+jwt"
	listJWT   = "statuslist+jwt"
)

var algorithms = []jwt.Algorithm{jwt.EdDSA, jwt.ES256, jwt.RS256, jwt.HS256}

// key is a key as all the libraries take it.
type key struct {
	alg jwt.Algorithm
	id  string
	// private is an ed25519.PrivateKey, *ecdsa.PrivateKey, *rsa.PrivateKey or
	// the secret of HS256; public its public half, or again the secret.
	private, public any
}

// demands is what every verifier here insists on, beside "exp".
type demands struct {
	typ, issuer, audience string // no audience: none is demanded
	keys                  map[string]key
}

// library is one of the three.
type library struct {
	name string
	// issuer returns a function that signs claims: a map, or *accessClaims.
	issuer func(k key, typ string) (func(claims any) (string, error), error)
	// verifier returns a function that returns the claims as the library has them.
	verifier func(d demands) (func(token string) (any, error), error)
}

var libraries = []library{
	{"golang-jwt", golangIssuer, golangVerifier},
	{"go-jose", joseIssuer, joseVerifier},
	{"jwx", jwxIssuer, jwxVerifier},
}

// ourKeys returns a signing key of ours per algorithm, the same for all tests.
var ourKeys = sync.OnceValue(func() map[jwt.Algorithm]*jwt.SigningKey {
	keys := make(map[jwt.Algorithm]*jwt.SigningKey)
	for _, alg := range algorithms {
		made, err := jwt.GenerateKey(alg)
		if err != nil {
			panic(err)
		}
		keys[alg] = made
	}
	return keys
})

// theirKeys returns a key per algorithm that was made without us.
var theirKeys = sync.OnceValue(func() map[jwt.Algorithm]key {
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	ec, errEC := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, errRS := rsa.GenerateKey(rand.Reader, 3072)
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	for _, err := range []error{errEd, errEC, errRS} {
		if err != nil {
			panic(err)
		}
	}
	return map[jwt.Algorithm]key{
		jwt.EdDSA: {jwt.EdDSA, "their-ed", ed, ed.Public()},
		jwt.ES256: {jwt.ES256, "their-ec", ec, &ec.PublicKey},
		jwt.RS256: {jwt.RS256, "their-rsa", rs, &rs.PublicKey},
		jwt.HS256: {jwt.HS256, "their-secret", secret, secret},
	}
})

// asTheirs returns a key of ours as the libraries take it, by way of what a
// store would keep.
func asTheirs(t testing.TB, ours *jwt.SigningKey) key {
	t.Helper()
	encoded := must(ours.Encode())(t)
	if ours.Algorithm() == jwt.HS256 {
		return key{jwt.HS256, ours.KeyID(), encoded, encoded}
	}
	private := must(x509.ParsePKCS8PrivateKey(encoded))(t)
	return key{ours.Algorithm(), ours.KeyID(), private, private.(crypto.Signer).Public()}
}

// asOurs returns a key set of ours with a key of theirs: published by a
// library, or for HS256 handed over as a secret.
func asOurs(t testing.TB, theirs key) jwt.KeySet {
	t.Helper()
	if theirs.alg == jwt.HS256 {
		signer := must(jwt.ParseSigningKey(theirs.alg, theirs.id, theirs.private.([]byte)))(t)
		return must(jwt.NewKeySet(signer.VerifyKey()))(t)
	}
	return must(jwt.ParseKeySet(josePublishes(t, theirs)))(t)
}

// accessClaims are the twelve claims of a usual access token, at a time.
func accessClaimsAt(now time.Time) *jwt.Claims {
	return &jwt.Claims{
		Issuer: issuer, Subject: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e6f", Audience: []string{audience},
		IssuedAt: now, ExpiresAt: now.Add(10 * time.Minute), AuthTime: now.Add(-time.Minute),
		TokenID: jwt.NewTokenID(), ClientID: "gatehouse", SessionID: "01935d2e-8f3a-7c41-9e55-3b7a1c2d4e70",
		AMR: []string{"pwd"}, ACR: "1", Status: jwt.StatusReference{Index: 4711, URI: statusURI},
	}
}

// asMap returns the claims as JSON members.
func asMap(c *jwt.Claims) map[string]any {
	m := map[string]any{
		"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience[0], "iat": c.IssuedAt.Unix(), "exp": c.ExpiresAt.Unix(), "auth_time": c.AuthTime.Unix(),
		"jti": c.TokenID, "client_id": c.ClientID, "sid": c.SessionID, "amr": c.AMR, "acr": c.ACR,
		"status": map[string]any{"status_list": map[string]any{"idx": c.Status.Index, "uri": c.Status.URI}},
	}
	if len(c.Roles) > 0 {
		m["roles"] = c.Roles
	}
	return m
}

// ourVerifier verifies access tokens as a service would.
func ourVerifier(t testing.TB, keys jwt.KeySet) *jwt.Verifier {
	t.Helper()
	return must(jwt.NewVerifier(jwt.VerifierConfig{Issuer: issuer, Audience: audience, Keys: func() jwt.KeySet { return keys }}))(t)
}

// leveled returns JSON as maps, lists, texts and numbers, with an audience that
// is always a list.
func leveled(t testing.TB, value any) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(must(json.Marshal(value))(t), &m); err != nil {
		t.Fatal(err)
	}
	if text, ok := m["aud"].(string); ok {
		m["aud"] = []any{text}
	}
	return m
}

// must unwraps a result, as in must(f())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// checkHeader is what each of the libraries leaves to its caller.
func checkHeader(d demands, typ, kid, alg string) (key, error) {
	k, ok := d.keys[kid]
	switch {
	case typ != d.typ:
		return key{}, fmt.Errorf("typ is %q, not %q", typ, d.typ)
	case !ok:
		return key{}, fmt.Errorf("unknown kid %q", kid)
	case alg != string(k.alg):
		return key{}, fmt.Errorf("alg is %q, not %q", alg, k.alg)
	}
	return k, nil
}
