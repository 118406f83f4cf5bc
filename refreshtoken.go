package gatehouse

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"gatehouse/model"
)

// A refresh token is the prefix and 54 bytes in base64url: 16 bytes session
// id, 6 bytes counter, 32 bytes HMAC-SHA-256 of both under a key derived from
// the master key. 54 is a multiple of 3, so no bit of the text is without
// meaning and only one text is the token.
const (
	refreshPrefix   = "ghr_"
	refreshIDBytes  = 16
	refreshBody     = refreshIDBytes + 6
	refreshRawBytes = refreshBody + sha256.Size
	maxCounter      = 1<<48 - 1
)

// refreshToken derives the refresh token of a session for one counter. The same
// two always give the same token.
func (a *Auth) refreshToken(id model.SessionID, counter int64) model.RefreshToken {
	var raw [refreshRawBytes]byte
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], uint64(counter)&maxCounter)
	copy(raw[:refreshIDBytes], id[:])
	copy(raw[refreshIDBytes:refreshBody], wide[2:])
	copy(raw[refreshBody:], a.refreshMAC(raw[:refreshBody]))
	return model.RefreshToken(refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:]))
}

// parseRefreshToken returns what a refresh token stands for, and false for
// everything that we did not make. It reads no storage.
func (a *Auth) parseRefreshToken(token model.RefreshToken) (id model.SessionID, counter int64, ok bool) {
	text, found := strings.CutPrefix(string(token), refreshPrefix)
	if !found || len(text) != base64.RawURLEncoding.EncodedLen(refreshRawBytes) || strings.ContainsAny(text, "\r\n") {
		return id, 0, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || !hmac.Equal(raw[refreshBody:], a.refreshMAC(raw[:refreshBody])) {
		return id, 0, false
	}
	var wide [8]byte
	copy(wide[2:], raw[refreshIDBytes:refreshBody])
	copy(id[:], raw)
	return id, int64(binary.BigEndian.Uint64(wide[:])), true
}

func (a *Auth) refreshMAC(body []byte) []byte {
	mac := hmac.New(sha256.New, a.refreshKey)
	mac.Write(body)
	return mac.Sum(nil)
}
