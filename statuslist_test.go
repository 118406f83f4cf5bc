package gatehouse_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/jwt"
)

func TestStatusList(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	grant := h.login(t, "ana")
	before, err := h.StatusList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Add(9 * time.Second)
	if same, err := h.StatusList(t.Context()); err != nil || same != before {
		t.Errorf("signed anew though nothing was ended (%v)", err)
	}
	h.clock.Add(time.Second)
	if renewed, err := h.StatusList(t.Context()); err != nil || renewed == before {
		t.Errorf("not signed anew after ten seconds (%v)", err)
	}
	claims, err := h.LoginJWT(t.Context(), grant.AccessToken)
	if err != nil || claims.Status.URI != "https://id.example.com/v1/status-list" {
		t.Fatalf("status claim %+v, %v", claims, err)
	}
	if err := h.LogoutUser(t.Context(), grant.User.ID, grant.SessionID); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(time.Second)
	after, err := h.StatusList(t.Context())
	if err != nil || after == before {
		t.Fatalf("the list did not change (%v)", err)
	}
	kept, err := h.store.EndedIndexes(t.Context())
	if err != nil || len(kept) != 1 || kept[0] != claims.Status.Index {
		t.Errorf("ended %v, want [%d] (%v)", kept, claims.Status.Index, err)
	}
	if err := h.EraseUser(t.Context(), grant.User.ID); err != nil {
		t.Fatal(err)
	}
	if kept, err := h.store.EndedIndexes(t.Context()); err != nil || len(kept) != 1 {
		t.Errorf("deleting the user freed the place in the list: %v, %v", kept, err)
	}
}

func TestStatusListHasAPlaceForEverySession(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.login(t, "ana")
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const place = 500_000
	if _, err := db.ExecContext(t.Context(), "UPDATE sessions SET status_index = ?", place); err != nil {
		t.Fatal(err)
	}
	token, err := h.StatusList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := h.readList(t, token)
	// The next session may get any place of a range twice as large.
	if list.List.Revoked(place) || list.List.Revoked(2*place) {
		t.Errorf("a live session at %d is outside a list of %d", place, list.List.Len())
	}
}

// readList verifies a list as any service does.
func (h *house) readList(t *testing.T, token string) *jwt.StatusListClaims {
	t.Helper()
	verifier, err := jwt.NewStatusListVerifier(jwt.StatusListVerifierConfig{
		Issuer: "https://id.example.com", URI: "https://id.example.com/v1/status-list", Now: h.clock.Now,
		Keys: func() jwt.KeySet { keys, _ := h.KeySet(t.Context()); return keys },
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := verifier.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAClockSetBackMakesNoOldList(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	list := func() *jwt.StatusListClaims {
		token, err := h.StatusList(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h.readList(t, token)
	}
	last := list()
	for range 3 {
		grant := h.login(t, "ana")
		claims, err := h.LoginJWT(t.Context(), grant.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Add(-5 * time.Second)
		if err := h.LogoutUser(t.Context(), grant.User.ID, grant.SessionID); err != nil {
			t.Fatal(err)
		}
		next := list()
		if next.IssuedAt.Before(last.IssuedAt) || !next.List.Revoked(claims.Status.Index) {
			t.Errorf("after a list of %s came one of %s; revoked: %v", last.IssuedAt, next.IssuedAt, next.List.Revoked(claims.Status.Index))
		}
		last = next
	}
	// A clock that was an hour ahead is not followed: nobody accepts such a list.
	h.clock.Add(-time.Hour)
	if next := list(); !next.IssuedAt.Equal(h.clock.Now()) {
		t.Errorf("a list of %s at %s", next.IssuedAt, h.clock.Now())
	}
}
