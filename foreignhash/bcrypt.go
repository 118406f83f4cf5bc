package foreignhash

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	//lint:ignore SA1019 bcrypt is made of it, and x/crypto/bcrypt does not give its digest away
	"golang.org/x/crypto/blowfish"
)

const (
	// Cost 14 is about a second of a processor.
	minBcryptCost, maxBcryptCost = 4, 14

	bcryptSaltBytes   = 16
	bcryptDigestBytes = 23 // of the 24 that are computed, one is left out
	bcryptKeyBytes    = 72 // what Blowfish takes of a key

	bcryptSaltLetters   = 22
	bcryptDigestLetters = 31

	bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	bcryptMagic    = "OrpheanBeholderScryDoubt"

	djangoSHA256Prefix = "bcrypt_sha256$"
	wordPressPrefix    = "$wp"
)

// prelude is what a system does with a password before bcrypt.
type prelude uint8

const (
	plain prelude = iota
	djangoSHA256
	wordPress
)

func (p prelude) scheme() scheme {
	return [...]scheme{plain: schemeBcrypt, djangoSHA256: schemeBcryptSHA256, wordPress: schemeBcryptWordPress}[p]
}

func (p prelude) prefix() string {
	return [...]string{plain: "", djangoSHA256: djangoSHA256Prefix, wordPress: wordPressPrefix}[p]
}

func (p prelude) apply(password []byte) []byte {
	switch p {
	case djangoSHA256:
		sum := sha256.Sum256(password)
		return hex.AppendEncode(nil, sum[:])
	case wordPress:
		mac := hmac.New(sha512.New384, []byte("wp-sha384"))
		mac.Write(password)
		return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
	}
	return password
}

type bcryptHash struct {
	before  prelude
	variant string // "2a", "2b" or "2y": one algorithm, three histories
	cost    int
	salt    [bcryptSaltBytes]byte
}

// parseBcrypt reads $2b$12$ with salt and digest behind it.
func parseBcrypt(text string, before prelude) (Hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != "" || len(parts[3]) != bcryptSaltLetters+bcryptDigestLetters {
		return rejected(before.scheme(), "not a variant, a cost, and salt and digest in 53 letters")
	}
	if parts[1] != "2a" && parts[1] != "2b" && parts[1] != "2y" {
		return rejected(before.scheme(), "a variant that is not read here")
	}
	cost, err := strconv.Atoi(parts[2])
	if err != nil || fmt.Sprintf("%02d", cost) != parts[2] || cost < minBcryptCost || cost > maxBcryptCost {
		return rejected(before.scheme(), fmt.Sprintf("cost is not %02d to %02d", minBcryptCost, maxBcryptCost))
	}
	encoding := base64.NewEncoding(bcryptAlphabet).WithPadding(base64.NoPadding)
	// The last letter of a salt says more than there is room for, and some
	// systems leave random bits in it; every system passes over them.
	salt, saltErr := encoding.DecodeString(parts[3][:bcryptSaltLetters])
	digest, digestErr := encoding.Strict().DecodeString(parts[3][bcryptSaltLetters:])
	if saltErr != nil || digestErr != nil || len(salt) != bcryptSaltBytes || len(digest) != bcryptDigestBytes {
		return rejected(before.scheme(), "salt or digest is not in the letters of bcrypt")
	}
	how := bcryptHash{before: before, variant: parts[1], cost: cost, salt: [bcryptSaltBytes]byte(salt)}
	return newHash(before.scheme(), how, digest, bcryptDigestBytes)
}

func (b bcryptHash) memoryKiB() uint32 { return littleKiB }
func (b bcryptHash) weak() bool        { return b.cost < 10 }

func (b bcryptHash) encode(digest []byte) string {
	encoding := base64.NewEncoding(bcryptAlphabet).WithPadding(base64.NoPadding)
	return b.before.prefix() + fmt.Sprintf("$%s$%02d$", b.variant, b.cost) +
		encoding.EncodeToString(b.salt[:]) + encoding.EncodeToString(digest)
}

// derive is bcrypt of the 72 first bytes, as every system computes it. The NUL
// that ends a string in C is part of the key.
func (b bcryptHash) derive(password []byte, size int) []byte {
	key := b.before.apply(password)
	key = append(key[:min(len(key), bcryptKeyBytes):min(len(key), bcryptKeyBytes)], 0)
	cipher, err := blowfish.NewSaltedCipher(key, b.salt[:])
	if err != nil {
		return nil // only for an empty key, and this one ends in a NUL
	}
	for range 1 << b.cost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(b.salt[:], cipher)
	}
	text := []byte(bcryptMagic)
	for block := 0; block < len(text); block += blowfish.BlockSize {
		for range 64 {
			cipher.Encrypt(text[block:], text[block:])
		}
	}
	return text[:size]
}
