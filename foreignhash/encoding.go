package foreignhash

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// cryptAlphabet is the base64 of crypt(3): other letters, and the low bits first.
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encodeCrypt writes a digest in the order given, three bytes to four letters,
// as crypt(3) does. The order is part of each scheme.
func encodeCrypt(digest []byte, order []uint8) string {
	var text strings.Builder
	for start := 0; start < len(order); start += 3 {
		group := order[start:min(start+3, len(order))]
		word := uint32(0)
		for _, i := range group {
			word = word<<8 | uint32(digest[i])
		}
		for range len(group) + 1 {
			text.WriteByte(cryptAlphabet[word&63])
			word >>= 6
		}
	}
	return text.String()
}

// decodeCrypt reads what encodeCrypt writes, and nothing else.
func decodeCrypt(text string, order []uint8) ([]byte, bool) {
	if len(text) != (8*len(order)+5)/6 {
		return nil, false
	}
	digest, rest := make([]byte, len(order)), text
	for start := 0; start < len(order); start += 3 {
		group := order[start:min(start+3, len(order))]
		word := uint32(0)
		for i := len(group); i >= 0; i-- {
			letter := strings.IndexByte(cryptAlphabet, rest[i])
			if letter < 0 {
				return nil, false
			}
			word = word<<6 | uint32(letter)
		}
		rest = rest[len(group)+1:]
		for i := len(group) - 1; i >= 0; i-- {
			digest[group[i]] = byte(word)
			word >>= 8
		}
	}
	return digest, encodeCrypt(digest, order) == text
}

// decode64 reads RFC 4648 section 4, with padding or without, and one spelling
// of each: encoding/base64 skips line breaks even when strict, so the result has
// to encode to the same text.
func decode64(text string) ([]byte, bool) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.StdEncoding
	}
	raw, err := encoding.Strict().DecodeString(text)
	if err != nil || encoding.EncodeToString(raw) != text {
		return nil, false
	}
	return raw, true
}

func encode64(raw []byte) string { return base64.RawStdEncoding.EncodeToString(raw) }

// decodeSalt is decode64 for salts within the bounds.
func decodeSalt(text string) ([]byte, bool) {
	if len(text) > 2*maxSaltBytes {
		return nil, false
	}
	salt, ok := decode64(text)
	return salt, ok && len(salt) >= minSaltBytes && len(salt) <= maxSaltBytes
}

// parseNumber reads a decimal number up to a bound, after its name, that has one
// spelling only.
func parseNumber(field, name string, least, most uint32) (uint32, bool) {
	digits, found := strings.CutPrefix(field, name)
	if !found {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || strconv.FormatUint(number, 10) != digits {
		return 0, false
	}
	return uint32(number), uint32(number) >= least && uint32(number) <= most
}

// isText reports whether a salt that is taken by its letters has only such as
// can be seen, and as many as asked for.
func isText(text string, least, most int) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || text[i] == '$' || text[i] == ':' {
			return false
		}
	}
	return len(text) >= least && len(text) <= most
}
