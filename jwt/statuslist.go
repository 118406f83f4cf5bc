package jwt

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// MaxStatusListEntries is how many entries a status list has at most: 64 MiB
// of bits.
const MaxStatusListEntries = 8 * maxStatusListBytes

const maxStatusListBytes = 64 << 20

// StatusList says which tokens were revoked, one bit each
// (draft-ietf-oauth-status-list-21 section 4.1). Reading it from several
// goroutines is safe while nobody calls Revoke.
type StatusList struct {
	bits   []byte
	length int64
}

// NewStatusList returns a list of size entries, none of them revoked. Like
// make it panics when the size is negative or above MaxStatusListEntries.
func NewStatusList(size int) *StatusList {
	if size < 0 || size > MaxStatusListEntries {
		panic("jwt: size of a status list out of range")
	}
	return &StatusList{bits: make([]byte, (size+7)/8), length: int64(size)}
}

// Len returns the number of entries. A list that was read has whole bytes of them.
func (l *StatusList) Len() int {
	if l == nil {
		return 0
	}
	return int(l.length)
}

// Revoke marks the entry. Outside the list there is nothing to mark: those
// entries count as revoked already.
func (l *StatusList) Revoke(index int64) {
	if l == nil || index < 0 || index >= l.length {
		return
	}
	// Section 4.1: entries fill a byte from its least significant bit on.
	l.bits[index/8] |= 1 << (index % 8)
}

// Revoked says whether the entry is marked. An entry outside the list is
// revoked, as section 8.3 wants it.
func (l *StatusList) Revoked(index int64) bool {
	if l == nil || index < 0 || index >= l.length {
		return true
	}
	return l.bits[index/8]>>(index%8)&1 == 1
}

// Includes says whether every entry that other marks is revoked here too.
func (l *StatusList) Includes(other *StatusList) bool {
	for i := range min(len(l.bits), len(other.bits)) {
		if other.bits[i]&^l.bits[i] != 0 {
			return false
		}
	}
	return true // what lies outside is revoked
}

// Union returns a list in which an entry is revoked when it is in either. It is
// as long as the longer one; what the shorter one lacks it says nothing about.
func (l *StatusList) Union(other *StatusList) *StatusList {
	long, short := l, other
	if long.Len() < short.Len() {
		long, short = short, long
	}
	both := &StatusList{bits: bytes.Clone(long.bits), length: long.length}
	for i, b := range short.bits {
		both.bits[i] |= b
	}
	return both
}

// Compress returns the list as "lst" holds it before base64url: DEFLATE in the
// ZLIB format (RFC 1950). The draft recommends the highest level, which saves a
// quarter of the bytes and takes ten times as long, or with a million entries
// marked sixteen seconds: too long for a list that is made each second.
func (l *StatusList) Compress() ([]byte, error) {
	if l == nil {
		return nil, errors.New("jwt: no status list")
	}
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("jwt: compress status list: %w", err)
	}
	if _, err := w.Write(l.bits); err != nil {
		return nil, fmt.Errorf("jwt: compress status list: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("jwt: compress status list: %w", err)
	}
	return out.Bytes(), nil
}

// DecompressStatusList reads what Compress wrote. It refuses lists of more
// than 64 MiB, broken checksums and data after the end.
func DecompressStatusList(compressed []byte) (*StatusList, error) {
	rest := bytes.NewReader(compressed)
	r, err := zlib.NewReader(rest)
	if err != nil {
		return nil, errors.New("jwt: the status list is not in the ZLIB format")
	}
	defer func() { _ = r.Close() }()
	bits, err := io.ReadAll(io.LimitReader(r, maxStatusListBytes+1))
	if err != nil {
		return nil, errors.New("jwt: the status list is not in the ZLIB format")
	}
	if len(bits) > maxStatusListBytes {
		return nil, fmt.Errorf("jwt: the status list is longer than %d bytes", maxStatusListBytes)
	}
	if rest.Len() != 0 {
		return nil, errors.New("jwt: the status list has data after its end")
	}
	return &StatusList{bits: bits, length: int64(len(bits)) * 8}, nil
}
