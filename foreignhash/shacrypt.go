package foreignhash

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

const (
	minSHARounds, maxSHARounds, impliedSHARounds = 1_000, 1_000_000, 5_000
	// weakSHARounds is where SHA-512-crypt takes as long as bcrypt of cost 10 or so.
	weakSHARounds = 500_000

	// The salts of crypt(3) are letters.
	minCryptSalt, maxSHASalt, maxMD5Salt = 4, 16, 8

	// maxRepeated bounds what schemes hash that repeat the password in each
	// round, in bytes: rounds, times the password and a block. It is a second of a
	// core.
	maxRepeated = 1 << 27
	blockBytes  = 64
)

// tooMuch reports whether a password is too long for so many rounds.
func tooMuch(rounds uint32, password []byte) bool {
	return uint64(rounds)*uint64(len(password)+blockBytes) > maxRepeated
}

// The order in which crypt(3) writes the bytes of a digest.
var (
	sha256Order = [sha256.Size]uint8{
		0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29, 31, 30,
	}
	sha512Order = [sha512.Size]uint8{
		0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51, 31, 52, 10,
		53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, 63,
	}
)

type shaCryptHash struct {
	scheme scheme
	rounds uint32
	salt   string
}

// parseSHACrypt reads $6$salt$digest and $6$rounds=10000$salt$digest.
func parseSHACrypt(text string) (Hash, error) {
	how := shaCryptHash{scheme: schemeSHA256Crypt, rounds: impliedSHARounds}
	if strings.HasPrefix(text, "$6$") {
		how.scheme = schemeSHA512Crypt
	}
	rest := text[len("$6$"):]
	if strings.HasPrefix(rest, "rounds=") {
		count, after, _ := strings.Cut(rest, "$")
		var ok bool
		if how.rounds, ok = parseNumber(count, "rounds=", minSHARounds, maxSHARounds); !ok {
			return rejected(how.scheme, fmt.Sprintf("rounds are not %d to %d", minSHARounds, maxSHARounds))
		}
		rest = after
	}
	salt, letters, _ := strings.Cut(rest, "$")
	digest, ok := decodeCrypt(letters, how.order())
	if !isText(salt, minCryptSalt, maxSHASalt) || !ok {
		return rejected(how.scheme, fmt.Sprintf("salt is not %d to %d letters, or the digest not of its length", minCryptSalt, maxSHASalt))
	}
	how.salt = salt
	return newHash(how.scheme, how, digest, len(digest))
}

func (s shaCryptHash) order() []uint8 {
	if s.scheme == schemeSHA512Crypt {
		return sha512Order[:]
	}
	return sha256Order[:]
}

func (s shaCryptHash) memoryKiB() uint32 { return littleKiB }
func (s shaCryptHash) weak() bool        { return s.rounds < weakSHARounds }

func (s shaCryptHash) encode(digest []byte) string {
	text := "$5$"
	if s.scheme == schemeSHA512Crypt {
		text = "$6$"
	}
	if s.rounds != impliedSHARounds {
		text += "rounds=" + encodeNumber(s.rounds) + "$"
	}
	return text + s.salt + "$" + encodeCrypt(digest, s.order())
}

func (s shaCryptHash) derive(password []byte, size int) []byte {
	if tooMuch(s.rounds, password) {
		return nil
	}
	h := sha256.New()
	if s.scheme == schemeSHA512Crypt {
		h = sha512.New()
	}
	return shaCrypt(h, password, []byte(s.salt), s.rounds)[:size]
}

// shaCrypt follows "Unix crypt using SHA-256 and SHA-512" by Ulrich Drepper,
// whose steps it numbers.
func shaCrypt(h hash.Hash, password, salt []byte, rounds uint32) []byte {
	sum := func(parts ...[]byte) []byte {
		h.Reset()
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	b := sum(password, salt, password) // steps 4 to 8
	h.Reset()                          // steps 1 to 3, 9 to 12
	h.Write(password)
	h.Write(salt)
	h.Write(repeated(b, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(b)
		} else {
			h.Write(password)
		}
	}
	a := h.Sum(nil)
	h.Reset() // steps 13 to 16
	for range password {
		h.Write(password)
	}
	p := repeated(h.Sum(nil), len(password))
	h.Reset() // steps 17 to 20
	for range 16 + int(a[0]) {
		h.Write(salt)
	}
	s := repeated(h.Sum(nil), len(salt))
	return mix(h, a, p, s, rounds) // step 21
}

// mix is the long loop that SHA-crypt and md5-crypt have in common.
func mix(h hash.Hash, digest, password, salt []byte, rounds uint32) []byte {
	for round := range rounds {
		first, last := digest, password
		if round%2 != 0 {
			first, last = password, digest
		}
		h.Reset()
		h.Write(first)
		if round%3 != 0 {
			h.Write(salt)
		}
		if round%7 != 0 {
			h.Write(password)
		}
		h.Write(last)
		digest = h.Sum(digest[:0])
	}
	return digest
}

// repeated returns the block, over and over, to that length.
func repeated(block []byte, length int) []byte {
	out := make([]byte, 0, length+len(block))
	for len(out) < length {
		out = append(out, block...)
	}
	return out[:length]
}

func encodeNumber(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
