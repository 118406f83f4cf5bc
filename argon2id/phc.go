package argon2id

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// maxPHCBytes is above the longest string that can pass: 34 bytes of prefix and
// twice 64 bytes in base64.
const maxPHCBytes = 256

// Hash is a parsed PHC string. It prints its price only, never salt or tag.
type Hash struct {
	Params
	Salt []byte
	Tag  []byte
}

// ParseHash reads $argon2id$v=19$m=65536,t=3,p=1$salt$tag. There is one spelling
// of each hash: numbers without sign or leading zeros, base64 of RFC 4648
// section 4 without padding, nothing before, after or between. Bounds are checked
// before memory is asked for: m up to 262,144 KiB, t up to 10, p up to 16, salt
// 8 to 64 bytes, tag 16 to 64.
//
// Refusal: an error that wraps ErrRejected.
func ParseHash(phc string) (Hash, error) {
	if len(phc) > maxPHCBytes {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrRejected, maxPHCBytes)
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" {
		return Hash{}, fmt.Errorf("%w: not a PHC string of five parts", ErrRejected)
	}
	if parts[1] != "argon2id" || parts[2] != "v=19" {
		return Hash{}, fmt.Errorf("%w: not argon2id of version 19", ErrRejected)
	}
	params, err := parseParams(parts[3])
	if err != nil {
		return Hash{}, err
	}
	salt, ok := decode(parts[4])
	if !ok || len(salt) < minSaltBytes || len(salt) > maxSaltBytes {
		return Hash{}, fmt.Errorf("%w: salt is not %d to %d bytes in base64", ErrRejected, minSaltBytes, maxSaltBytes)
	}
	tag, ok := decode(parts[5])
	if !ok || len(tag) < minTagBytes || len(tag) > maxTagBytes {
		return Hash{}, fmt.Errorf("%w: tag is not %d to %d bytes in base64", ErrRejected, minTagBytes, maxTagBytes)
	}
	return Hash{Params: params, Salt: salt, Tag: tag}, nil
}

// PHC returns the string that ParseHash reads.
func (h Hash) PHC() string {
	encoding := base64.RawStdEncoding
	return "$argon2id$v=19$" + h.Params.String() + "$" +
		encoding.EncodeToString(h.Salt) + "$" + encoding.EncodeToString(h.Tag)
}

// Format prints the price under every verb and flag.
func (h Hash) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "argon2id(%s)", h.Params.String()) }

// parseParams reads m=,t=,p= in this order and holds them to the bounds.
func parseParams(text string) (Params, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return Params{}, fmt.Errorf("%w: parameters are not m,t,p", ErrRejected)
	}
	var numbers [3]uint32
	for i, name := range [...]string{"m=", "t=", "p="} {
		number, ok := parseNumber(fields[i], name)
		if !ok {
			return Params{}, fmt.Errorf("%w: %s is not a plain number in its place", ErrRejected, name)
		}
		numbers[i] = number
	}
	if numbers[2] > maxLanes {
		return Params{}, fmt.Errorf("%w: p is not 1 to %d", ErrRejected, maxLanes)
	}
	params := Params{MemoryKiB: numbers[0], Passes: numbers[1], Lanes: uint8(numbers[2])}
	return params, params.checkStored()
}

// parseNumber reads a decimal number that has one spelling only.
func parseNumber(field, name string) (uint32, bool) {
	digits, found := strings.CutPrefix(field, name)
	if !found {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || strconv.FormatUint(number, 10) != digits {
		return 0, false
	}
	return uint32(number), true
}

// decode reads base64 that has one spelling only: encoding/base64 skips line
// breaks even when strict, so the result has to encode to the same text.
func decode(text string) ([]byte, bool) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawStdEncoding.EncodeToString(raw) != text {
		return nil, false
	}
	return raw, true
}
