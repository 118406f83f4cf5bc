package jwt

import (
	"encoding/base64"
	"errors"
	"slices"
)

var errBase64 = errors.New("not strict base64url")

// base64url is the alphabet of RFC 7515 section 2: no padding.
var base64url = base64.RawURLEncoding

// base64Values holds the value of each character of the base64url alphabet;
// 0xFF stands for every other byte.
var base64Values = func() (values [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range values {
		values[i] = 0xFF
	}
	for i := range len(alphabet) {
		values[alphabet[i]] = byte(i)
	}
	return values
}()

// decodeBase64 appends the bytes that s stands for. It refuses padding, line
// ends and unused bits that are not zero, so that each value has one spelling.
// The decoder of the standard library skips line ends, hence this one.
func decodeBase64(dst []byte, s string) ([]byte, error) {
	if len(s)%4 == 1 {
		return nil, errBase64
	}
	start := len(dst)
	dst = slices.Grow(dst, len(s)/4*3+2)[:start+len(s)*3/4]
	out := dst[start:]
	v := &base64Values
	var bad byte
	for len(s) >= 4 && len(out) >= 3 {
		a, b, c, d := v[s[0]], v[s[1]], v[s[2]], v[s[3]]
		bad |= a | b | c | d
		out[0], out[1], out[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		s, out = s[4:], out[3:]
	}
	switch len(s) {
	case 2:
		a, b := v[s[0]], v[s[1]]
		bad |= a | b | b<<4&0x80 | b<<5&0x80 | b<<6&0x80 | b<<7&0x80
		out[0] = a<<2 | b>>4
	case 3:
		a, b, c := v[s[0]], v[s[1]], v[s[2]]
		bad |= a | b | c | c<<6&0x80 | c<<7&0x80
		out[0], out[1] = a<<2|b>>4, b<<4|c>>2
	}
	if bad&0x80 != 0 {
		return nil, errBase64
	}
	return dst, nil
}
