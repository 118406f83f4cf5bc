package gatehouse_test

import (
	"errors"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func (h *house) page(t testing.TB, identifier string) gatehouse.SessionGrant {
	t.Helper()
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: identifier, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func (h *house) alive(t testing.TB, token model.SessionToken) bool {
	t.Helper()
	_, err := h.SessionPresence(t.Context(), token)
	if err != nil && !errors.Is(err, model.ErrInvalidToken) {
		t.Fatal(err)
	}
	return err == nil
}

func TestPageSessionEnds(t *testing.T) {
	t.Run("SC-07_idle_end", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		page := h.page(t, "ana")
		h.clock.Add(24*time.Hour - time.Second)
		if !h.alive(t, page.Token) {
			t.Fatal("dead before the idle end")
		}
		h.clock.Add(24*time.Hour + 2*time.Second)
		if h.alive(t, page.Token) {
			t.Error("alive after the idle end")
		}
	})
	t.Run("SC-07_absolute_end_SC-08_activity_moves_only_idle", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		page := h.page(t, "ana")
		for range 31 {
			if !h.alive(t, page.Token) {
				t.Fatal("dead before the absolute end")
			}
			h.clock.Add(23 * time.Hour)
		}
		if !h.alive(t, page.Token) { // else it would be idle for too long by the end
			t.Fatal("dead before the absolute end")
		}
		h.clock.Add(7*time.Hour - time.Second)
		if !h.alive(t, page.Token) {
			t.Error("dead a second before the absolute end")
		}
		h.clock.Add(2 * time.Second)
		if h.alive(t, page.Token) {
			t.Error("alive after 30 days")
		}
	})
	t.Run("SC-09_logout", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		grant := h.login(t, "ana")
		for range 2 { // the second finds nothing to end, and is no error
			if err := h.LogoutUser(t.Context(), grant.User.ID, grant.SessionID); err != nil {
				t.Fatal(err)
			}
		}
		h.refreshRefused(t, grant.RefreshToken)
		if _, err := h.BearerPresence(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
			t.Errorf("access token: %v", err)
		}
	})
}

func TestDisabledUsersHaveNoSession(t *testing.T) {
	t.Run("SC-10_enabling_revives_nothing", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		page, grant := h.page(t, "ana"), h.login(t, "ana")
		code, err := h.IssueResetCode(t.Context(), ana.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.DisableUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		_, err = h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		refused(t, err, model.ErrUserDisabled)
		_, err = h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: wrongPassword})
		refused(t, err, model.ErrWrongCredentials) // EN-10: told only after the right password
		_, err = h.IssueResetCode(t.Context(), ana.ID)
		refused(t, err, model.ErrUserDisabled)
		if err := h.EnableUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		if h.alive(t, page.Token) {
			t.Error("the cookie lives again")
		}
		h.refreshRefused(t, grant.RefreshToken)
		refused(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: otherPassword}), model.ErrInvalidOrExpiredCode)
		h.login(t, "ana")
	})
}

func TestWhichSessionsEnd(t *testing.T) {
	t.Run("SC-11_a_change_ends_the_others_and_keeps_its_own", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		mine, others := h.page(t, "ana"), []gatehouse.SessionGrant{h.page(t, "ana"), h.page(t, "ana")}
		program := h.login(t, "ana")
		err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, SessionID: mine.Session.ID, Current: goodPassword, New: otherPassword})
		if err != nil {
			t.Fatal(err)
		}
		if !h.alive(t, mine.Token) || h.alive(t, others[0].Token) || h.alive(t, others[1].Token) {
			t.Error("wrong sessions ended")
		}
		h.refreshRefused(t, program.RefreshToken)
	})
	t.Run("SC-17_the_21st_session_ends_the_oldest", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		var pages []gatehouse.SessionGrant
		for range 21 {
			pages = append(pages, h.page(t, "ana"))
			h.clock.Add(time.Second)
		}
		if h.alive(t, pages[0].Token) || !h.alive(t, pages[1].Token) || !h.alive(t, pages[20].Token) {
			t.Error("the oldest should have ended, and nothing else")
		}
		sessions, err := h.Sessions(t.Context(), ana.ID)
		if err != nil || len(sessions) != 20 {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
		if n := h.eventCount(t, model.EventSessionLimit); n != 1 {
			t.Errorf("%d events say so, want 1", n)
		}
	})
	t.Run("SC-24_sessions_of_others", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		h.register(t, "bob")
		bobs := h.page(t, "bob")
		refused(t, h.EndSession(t.Context(), ana.ID, bobs.Session.ID), model.ErrNotFound)
		if !h.alive(t, bobs.Token) {
			t.Error("ended")
		}
	})
}

func TestSessionsTellWhereAndWhen(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	ctx := fromDevice(t, "192.0.2.7", "Firefox on a boat")
	grant, err := h.LoginUser(ctx, gatehouse.Credentials{Identifier: "ANA", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Add(time.Hour)
	h.refresh(t, grant.RefreshToken)
	sessions, err := h.Sessions(t.Context(), ana.ID)
	if err != nil || len(sessions) != 1 {
		t.Fatalf("SC-15: %d sessions, %v", len(sessions), err)
	}
	s := sessions[0]
	if s.ID != grant.SessionID || s.Client.Address.String() != "192.0.2.7" || s.Client.UserAgent != "Firefox on a boat" {
		t.Errorf("SC-15: %+v", s.Client)
	}
	if got := s.LastUsedAt.Sub(s.CreatedAt); got != time.Hour {
		t.Errorf("SC-15: last used %v after it began, want 1h", got)
	}
}

func TestFresh(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	session := h.page(t, "ana").Session
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {5 * time.Minute, true}, {time.Second, false}, {-10 * time.Minute, false}} {
		h.clock.Add(tt.after)
		if got := h.Fresh(session); got != tt.want {
			t.Errorf("SC-14: %v after: %v, want %v", tt.after, got, tt.want)
		}
	}
}

func TestSweepForgetsWhatIsOverAndOnlyThat(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	ended, alive := h.page(t, "ana"), h.login(t, "ana")
	if err := h.EndSession(t.Context(), ana.ID, ended.Session.ID); err != nil {
		t.Fatal(err)
	}
	indexes := func() int {
		t.Helper()
		kept, err := h.store.EndedIndexes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(kept)
	}
	sweep := func() {
		t.Helper()
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.clock.Add(time.Hour)
	sweep()
	if indexes() != 1 {
		t.Error("ST-11: forgotten while a token may still name it")
	}
	h.clock.Add(3 * time.Minute)
	sweep()
	if indexes() != 0 {
		t.Error("ST-11: not forgotten")
	}
	h.refresh(t, alive.RefreshToken)
}
