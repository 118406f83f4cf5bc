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

// KeysVersion tells one state of the signing keys from another. It differs after
// a key was made or forgotten, and after several were, unless their changes cancel
// out to the microsecond. Sealing a key anew changes no key and leaves it as it
// is. It is zero where there is no key.
type KeysVersion int64

// KeysVersionOf returns the version of these keys, all that the store has: one sum,
// which a database makes within the statement that looks at a session. With both
// times a key that takes the place of the one before, and signs at once, never has
// its sum: twice a time is even, and the next generation is one more.
func KeysVersionOf(keys []SigningKey) KeysVersion {
	var sum int64
	for _, key := range keys {
		sum += key.CreatedAt.UnixMicro() + key.ActiveFrom.UnixMicro() + key.Generation
	}
	return KeysVersion(sum)
}
