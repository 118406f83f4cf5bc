package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestSigningKeySurvivesEncoding(t *testing.T) {
	for _, alg := range testAlgorithms {
		t.Run(string(alg), func(t *testing.T) {
			key := testKey(alg)
			encoded, err := key.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseSigningKey(alg, key.KeyID(), encoded)
			if err != nil {
				t.Fatal(err)
			}
			accept(t, verifierOf(t, key), signed(t, again, testClaims()))
			for _, other := range testAlgorithms {
				if other == alg {
					continue
				}
				if _, err := ParseSigningKey(other, "k", encoded); err == nil && other != HS256 {
					t.Errorf("a key for %s was read as one for %s", alg, other)
				}
			}
			if _, err := ParseSigningKey(alg, "", encoded); err == nil {
				t.Error("a key without an id was accepted")
			}
			if _, err := ParseSigningKey(alg, strings.Repeat("k", 65), encoded); err == nil {
				t.Error("a key id of 65 bytes was accepted")
			}
			if _, err := ParseSigningKey(alg, "\xff", encoded); err == nil {
				t.Error("a key id that is not UTF-8 was accepted")
			}
			if _, err := ParseSigningKey("none", "k", encoded); err == nil {
				t.Error("a key for none was accepted")
			}
		})
	}
}

