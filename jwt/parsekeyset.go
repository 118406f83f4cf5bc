package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// ParseKeySet reads a published key set (RFC 7517 section 5).
//
// The whole document is refused when it is longer than MaxKeySetSize or not
// strict JSON, has more than MaxKeySetKeys keys, holds a secret ("kty":"oct")
// or a private part, or when a key for one of our algorithms has no "kid" or
// that of another key, is weak, is broken, or was published as an example.
// Keys that are made for something else are left out, as section 5 asks.
func ParseKeySet(document []byte) (KeySet, error) {
	if len(document) > MaxKeySetSize {
		return KeySet{}, fmt.Errorf("jwt: key set: longer than %d bytes", MaxKeySetSize)
	}
	members, err := parseJSONObject(nil, string(document))
	if err != nil {
		return KeySet{}, fmt.Errorf("jwt: key set: %w", err)
	}
	var list []jsonValue
	found := false
	for _, member := range members {
		if member.name != "keys" {
			continue
		}
		found = true
		if list, err = member.value.elements(nil); err != nil {
			return KeySet{}, errors.New(`jwt: key set: "keys" is not a list`)
		}
	}
	if !found {
		return KeySet{}, errors.New(`jwt: key set: "keys" is missing`)
	}
	if len(list) > MaxKeySetKeys {
		return KeySet{}, fmt.Errorf("jwt: key set: more than %d keys", MaxKeySetKeys)
	}
	var keys []VerifyKey
	for i, v := range list {
		key, ok, err := parseKey(v)
		if err != nil {
			return KeySet{}, fmt.Errorf("jwt: key set: key %d: %w", i, err)
		}
		if ok {
			keys = append(keys, key)
		}
	}
	return NewKeySet(keys...)
}

// jwk is one key of a document (RFC 7517 section 4).
type jwk struct {
	kty, crv, use, alg, kid string
	x, y, n, e              string
	canVerify               bool
}

// parseKey returns false without an error for a key that is not meant for
// signatures, or not for one of our algorithms.
func parseKey(v jsonValue) (VerifyKey, bool, error) {
	if v.kind != jsonObject {
		return VerifyKey{}, false, errors.New("not a JSON object")
	}
	k, err := readJWK(v.raw)
	if err != nil {
		return VerifyKey{}, false, err
	}
	alg, ok := k.algorithm()
	if !ok {
		return VerifyKey{}, false, nil
	}
	public, err := k.public(alg)
	if err != nil {
		return VerifyKey{}, false, err
	}
	key, err := newVerifyKey(alg, k.kid, public)
	return key, err == nil, err
}

func readJWK(raw string) (jwk, error) {
	members, err := parseJSONObject(nil, raw)
	if err != nil {
		return jwk{}, err
	}
	k := jwk{canVerify: true}
	targets := map[string]*string{
		"kty": &k.kty, "crv": &k.crv, "use": &k.use, "alg": &k.alg, "kid": &k.kid,
		"x": &k.x, "y": &k.y, "n": &k.n, "e": &k.e,
	}
	for _, member := range members {
		switch member.name {
		case "d", "k", "p", "q", "dp", "dq", "qi", "oth":
			return jwk{}, errors.New("it holds a secret part")
		case "key_ops":
			if k.canVerify, err = allowsVerify(member.value); err != nil {
				return jwk{}, err
			}
		}
		target := targets[member.name]
		if target == nil {
			continue
		}
		text, ok := member.value.text()
		if !ok || text == "" {
			return jwk{}, fmt.Errorf("%q is not a text", member.name)
		}
		*target = text
	}
	switch k.kty {
	case "":
		return jwk{}, errors.New(`"kty" is missing`)
	case "oct":
		return jwk{}, errors.New("a secret does not belong into a key set")
	}
	return k, nil
}

// allowsVerify reads "key_ops" (RFC 7517 section 4.3): a list without
// duplicates. Only signature operations may stand beside "verify".
func allowsVerify(v jsonValue) (bool, error) {
	values, err := v.elements(nil)
	if err != nil {
		return false, errors.New(`"key_ops" is not a list`)
	}
	var names nameSet
	verify, other := false, false
	for _, value := range values {
		text, ok := value.text()
		if !ok || !names.add(text) {
			return false, errors.New(`"key_ops" is not a list of different texts`)
		}
		switch text {
		case "verify":
			verify = true
		case "sign":
		default:
			other = true
		}
	}
	return verify && !other, nil
}

// algorithm returns the one of our algorithms that the key is meant for, or false.
func (k *jwk) algorithm() (alg Algorithm, ok bool) {
	switch {
	case k.kty == "OKP" && k.crv == "Ed25519":
		alg = EdDSA
	case k.kty == "EC" && k.crv == "P-256":
		alg = ES256
	case k.kty == "RSA":
		alg = RS256
	default:
		return "", false
	}
	// RFC 7517 sections 4.2 to 4.4.
	ok = k.canVerify && (k.use == "" || k.use == "sig") && (k.alg == "" || k.alg == string(alg))
	return alg, ok
}

// public returns the key as crypto knows it; newVerifyKey checks its strength.
func (k *jwk) public(alg Algorithm) (any, error) {
	switch alg {
	case EdDSA:
		x, err := decodeBase64(nil, k.x)
		return ed25519.PublicKey(x), err
	case ES256:
		// RFC 7518 section 6.2.1.2: always the full 32 bytes.
		x, errX := decodeBase64(nil, k.x)
		y, errY := decodeBase64(nil, k.y)
		if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
			return nil, errors.New("the coordinates are not 32 bytes of base64url each")
		}
		point := append(append([]byte{4}, x...), y...)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, errors.New("not a point of P-256")
		}
		return key, nil
	}
	n, errN := decodeBase64(nil, k.n)
	e, errE := decodeBase64(nil, k.e)
	// RFC 7518 section 6.3.1: no leading zero octets.
	if errN != nil || errE != nil || len(n) == 0 || n[0] == 0 || len(n) > maxRSABits/8 ||
		len(e) == 0 || e[0] == 0 || len(e) > 4 {
		return nil, errors.New("modulus or exponent are not numbers in base64url of a fitting size")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}
