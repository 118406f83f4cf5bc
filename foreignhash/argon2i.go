package foreignhash

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Each bound is that of package argon2id, which reads Argon2id itself; their
// product is bounded here too, since this computes more slowly.
const (
	maxArgon2KiB, maxArgon2Passes, maxArgon2Lanes = 256 * 1024, 10, 16
	maxArgon2Work                                 = 512 * 1024 // memory times passes, in KiB: a second of a core
	maxArgon2Bytes                                = 64         // of a salt and of a digest
	// weakArgon2 is memory times passes of the least that OWASP ASVS 5.0 allows.
	weakArgon2 = 36 * 1024
)

type argon2Hash struct {
	scheme             scheme
	kib, passes, lanes uint32
	salt               []byte
}

// ParseArgon2id reads $argon2id$v=19$m=7168,t=5,p=1$salt$digest, which Parse
// leaves to package argon2id, as a hash of another system: for those who put
// Argon2id of their own around one that is too cheap.
//
// Refusal: ErrRejected.
func ParseArgon2id(text string) (Hash, error) {
	if len(text) > maxTextBytes || !strings.HasPrefix(text, "$argon2id$") {
		return rejected(schemeArgon2id, "not a PHC string")
	}
	return parseArgon2(schemeArgon2id, text)
}

// parseArgon2 reads $argon2i$v=19$m=65536,t=3,p=1$salt$digest.
func parseArgon2(of scheme, text string) (Hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[2] != "v=19" {
		return rejected(of, "not a PHC string of version 19")
	}
	fields := strings.Split(parts[3], ",")
	if len(fields) != 3 {
		return rejected(of, "parameters are not m,t,p")
	}
	kib, okM := parseNumber(fields[0], "m=", 8, maxArgon2KiB)
	passes, okT := parseNumber(fields[1], "t=", 1, maxArgon2Passes)
	lanes, okP := parseNumber(fields[2], "p=", 1, maxArgon2Lanes)
	if !okM || !okT || !okP || kib < 8*lanes || kib*passes > maxArgon2Work {
		return rejected(of, fmt.Sprintf("m is not 8 for each lane to %d, t not 1 to %d, p not 1 to %d, or m times t is above %d",
			maxArgon2KiB, maxArgon2Passes, maxArgon2Lanes, maxArgon2Work))
	}
	salt, okSalt := decodeSalt(parts[4])
	digest, okDigest := decode64(parts[5])
	if !okSalt || !okDigest || len(salt) > maxArgon2Bytes || len(digest) > maxArgon2Bytes {
		return rejected(of, "salt or digest is not base64 of a size within the bounds")
	}
	return newHash(of, argon2Hash{scheme: of, kib: kib, passes: passes, lanes: lanes, salt: salt}, digest, len(digest))
}

func (a argon2Hash) memoryKiB() uint32 { return a.kib }
func (a argon2Hash) weak() bool        { return a.kib*a.passes < weakArgon2 }

func (a argon2Hash) derive(password []byte, size int) []byte {
	if a.scheme == schemeArgon2id {
		return argon2.IDKey(password, a.salt, a.passes, a.kib, uint8(a.lanes), uint32(size))
	}
	return argon2.Key(password, a.salt, a.passes, a.kib, uint8(a.lanes), uint32(size))
}

func (a argon2Hash) encode(digest []byte) string {
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$", string(a.scheme), a.kib, a.passes, a.lanes) +
		encode64(a.salt) + "$" + encode64(digest)
}