func TestParseAlgorithm(t *testing.T) {
	for _, alg := range testAlgorithms {
		if got, err := ParseAlgorithm(string(alg)); got != alg || err != nil {
			t.Errorf("ParseAlgorithm(%s): got %q, %v", alg, got, err)
		}
	}
	for _, name := range []string{"", "none", "eddsa", "HS384", "PS256", "ES256 ", "Ed25519"} {
		if got, err := ParseAlgorithm(name); err == nil {
			t.Errorf("ParseAlgorithm(%q): got %q, want an error", name, got)
		}
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec := func(curve elliptic.Curve) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	t.Run("JW-25_less_than_128_bits_of_strength", func(t *testing.T) {
		for name, test := range map[string]struct {
			alg     Algorithm
			encoded []byte
		}{
			"RSA-2048":          {RS256, pkcs8(rsa2048)},
			"P-224":             {ES256, pkcs8(ec(elliptic.P224()))},
			"P-384 for ES256":   {ES256, pkcs8(ec(elliptic.P384()))},
			"empty secret":      {HS256, nil},
			"31 bytes":          {HS256, random[:31]},
			"1025 bytes":        {HS256, make([]byte, 1025)},
			"zeros":             {HS256, make([]byte, 32)},
			"changeme":          {HS256, []byte(strings.Repeat("changeme", 8))},
			"a sentence":        {HS256, []byte("a-string-secret-at-least-256-bits-long")},
			"hexadecimal":       {HS256, []byte(hex.EncodeToString(random))},
			"counting":          {HS256, countingBytes(32, 1)},
			"counting by seven": {HS256, countingBytes(64, 7)},
			"a repeated block":  {HS256, append(append([]byte{}, random[:20]...), random[:20]...)},
			"eight values":      {HS256, []byte(strings.Repeat("\x01\x80\x02\x90\x03\xa0\x04\xb0", 2) + strings.Repeat("\x80\x01\x90\x02\xa0\x03\xb0\x04", 2))},
			"no DER":            {EdDSA, random},
		} {
			if _, err := ParseSigningKey(test.alg, "k", test.encoded); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if _, err := ParseSigningKey(HS256, "k", random); err != nil {
			t.Errorf("32 random bytes: %v", err)
		}
	})
}

func TestKeysOfTwoHalvesAreRefused(t *testing.T) {
	pkcs8 := func() []byte {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	t.Run("JW-26_halves_that_do_not_match", func(t *testing.T) {
		a, b := pkcs8(), pkcs8()
		mixed := append(append([]byte{}, a[:len(a)-65]...), b[len(b)-65:]...)
		if _, err := ParseSigningKey(ES256, "k", mixed); err == nil {
			t.Error("the public half of another P-256 key was accepted")
		}
		if _, err := ParseSigningKey(ES256, "k", append(a, 0)); err == nil {
			t.Error("data after the key was accepted")
		}
		encoded, err := testKey(RS256).Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, position := range []int{60, len(encoded) / 2, len(encoded) - 20} {
			bad := append([]byte{}, encoded...)
			bad[position] ^= 2
			if _, err := ParseSigningKey(RS256, "k", bad); err == nil {
				t.Errorf("an RSA key with a changed byte %d was accepted", position)
			}
		}
	})
}

func countingBytes(n, step int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * step)
	}
	return b
}

func TestPublishedKeysAreRefused(t *testing.T) {
	decode := func(s string) []byte {
		b, err := decodeBase64(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ec := func(d string) []byte {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), decode(d))
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ed, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("JW-26_KY-02_example_keys_of_the_standards", func(t *testing.T) {
		for name, test := range map[string]struct {
			alg     Algorithm
			encoded []byte
		}{
			"RFC 7515 A.1": {HS256, decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")},
			"RFC 7520 3.5": {HS256, decode("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg")},
			"RFC 7515 A.3": {ES256, ec("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")},
			"RFC 7517 A.2": {ES256, ec("870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE")},
			"RFC 8037 A.1": {EdDSA, ed},
		} {
			if _, err := ParseSigningKey(test.alg, "k", test.encoded); err == nil || !strings.Contains(err.Error(), "published") {
				t.Errorf("%s: got %v, want a refusal because it is published", name, err)
			}
		}
	})
	t.Run("JW-26_example_keys_in_a_key_set", func(t *testing.T) {
		document := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}]}`
		if _, err := ParseKeySet([]byte(document)); err == nil {
			t.Error("the key of RFC 8037 was accepted from a key set")
		}
	})
}

func TestIncompleteClaimsAreNotIssued(t *testing.T) {
	key := testKey(EdDSA)
	for name, change := range map[string]func(*Claims){
		"JW-19_iss":               func(c *Claims) { c.Issuer = "" },
		"JW-19_sub":               func(c *Claims) { c.Subject = "" },
		"JW-19_aud":               func(c *Claims) { c.Audience = nil },
		"JW-19_an_empty_aud":      func(c *Claims) { c.Audience = []string{testAudience, ""} },
		"JW-19_jti":               func(c *Claims) { c.TokenID = "" },
		"JW-19_client_id":         func(c *Claims) { c.ClientID = "" },
		"JW-19_iat":               func(c *Claims) { c.IssuedAt = time.Time{} },
		"JW-19_exp":               func(c *Claims) { c.ExpiresAt = time.Time{} },
		"exp_before_iat":          func(c *Claims) { c.ExpiresAt = c.IssuedAt },
		"iat_before_1970":         func(c *Claims) { c.IssuedAt = time.Unix(-1, 0) },
		"auth_time_before_1970":   func(c *Claims) { c.AuthTime = time.Unix(-1, 0) },
		"negative_status_index":   func(c *Claims) { c.Status.Index = -1 },
		"JW-38_sub_is_not_UTF-8":  func(c *Claims) { c.Subject = "\xff" },
		"JW-38_role_is_not_UTF-8": func(c *Claims) { c.Roles = []string{"a", "\xed\xa0\x80"} },
		"N-29_longer_than_8_KiB":  func(c *Claims) { c.Scope = strings.Repeat("scope ", 1200) },
	} {
		t.Run(name, func(t *testing.T) {
			claims := testClaims()
			change(claims)
			if token, err := key.SignAccessToken(claims); err == nil || token != "" {
				t.Errorf("got token %q, error %v, want an error alone", token, err)
			}
		})
	}
	if _, err := key.SignAccessToken(nil); err == nil {
		t.Error("no claims were signed")
	}
	var none *SigningKey
	for _, empty := range []*SigningKey{none, {}} {
		if _, err := empty.SignAccessToken(testClaims()); err == nil {
			t.Error("an empty key signed")
		}
		if _, err := empty.Encode(); err == nil {
			t.Error("an empty key was encoded")
		}
	}
}

// TestIssuedForm holds the bytes of a token still: other languages read them.
func TestIssuedForm(t *testing.T) {
	key := testKey(EdDSA)
	c, err := parseCompact(signed(t, key, testClaims()), MaxTokenSize)
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{
		c.header: `{"alg":"EdDSA","kid":"` + key.KeyID() + `","typ":"at+jwt"}`,
		c.payload: `{"iss":"https://id.example.com","sub":"01935d2e-8f3a-7c41-9e55-3b7a1c2d4e6f","aud":"shop","exp":1790000600,` +
			`"iat":1790000000,"jti":"Zm9vYmFyYmF6cXV4cXV1eA","client_id":"gatehouse","sid":"01935d2e-8f3a-7c41-9e55-3b7a1c2d4e70",` +
			`"auth_time":1789996400,"amr":["pwd"],"acr":"1","roles":["admin","editor"],"scope":"read write",` +
			`"status":{"status_list":{"idx":4711,"uri":"https://id.example.com/v1/status-list"}}}`,
	} {
		got, err := decodeBase64(nil, part)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTokenIDsAreUnique(t *testing.T) {
	t.Run("JW-19_ten_thousand_ids_of_128_bits", func(t *testing.T) {
		seen := make(map[string]bool)
		for range 10_000 {
			id := NewTokenID()
			if decoded, err := decodeBase64(nil, id); err != nil || len(decoded) != 16 || seen[id] {
				t.Fatalf("id %q: seen %v, error %v", id, seen[id], err)
			}
			seen[id] = true
		}
	})
}

func TestKeysHide(t *testing.T) {
	for _, alg := range testAlgorithms {
		key := testKey(alg)
		encoded, err := key.Encode()
		if err != nil {
			t.Fatal(err)
		}
		secret := encoded[len(encoded)-16:]
		if alg == ES256 {
			secret = encoded[40:56] // behind them lies the public half
		}
		holder := struct {
			Key    *SigningKey
			Value  SigningKey
			Verify VerifyKey
			hidden SigningKey
			keys   KeySet
		}{key, *key, key.VerifyKey(), *key, keySetOf(t, key)}
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, value := range []any{key, *key, key.VerifyKey(), holder, &holder, []any{*key}, holder.keys, &holder.keys} {
				fmt.Fprintf(&out, verb+"\n", value)
			}
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", key, "value", *key, "verify", key.VerifyKey(), "holder", holder)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key, "value", *key, "verify", key.VerifyKey(), "holder", holder)
		if err := json.NewEncoder(&out).Encode(holder); err != nil {
			t.Fatal(err)
		}
		text := strings.ToLower(out.String())
		for _, form := range []string{
			string(secret), hex.EncodeToString(secret), strings.ToLower(base64url.EncodeToString(secret)[:16]),
			strings.Trim(strings.ReplaceAll(fmt.Sprint(secret[:8]), "[", ""), "]"),
		} {
			if strings.Contains(text, strings.ToLower(form)) {
				t.Errorf("%s: a secret was printed:\n%s", alg, out.String())
			}
		}
		if want := "jwt.SigningKey(" + string(alg) + ")"; !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s was not printed", alg, want)
		}
	}
}

// remoteSigner stands for a private half in another process: it has the
// methods of crypto.Signer and no other.
type remoteSigner struct{ signer crypto.Signer }

func (r remoteSigner) Public() crypto.PublicKey { return r.signer.Public() }
func (r remoteSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.signer.Sign(random, digest, opts)
}

// wrongSigner returns something that is no signature.
type wrongSigner struct {
	remoteSigner
	answer []byte
}

func (w wrongSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return w.answer, nil }

func TestNewSigningKey(t *testing.T) {
	for _, alg := range []Algorithm{EdDSA, ES256, RS256} {
		t.Run("KY-09_a_signer_elsewhere_for_"+string(alg), func(t *testing.T) {
			remote := remoteSigner{testKey(alg).m.private()}
			key, err := NewSigningKey(alg, "remote", remote)
			if err != nil {
				t.Fatal(err)
			}
			accept(t, verifierOf(t, key), signed(t, key, testClaims()))
			if _, err := key.Encode(); err == nil {
				t.Error("a key that is elsewhere was encoded")
			}
			for _, other := range testAlgorithms {
				if _, err := NewSigningKey(other, "remote", remote); err == nil && other != alg {
					t.Errorf("a signer for %s was taken for %s", alg, other)
				}
			}
		})
	}
	if _, err := NewSigningKey(EdDSA, "k", nil); err == nil {
		t.Error("no signer was accepted")
	}
	if _, err := NewSigningKey(EdDSA, "", testKey(EdDSA).m.private()); err == nil {
		t.Error("a missing key id was accepted")
	}
	big33 := new(big.Int).Lsh(big.NewInt(1), 260)
	tooLarge, err := asn1.Marshal(struct{ R, S *big.Int }{big33, big.NewInt(1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range [][]byte{nil, {0x30}, {0x30, 0}, {0x30, 3, 2, 1, 1}, {0x30, 4, 2, 9, 1, 1}, {0x31, 6, 2, 1, 1, 2, 1, 1}, {0x30, 7, 2, 1, 1, 2, 1, 1, 0}, tooLarge} {
		key, err := NewSigningKey(ES256, "remote", wrongSigner{remoteSigner{testKey(ES256).m.private()}, answer})
		if err != nil {
			t.Fatal(err)
		}
		if token, err := key.SignAccessToken(testClaims()); err == nil {
			t.Errorf("answer %x: got token %q, want an error", answer, token)
		}
	}
}
