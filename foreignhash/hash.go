package foreignhash

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

const (
	// maxTextBytes is above the longest text that can pass.
	maxTextBytes = 768

	minSaltBytes, maxSaltBytes     = 8, 128
	minDigestBytes, maxDigestBytes = 16, 128

	// littleKiB is what a scheme takes that needs no memory worth the name.
	littleKiB = 64
)

var (
	// ErrRejected says that a text is not a hash to work on: misspelt, or above
	// the bounds. Nothing was computed.
	ErrRejected = errors.New("foreignhash: rejected")
	// errUnknown is the ErrRejected of texts that are in no form that is read here.
	errUnknown = fmt.Errorf("%w: a form that is not read here", ErrRejected)
)

// scheme names how a hash was made.
type scheme string

// Every scheme that is read.
const (
	schemeBcrypt          scheme = "bcrypt"
	schemeBcryptSHA256    scheme = "bcrypt-sha256" // bcrypt of a SHA-256, as Django makes it
	schemeBcryptWordPress scheme = "bcrypt-wordpress"
	schemeScrypt          scheme = "scrypt"
	schemeFirebaseScrypt  scheme = "firebase-scrypt"
	schemePBKDF2SHA1      scheme = "pbkdf2-sha1"
	schemePBKDF2SHA256    scheme = "pbkdf2-sha256"
	schemePBKDF2SHA512    scheme = "pbkdf2-sha512"
	schemeArgon2i         scheme = "argon2i"
	schemeArgon2id        scheme = "argon2id"
	schemeSHA256Crypt     scheme = "sha256-crypt"
	schemeSHA512Crypt     scheme = "sha512-crypt"
	schemeMD5Crypt        scheme = "md5-crypt"
	schemePhpass          scheme = "phpass"
)

// Hash is a parsed hash of another system. It prints its scheme only, never the
// salt or the digest. Make it with [Parse]; the zero value is of no use.
type Hash struct {
	scheme scheme
	how    algorithm
	digest []byte
	// checked is how many bytes of the digest are computed and compared.
	checked int
}

// algorithm computes one scheme with the parameters and the salt of one hash.
type algorithm interface {
	memoryKiB() uint32
	weak() bool
	// derive returns a digest of that many bytes, or nil where the password asks
	// for more work than is done.
	derive(password []byte, size int) []byte
	// encode writes the one spelling that is kept.
	encode(digest []byte) string
}

// Parse reads a hash as another system wrote it, or as Canonical does. It only
// looks at the text; the bounds are those of the package.
//
// Refusal: ErrRejected.
func Parse(text string) (Hash, error) {
	if len(text) > maxTextBytes {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrRejected, maxTextBytes)
	}
	crypt := strings.HasPrefix(text, "$")
	name, _, named := strings.Cut(strings.TrimPrefix(text, "$"), "$")
	switch {
	case named && crypt:
		return parseCrypt(name, text)
	case named:
		return parseDjango(name, text)
	case !crypt:
		return parseASPNET(text)
	}
	return Hash{}, errUnknown
}

// parseCrypt reads the forms that begin with a dollar and their name.
func parseCrypt(name, text string) (Hash, error) {
	switch name {
	case "2a", "2b", "2y":
		return parseBcrypt(text, plain)
	case "wp":
		return parseBcrypt(strings.TrimPrefix(text, wordPressPrefix), wordPress)
	case "scrypt":
		return parseScrypt(text)
	case "firescrypt":
		return parseFirebase(text)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return parsePBKDF2(text)
	case "argon2i":
		return parseArgon2(schemeArgon2i, text)
	case "5", "6":
		return parseSHACrypt(text)
	case "1":
		return parseMD5Crypt(text)
	case "P", "H":
		return parsePhpass(text)
	// The names that Kratos has for three of crypt(3).
	case "sha256-crypt":
		return parseSHACrypt("$5" + strings.TrimPrefix(text, "$sha256-crypt"))
	case "sha512-crypt":
		return parseSHACrypt("$6" + strings.TrimPrefix(text, "$sha512-crypt"))
	case "md5-crypt":
		return parseMD5Crypt("$1" + strings.TrimPrefix(text, "$md5-crypt"))
	}
	return Hash{}, errUnknown
}

