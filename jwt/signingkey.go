package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// SigningKey signs tokens with the one algorithm it was made for. It cannot
// print itself. The zero value signs nothing. Safe for use by several
// goroutines.
type SigningKey struct {
	m *signMaterial
}

type signMaterial struct {
	verify VerifyKey
	// private is nil for HS256, whose secret the verify key has. It is a
	// function for the reason given at verifyMaterial.secret.
	private func() crypto.Signer
	// accessToken and statusList are the encoded headers.
	accessToken, statusList string
}

// GenerateKey makes a key from crypto/rand. The key id is the RFC 7638
// thumbprint of the public half; for HS256 it is random.
func GenerateKey(alg Algorithm) (*SigningKey, error) {
	switch alg {
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("jwt: generate key: %w", err)
		}
		return newSigner(alg, "", private)
	case ES256:
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("jwt: generate key: %w", err)
		}
		return newSigner(alg, "", private)
	case RS256:
		private, err := rsa.GenerateKey(rand.Reader, minRSABits)
		if err != nil {
			return nil, fmt.Errorf("jwt: generate key: %w", err)
		}
		return newSigner(alg, "", private)
	case HS256:
		secret := make([]byte, minSecretSize)
		if _, err := rand.Read(secret); err != nil {
			return nil, fmt.Errorf("jwt: generate key: %w", err)
		}
		return ParseSigningKey(alg, NewTokenID(), secret)
	}
	return nil, errUnknownAlgorithm(alg)
}

// NewTokenID returns 128 random bits as 22 characters, fit for "jti".
func NewTokenID() string {
	var id [16]byte
	// crypto/rand.Read ends the program rather than return an error.
	_, _ = rand.Read(id[:])
	return base64url.EncodeToString(id[:])
}

// ParseSigningKey reads what Encode wrote: PKCS #8 in DER, or the raw secret
// of HS256. It refuses keys of another algorithm, weak keys, halves that do
// not match, encodings other than the one Encode writes, and keys that were
// published as examples.
func ParseSigningKey(alg Algorithm, keyID string, encoded []byte) (*SigningKey, error) {
	if keyID == "" {
		return nil, errors.New("jwt: the key id is missing")
	}
	switch alg {
	case HS256:
		verify, err := newVerifyKey(alg, keyID, encoded)
		if err != nil {
			return nil, err
		}
		return buildSigner(verify, nil), nil
	case EdDSA, ES256, RS256:
	default:
		return nil, errUnknownAlgorithm(alg)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(encoded)
	if err != nil {
		// The text of crypto/x509 may speak of the content.
		return nil, errors.New("jwt: the signing key is not PKCS #8 in DER")
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("jwt: the key is not one for %q", string(alg))
	}
	if key, ok := private.(*rsa.PrivateKey); ok {
		if err := key.Validate(); err != nil || len(key.Primes) != 2 {
			return nil, errors.New("jwt: the parts of the RSA key do not match")
		}
	}
	// An encoding holds the public half beside the private one, and parsers
	// look at one of them only: comparing the whole compares both.
	again, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil || !bytes.Equal(again, encoded) {
		return nil, errors.New("jwt: the signing key is not encoded canonically, or its halves do not match")
	}
	return newSigner(alg, keyID, private)
}

// NewSigningKey makes a key whose private half stays elsewhere, such as in a
// KMS: signer is asked for each signature, with a message for EdDSA and a
// SHA-256 digest for ES256 and RS256. HS256 is not possible, nor is Encode.
func NewSigningKey(alg Algorithm, keyID string, signer crypto.Signer) (*SigningKey, error) {
	if signer == nil {
		return nil, errors.New("jwt: the signer is missing")
	}
	if keyID == "" {
		return nil, errors.New("jwt: the key id is missing")
	}
	return newSigner(alg, keyID, signer)
}

// newSigner checks the public half and takes its thumbprint for a missing key id.
func newSigner(alg Algorithm, keyID string, private crypto.Signer) (*SigningKey, error) {
	public := private.Public()
	if err := checkKey(alg, public); err != nil {
		return nil, err
	}
	if keyID == "" {
		keyID = buildVerifyKey(alg, "", public).m.thumbprint()
	}
	verify, err := newVerifyKey(alg, keyID, public)
	if err != nil {
		return nil, err
	}
	return buildSigner(verify, func() crypto.Signer { return private }), nil
}

func buildSigner(verify VerifyKey, private func() crypto.Signer) *SigningKey {
	return &SigningKey{&signMaterial{
		verify:      verify,
		private:     private,
		accessToken: encodeHeader(verify, typeAccessToken),
		statusList:  encodeHeader(verify, typeStatusList),
	}}
}

func errUnknownAlgorithm(alg Algorithm) error {
	return fmt.Errorf("jwt: unknown algorithm %q", string(alg))
}

// Encode returns the key for ParseSigningKey. The result is a secret: seal it
// before it is stored. A key made by NewSigningKey may not have one.
func (k *SigningKey) Encode() ([]byte, error) {
	if k == nil || k.m == nil {
		return nil, errNoKey
	}
	if k.m.private == nil {
		return bytes.Clone(k.m.verify.m.secret()), nil
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(k.m.private())
	if err != nil {
		return nil, errors.New("jwt: this signing key cannot be encoded")
	}
	return encoded, nil
}

// KeyID returns what tokens carry as "kid".
func (k *SigningKey) KeyID() string { return k.VerifyKey().KeyID() }

// Algorithm returns the one algorithm of the key.
func (k *SigningKey) Algorithm() Algorithm { return k.VerifyKey().Algorithm() }

// VerifyKey returns the half that checks what this key signed.
func (k *SigningKey) VerifyKey() VerifyKey {
	if k == nil || k.m == nil {
		return VerifyKey{}
	}
	return k.m.verify
}

// String names the key without showing it.
func (k SigningKey) String() string { return "jwt.SigningKey(" + string(k.Algorithm()) + ")" }

// GoString is String.
func (k SigningKey) GoString() string { return k.String() }

// Format prints String, whatever the verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String; Encode is for storing.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
