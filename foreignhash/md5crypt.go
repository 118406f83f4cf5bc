package foreignhash

import (
	"crypto/md5"
	"fmt"
	"strings"
)

const md5CryptRounds = 1_000

// md5CryptOrder is how crypt(3) orders the bytes of a digest.
var md5CryptOrder = [md5.Size]uint8{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11}

type md5CryptHash struct{ salt string }

// parseMD5Crypt reads $1$salt$digest.
func parseMD5Crypt(text string) (Hash, error) {
	salt, letters, _ := strings.Cut(strings.TrimPrefix(text, "$1$"), "$")
	digest, ok := decodeCrypt(letters, md5CryptOrder[:])
	if !isText(salt, minCryptSalt, maxMD5Salt) || !ok {
		return rejected(schemeMD5Crypt, fmt.Sprintf("salt is not %d to %d letters, or the digest not of its length", minCryptSalt, maxMD5Salt))
	}
	return newHash(schemeMD5Crypt, md5CryptHash{salt: salt}, digest, len(digest))
}

func (m md5CryptHash) memoryKiB() uint32 { return littleKiB }
func (m md5CryptHash) weak() bool        { return true }

func (m md5CryptHash) encode(digest []byte) string {
	return "$1$" + m.salt + "$" + encodeCrypt(digest, md5CryptOrder[:])
}

func (m md5CryptHash) derive(password []byte, size int) []byte {
	h, salt := md5.New(), []byte(m.salt)
	for _, part := range [][]byte{password, salt, password} {
		h.Write(part)
	}
	b := h.Sum(nil)
	h.Reset()
	for _, part := range [][]byte{password, []byte("$1$"), salt, repeated(b, len(password))} {
		h.Write(part)
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	return mix(h, h.Sum(nil), password, salt, md5CryptRounds)[:size]
}
