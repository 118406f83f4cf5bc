package foreignhash

import (
	"crypto/md5"
	"fmt"
	"strings"
)

const (
	minPhpassLog2, maxPhpassLog2 = 7, 20
	phpassSaltLetters            = 8
)

// phpassOrder is plain order: phpass has the letters of crypt(3) and puts the
// first byte lowest.
var phpassOrder = [md5.Size]uint8{2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9, 14, 13, 12, 15}

type phpassHash struct {
	letter string // "P", or "H" as phpBB writes it
	log2   int
	salt   string
}

// parsePhpass reads $P$B, where B stands for 2^13 rounds, with salt and digest
// behind it.
func parsePhpass(text string) (Hash, error) {
	const name = len("$P$")
	if len(text) < name+1+phpassSaltLetters {
		return rejected(schemePhpass, "too short")
	}
	how := phpassHash{
		letter: text[1:2], log2: strings.IndexByte(cryptAlphabet, text[name]),
		salt: text[name+1 : name+1+phpassSaltLetters],
	}
	if how.log2 < minPhpassLog2 || how.log2 > maxPhpassLog2 {
		return rejected(schemePhpass, fmt.Sprintf("rounds are not 2^%d to 2^%d", minPhpassLog2, maxPhpassLog2))
	}
	digest, ok := decodeCrypt(text[name+1+phpassSaltLetters:], phpassOrder[:])
	if !isText(how.salt, phpassSaltLetters, phpassSaltLetters) || !ok {
		return rejected(schemePhpass, "salt is not 8 letters, or the digest not 22")
	}
	return newHash(schemePhpass, how, digest, len(digest))
}

func (p phpassHash) memoryKiB() uint32 { return littleKiB }
func (p phpassHash) weak() bool        { return true }

func (p phpassHash) encode(digest []byte) string {
	return "$" + p.letter + "$" + cryptAlphabet[p.log2:p.log2+1] + p.salt + encodeCrypt(digest, phpassOrder[:])
}

func (p phpassHash) derive(password []byte, size int) []byte {
	rounds := uint32(1) << p.log2
	if tooMuch(rounds, password) {
		return nil
	}
	h := md5.New()
	h.Write([]byte(p.salt))
	h.Write(password)
	digest := h.Sum(nil)
	for range rounds {
		h.Reset()
		h.Write(digest)
		h.Write(password)
		digest = h.Sum(digest[:0])
	}
	return digest[:size]
}
