package gatehouse

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

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

// refreshKey is the HMAC-SHA-256 from which the refresh tokens of the sessions
// that began under one master key are made. It is a function for the reason given
// at sealer.
type refreshKey func(body []byte) []byte

func newRefreshKey(master model.MasterKey) (refreshKey, error) {
	key, err := deriveKey(master, "gatehouse refresh token v1")
	return func(body []byte) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		return mac.Sum(nil)
	}, err
}

// presented is what a refresh token stands for, and the key it was made with: its
// successor is made with the same one, so that it is the same whichever process
// makes it, and a session keeps its key for its life.
type presented struct {
	session model.SessionID
	counter int64
	key     refreshKey
	// begunBefore is when the sessions had all begun that the key was ever used
	// for; zero is no limit.
	begunBefore time.Time
}

// of reports whether a session can have been given this token. What was made with
// a former key for a session of today is forged, and so is every one of a session
// that has a session token.
func (p presented) of(session model.Session) bool {
	return session.TokenDigest == (model.Digest{}) && (p.begunBefore.IsZero() || session.CreatedAt.Before(p.begunBefore))
}

// token derives the refresh token of a session for one counter. The same two
// always give the same token.
func (k refreshKey) token(id model.SessionID, counter int64) model.RefreshToken {
	var raw [refreshRawBytes]byte
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], uint64(counter)&maxCounter)
	copy(raw[:refreshIDBytes], id[:])
	copy(raw[refreshIDBytes:refreshBody], wide[2:])
	copy(raw[refreshBody:], k(raw[:refreshBody]))
	return model.RefreshToken(refreshPrefix + base64.RawURLEncoding.EncodeToString(raw[:]))
}

// IsRefreshToken reports whether a text begins as refresh tokens do, and access
// tokens do not. Nothing else of it is looked at.
func IsRefreshToken(text string) bool { return strings.HasPrefix(text, refreshPrefix) }

// splitRefreshToken reads what a refresh token names, and the HMAC that has to
// prove it. It is false for a text of another form.
func splitRefreshToken(token model.RefreshToken) (p presented, body, mac []byte, ok bool) {
	text, found := strings.CutPrefix(string(token), refreshPrefix)
	if !found || len(text) != base64.RawURLEncoding.EncodedLen(refreshRawBytes) || strings.ContainsAny(text, "\r\n") {
		return p, nil, nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return p, nil, nil, false
	}
	var wide [8]byte
	copy(wide[2:], raw[refreshIDBytes:refreshBody])
	copy(p.session[:], raw)
	p.counter = int64(binary.BigEndian.Uint64(wide[:]))
	return p, raw[:refreshBody], raw[refreshBody:], true
}

// parseRefreshToken returns what a refresh token stands for. It is false for
// everything that was not made under one of our master keys; what is returned then
// has no key, and nobody vouches for it. It reads no storage.
func (a *Auth) parseRefreshToken(token model.RefreshToken) (p presented, ours bool) {
	p, body, mac, ok := splitRefreshToken(token)
	if !ok {
		return p, false
	}
	return a.vouch(p, body, mac)
}

// vouch adds the master key that made the HMAC. It is false where none of ours
// that is still good for refresh tokens did.
func (a *Auth) vouch(p presented, body, mac []byte) (presented, bool) {
	now := a.now()
	for _, master := range a.masters.Load().all {
		if hmac.Equal(mac, master.refresh(body)) && !master.outlived(now) {
			p.key, p.begunBefore = master.refresh, master.begunBefore()
			return p, true
		}
	}
	return p, false
}
