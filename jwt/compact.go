package jwt

import (
	"fmt"
	"strings"
)

// compact is a token of which nothing has been checked yet but its form.
type compact struct {
	token                      string
	header, payload, signature string // encoded
}

// parseCompact finds the three parts of a token (RFC 7515 section 7.1). It
// looks for two dots and no third, and does not split at every dot a stranger sends.
func parseCompact(token string, maxSize int) (compact, error) {
	if len(token) > maxSize {
		return compact{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxSize)
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first < 0 || first == last || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return compact{}, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	if first > base64url.EncodedLen(maxHeaderSize) {
		return compact{}, fmt.Errorf("%w: header longer than %d bytes", ErrMalformed, maxHeaderSize)
	}
	return compact{token, token[:first], token[first+1 : last], token[last+1:]}, nil
}

// header holds what decides which key checks the token.
type header struct {
	alg, kid, typ jsonValue // kind 0 when absent
}

// readHeader reads the header strictly. Members that want to be understood, to
// change the form of the token, or to bring a key along make it invalid
// (RFC 7515 section 4.1, RFC 8725 section 3.10); other unknown ones are ignored.
func (c compact) readHeader() (header, error) {
	var space [maxHeaderSize]byte
	decoded, err := decodeBase64(space[:0], c.header)
	if err != nil {
		return header{}, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	var memberSpace [8]jsonMember
	members, err := parseJSONObject(memberSpace[:0], string(decoded))
	if err != nil {
		return header{}, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	var h header
	for _, member := range members {
		switch member.name {
		case "alg":
			h.alg = member.value
		case "kid":
			h.kid = member.value
		case "typ":
			h.typ = member.value
		case "crit", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "cty", "enc":
			return header{}, fmt.Errorf("%w: header: %s is not allowed", ErrMalformed, member.name)
		}
	}
	return h, nil
}

// checkType compares "typ" as RFC 7515 section 4.1.9 and RFC 9068 section 4
// want it: a media type, case-insensitive, with or without "application/".
func (h header) checkType(want string) error {
	typ, ok := h.typ.text()
	if !ok {
		return fmt.Errorf("%w: typ is missing or not a text", ErrType)
	}
	const prefix = "application/"
	if len(typ) > len(prefix) && equalFoldASCII(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	if !equalFoldASCII(typ, want) {
		return fmt.Errorf("%w: typ is not %s", ErrType, want)
	}
	return nil
}

// equalFoldASCII ignores the case of ASCII letters only; strings.EqualFold
// would also take the Kelvin sign for a K.
func equalFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// findKey returns the key that the header names. The header's "alg" chooses
// nothing: it must be the algorithm of that key (RFC 8725 section 3.1).
func (h header) findKey(keys KeySet) (*verifyMaterial, error) {
	kid, ok := h.kid.text()
	if !ok || kid == "" || len(kid) > MaxKeyIDSize {
		return nil, fmt.Errorf("%w: kid is missing or not a text of 1 to %d bytes", ErrUnknownKey, MaxKeyIDSize)
	}
	key := keys.key(kid)
	if key == nil {
		return nil, fmt.Errorf("%w: kid is not in the key set", ErrUnknownKey)
	}
	alg, ok := h.alg.text()
	if !ok || alg != string(key.algorithm) {
		return nil, fmt.Errorf("%w: alg is not %s, that of the key", ErrAlgorithm, key.algorithm)
	}
	return key, nil
}

// key returns the key for a token of this type, after the header was
// checked. A header that is letter for letter the one that SignAccessToken
// writes with a key of the set needs no reading.
func (c compact) key(typ string, keys KeySet) (*verifyMaterial, error) {
	if typ == typeAccessToken {
		if key := keys.byHeader[c.header]; key != nil {
			return key, nil
		}
	}
	h, err := c.readHeader()
	if err != nil {
		return nil, err
	}
	if err := h.checkType(typ); err != nil {
		return nil, err
	}
	return h.findKey(keys)
}

// opened is a token whose signature was checked.
type opened struct {
	// text is a copy of the token, for whoever remembers it; empty when it is
	// longer than maxCachedToken. It is the first part of one text of which the
	// payload is the rest: the claims point into the payload, the cache keeps
	// both, and one allocation serves them.
	text    string
	payload string // decoded
	key     *verifyMaterial
}

// open checks the signature and decodes the payload.
func (c compact) open(key *verifyMaterial) (opened, error) {
	size := len(c.token) - len(c.signature) - 1
	// One buffer serves the bytes to verify with the signature behind them, and
	// afterwards the payload, which is shorter. Usual tokens fit on the stack.
	var space [maxCachedToken]byte
	buffer := space[:]
	if len(c.token) > len(space) {
		buffer = make([]byte, len(c.token))
	}
	copy(buffer, c.token[:size])
	signature, err := decodeBase64(buffer[size:size], c.signature)
	if err != nil {
		return opened{}, fmt.Errorf("%w: signature: %w", ErrMalformed, err)
	}
	if !key.verify(buffer[:size], signature) {
		return opened{}, ErrSignature
	}
	decoded, err := decodeBase64(buffer[:0], c.payload)
	if err != nil {
		return opened{}, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if len(c.token) > maxCachedToken {
		return opened{payload: string(decoded), key: key}, nil
	}
	var both strings.Builder
	both.Grow(len(c.token) + len(decoded))
	both.WriteString(c.token)
	both.Write(decoded)
	return opened{both.String()[:len(c.token)], both.String()[len(c.token):], key}, nil
}

// openToken does everything that is the same for every kind of token: form,
// header, type, key, signature. Only then it returns the payload.
func openToken(token, typ string, maxSize int, keys KeySet) (opened, error) {
	c, err := parseCompact(token, maxSize)
	if err != nil {
		return opened{}, err
	}
	key, err := c.key(typ, keys)
	if err != nil {
		return opened{}, err
	}
	return c.open(key)
}
