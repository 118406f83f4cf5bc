package model

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

const hidden = "[hidden]"

// PasswordHash is a PHC string with salt and tag. It does not print itself;
// convert it to string where it is kept or checked.
type PasswordHash string

// RefreshToken renews a session once. It does not print itself.
type RefreshToken string

// SessionToken is what a browser keeps of a session. It does not print itself.
type SessionToken string

// Code is mailed or handed over and used once. It does not print itself.
type Code string

// MasterKey seals the signing keys and derives the refresh tokens: 32 bytes
// from a cryptographic random generator, kept outside the database. It does not
// print itself.
type MasterKey [32]byte

// Digest is the SHA-256 of a secret; the only form in which one is kept.
type Digest [sha256.Size]byte

// DigestOf returns what is kept of a session token or a code.
func DigestOf[Secret ~string](secret Secret) Digest { return sha256.Sum256([]byte(secret)) }

// ParseMasterKey reads the 43 characters of unpadded base64url that Encode
// writes. The errors name what is wrong and never hold the text.
func ParseMasterKey(text string) (MasterKey, error) {
	var key MasterKey
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The length of the text counts too: the decoder passes over line ends.
	if err != nil || len(raw) != len(key) || len(text) != base64.RawURLEncoding.EncodedLen(len(key)) {
		return key, errors.New("a master key is 32 bytes in unpadded base64url, 43 characters")
	}
	copy(key[:], raw)
	return key, key.Check()
}

// NewMasterKey makes a master key.
func NewMasterKey() (key MasterKey) {
	_, _ = rand.Read(key[:]) // never fails; it ends the program instead
	return key
}

// Check refuses keys that cannot have come from a random generator.
func (k MasterKey) Check() error {
	var seen [256]bool
	distinct := 0
	for _, b := range k {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	// 32 random bytes hold 30 different values on average; fewer than 20 have
	// a chance below one in 10^12.
	if distinct < 20 || isText(k) || isRegular(k) {
		return errors.New("the master key is not random")
	}
	return nil
}

// isText reports whether all of a key is printable ASCII: random bytes are that
// once in 10^13 times, what people type always is.
func isText(key [32]byte) bool {
	return !slices.ContainsFunc(key[:], func(b byte) bool { return b < 0x20 || b > 0x7E })
}

// isRegular reports whether a key counts up or down in equal steps, of one byte or
// of two, or repeats a block.
func isRegular(key [32]byte) bool {
	for _, apart := range []int{1, 2} {
		equal := true
		for i := 2 * apart; i < len(key) && equal; i++ {
			equal = key[i]-key[i-apart] == key[i-apart]-key[i-2*apart]
		}
		if equal {
			return true
		}
	}
	for period := 1; period <= len(key)/2; period++ {
		if bytes.Equal(key[period:], key[:len(key)-period]) {
			return true
		}
	}
	return false
}

// Encode returns the text that ParseMasterKey reads.
func (k MasterKey) Encode() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// The methods below keep secrets out of every print, log and encoder. Format
// answers all verbs, %d and %x included, which String alone would not.

func (PasswordHash) String() string               { return hidden }
func (PasswordHash) GoString() string             { return hidden }
func (PasswordHash) Format(s fmt.State, _ rune)   { hide(s) }
func (PasswordHash) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (PasswordHash) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (RefreshToken) String() string               { return hidden }
func (RefreshToken) GoString() string             { return hidden }
func (RefreshToken) Format(s fmt.State, _ rune)   { hide(s) }
func (RefreshToken) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (RefreshToken) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (SessionToken) String() string               { return hidden }
func (SessionToken) GoString() string             { return hidden }
func (SessionToken) Format(s fmt.State, _ rune)   { hide(s) }
func (SessionToken) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (SessionToken) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (Code) String() string                       { return hidden }
func (Code) GoString() string                     { return hidden }
func (Code) Format(s fmt.State, _ rune)           { hide(s) }
func (Code) LogValue() slog.Value                 { return slog.StringValue(hidden) }
func (Code) MarshalText() ([]byte, error)         { return []byte(hidden), nil }
func (MasterKey) String() string                  { return hidden }
func (MasterKey) GoString() string                { return hidden }
func (MasterKey) Format(s fmt.State, _ rune)      { hide(s) }
func (MasterKey) LogValue() slog.Value            { return slog.StringValue(hidden) }
func (MasterKey) MarshalText() ([]byte, error)    { return []byte(hidden), nil }

func hide(s fmt.State) { _, _ = s.Write([]byte(hidden)) }
