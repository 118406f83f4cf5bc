package gatehouse

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"gatehouse/model"
)

// A sealed record is: 1 byte version, 8 bytes that name the sealing key,
// 12 bytes nonce, then AES-256-GCM ciphertext and tag.
const (
	sealVersion  = 1
	sealKeyBytes = 8
	sealHead     = 1 + sealKeyBytes
)

// errSealed says nothing about why: a record that does not open is a record
// that is not there.
var errSealed = errors.New("gatehouse: a sealed record does not open: it was made under another master key, or it was changed")

// sealer encrypts what the store keeps secret.
type sealer struct {
	// aead is a function because fmt, given a verb that does not fit, prints what
	// lies behind a pointer in an unexported field of somebody's struct; of a
	// function it prints an address.
	aead  func() cipher.AEAD
	keyID [sealKeyBytes]byte
}

func newSealer(master model.MasterKey) (sealer, error) {
	key, err := deriveKey(master, "gatehouse seal v1")
	if err != nil {
		return sealer{}, err
	}
	name := sha256.Sum256(key)
	return sealerNamed(key, [sealKeyBytes]byte(name[:sealKeyBytes]))
}

// sealerNamed seals with a key under a name that tells nothing of it.
func sealerNamed(key []byte, name [sealKeyBytes]byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("gatehouse: sealer: %w", err)
	}
	// Random 96-bit nonces (NIST SP 800-38D section 8.2.2) are safe for 2^32
	// records under one key; there are a handful of signing keys, and each mail has
	// a key of its own.
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return sealer{}, fmt.Errorf("gatehouse: sealer: %w", err)
	}
	return sealer{aead: func() cipher.AEAD { return aead }, keyID: name}, nil
}

// encrypt makes the record of a label: moved to where another label stands, it
// does not open.
func (s sealer) encrypt(plain []byte, label string) []byte {
	record := make([]byte, 0, sealHead+s.aead().NonceSize()+len(plain)+s.aead().Overhead())
	record = append(record, sealVersion)
	record = append(record, s.keyID[:]...)
	nonce := make([]byte, s.aead().NonceSize())
	_, _ = rand.Read(nonce) // never fails
	record = append(record, nonce...)
	return s.aead().Seal(record, nonce, plain, []byte(label))
}

// name tells this key from others and tells nothing of it.
func (s sealer) name() string { return hex.EncodeToString(s.keyID[:]) }

// sealedUnder returns the name of the key that a record says it was sealed under.
func sealedUnder(record []byte) string {
	if len(record) >= sealHead && record[0] == sealVersion {
		return hex.EncodeToString(record[1:sealHead])
	}
	return ""
}

// made reports whether a record was sealed under this key, by the name it
// carries. That it opens proves it.
func (s sealer) made(record []byte) bool {
	return len(record) >= sealHead && record[0] == sealVersion && [sealKeyBytes]byte(record[1:sealHead]) == s.keyID
}

// decrypt opens what encrypt made for the same label.
func (s sealer) decrypt(record []byte, label string) ([]byte, error) {
	if !s.made(record) || len(record) < sealHead+s.aead().NonceSize() {
		return nil, errSealed
	}
	nonce := record[sealHead : sealHead+s.aead().NonceSize()]
	plain, err := s.aead().Open(nil, nonce, record[sealHead+len(nonce):], []byte(label))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
