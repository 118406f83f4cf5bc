package foreignhash

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
)

// parseDjango reads what Django writes: the name of a hasher, then its fields.
// Salts stand there by their letters.
func parseDjango(name, text string) (Hash, error) {
	parts := strings.Split(text, "$")
	switch name {
	case "bcrypt":
		return parseBcrypt(strings.TrimPrefix(text, "bcrypt$"), plain)
	case "bcrypt_sha256":
		return parseBcrypt(strings.TrimPrefix(text, djangoSHA256Prefix), djangoSHA256)
	case "argon2":
		if inner := strings.TrimPrefix(text, "argon2"); strings.HasPrefix(inner, "$argon2i$") {
			return parseArgon2(schemeArgon2i, inner)
		}
		return Hash{}, errUnknown
	case "scrypt":
		return parseDjangoScrypt(parts)
	case "pbkdf2_sha1", "pbkdf2_sha256":
		return parseDjangoPBKDF2(scheme(strings.Replace(name, "_", "-", 1)), parts)
	}
	return Hash{}, errUnknown
}

// DjangoArgon2id returns the PHC string of an Argon2id hash that Django wrote,
// which begins with the name of its hasher. Argon2id is read in package
// argon2id; of what follows the name nothing is checked here.
func DjangoArgon2id(text string) (phc string, ok bool) {
	phc, ok = strings.CutPrefix(text, "argon2")
	return phc, ok && strings.HasPrefix(phc, "$argon2id$")
}

// parseDjangoPBKDF2 reads pbkdf2_sha256$600000$salt$digest.
func parseDjangoPBKDF2(of scheme, parts []string) (Hash, error) {
	if len(parts) != 4 || !isText(parts[2], 0, maxTextBytes) {
		return rejected(of, "not iterations, a salt in letters and a digest")
	}
	iterations, okCount := parseNumber(parts[1], "", 0, math.MaxUint32)
	digest, okDigest := decode64(parts[3])
	if !okCount || !okDigest {
		return rejected(of, "iterations are not a number, or the digest is not base64")
	}
	return newPBKDF2(pbkdf2Hash{scheme: of, iterations: iterations, salt: []byte(parts[2])}, digest)
}

// parseDjangoScrypt reads scrypt$16384$salt$8$1$digest.
func parseDjangoScrypt(parts []string) (Hash, error) {
	if len(parts) != 6 || !isText(parts[2], minSaltBytes, maxSaltBytes) {
		return rejected(schemeScrypt, "not N, a salt of its size, r, p and a digest")
	}
	n, ok := parseNumber(parts[1], "", 2, 1<<maxScryptLog2N)
	if !ok || bits.OnesCount32(n) != 1 {
		return rejected(schemeScrypt, "N is not a power of two within the bounds")
	}
	log2N := encodeNumber(uint32(bits.TrailingZeros32(n)))
	return parseScrypt("$scrypt$ln=" + log2N + ",r=" + parts[3] + ",p=" + parts[4] +
		"$" + encode64([]byte(parts[2])) + "$" + parts[5])
}

// parseASPNET reads the base64 of ASP.NET Identity. Version 2 is a zero, 16
// bytes of salt and 32 of digest; version 3 is a one, three numbers of 32 bits
// (hash function, iterations, length of the salt), the salt and the digest.
func parseASPNET(text string) (Hash, error) {
	raw, ok := decode64(text)
	switch {
	case !ok || len(raw) == 0 || raw[0] > 1:
		return Hash{}, errUnknown
	case raw[0] == 0 && len(raw) == 1+16+32:
		return newPBKDF2(pbkdf2Hash{scheme: schemePBKDF2SHA1, iterations: 1000, salt: raw[1:17]}, raw[17:])
	case raw[0] == 0 || len(raw) < 13:
		return rejected(schemePBKDF2SHA1, "not of the length of ASP.NET Identity")
	}
	function, iterations := binary.BigEndian.Uint32(raw[1:]), binary.BigEndian.Uint32(raw[5:])
	saltBytes, rest := binary.BigEndian.Uint32(raw[9:]), raw[13:]
	schemes := [...]scheme{schemePBKDF2SHA1, schemePBKDF2SHA256, schemePBKDF2SHA512}
	if function >= uint32(len(schemes)) || saltBytes > uint32(len(rest)) {
		return rejected(schemePBKDF2SHA256, "a hash function or a length of salt that ASP.NET Identity does not have")
	}
	return newPBKDF2(pbkdf2Hash{scheme: schemes[function], iterations: iterations, salt: rest[:saltBytes]}, rest[saltBytes:])
}
