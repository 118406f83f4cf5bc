package importer

import (
	"crypto/sha256"
	"strings"

	"gatehouse/model"
)

// idOf keeps an id that is a UUID, so that the sub of the tokens stays the same.
// Of every other it makes one that is the same each time, so that an import can
// be run again: SHA-256 over the source and the parts, in the form of version 8
// (RFC 9562 section 5.8).
func idOf(source Source, parts ...string) model.UserID {
	if id, err := model.ParseID[model.User](strings.ToLower(parts[0])); err == nil && !id.IsZero() {
		return id
	}
	sum := sha256.Sum256([]byte("gatehouse import v1\x00" + string(source) + "\x00" + strings.Join(parts, "\x00")))
	id := model.UserID(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
