package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
)

const (
	// At least 128 bits of strength (RFC 8725 section 3.2, NIST SP 800-57).
	minRSABits = 3072
	// A longer modulus costs every verifier more than it protects.
	maxRSABits = 8192
	// RFC 7518 section 3.2: an HS256 secret is at least as long as the hash.
	minSecretSize = 32
	maxSecretSize = 1024
	minSecretBits = 128
	rsaExponent   = 65537
)

func checkP256(key *ecdsa.PublicKey) error {
	if key == nil || key.Curve != elliptic.P256() {
		return errors.New("jwt: the key for ES256 is not on P-256")
	}
	if _, err := key.Bytes(); err != nil {
		return errors.New("jwt: the key for ES256 is not a point of P-256")
	}
	return nil
}

func checkRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil || key.N.Sign() <= 0 {
		return errors.New("jwt: the RSA key is empty")
	}
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("jwt: the RSA key has %d bits; %d to %d are accepted", bits, minRSABits, maxRSABits)
	}
	if key.E < rsaExponent || key.E > math.MaxInt32 || key.E%2 == 0 {
		return fmt.Errorf("jwt: the RSA key has the exponent %d; an odd one from %d on is wanted", key.E, rsaExponent)
	}
	if key.N.Bit(0) == 0 {
		return errors.New("jwt: the RSA modulus is even")
	}
	if hasROCA(key.N) {
		return errors.New("jwt: the RSA key has the ROCA weakness (CVE-2017-15361)")
	}
	return nil
}

// hasROCA says whether the modulus has the mark of CVE-2017-15361: modulo each
// of these primes it is a power of 65537. One good key in about 2^27 has it too.
func hasROCA(n *big.Int) bool {
	primes := []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79,
		83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	}
	for _, p := range primes {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if power == rest {
				found = true
				break
			}
			power = power * rsaExponent % p
		}
		if !found {
			return false
		}
	}
	return true
}

// checkEd25519 refuses what is not the one encoding of a point of the curve,
// and the points of small order, under which a signature can be forged
// (RFC 8725 section 3.4, RFC 8032 section 5.1.3).
func checkEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("jwt: the Ed25519 key has %d bytes, not %d", len(key), ed25519.PublicKeySize)
	}
	y := bytes.Clone(key)
	y[31] &= 0x7F
	for _, small := range []string{
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
		"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
	} {
		if string(y) == small {
			return errors.New("jwt: the Ed25519 key is a point of small order")
		}
	}
	if !onEdwards25519(y) {
		return errors.New("jwt: the Ed25519 key is not a point of the curve")
	}
	return nil
}

// onEdwards25519 says whether x^2 = (y^2-1)/(d*y^2+1) has a solution modulo
// p = 2^255-19 for this little-endian y, and y < p.
func onEdwards25519(y []byte) bool {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	reversed := bytes.Clone(y)
	slices.Reverse(reversed)
	n := new(big.Int).SetBytes(reversed)
	if n.Cmp(p) >= 0 {
		return false
	}
	// d = -121665/121666 (RFC 8032 section 5.1).
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	square := new(big.Int).Mul(n, n)
	square.Mod(square, p)
	below := new(big.Int).Mul(d, square)
	below.Add(below, big.NewInt(1)).ModInverse(below.Mod(below, p), p)
	above := square.Sub(square, big.NewInt(1))
	above.Mul(above, below).Mod(above, p)
	return above.Sign() == 0 || big.Jacobi(above, p) == 1
}

// checkSecret refuses secrets that nobody's random generator made. It cannot
// prove that one is random.
func checkSecret(secret []byte) error {
	if len(secret) < minSecretSize || len(secret) > maxSecretSize {
		return fmt.Errorf("jwt: the HS256 secret has %d bytes; %d to %d are accepted", len(secret), minSecretSize, maxSecretSize)
	}
	if isText(secret) {
		return errors.New("jwt: the HS256 secret is text; random bytes are wanted, decoded from hexadecimal or base64")
	}
	if secretBits(secret) < minSecretBits || isRegular(secret) {
		return errors.New("jwt: the HS256 secret is not random enough")
	}
	return nil
}

// secretBits estimates the information in a secret from how often each byte
// occurs in it. 32 random bytes have about 155 bits by this measure, far above
// the 128 wanted.
func secretBits(secret []byte) float64 {
	var counts [256]int
	for _, b := range secret {
		counts[b]++
	}
	total := float64(len(secret))
	var bits float64
	for _, n := range counts {
		if n > 0 {
			bits += float64(n) * math.Log2(total/float64(n))
		}
	}
	return bits
}

// isText says whether all of a secret is printable ASCII: 32 random bytes are
// that once in 10^14 times, what people type always is.
func isText(secret []byte) bool {
	for _, b := range secret {
		if b < 0x20 || b > 0x7E {
			return false
		}
	}
	return true
}

// isRegular says whether a secret counts up or down in equal steps, or repeats
// a block.
func isRegular(secret []byte) bool {
	steps := true
	for i := 2; i < len(secret) && steps; i++ {
		steps = secret[i]-secret[i-1] == secret[1]-secret[0]
	}
	if steps {
		return true
	}
	for period := 1; period <= len(secret)/2; period++ {
		if bytes.Equal(secret[period:], secret[:len(secret)-period]) {
			return true
		}
	}
	return false
}
