package model

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// MaxPeppers bounds how many peppers are configured at once.
const MaxPeppers = 16

// maxPepperID bounds the id of a pepper, in octets.
const maxPepperID = 16

// PepperKey goes into a password before it is hashed: 32 bytes from a
// cryptographic random generator, kept outside the database. Who has the
// database alone cannot even begin to guess. It does not print itself.
type PepperKey [32]byte

// Pepper is a key with the id that hashes made with it carry.
type Pepper struct {
	ID  string // 1 to 16 of a-z, 0-9 and -
	Key PepperKey
}

// Check refuses ids of another form, and keys that cannot have come from a
// random generator. The error never holds the key.
func (p Pepper) Check() error {
	other := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if len(p.ID) < 1 || len(p.ID) > maxPepperID || strings.ContainsFunc(p.ID, other) {
		return fmt.Errorf("the id of a pepper is 1 to %d of a-z, 0-9 and -", maxPepperID)
	}
	if MasterKey(p.Key).Check() != nil {
		return fmt.Errorf("the key of pepper %s is not random", p.ID)
	}
	return nil
}

// CheckPeppers refuses peppers that Check refuses, two of one id or of one key,
// and more than 16.
func CheckPeppers(peppers []Pepper) error {
	if len(peppers) > MaxPeppers {
		return fmt.Errorf("there are more than %d peppers", MaxPeppers)
	}
	for i, p := range peppers {
		if err := p.Check(); err != nil {
			return err
		}
		if slices.ContainsFunc(peppers[:i], func(before Pepper) bool { return before.ID == p.ID || before.Key == p.Key }) {
			return fmt.Errorf("the id or the key of pepper %s is there twice", p.ID)
		}
	}
	return nil
}

// ParsePeppers reads a file of peppers: one a line, the id, a colon, and the key
// in 43 characters of unpadded base64url. The first is the current one. The
// errors name what is wrong and never hold a key.
func ParsePeppers(text string) ([]Pepper, error) {
	var peppers []Pepper
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if i == MaxPeppers {
			return nil, fmt.Errorf("there are more than %d lines", MaxPeppers)
		}
		id, encoded, found := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
		p := Pepper{ID: id}
		// The length of the text counts too: the decoder passes over line ends.
		if !found || err != nil || len(raw) != len(p.Key) || len(encoded) != base64.RawURLEncoding.EncodedLen(len(p.Key)) {
			return nil, fmt.Errorf("line %d: a pepper is an id, a colon, and 32 random bytes in unpadded base64url, 43 characters", i+1)
		}
		p.Key = PepperKey(raw)
		peppers = append(peppers, p)
	}
	return peppers, CheckPeppers(peppers)
}

// The methods below keep the key out of every print, log and encoder.

func (PepperKey) String() string               { return hidden }
func (PepperKey) GoString() string             { return hidden }
func (PepperKey) Format(s fmt.State, _ rune)   { hide(s) }
func (PepperKey) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (PepperKey) MarshalText() ([]byte, error) { return []byte(hidden), nil }
