package argon2id

import "golang.org/x/crypto/argon2"

// derive computes one tag. It is the only place where memory is filled; its
// caller has checked the price and holds a place for it.
func derive(password, salt []byte, price Params, tagLength int) []byte {
	return argon2.IDKey(password, salt, price.Passes, price.MemoryKiB, price.Lanes, uint32(tagLength))
}
