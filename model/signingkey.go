package model

import "time"

// SigningKey is a key that signs tokens, sealed with the master key. The
// algorithm belongs to the key, never to the token (RFC 8725 section 3.1).
type SigningKey struct {
	KeyID     string
	Algorithm string
	// Generation counts the keys of one algorithm from 1. Two processes that
	// make the next one at the same time make the same generation, and the
	// store takes one of them.
	Generation int64
	// Sealed is the private key under AES-256-GCM, with the key ID and the
	// algorithm as associated data.
	Sealed []byte

	CreatedAt  time.Time // published from then on
	ActiveFrom time.Time // signs from then on, until a later generation does
}
