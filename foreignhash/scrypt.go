package foreignhash

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const (
	maxScryptKiB  = 256 * 1024
	maxScryptWork = 1 << 21 // N*r*p: a second of a core
	// weakScrypt is N*r*p of the least that the OWASP Password Storage Cheat
	// Sheet asks for: N=2^13, r=8, p=10.
	weakScrypt = 10 << 16

	maxScryptLog2N, maxScryptR, maxScryptP = 24, 64, 64

	// firebaseKeyBytes is the AES-256 key that scrypt makes for Firebase.
	firebaseKeyBytes = 32
	// maxSeparatorBytes bounds what Firebase appends to every salt of a project.
	maxSeparatorBytes = 16
)

type scryptCost struct{ log2N, r, p uint32 }

// parseScryptCost reads ln=,r=,p= and holds it to the bounds. Kratos writes N in
// the place of its logarithm; no logarithm is as large as the least N that
// passes for one.
func parseScryptCost(text string) (scryptCost, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return scryptCost{}, fmt.Errorf("%w: parameters are not ln,r,p", ErrRejected)
	}
	log2N, okN := parseNumber(fields[0], "ln=", 1, 1<<maxScryptLog2N)
	r, okR := parseNumber(fields[1], "r=", 1, maxScryptR)
	p, okP := parseNumber(fields[2], "p=", 1, maxScryptP)
	if okN && log2N >= 1<<10 && bits.OnesCount32(log2N) == 1 {
		log2N = uint32(bits.TrailingZeros32(log2N))
	}
	cost := scryptCost{log2N: log2N, r: r, p: p}
	if !okN || !okR || !okP || log2N > maxScryptLog2N || cost.memoryKiB() > maxScryptKiB || cost.work() > maxScryptWork {
		return scryptCost{}, fmt.Errorf("%w: ln, r or p is out of bounds, above %d KiB, or above %d for N*r*p",
			ErrRejected, maxScryptKiB, maxScryptWork)
	}
	return cost, nil
}

func (c scryptCost) String() string    { return fmt.Sprintf("ln=%d,r=%d,p=%d", c.log2N, c.r, c.p) }
func (c scryptCost) work() uint64      { return uint64(c.r) * uint64(c.p) << c.log2N }
func (c scryptCost) weak() bool        { return c.work() < weakScrypt }
func (c scryptCost) memoryKiB() uint32 { return max(littleKiB, c.r<<c.log2N/8+c.r*c.p/8+1) }

func (c scryptCost) key(password, salt []byte, size int) []byte {
	key, err := scrypt.Key(password, salt, 1<<c.log2N, int(c.r), int(c.p), size)
	if err != nil {
		return nil // only for parameters out of bounds, and these are within
	}
	return key
}

type scryptHash struct {
	scryptCost
	salt []byte
}

// parseScrypt reads $scrypt$ln=16,r=8,p=1$salt$digest.
func parseScrypt(text string) (Hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 5 {
		return rejected(schemeScrypt, "not parameters, salt and digest")
	}
	cost, err := parseScryptCost(parts[2])
	if err != nil {
		return Hash{}, err
	}
	salt, okSalt := decodeSalt(parts[3])
	digest, okDigest := decode64(parts[4])
	if !okSalt || !okDigest {
		return rejected(schemeScrypt, "salt or digest is not base64 of a size within the bounds")
	}
	return newHash(schemeScrypt, scryptHash{scryptCost: cost, salt: salt}, digest, sha256.Size)
}

func (s scryptHash) derive(password []byte, size int) []byte {
	return s.key(password, s.salt, size)
}

func (s scryptHash) encode(digest []byte) string {
	return "$scrypt$" + s.String() + "$" + encode64(s.salt) + "$" + encode64(digest)
}

// firebaseHash is the secret of a Firebase project, encrypted under a key that
// scrypt makes of the password.
type firebaseHash struct {
	scryptCost
	salt, separator, signerKey []byte
}

// parseFirebase reads $firescrypt$ln=14,r=8,p=1$salt$digest$separator$signer-key.
func parseFirebase(text string) (Hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 7 {
		return rejected(schemeFirebaseScrypt, "not parameters, salt, digest, salt separator and signer key")
	}
	cost, err := parseScryptCost(parts[2])
	if err != nil {
		return Hash{}, err
	}
	salt, okSalt := decodeSalt(parts[3])
	digest, okDigest := decode64(parts[4])
	separator, okSeparator := decode64(parts[5])
	signerKey, okKey := decode64(parts[6])
	if !okSalt || !okDigest || !okSeparator || !okKey || len(separator) > maxSeparatorBytes {
		return rejected(schemeFirebaseScrypt, "salt, digest, salt separator or signer key is not base64 of a size within the bounds")
	}
	if len(signerKey) != len(digest) {
		return rejected(schemeFirebaseScrypt, "signer key and digest differ in length")
	}
	how := firebaseHash{scryptCost: cost, salt: salt, separator: separator, signerKey: signerKey}
	return newHash(schemeFirebaseScrypt, how, digest, len(digest))
}

func (f firebaseHash) derive(password []byte, size int) []byte {
	salt := append(f.salt[:len(f.salt):len(f.salt)], f.separator...)
	block, err := aes.NewCipher(f.key(password, salt, firebaseKeyBytes))
	if err != nil {
		return nil // only for a key of another length
	}
	digest := make([]byte, size)
	// The nonce is zero: the key is of one hash only.
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(digest, f.signerKey[:size])
	return digest
}

func (f firebaseHash) encode(digest []byte) string {
	return "$firescrypt$" + f.String() + "$" + encode64(f.salt) + "$" + encode64(digest) +
		"$" + encode64(f.separator) + "$" + encode64(f.signerKey)
}
