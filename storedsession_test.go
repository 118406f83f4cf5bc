package gatehouse_test

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"testing"

	"gatehouse/model"
)

// The row is the session: whoever takes it away ends the session, without a word
// to the process that serves it.
func TestTheRowIsTheSession(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	page, grant, other := h.page(t, "ana"), h.login(t, "ana"), h.page(t, "ana")
	db := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db"))
	t.Run("SC-03_it_holds_the_SHA-256_of_the_token", func(t *testing.T) {
		var kept string
		id := page.Session.ID
		mustNot(t, db.QueryRowContext(t.Context(), `SELECT lower(hex(token_digest)) FROM sessions WHERE id = $1`, id[:]).Scan(&kept))
		if want := sha256.Sum256([]byte(page.Token)); kept != hex.EncodeToString(want[:]) {
			t.Errorf("got %s, want %x", kept, want)
		}
	})
	for range 2 { // so that whoever remembers rows remembers these
		if !h.alive(t, page.Token) || !h.alive(t, other.Token) {
			t.Fatal("dead before")
		}
		_, err := h.BearerPresence(t.Context(), grant.AccessToken)
		mustNot(t, err)
	}
	for _, id := range []model.SessionID{page.Session.ID, grant.SessionID} {
		_, err := db.ExecContext(t.Context(), `DELETE FROM sessions WHERE id = $1`, id[:])
		mustNot(t, err)
	}
	t.Run("SC-02_the_next_request_is_refused", func(t *testing.T) {
		if h.alive(t, page.Token) {
			t.Error("the cookie lives on")
		}
		_, err := h.BearerPresence(t.Context(), grant.AccessToken)
		refused(t, err, model.ErrInvalidToken)
		h.refreshRefused(t, grant.RefreshToken)
		if !h.alive(t, other.Token) {
			t.Error("another session ended too")
		}
	})
}
