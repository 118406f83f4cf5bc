package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	typeAccessToken = "at+jwt"         // RFC 9068 section 2.1
	typeStatusList  = "statuslist+jwt" // draft-ietf-oauth-status-list-21 section 5.1
)

var errNoKey = errors.New("jwt: the signing key is empty")

// SignAccessToken returns an access token with these claims (RFC 9068). It
// refuses claims that miss a required one, hold text that is not UTF-8, or
// make a token above MaxTokenSize.
func (k *SigningKey) SignAccessToken(c *Claims) (string, error) {
	if k == nil || k.m == nil {
		return "", errNoKey
	}
	if c == nil {
		return "", errors.New("jwt: sign access token: no claims")
	}
	if err := c.checkForIssue(); err != nil {
		return "", err
	}
	var space [1024]byte
	token, err := k.sign(k.m.accessToken, c.appendJSON(space[:0]))
	if err != nil {
		return "", err
	}
	if len(token) > MaxTokenSize {
		return "", fmt.Errorf("jwt: sign access token: %d bytes are more than %d", len(token), MaxTokenSize)
	}
	return token, nil
}

// encodeHeader returns the header of all tokens of one type with one key.
func encodeHeader(key VerifyKey, typ string) string {
	header := appendJSONMember([]byte{'{'}, "alg", string(key.Algorithm()))
	header = appendJSONMember(header, "kid", key.KeyID())
	header = appendJSONMember(header, "typ", typ)
	return base64url.EncodeToString(append(header, '}'))
}

// sign puts a token together (RFC 7515 section 5.1).
func (k *SigningKey) sign(header string, payload []byte) (string, error) {
	size := len(header) + base64url.EncodedLen(len(payload)) + 2
	token := make([]byte, 0, size+base64url.EncodedLen(k.m.signatureSize()))
	token = append(append(token, header...), '.')
	token = base64url.AppendEncode(token, payload)
	signature, err := k.m.sign(token)
	if err != nil {
		return "", err
	}
	token = append(token, '.')
	return string(base64url.AppendEncode(token, signature)), nil
}

func (m *signMaterial) signatureSize() int {
	if key, ok := m.verify.m.public.(*rsa.PublicKey); ok {
		return key.Size()
	}
	return es256Size
}

// sign returns the signature of the input in the form of RFC 7518 section 3.
func (m *signMaterial) sign(input []byte) ([]byte, error) {
	var signature []byte
	var err error
	switch m.verify.m.algorithm {
	case HS256:
		return m.verify.m.macs().sum(nil, input), nil
	case EdDSA:
		signature, err = m.private().Sign(rand.Reader, input, crypto.Hash(0))
	case ES256:
		digest := sha256.Sum256(input)
		signature, err = m.private().Sign(rand.Reader, digest[:], crypto.SHA256)
		if err == nil {
			signature, err = rawES256(signature)
		}
	case RS256:
		digest := sha256.Sum256(input)
		signature, err = m.private().Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: sign: %w", err)
	}
	return signature, nil
}

// rawES256 turns SEQUENCE { INTEGER r, INTEGER s } into r||s.
func rawES256(der []byte) ([]byte, error) {
	errForm := errors.New("the signer returned no ECDSA signature")
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 || len(der) > es256Size+8 {
		return nil, errForm
	}
	rest := der[2:]
	raw := make([]byte, es256Size)
	for _, half := range [][]byte{raw[:32], raw[32:]} {
		if len(rest) < 2 || rest[0] != 0x02 || int(rest[1]) > len(rest)-2 {
			return nil, errForm
		}
		number := rest[2 : 2+int(rest[1])]
		rest = rest[2+int(rest[1]):]
		for len(number) > 0 && number[0] == 0 {
			number = number[1:]
		}
		if len(number) > 32 {
			return nil, errForm
		}
		copy(half[32-len(number):], number)
	}
	if len(rest) != 0 {
		return nil, errForm
	}
	return raw, nil
}
