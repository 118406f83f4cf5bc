package gatehouse_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func TestRehashOnLogin(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	old := h.hashOf(t, ana.ID)
	h.cfg.HashParams.Passes = 4
	h.reopen(t)
	t.Run("PW-17_a_failed_login_changes_nothing", func(t *testing.T) {
		before := h.snapshot(t)
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: wrongPassword})
		refused(t, err, model.ErrWrongCredentials)
		if h.hashOf(t, ana.ID) != old {
			t.Error("the hash changed")
		}
		if changed := before.differ(h.snapshot(t), []string{"attempts", "events"}); len(changed) != 0 {
			t.Errorf("it changed %v", changed)
		}
	})
	t.Run("PW-17_many_right_logins_leave_one_good_hash", func(t *testing.T) {
		errs := together(4, func(int) error {
			_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			return err
		})
		if count(errs, nil) != 4 {
			t.Fatalf("logins: %v", errs)
		}
		now := h.hashOf(t, ana.ID)
		if !strings.Contains(now, "t=4") {
			t.Errorf("not hashed anew: %.30s", now)
		}
		h.login(t, "ana")
		if h.hashOf(t, ana.ID) != now {
			t.Error("hashed anew though nothing changed")
		}
	})
}

func TestAPoisonedHashDeniesWithoutWork(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const salt, tag = "$AAAAAAAAAAAAAAAAAAAAAA", "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	poisoned := map[string]string{
		"m_of_8_GiB": "$argon2id$v=19$m=8388608,t=3,p=1" + salt + tag, "t_of_1000": "$argon2id$v=19$m=65536,t=1000,p=1" + salt + tag,
		"p_of_255": "$argon2id$v=19$m=65536,t=3,p=255" + salt + tag, "no_salt": "$argon2id$v=19$m=65536,t=3,p=1$" + tag,
		"tag_of_4": "$argon2id$v=19$m=65536,t=3,p=1" + salt + "$AAAAAA", "argon2i_of_8_GiB": "$argon2i$v=19$m=8388608,t=3,p=1" + salt + tag,
		"argon2d": "$argon2d$v=19$m=65536,t=3,p=1" + salt + tag, "v_16": "$argon2id$v=16$m=65536,t=3,p=1" + salt + tag,
		"bad_base64": "$argon2id$v=19$m=65536,t=3,p=1" + salt + "$!!!!" + tag[5:], "plain": "plain",
	}
	evaluated := gatehouse.EvaluationsOf(h.Auth)
	for name, phc := range poisoned {
		if _, err := db.ExecContext(t.Context(), "UPDATE users SET password_hash = ?", phc); err != nil {
			t.Fatal(err)
		}
		t.Run("PW-19_"+name, func(t *testing.T) {
			refused(t, try(t.Context(), h.Auth, "ana", goodPassword), model.ErrWrongCredentials)
			h.clock.Add(24 * time.Hour) // so that failures are no longer in a row
		})
	}
	if did := gatehouse.EvaluationsOf(h.Auth) - evaluated; did != 0 {
		t.Errorf("%d of them were computed", did)
	}
	events, err := h.store.EventsOf(t.Context(), ana.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, e := range events {
		if e.Name == model.EventHashRejected {
			rejected++
		}
	}
	if rejected != len(poisoned) {
		t.Errorf("PW-19: %d events, want %d", rejected, len(poisoned))
	}
}

func TestPW23PW27AnAccountWithoutPassword(t *testing.T) {
	h := newHouse(t)
	ana, code, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "ana", Email: "ana@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []model.Password{"", "null", "[]", "{}", goodPassword} {
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: typed})
		if !errors.Is(err, model.ErrWrongCredentials) {
			t.Errorf("%q: %v", string(typed), err)
		}
	}
	h.clock.Add(24*time.Hour - time.Second)
	if err := h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: goodPassword}); err != nil {
		t.Errorf("the code of an invitation: %v", err)
	}
	refused(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: otherPassword}), model.ErrInvalidOrExpiredCode)
	if got := h.login(t, "ana@example.com"); got.User.ID != ana.ID {
		t.Error("somebody else logged in")
	}
	_, late, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "bob"})
	mustNot(t, err)
	h.clock.Add(24*time.Hour + time.Second)
	refused(t, h.reset(t, late, goodPassword), model.ErrInvalidOrExpiredCode)
}
