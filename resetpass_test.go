package gatehouse_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func (h *house) code(t testing.TB, id model.UserID) model.Code {
	t.Helper()
	code, err := h.IssueResetCode(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (h *house) reset(t testing.TB, code model.Code, password model.Password) error {
	t.Helper()
	return h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: password})
}

func TestResetPass(t *testing.T) {
	t.Run("RV-03_30_minutes_and_not_a_second_more", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		late, inTime := h.code(t, ana.ID), model.Code("")
		h.clock.Add(30*time.Minute + time.Second)
		refused(t, h.reset(t, late, otherPassword), model.ErrInvalidOrExpiredCode)
		inTime = h.code(t, ana.ID)
		h.clock.Add(30*time.Minute - time.Second)
		if err := h.reset(t, inTime, otherPassword); err != nil {
			t.Error(err)
		}
	})
	t.Run("RV-04_one_of_many_wins", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		code := h.code(t, ana.ID)
		passwords := make([]model.Password, 8)
		errs := together(len(passwords), func(i int) error {
			passwords[i] = otherPassword + model.Password(rune('a'+i))
			return h.reset(t, code, passwords[i])
		})
		if count(errs, nil) != 1 || count(errs, model.ErrInvalidOrExpiredCode) != len(errs)-1 {
			t.Fatal(errs)
		}
		for i, password := range passwords {
			h.clock.Add(time.Hour) // a wrong one is waited for no longer
			_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: password})
			if (err == nil) != (errs[i] == nil) {
				t.Errorf("password %d: reset %v, login %v", i, errs[i], err)
			}
		}
	})
	t.Run("RV-09_RV-01_LT-22_all_sessions_end_and_nobody_is_logged_in", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		page, grant := h.page(t, "ana"), h.login(t, "ana")
		if err := h.reset(t, h.code(t, ana.ID), otherPassword); err != nil {
			t.Fatal(err)
		}
		if h.alive(t, page.Token) {
			t.Error("the cookie lives on")
		}
		h.refreshRefused(t, grant.RefreshToken)
		if sessions, err := h.Sessions(t.Context(), ana.ID); err != nil || len(sessions) != 0 {
			t.Errorf("%d sessions after a reset (%v)", len(sessions), err)
		}
	})
	t.Run("PW-01_a_refused_password_does_not_cost_the_code", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		code := h.code(t, ana.ID)
		refused(t, h.reset(t, code, "short"), model.ErrPasswordTooShort)
		if err := h.reset(t, code, otherPassword); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatKillsACode(t *testing.T) {
	tests := map[string]func(t *testing.T, h *house, ana model.User, code model.Code) error{
		"RV-05_a_newer_one": func(t *testing.T, h *house, ana model.User, _ model.Code) error {
			h.code(t, ana.ID)
			return nil
		},
		"RV-05_its_use": func(t *testing.T, h *house, _ model.User, code model.Code) error {
			return h.reset(t, code, otherPassword)
		},
		"RV-05_a_change_of_the_password": func(t *testing.T, h *house, ana model.User, _ model.Code) error {
			return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
		},
		"RV-05_disabling": func(t *testing.T, h *house, ana model.User, _ model.Code) error {
			return errors.Join(h.DisableUser(t.Context(), ana.ID), h.EnableUser(t.Context(), ana.ID))
		},
		"RV-24_deletion": func(t *testing.T, h *house, ana model.User, _ model.Code) error {
			return h.EraseUser(t.Context(), ana.ID)
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ana := h.register(t, "ana")
			code := h.code(t, ana.ID)
			if err := act(t, h, ana, code); err != nil {
				t.Fatal(err)
			}
			if alive, err := h.CodeAlive(t.Context(), code); err != nil || alive {
				t.Errorf("alive: %v (%v)", alive, err)
			}
			refused(t, h.reset(t, code, goodPassword+"!"), model.ErrInvalidOrExpiredCode)
		})
	}
}

func TestPW12TimeAloneChangesNoPassword(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.clock.Add(10 * 365 * 24 * time.Hour)
	h.login(t, "ana") // a password does not expire
}

func TestJW20JW19AccessTokenSaysNoMoreThanItMust(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	grant := h.login(t, "ana")
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(grant.AccessToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	allowed := []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "auth_time", "amr", "acr", "status"}
	for name := range claims {
		if !slices.Contains(allowed, name) {
			t.Errorf("claim %s", name)
		}
	}
	if len(claims) != len(allowed) {
		t.Errorf("%d claims, want %d", len(claims), len(allowed))
	}
}

func TestSC13SC02TheOperatorEndsSessions(t *testing.T) {
	h := newHouse(t)
	ana, bob := h.register(t, "ana"), h.register(t, "bob")
	anas, bobs := h.page(t, "ana"), h.page(t, "bob")
	if n, err := h.EndOtherSessions(t.Context(), ana.ID, model.SessionID{}); err != nil || n != 1 {
		t.Fatalf("%d ended, %v", n, err)
	}
	if h.alive(t, anas.Token) || !h.alive(t, bobs.Token) {
		t.Error("the wrong sessions ended")
	}
	if err := h.EndSession(t.Context(), bob.ID, bobs.Session.ID); err != nil {
		t.Fatal(err)
	}
	if h.alive(t, bobs.Token) {
		t.Error("a session that the store does not have is alive")
	}
	again, grant := h.page(t, "ana"), h.login(t, "bob")
	if _, err := h.EndEverything(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.alive(t, again.Token) {
		t.Error("what ends everything left a session")
	}
	h.refreshRefused(t, grant.RefreshToken)
	for name, want := range map[model.EventName]int{model.EventSessionsEnded: 1, model.EventSessionEnded: 1, model.EventEverythingEnded: 1} {
		if n := h.eventCount(t, name); n != want {
			t.Errorf("%d events %s, want %d", n, name, want)
		}
	}
}