// MemoryKiB returns how much memory Match and Derive take.
func (h Hash) MemoryKiB() uint32 { return h.how.memoryKiB() }

// Lanes returns how many cores Match and Derive use at once where there are as
// many.
func (h Hash) Lanes() uint8 {
	if a, ok := h.how.(argon2Hash); ok {
		return uint8(a.lanes)
	}
	return 1
}

// Cuts reports whether the scheme looks at the beginning of such a password only,
// as bcrypt does beyond 72 bytes. That it matches does not say then that what
// follows is right.
func (h Hash) Cuts(password []byte) bool {
	b, ok := h.how.(bcryptHash)
	return ok && b.before == plain && len(password) >= bcryptKeyBytes
}

// Weak reports whether a thief guesses such a hash faster than the least that is
// asked of its scheme: by the OWASP Password Storage Cheat Sheet for bcrypt,
// scrypt and PBKDF2, by OWASP ASVS 5.0 for Argon2i. Neither asks anything of
// SHA-crypt; there the least is ours, about the work of bcrypt at the cost that
// OWASP asks for. What rests on MD5 or SHA-1 always is weak.
func (h Hash) Weak() bool { return h.how.weak() }

// Canonical returns the spelling that is kept. Parse reads it as the same hash,
// and so does the system it is from, or most others that know the scheme.
func (h Hash) Canonical() string { return h.how.encode(h.digest) }

// Parameters returns Canonical with zeros for the digest: all that Derive needs
// to know and nothing to guess against. Parse reads it.
func (h Hash) Parameters() string { return h.how.encode(make([]byte, len(h.digest))) }

// Digest returns what Derive returns for the right password. Where a digest is
// longer than one block of its hash function, that is its first block: the
// others are made from the password one by one, and a guesser leaves them out.
func (h Hash) Digest() []byte { return h.digest[:h.checked:h.checked] }

// Derive returns the digest of a password of at most 1,024 bytes, or nil where
// its length asks for more work than is done: 128 MiB hashed with SHA-crypt or
// phpass, which repeat the password in each round. It is nil too for a password
// with a NUL, but for Argon2: the key of HMAC and of bcrypt says the same with
// NULs behind it or between its copies, and other systems stop at one.
func (h Hash) Derive(password []byte) []byte {
	if _, exact := h.how.(argon2Hash); !exact && bytes.IndexByte(password, 0) >= 0 {
		return nil
	}
	return h.how.derive(password, h.checked)
}

// Match reports whether the password is the one that was hashed, in a time that
// does not depend on how much of it is right. The empty password never is.
func (h Hash) Match(password []byte) bool {
	derived := h.Derive(password)
	return derived != nil && subtle.ConstantTimeCompare(derived, h.Digest()) == 1 && len(password) > 0
}

// Format prints the scheme under every verb and flag.
func (h Hash) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "foreignhash(%s)", string(h.scheme)) }

// newHash is the end of every parser: it holds the digest to its bounds. block
// is how many bytes of it come from all of the work.
func newHash(of scheme, how algorithm, digest []byte, block int) (Hash, error) {
	if len(digest) < minDigestBytes || len(digest) > maxDigestBytes {
		return Hash{}, fmt.Errorf("%w: digest is not %d to %d bytes", ErrRejected, minDigestBytes, maxDigestBytes)
	}
	return Hash{scheme: of, how: how, digest: digest, checked: min(len(digest), block)}, nil
}

func rejected(of scheme, what string) (Hash, error) {
	return Hash{}, fmt.Errorf("%w: %s: %s", ErrRejected, string(of), what)
}
