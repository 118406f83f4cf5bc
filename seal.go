package gatehouse

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"gatehouse/model"
)

// A sealed record is: 1 byte version, 8 bytes that name the sealing key,
// 12 bytes nonce, then AES-256-GCM ciphertext and tag.
const (
	sealVersion  = 1
	sealKeyBytes = 8
)

// errSealed says nothing about why: a record that does not open is a record
// that is not there.
var errSealed = errors.New("gatehouse: a sealed record does not open: it was made under another master key, or it was changed")

// sealer encrypts what the store keeps secret.
type sealer struct {
	aead  cipher.AEAD
	keyID [sealKeyBytes]byte
}

func newSealer(master model.MasterKey) (sealer, error) {
	key, err := deriveKey(master, "gatehouse seal v1")
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("gatehouse: sealer: %w", err)
	}
	// Random 96-bit nonces (NIST SP 800-38D section 8.2.2) are safe for 2^32
	// records under one key; there are a handful of signing keys.
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return sealer{}, fmt.Errorf("gatehouse: sealer: %w", err)
	}
	s := sealer{aead: aead}
	name := sha256.Sum256(key)
	copy(s.keyID[:], name[:])
	return s, nil
}

// Seal encrypts plain for one place: a record moved to another place does not
// open there.
func (s sealer) Seal(plain []byte, place string) []byte {
	record := make([]byte, 0, 1+sealKeyBytes+s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	record = append(record, sealVersion)
	record = append(record, s.keyID[:]...)
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	record = append(record, nonce...)
	return s.aead.Seal(record, nonce, plain, []byte(place))
}

// Open decrypts what Seal made for the same place.
func (s sealer) Open(record []byte, place string) ([]byte, error) {
	head := 1 + sealKeyBytes
	if len(record) < head+s.aead.NonceSize() || record[0] != sealVersion || [sealKeyBytes]byte(record[1:head]) != s.keyID {
		return nil, errSealed
	}
	nonce := record[head : head+s.aead.NonceSize()]
	plain, err := s.aead.Open(nil, nonce, record[head+len(nonce):], []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
