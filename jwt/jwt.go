// Package jwt issues and verifies the tokens of Gatehouse: access tokens as
// RFC 9068 wants them, status lists as draft-ietf-oauth-status-list-21 wants
// them, and the key sets (RFC 7517) that let anybody check both.
//
// Most programs use NewVerifier and Verify; the server also uses GenerateKey
// and SignAccessToken.
//
// What is promised:
//
//   - The algorithm belongs to the key, never to the token (RFC 8725 section 3.1).
//   - The signature is checked before any claim is read, and claims are never
//     returned together with an error.
//   - One form only: the compact serialisation of a JWS (RFC 7515 section 7.1),
//     strict base64url, strict JSON. No JWE, no compression of tokens, no nested
//     tokens, no keys named or carried by the token.
//   - A Verifier cannot be built without issuer, audience and keys, and has no
//     setting that skips a check.
//   - Nothing here opens a file or a connection. Only the cryptography of the
//     standard library is linked.
//
// What is not done: no custom claims, no sender-constrained tokens (a token
// with "cnf" is refused), no revocation beyond reading status lists.
package jwt

import (
	"errors"
	"fmt"
	"time"
)

// Algorithm names one of the four signature algorithms there are.
type Algorithm string

// The algorithms of RFC 7518 section 3.1 and RFC 8037 section 3.1 that a key
// may have.
const (
	// EdDSA is Ed25519. Most programs use it.
	EdDSA Algorithm = "EdDSA"
	// ES256 is ECDSA on P-256 with SHA-256.
	ES256 Algorithm = "ES256"
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256 and 3072 bits or more.
	RS256 Algorithm = "RS256"
	// HS256 is HMAC with SHA-256. Whoever can verify can also issue, so its
	// keys are never published.
	HS256 Algorithm = "HS256"
)

// ParseAlgorithm returns the algorithm of that exact name. Every other
// spelling, "none" included, is an error.
func ParseAlgorithm(s string) (Algorithm, error) {
	switch a := Algorithm(s); a {
	case EdDSA, ES256, RS256, HS256:
		return a, nil
	}
	return "", errors.New("jwt: the algorithm is none of EdDSA, ES256, RS256, HS256")
}

const (
	// MaxTokenSize is the longest access token, in bytes, that is issued or
	// looked at.
	MaxTokenSize = 8 << 10
	// MaxStatusListTokenSize is the longest status list token in bytes: room
	// for tens of millions of entries, and a bound for whoever downloads one.
	MaxStatusListTokenSize = 16 << 20
	// MaxKeySetSize is the largest key set document in bytes.
	MaxKeySetSize = 1 << 20
	// MaxKeySetKeys is how many keys a key set may have.
	MaxKeySetKeys = 100
	// MaxKeyIDSize is the longest key id in bytes.
	MaxKeyIDSize = 64
	// Leeway is how far two clocks may differ when dates are checked
	// (RFC 7519 section 4.1.4).
	Leeway = 60 * time.Second

	maxHeaderSize = 1 << 10
	// RFC 8259 section 6: beyond 2^53 a JSON number is no longer exact everywhere.
	maxExactInteger = 1 << 53
)

// Every error of Verify is ErrInvalid and one of the others. The texts say why
// and are meant for operators; they never contain the token. Strangers should
// learn no more than "invalid".
var (
	// ErrInvalid is what every refused token has in common.
	ErrInvalid = errors.New("jwt: invalid token")
	// ErrMalformed: not a compact JWS with strict base64url and strict JSON,
	// too long, or with a header member that is not allowed.
	ErrMalformed = fmt.Errorf("%w: malformed", ErrInvalid)
	// ErrAlgorithm: the header names another algorithm than the key has.
	ErrAlgorithm = fmt.Errorf("%w: wrong algorithm", ErrInvalid)
	// ErrUnknownKey: the key set has no key of that id.
	ErrUnknownKey = fmt.Errorf("%w: unknown key", ErrInvalid)
	// ErrSignature: the signature does not belong to this header and payload.
	ErrSignature = fmt.Errorf("%w: wrong signature", ErrInvalid)
	// ErrType: the header's "typ" is missing or that of another kind of token.
	ErrType = fmt.Errorf("%w: wrong type", ErrInvalid)
	// ErrIssuer: somebody else issued it.
	ErrIssuer = fmt.Errorf("%w: wrong issuer", ErrInvalid)
	// ErrAudience: it is meant for somebody else.
	ErrAudience = fmt.Errorf("%w: wrong audience", ErrInvalid)
	// ErrExpired: its time is over.
	ErrExpired = fmt.Errorf("%w: expired", ErrInvalid)
	// ErrNotYetValid: "nbf" or "iat" lies in the future.
	ErrNotYetValid = fmt.Errorf("%w: not yet valid", ErrInvalid)
	// ErrClaims: a claim is missing, of the wrong type, or not supported.
	ErrClaims = fmt.Errorf("%w: wrong claims", ErrInvalid)
)
