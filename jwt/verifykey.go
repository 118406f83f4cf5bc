package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"unicode/utf8"
)

// VerifyKey checks the signatures of one SigningKey: its public half, or for
// HS256 the secret itself, which is never marshalled and never printed. The
// zero value verifies nothing. Safe for use by several goroutines.
type VerifyKey struct {
	m *verifyMaterial
}

type verifyMaterial struct {
	algorithm Algorithm
	keyID     string
	public    crypto.PublicKey // ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey
	// secret is that of HS256, nil otherwise. It is a function because fmt,
	// given a verb that does not fit, prints what lies behind a pointer in an
	// unexported field of somebody's struct; of a function it prints an address.
	secret func() []byte
	// macs makes the HMACs under the secret, nil otherwise.
	macs func() *macPool
	// fingerprint tells keys apart that share an id.
	fingerprint [sha256.Size]byte
}

// KeyID returns what tokens carry as "kid".
func (k VerifyKey) KeyID() string {
	if k.m == nil {
		return ""
	}
	return k.m.keyID
}

// Algorithm returns the one algorithm of the key.
func (k VerifyKey) Algorithm() Algorithm {
	if k.m == nil {
		return ""
	}
	return k.m.algorithm
}

// String names the key without showing it.
func (k VerifyKey) String() string { return "jwt.VerifyKey(" + string(k.Algorithm()) + ")" }

// GoString is String.
func (k VerifyKey) GoString() string { return k.String() }

// Format prints String, whatever the verb.
func (k VerifyKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k VerifyKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String; only a KeySet writes keys.
func (k VerifyKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// verify says whether the signature belongs to the input.
func (m *verifyMaterial) verify(input, signature []byte) bool {
	switch m.algorithm {
	case EdDSA:
		key, ok := m.public.(ed25519.PublicKey)
		// RFC 8032 section 5.1.7; crypto/ed25519 refuses an S that is not canonical.
		return ok && len(signature) == ed25519.SignatureSize && ed25519.Verify(key, input, signature)
	case ES256:
		key, ok := m.public.(*ecdsa.PublicKey)
		return ok && verifyES256(key, input, signature)
	case RS256:
		key, ok := m.public.(*rsa.PublicKey)
		digest := sha256.Sum256(input)
		return ok && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case HS256:
		if m.macs == nil {
			return false
		}
		var space [sha256.Size]byte
		return hmac.Equal(signature, m.macs().sum(space[:0], input))
	}
	return false
}

// es256Size is the size of a signature in the form of RFC 7518 section 3.4:
// r and s, 32 bytes each.
const es256Size = 64

// orderP256 is the n of P-256 (FIPS 186-5), big-endian.
const orderP256 = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
	"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"

// verifyES256 checks r||s with 0 < r, s < n.
func verifyES256(key *ecdsa.PublicKey, input, signature []byte) bool {
	if len(signature) != es256Size {
		return false
	}
	r, s := signature[:32], signature[32:]
	if !validScalar(r) || !validScalar(s) {
		return false
	}
	// SEQUENCE { INTEGER r, INTEGER s }: crypto/ecdsa reads no other form.
	der := make([]byte, 2, es256Size+8)
	der = appendDERInteger(der, r)
	der = appendDERInteger(der, s)
	der[0], der[1] = 0x30, byte(len(der)-2)
	digest := sha256.Sum256(input)
	return ecdsa.VerifyASN1(key, digest[:], der)
}

func validScalar(b []byte) bool {
	var zero [32]byte
	return !bytes.Equal(b, zero[:]) && string(b) < orderP256
}

// appendDERInteger appends a positive number of at most 32 bytes.
func appendDERInteger(dst, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0]&0x80 != 0 {
		dst = append(dst, 0x02, byte(len(n)+1), 0)
	} else {
		dst = append(dst, 0x02, byte(len(n)))
	}
	return append(dst, n...)
}

// newVerifyKey checks everything about a key that can be known from its
// public half (RFC 8725 sections 3.2 and 3.5), or from the secret of HS256.
func newVerifyKey(alg Algorithm, keyID string, key any) (VerifyKey, error) {
	if err := checkKeyID(keyID); err != nil {
		return VerifyKey{}, err
	}
	if err := checkKey(alg, key); err != nil {
		return VerifyKey{}, err
	}
	k := buildVerifyKey(alg, keyID, key)
	if published(k.m) {
		return VerifyKey{}, errors.New("jwt: the key is a published example, everybody has it")
	}
	return k, nil
}

// buildVerifyKey trusts its input.
func buildVerifyKey(alg Algorithm, keyID string, key any) VerifyKey {
	m := &verifyMaterial{algorithm: alg, keyID: keyID}
	if secret, ok := key.([]byte); ok {
		own, macs := bytes.Clone(secret), newMACPool(secret)
		m.secret = func() []byte { return own }
		m.macs = func() *macPool { return macs }
	} else {
		m.public = key
	}
	m.fingerprint = sha256.Sum256(append([]byte(alg), m.thumbprintInput()...))
	return VerifyKey{m}
}

func checkKeyID(keyID string) error {
	switch {
	case keyID == "":
		return errors.New("jwt: the key id is missing")
	case len(keyID) > MaxKeyIDSize:
		return fmt.Errorf("jwt: the key id is longer than %d bytes", MaxKeyIDSize)
	case !utf8.ValidString(keyID):
		return errors.New("jwt: the key id is not valid UTF-8")
	}
	return nil
}

func checkKey(alg Algorithm, key any) error {
	switch key := key.(type) {
	case ed25519.PublicKey:
		if alg == EdDSA {
			return checkEd25519(key)
		}
	case *ecdsa.PublicKey:
		if alg == ES256 {
			return checkP256(key)
		}
	case *rsa.PublicKey:
		if alg == RS256 {
			return checkRSA(key)
		}
	case []byte:
		if alg == HS256 {
			return checkSecret(key)
		}
	}
	return fmt.Errorf("jwt: the key is not one for %q", string(alg))
}

// sameKey says whether both are the same key under the same id.
func (m *verifyMaterial) sameKey(o *verifyMaterial) bool {
	return m == o || m.keyID == o.keyID && m.fingerprint == o.fingerprint
}

// exponentBytes is the public exponent as RFC 7518 section 6.3.1.2 writes it.
func exponentBytes(key *rsa.PublicKey) []byte { return big.NewInt(int64(key.E)).Bytes() }
