package model

import (
	"crypto/rand"
	"encoding/hex"
)

// ID is a random identifier of one kind of thing: a version 4 UUID (RFC 9562
// section 5.4) with 122 random bits, never reused and never in any order. The
// type parameter keeps the identifier of a user from standing in for that of a
// session.
type ID[Kind any] [16]byte

// UserID and SessionID identify a user and a session.
type (
	UserID    = ID[User]
	SessionID = ID[Session]
)

// NewID returns a fresh identifier from crypto/rand.
func NewID[Kind any]() ID[Kind] {
	var id ID[Kind]
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails; it ends the program instead
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the text form of an identifier. Only the exact form that
// String returns is accepted. Refusal: ErrNotFound, since an identifier that
// cannot exist names nothing.
func ParseID[Kind any](text string) (ID[Kind], error) {
	var id ID[Kind]
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, ErrNotFound
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil || id.String() != text {
		return ID[Kind]{}, ErrNotFound
	}
	return id, nil
}

// IsZero reports whether the identifier is missing.
func (id ID[Kind]) IsZero() bool { return id == ID[Kind]{} }

// String returns the 36 characters of RFC 9562 section 4, in lower case.
func (id ID[Kind]) String() string {
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
