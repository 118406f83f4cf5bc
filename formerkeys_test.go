package gatehouse_test

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// forgedRefreshToken is what who has a master key makes of the id of a session.
func forgedRefreshToken(t *testing.T, master model.MasterKey, id model.SessionID, counter uint64) model.RefreshToken {
	t.Helper()
	key, err := hkdf.Key(sha256.New, master[:], nil, "gatehouse refresh token v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], counter)
	body := append(id[:], wide[2:]...)
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return model.RefreshToken("ghr_" + base64.RawURLEncoding.EncodeToString(mac.Sum(body)))
}

func TestAFormerMasterKeyIsGoodForTheSessionsOfItsTime(t *testing.T) {
	h, first := newKeyHouse(t)
	mine := h.login(t, "ana")
	second := randomMasterKey()
	keys := model.MasterKeys{Current: first}.Followed(second, h.clock.Now())
	h.clock.Add(59 * time.Minute)
	straggler := h.login(t, "ana") // begun by a process that had not heard of the change
	if err := h.UseMasterKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(time.Minute)
	late := h.login(t, "ana")
	t.Run("KY-10_not_for_a_session_that_began_after", func(t *testing.T) {
		forged := forgedRefreshToken(t, first, late.SessionID, 0)
		_, err := h.RefreshJWT(t.Context(), forged)
		refused(t, err, model.ErrInvalidToken)
		if seen, err := h.IntrospectToken(t.Context(), string(forged)); err != nil || seen.Active {
			t.Errorf("introspection: active %t (%v)", seen.Active, err)
		}
		if err := h.RevokeToken(t.Context(), string(forged)); err != nil {
			t.Error(err)
		}
		if seen, err := h.ExplainRefresh(t.Context(), forged); err != nil || seen.State != gatehouse.RefreshForged || seen.User.Username != "" {
			t.Errorf("explained as %s of %q (%v)", seen.State, seen.User.Username, err)
		}
		if late, err = h.RefreshJWT(t.Context(), late.RefreshToken); err != nil {
			t.Errorf("a forged token ended the session: %v", err)
		}
	})
	t.Run("KY-10_for_one_that_began_before_and_for_a_straggler", func(t *testing.T) {
		var err error
		for _, grant := range []*gatehouse.Grant{&mine, &straggler} {
			if *grant, err = h.RefreshJWT(t.Context(), grant.RefreshToken); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("KY-10_without_a_date_there_is_no_limit", func(t *testing.T) {
		undated, err := gatehouse.New(t.Context(), h.store, h.under(second, first))
		if err != nil {
			t.Fatal(err)
		}
		other := h.login(t, "ana")
		if _, err := undated.RefreshJWT(t.Context(), forgedRefreshToken(t, first, other.SessionID, 0)); err != nil {
			t.Error(err)
		}
	})
	t.Run("KY-10_for_nothing_when_no_such_session_can_be_left", func(t *testing.T) {
		var err error
		for range 4 {
			h.clock.Add(6 * 24 * time.Hour)
			if straggler, err = h.RefreshJWT(t.Context(), straggler.RefreshToken); err != nil {
				t.Fatal(err)
			}
		}
		// An hour had passed since the change when the last of its sessions began.
		h.clock.Add(gatehouse.FormerKeyLifetime - time.Hour - 24*24*time.Hour - time.Second)
		for _, want := range []gatehouse.RefreshState{gatehouse.RefreshEnded, gatehouse.RefreshForged} {
			if seen, err := h.ExplainRefresh(t.Context(), straggler.RefreshToken); err != nil || seen.State != want {
				t.Errorf("the token is explained as %s (%v), want %s", seen.State, err, want)
			}
			h.clock.Add(time.Second)
		}
	})
}

func TestASessionOfABrowserTakesNoRefreshToken(t *testing.T) {
	h, master := newKeyHouse(t)
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]model.MasterKey{"the current key": master} {
		forged := forgedRefreshToken(t, key, page.Session.ID, 0)
		_, err := h.RefreshJWT(t.Context(), forged)
		refused(t, err, model.ErrInvalidToken)
		if seen, err := h.IntrospectToken(t.Context(), string(forged)); err != nil || seen.Active {
			t.Errorf("RF-15 under %s: introspection: active %t (%v)", name, seen.Active, err)
		}
	}
	if _, err := h.SessionPresence(t.Context(), page.Token); err != nil {
		t.Errorf("RF-15: the session was ended: %v", err)
	}
}
