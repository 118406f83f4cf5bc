package model

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxPasswordRunes and MaxPasswordBytes bound the canonical password, in
	// code points and in octets of UTF-8.
	MaxPasswordRunes = 256
	MaxPasswordBytes = 1024
	// maxTypedPasswordBytes bounds the work of composing. Text in its longest
	// decomposed form (Hangul, 3 to 1) still fits.
	maxTypedPasswordBytes = 4 * MaxPasswordBytes
)

// Password is what somebody typed. It hides itself from every verb of fmt, from
// logs and from encoders, with three exceptions that a type cannot mend: fmt
// reads unexported fields and %p without asking (vet refuses %p), and encoders
// take string keys of maps as they are. Converting it to string brings it to light.
type Password string

// Canonical gives the bytes to hash: the password in NFC and otherwise to the
// letter. Nothing is trimmed, folded or cut, and control characters, NUL among
// them, count like any other (RFC 8265 section 4.2 without its width and space
// mapping, which would refuse or merge passwords that people use). The empty
// password is returned as empty; whether it is allowed is the caller's to say.
//
// Refusals: ErrBadRequest for text that is not well-formed UTF-8 or holds
// U+FFFD, the trace of a decoder that gave up; ErrPasswordTooLong above 256
// code points or 1,024 octets.
func (p Password) Canonical() ([]byte, error) {
	if len(p) > maxTypedPasswordBytes {
		return nil, passwordTooLong()
	}
	if !utf8.ValidString(string(p)) || strings.ContainsRune(string(p), utf8.RuneError) {
		return nil, ErrBadRequest.With("password", "Send well-formed UTF-8 without replacement characters.")
	}
	canonical := norm.NFC.Bytes([]byte(p))
	if len(canonical) > MaxPasswordBytes || utf8.RuneCount(canonical) > MaxPasswordRunes {
		return nil, passwordTooLong()
	}
	return canonical, nil
}

// CheckLength counts code points of the canonical password against the minimum.
//
// Refusals: ErrPasswordTooShort with the minimum in its sentence, and those of
// Canonical.
func (p Password) CheckLength(minimumRunes int) error {
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	if utf8.RuneCount(canonical) < minimumRunes {
		return ErrPasswordTooShort.With("password", "Use "+strconv.Itoa(minimumRunes)+" characters or more.")
	}
	return nil
}

func passwordTooLong() *Error {
	return ErrPasswordTooLong.With("password", "Use "+strconv.Itoa(MaxPasswordRunes)+" characters or fewer.")
}

// The methods below hide the password; Format answers every verb and flag.

func (Password) String() string               { return hidden }
func (Password) GoString() string             { return hidden }
func (Password) Format(s fmt.State, _ rune)   { hide(s) }
func (Password) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (Password) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
