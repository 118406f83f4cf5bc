package gatehouse_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// expired is everything of ana's that has an end, after all of it has passed.
type expired struct {
	h     *house
	grant gatehouse.Grant
	page  gatehouse.SessionGrant
	code  model.Code
}

func newExpired(t *testing.T, h *house) expired {
	t.Helper()
	ana := h.register(t, "ana")
	e := expired{h: h, grant: h.login(t, "ana"), page: h.page(t, "ana"), code: h.code(t, ana.ID)}
	h.clock.Add(8 * 24 * time.Hour)
	h.login(t, "ana") // so that the store has seen this time
	e.staysSo(t)
	return e
}

func (e expired) staysSo(t *testing.T) {
	t.Helper()
	if _, err := e.h.LoginJWT(t.Context(), e.grant.AccessToken); err == nil {
		t.Error("the access token is good")
	}
	if _, err := e.h.BearerPresence(t.Context(), e.grant.AccessToken); err == nil {
		t.Error("the access token is good beside the store")
	}
	if _, err := e.h.RefreshJWT(t.Context(), e.grant.RefreshToken); err == nil {
		t.Error("the refresh token is good")
	}
	if e.h.alive(t, e.page.Token) {
		t.Error("the session token is good")
	}
	if alive, err := e.h.CodeAlive(t.Context(), e.code); err != nil || alive {
		t.Errorf("the code is alive: %v, %v", alive, err)
	}
	refused(t, e.h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: e.code, New: otherPassword}), model.ErrInvalidOrExpiredCode)
}

func TestAClockThatIsSetBack(t *testing.T) {
	for name, back := range map[string]time.Duration{"a_day": 24 * time.Hour, "eight_days": 8 * 24 * time.Hour, "years": 10 * 365 * 24 * time.Hour} {
		t.Run("ST-06_"+name+"_while_it_runs_revives_nothing", func(t *testing.T) {
			e := newExpired(t, newHouse(t))
			e.h.clock.Add(-back)
			e.staysSo(t)
			if got := e.h.ClockBehind(); got != back {
				t.Errorf("the clock is behind by %v, want %v", got, back)
			}
		})
		t.Run("ST-06_"+name+"_between_two_runs_revives_nothing", func(t *testing.T) {
			e := newExpired(t, newHouse(t))
			e.h.clock.Add(-back)
			e.h.reopen(t)
			e.staysSo(t)
		})
	}
	t.Run("ST-06_until_it_has_caught_up", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		h.clock.Add(-time.Hour)
		grant := h.login(t, "ana")
		if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err != nil {
			t.Errorf("who logs in meanwhile is refused: %v", err)
		}
		h.clock.Add(time.Hour)
		if got := h.ClockBehind(); got != 0 {
			t.Errorf("the clock is behind by %v after it was set right", got)
		}
		if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err != nil {
			t.Errorf("who logged in meanwhile is refused: %v", err)
		}
		h.clock.Add(gatehouse.DefaultAccessTTL + 2*time.Minute)
		if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err == nil {
			t.Error("time stands still")
		}
	})
	t.Run("ST-06_what_clocks_may_differ_is_passed_on", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		h.clock.Add(-time.Minute)
		h.login(t, "ana")
		events, err := h.store.EventsOf(t.Context(), ana.ID, 10)
		if err != nil || h.ClockBehind() != 0 || !events[len(events)-1].At.Equal(h.clock.Now()) {
			t.Errorf("behind by %v, events %v (%v)", h.ClockBehind(), events, err)
		}
	})
}

func TestTheLogOfAClockThatIsSetBack(t *testing.T) {
	t.Run("ST-06_the_log_says_so", func(t *testing.T) {
		var log bytes.Buffer
		h := newHouse(t, func(c *gatehouse.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		h.register(t, "ana")
		h.sweep(t)
		if strings.Contains(log.String(), "behind") {
			t.Errorf("a right clock: %s", log.String())
		}
		h.clock.Add(-24 * time.Hour)
		h.sweep(t)
		if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "behind=24h0m0s") {
			t.Errorf("the log says %q", got)
		}
	})
}

// While nobody can say how long ago a step was, its parent is worth nothing.
func TestTheRetryWindowIsShutWhileTheClockIsBehind(t *testing.T) {
	t.Run("RF-11_ST-06", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		first := h.login(t, "ana")
		second := h.refresh(t, first.RefreshToken)
		h.clock.Add(-24 * time.Hour)
		h.refreshRefused(t, first.RefreshToken)
		h.refreshRefused(t, second.RefreshToken)
	})
}
