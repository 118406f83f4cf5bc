package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
)

// KeySet is an immutable set of keys to verify with (RFC 7517 section 5). The
// zero value verifies nothing. Safe for use by several goroutines.
type KeySet struct {
	keys []*verifyMaterial
	byID map[string]*verifyMaterial
	// byHeader holds for each key the encoded header that SignAccessToken
	// writes with it.
	byHeader map[string]*verifyMaterial
}

// NewKeySet returns the set of these keys. It refuses empty keys, two keys of
// one id, more than MaxKeySetKeys keys, and secrets of HS256 beside public
// keys: where the algorithm is HS256 nothing else is accepted.
func NewKeySet(keys ...VerifyKey) (KeySet, error) {
	if len(keys) > MaxKeySetKeys {
		return KeySet{}, fmt.Errorf("jwt: a key set has at most %d keys", MaxKeySetKeys)
	}
	s := KeySet{
		byID:     make(map[string]*verifyMaterial, len(keys)),
		byHeader: make(map[string]*verifyMaterial, len(keys)),
	}
	for _, k := range keys {
		if k.m == nil {
			return KeySet{}, errors.New("jwt: a key of the key set is empty")
		}
		// RFC 7517 section 4.5: which of two keys was meant would be a guess.
		if s.byID[k.m.keyID] != nil {
			return KeySet{}, errors.New("jwt: two keys of the key set have the same id")
		}
		if len(s.keys) > 0 && (s.keys[0].algorithm == HS256) != (k.m.algorithm == HS256) {
			return KeySet{}, errors.New("jwt: HS256 secrets and public keys cannot share a key set")
		}
		s.byID[k.m.keyID] = k.m
		s.byHeader[encodeHeader(k, typeAccessToken)] = k.m
		s.keys = append(s.keys, k.m)
	}
	return s, nil
}

// Len returns how many keys the set has.
func (s KeySet) Len() int { return len(s.keys) }

// key returns the key of exactly that id, or nil.
func (s KeySet) key(id string) *verifyMaterial { return s.byID[id] }

// MarshalJSON returns the set for publishing: public parts only, with "use",
// "alg" and "kid". Secrets of HS256 are left out.
func (s KeySet) MarshalJSON() ([]byte, error) {
	dst := []byte(`{"keys":[`)
	for _, m := range s.keys {
		if m.algorithm == HS256 {
			continue
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		for _, member := range m.publicMembers() {
			dst = appendJSONMember(dst, member.name, member.text)
		}
		dst = appendJSONMember(dst, "use", "sig")
		dst = appendJSONMember(dst, "alg", string(m.algorithm))
		dst = appendJSONMember(dst, "kid", m.keyID)
		dst = append(dst, '}')
	}
	return append(dst, "]}"...), nil
}

type textMember struct{ name, text string }

// publicMembers returns what RFC 7518 section 6 and RFC 8037 section 2 require
// of a public key; of a secret, nothing.
func (m *verifyMaterial) publicMembers() []textMember {
	switch key := m.public.(type) {
	case ed25519.PublicKey:
		return []textMember{
			{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url.EncodeToString(key)},
		}
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil
		}
		return []textMember{
			{"kty", "EC"}, {"crv", "P-256"},
			{"x", base64url.EncodeToString(point[1:33])}, {"y", base64url.EncodeToString(point[33:])},
		}
	case *rsa.PublicKey:
		return []textMember{
			{"kty", "RSA"},
			{"n", base64url.EncodeToString(key.N.Bytes())}, {"e", base64url.EncodeToString(exponentBytes(key))},
		}
	}
	return nil
}

// thumbprintInput is the JSON of RFC 7638 section 3.2: the required members in
// the order of their names.
func (m *verifyMaterial) thumbprintInput() []byte {
	if m.secret != nil {
		members := appendJSONMember([]byte{'{'}, "k", base64url.EncodeToString(m.secret()))
		return append(appendJSONMember(members, "kty", "oct"), '}')
	}
	texts := make(map[string]string, 4)
	for _, member := range m.publicMembers() {
		texts[member.name] = member.text
	}
	dst := []byte{'{'}
	for _, name := range [...]string{"crv", "e", "kty", "n", "x", "y"} {
		if text, ok := texts[name]; ok {
			dst = appendJSONMember(dst, name, text)
		}
	}
	return append(dst, '}')
}

// thumbprint is the RFC 7638 thumbprint with SHA-256.
func (m *verifyMaterial) thumbprint() string {
	sum := sha256.Sum256(m.thumbprintInput())
	return base64url.EncodeToString(sum[:])
}
