package foreignhash

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"math"
	"strings"
)

// Both bounds are about a second of a core. Django asks for 1,500,000 with SHA-256.
const maxIterations, maxIterationsSHA512 = 2_000_000, 1_000_000

type pbkdf2Hash struct {
	scheme     scheme
	iterations uint32
	salt       []byte
}

// parsePBKDF2 reads $pbkdf2-sha256$i=600000,l=32$salt$digest, and the form of
// passlib, which has 600000 alone, a dot for the plus sign, and no name for
// SHA-1. The digest is as long as it is: Kratos takes it so whatever l says, and
// has such hashes.
func parsePBKDF2(text string) (Hash, error) {
	parts := strings.Split(text, "$")
	of := scheme(parts[1])
	if of == "pbkdf2" {
		of = schemePBKDF2SHA1
	}
	if len(parts) != 5 {
		return rejected(of, "not parameters, salt and digest")
	}
	count, length, isPHC := strings.Cut(parts[2], ",l=")
	if !isPHC {
		if strings.Contains(parts[3]+parts[4], "+") {
			return rejected(of, "not the letters of passlib")
		}
		plus := strings.NewReplacer(".", "+")
		count, parts[3], parts[4] = "i="+count, plus.Replace(parts[3]), plus.Replace(parts[4])
	}
	iterations, okCount := parseNumber(count, "i=", 0, math.MaxUint32)
	salt, okSalt := decode64(parts[3])
	digest, okDigest := decode64(parts[4])
	_, okLength := parseNumber(length, "", 1, math.MaxUint32)
	if !okCount || !okSalt || !okDigest || isPHC && !okLength {
		return rejected(of, "iterations or length are not a number, or salt or digest is not base64")
	}
	return newPBKDF2(pbkdf2Hash{scheme: of, iterations: iterations, salt: salt}, digest)
}

// newPBKDF2 holds what was read in one of the spellings to the bounds.
func newPBKDF2(how pbkdf2Hash, digest []byte) (Hash, error) {
	most := uint32(maxIterations)
	if how.scheme == schemePBKDF2SHA512 {
		most = maxIterationsSHA512
	}
	if how.iterations < 1 || how.iterations > most {
		return rejected(how.scheme, fmt.Sprintf("iterations are not 1 to %d", most))
	}
	if len(how.salt) < minSaltBytes || len(how.salt) > maxSaltBytes {
		return rejected(how.scheme, fmt.Sprintf("salt is not %d to %d bytes", minSaltBytes, maxSaltBytes))
	}
	block := map[scheme]int{schemePBKDF2SHA1: sha1.Size, schemePBKDF2SHA256: sha256.Size, schemePBKDF2SHA512: sha512.Size}[how.scheme]
	return newHash(how.scheme, how, digest, block)
}

func (p pbkdf2Hash) memoryKiB() uint32 { return littleKiB }

func (p pbkdf2Hash) weak() bool {
	return p.scheme == schemePBKDF2SHA1 || p.scheme == schemePBKDF2SHA256 && p.iterations < 600_000 || p.iterations < 210_000
}

// derive is PBKDF2, RFC 8018 section 5.2.
func (p pbkdf2Hash) derive(password []byte, size int) (digest []byte) {
	var err error
	switch text, count := string(password), int(p.iterations); p.scheme {
	case schemePBKDF2SHA1:
		digest, err = pbkdf2.Key(sha1.New, text, p.salt, count, size)
	case schemePBKDF2SHA256:
		digest, err = pbkdf2.Key(sha256.New, text, p.salt, count, size)
	case schemePBKDF2SHA512:
		digest, err = pbkdf2.Key(sha512.New, text, p.salt, count, size)
	}
	if err != nil {
		return nil // only where FIPS 140 is enforced and the salt or SHA-1 is not approved
	}
	return digest
}

func (p pbkdf2Hash) encode(digest []byte) string {
	return fmt.Sprintf("$%s$i=%d,l=%d$", string(p.scheme), p.iterations, len(digest)) +
		encode64(p.salt) + "$" + encode64(digest)
}
