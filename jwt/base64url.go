package jwt

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
)

var errBase64 = errors.New("not strict base64url")

// base64url is the alphabet of RFC 7515 section 2: no padding.
var base64url = base64.RawURLEncoding

// base64Values holds what each character of the base64url alphabet is worth at
// each of the four places of a group of 24 bits; badBase64 stands for every
// other byte.
var base64Values = func() (values [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for place := range values {
		for i := range values[place] {
			values[place][i] = badBase64
		}
		for i := range len(alphabet) {
			values[place][alphabet[i]] = uint32(i) << (18 - 6*place)
		}
	}
	return values
}()

const badBase64 = 1 << 31

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
	var bad uint32
	// Two groups at a time, of which each store writes two bytes too many: the
	// next one mends them.
	for len(s) >= 8 && len(out) >= 8 {
		high := v[0][s[0]] | v[1][s[1]] | v[2][s[2]] | v[3][s[3]]
		low := v[0][s[4]] | v[1][s[5]] | v[2][s[6]] | v[3][s[7]]
		bad |= high | low
		binary.BigEndian.PutUint64(out, uint64(high)<<40|uint64(low)<<16)
		s, out = s[8:], out[6:]
	}
	for len(s) >= 4 && len(out) >= 3 {
		group := v[0][s[0]] | v[1][s[1]] | v[2][s[2]] | v[3][s[3]]
		bad |= group
		out[0], out[1], out[2] = byte(group>>16), byte(group>>8), byte(group)
		s, out = s[4:], out[3:]
	}
	var unused uint32
	switch len(s) {
	case 2:
		group := v[0][s[0]] | v[1][s[1]]
		bad, unused = bad|group, group&0xFFFF
		out[0] = byte(group >> 16)
	case 3:
		group := v[0][s[0]] | v[1][s[1]] | v[2][s[2]]
		bad, unused = bad|group, group&0xFF
		out[0], out[1] = byte(group>>16), byte(group>>8)
	}
	if bad&badBase64 != 0 || unused != 0 {
		return nil, errBase64
	}
	return dst, nil
}
