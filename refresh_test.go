package gatehouse_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func (h *house) refresh(t testing.TB, token model.RefreshToken) gatehouse.Grant {
	t.Helper()
	grant, err := h.RefreshJWT(t.Context(), token)
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	return grant
}

func (h *house) refreshRefused(t testing.TB, token model.RefreshToken) {
	t.Helper()
	if _, err := h.RefreshJWT(t.Context(), token); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("refresh: got %v, want invalid-token", err)
	}
}

func (h *house) sweep(t testing.TB) {
	t.Helper()
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// reuses returns the recorded reuses of refresh tokens.
func (h *house) reuses(t testing.TB, id model.UserID) (found []model.Event) {
	t.Helper()
	events, err := h.store.EventsOf(t.Context(), id, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Name == model.EventTokenReuse {
			found = append(found, e)
		}
	}
	return found
}

func TestRefresh(t *testing.T) {
	t.Run("RF-01_each_use_gives_another", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		first := h.login(t, "ana")
		second := h.refresh(t, first.RefreshToken)
		if second.RefreshToken == first.RefreshToken || second.SessionID != first.SessionID || second.User.Username != "ana" {
			t.Errorf("successor: %v", second.SessionID)
		}
		h.clock.Add(11 * time.Second)
		h.refreshRefused(t, first.RefreshToken)
	})
	t.Run("RF-02_an_older_token_ends_the_session", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		r0 := h.login(t, "ana")
		r1 := h.refresh(t, r0.RefreshToken)
		r2 := h.refresh(t, r1.RefreshToken)
		h.refreshRefused(t, r0.RefreshToken) // within the window, but not the immediate parent
		h.refreshRefused(t, r2.RefreshToken)
		if _, err := h.BearerPresence(t.Context(), r2.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
			t.Errorf("the access token lives on: %v", err)
		}
		if got := h.reuses(t, ana.ID); len(got) != 1 {
			t.Errorf("the reuse is recorded %d times, want 1", len(got))
		}
	})
	t.Run("RF-03_many_at_once_get_one_successor", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		first := h.login(t, "ana")
		grants := make([]gatehouse.Grant, 50)
		errs := together(len(grants), func(i int) (err error) {
			grants[i], err = h.RefreshJWT(t.Context(), first.RefreshToken)
			return err
		})
		if count(errs, nil) != len(grants) {
			t.Fatalf("refused: %v", errs)
		}
		for _, g := range grants {
			if g.RefreshToken != grants[0].RefreshToken {
				t.Fatal("two successors")
			}
		}
		h.refresh(t, grants[0].RefreshToken)
	})
}

func TestTheParentWithinTheRetryWindow(t *testing.T) {
	t.Run("RF-04_the_parent_for_9_seconds_not_for_11", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		first := h.login(t, "ana")
		second := h.refresh(t, first.RefreshToken)
		h.clock.Add(9 * time.Second)
		if again := h.refresh(t, first.RefreshToken); again.RefreshToken != second.RefreshToken {
			t.Error("another successor")
		}
		h.clock.Add(2 * time.Second)
		h.refreshRefused(t, first.RefreshToken)
		h.refreshRefused(t, second.RefreshToken)
	})
	t.Run("RF-04_strict_ends_at_the_second_use", func(t *testing.T) {
		h := newHouse(t, func(c *gatehouse.Config) { c.StrictRefresh = true })
		h.register(t, "ana")
		first := h.login(t, "ana")
		second := h.refresh(t, first.RefreshToken)
		h.refreshRefused(t, first.RefreshToken)
		h.refreshRefused(t, second.RefreshToken)
	})
}

func TestRefreshTokensEnd(t *testing.T) {
	t.Run("RF-05_idle_end", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		token := h.login(t, "ana").RefreshToken
		h.clock.Add(7*24*time.Hour - time.Second)
		token = h.refresh(t, token).RefreshToken
		h.clock.Add(7*24*time.Hour + time.Second)
		h.refreshRefused(t, token)
	})
	t.Run("RF-05_absolute_end", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		token := h.login(t, "ana").RefreshToken
		for range 5 {
			h.clock.Add(5*24*time.Hour + 20*time.Hour)
			token = h.refresh(t, token).RefreshToken
		}
		h.clock.Add(20*time.Hour - time.Second)
		token = h.refresh(t, token).RefreshToken
		h.clock.Add(time.Second)
		h.refreshRefused(t, token)
	})
	t.Run("RF-11_reuse_is_seen_after_a_restart_and_a_step_of_the_clock", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		first := h.login(t, "ana")
		second := h.refresh(t, first.RefreshToken)
		h.reopen(t)
		h.clock.Add(-time.Hour)
		h.refreshRefused(t, first.RefreshToken)
		h.refreshRefused(t, second.RefreshToken)
	})
	t.Run("RF-19_the_first_token_is_known_as_spent_until_the_session_is_over", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		first := h.login(t, "ana").RefreshToken
		token := first
		for range 29 {
			h.clock.Add(24 * time.Hour)
			h.sweep(t)
			token = h.refresh(t, token).RefreshToken
		}
		h.refreshRefused(t, first)
		h.refreshRefused(t, token)
		if got := h.reuses(t, ana.ID); len(got) != 1 {
			t.Errorf("the reuse after 29 days is recorded %d times, want 1", len(got))
		}
		for _, row := range []struct {
			after time.Duration
			want  int
		}{{61 * time.Minute, 1}, {2 * time.Minute, 0}} {
			h.clock.Add(row.after)
			h.sweep(t)
			if got := len(h.snapshot(t)["sessions"]); got != row.want {
				t.Errorf("%v later there are %d rows of the session, want %d", row.after, got, row.want)
			}
		}
	})
}

func TestRefreshTokensOfOthers(t *testing.T) {
	t.Run("RF-20_reuse_is_recorded_once_and_with_its_place", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		r0 := h.login(t, "ana")
		r1 := h.refresh(t, r0.RefreshToken)
		h.refresh(t, r1.RefreshToken)
		for range 3 {
			if _, err := h.RefreshJWT(fromDevice(t, "192.0.2.7", "Thief/1"), r0.RefreshToken); !errors.Is(err, model.ErrInvalidToken) {
				t.Errorf("got %v, want invalid-token", err)
			}
		}
		h.refreshRefused(t, r1.RefreshToken)
		got := h.reuses(t, ana.ID)
		if len(got) != 1 || got[0].SessionID != r0.SessionID || got[0].Client.Address.String() != "192.0.2.7" {
			t.Errorf("got %+v, want one event of this session from 192.0.2.7", got)
		}
	})
	t.Run("RF-16_only_the_exact_string", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		good := string(h.login(t, "ana").RefreshToken)
		flipped := []byte(good)
		flipped[len(flipped)/2] ^= 1
		for _, bad := range []string{
			"", "ghr_", good[:len(good)-1], good + "A", good + "=", " " + good, good + " ", good + "\n", good[:40] + "\n" + good[40:],
			strings.ToUpper(good), strings.ToLower(good), strings.TrimPrefix(good, "ghr_"), "GHR_" + good[4:], "ghc_" + good[4:],
			strings.Replace(good, "ghr_", "ghr-", 1), string(flipped), good[:len(good)-1] + "\x00", good + good, "ghr_" + strings.Repeat("A", 72), good[1:],
		} {
			h.refreshRefused(t, model.RefreshToken(bad))
		}
		h.refresh(t, model.RefreshToken(good))
	})
}

func TestRefreshLooksAtTheUserAnew(t *testing.T) {
	tests := map[string]func(t *testing.T, h *house, ana model.User) error{
		"RF-12_disabled": func(t *testing.T, h *house, ana model.User) error { return h.DisableUser(t.Context(), ana.ID) },
		"RF-12_deleted":  func(t *testing.T, h *house, ana model.User) error { return h.EraseUser(t.Context(), ana.ID) },
		"RF-12_password_changed": func(t *testing.T, h *house, ana model.User) error {
			return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
		},
		"RF-12_logged_out_everywhere": func(t *testing.T, h *house, ana model.User) error {
			_, err := h.EndOtherSessions(t.Context(), ana.ID, model.SessionID{})
			return err
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ana := h.register(t, "ana")
			grant := h.login(t, "ana")
			if err := act(t, h, ana); err != nil {
				t.Fatal(err)
			}
			h.refreshRefused(t, grant.RefreshToken)
			if _, err := h.BearerPresence(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
				t.Errorf("access token: %v", err)
			}
		})
	}
}

func TestRefreshAndTheEndOfTheSessionRacing(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	tests := map[string]func(grant gatehouse.Grant) error{
		"RF-09_revoke": func(g gatehouse.Grant) error { return h.RevokeToken(t.Context(), string(g.RefreshToken)) },
		"RF-23_logout_everywhere": func(gatehouse.Grant) error {
			_, err := h.EndOtherSessions(t.Context(), ana.ID, model.SessionID{})
			return err
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			for range 15 {
				first := h.login(t, "ana")
				grants := make([]gatehouse.Grant, 21)
				errs := together(len(grants), func(i int) (err error) {
					if i == 0 {
						return end(first)
					}
					grants[i], err = h.RefreshJWT(t.Context(), first.RefreshToken)
					if errors.Is(err, model.ErrInvalidToken) {
						err = nil
					}
					return err
				})
				if count(errs, nil) != len(errs) {
					t.Fatal(errs)
				}
				h.refreshRefused(t, first.RefreshToken)
				for _, g := range grants {
					if g.RefreshToken != "" {
						h.refreshRefused(t, g.RefreshToken)
					}
				}
			}
		})
	}
}

func TestRevokeToken(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	tests := map[string]func(first, second gatehouse.Grant) string{
		"RF-07_refresh_token":       func(_, second gatehouse.Grant) string { return string(second.RefreshToken) },
		"RF-07_spent_refresh_token": func(first, _ gatehouse.Grant) string { return string(first.RefreshToken) },
		"RF-07_access_token":        func(_, second gatehouse.Grant) string { return second.AccessToken },
	}
	for name, pick := range tests {
		t.Run(name, func(t *testing.T) {
			first := h.login(t, "ana")
			second := h.refresh(t, first.RefreshToken)
			if err := h.RevokeToken(t.Context(), pick(first, second)); err != nil {
				t.Fatal(err)
			}
			h.refreshRefused(t, second.RefreshToken)
			seen, err := h.IntrospectToken(t.Context(), second.AccessToken)
			if err != nil || seen.Active {
				t.Errorf("JW-28: %v, %v", seen.Active, err)
			}
		})
	}
	t.Run("RF-07_unknown_tokens_are_no_error", func(t *testing.T) {
		for _, token := range []string{"", "x", "ghr_x", "a.b.c", strings.Repeat(".", 10_000)} {
			if err := h.RevokeToken(t.Context(), token); err != nil {
				t.Errorf("%.10q: %v", token, err)
			}
		}
	})
	t.Run("RF-08_a_store_that_fails_is_told", func(t *testing.T) {
		grant := h.login(t, "ana")
		if err := h.store.Close(); err != nil {
			t.Fatal(err)
		}
		if err := h.RevokeToken(t.Context(), string(grant.RefreshToken)); err == nil {
			t.Error("revoked, says a store that is closed")
		}
	})
}

func TestTokenKindsAreNotExchangeable(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	grant := h.login(t, "ana")
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	code, err := h.IssueResetCode(t.Context(), ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{"refresh": string(grant.RefreshToken), "access": grant.AccessToken, "cookie": string(page.Token), "code": string(code)}
	uses := map[string]func(string) error{
		"access":  func(s string) error { _, err := h.BearerPresence(t.Context(), s); return err },
		"cookie":  func(s string) error { _, err := h.SessionPresence(t.Context(), model.SessionToken(s)); return err },
		"refresh": func(s string) error { _, err := h.RefreshJWT(t.Context(), model.RefreshToken(s)); return err },
		"code": func(s string) error {
			return h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: model.Code(s), New: otherPassword})
		},
	}
	for kind, token := range tokens {
		for use, try := range uses {
			if kind != use && try(token) == nil {
				t.Errorf("RF-15: a %s works as %s", kind, use)
			}
		}
	}
	for _, kind := range []string{"access", "cookie", "refresh", "code"} {
		if err := uses[kind](tokens[kind]); err != nil {
			t.Errorf("a %s does not work as itself: %v", kind, err)
		}
	}
}

func TestAFetchedCookieSessionHasNoRefreshToken(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	who, err := h.SessionPresence(t.Context(), page.Token)
	if err != nil {
		t.Fatal(err)
	}
	access, err := h.IssueJWT(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := h.LoginJWT(t.Context(), access.AccessToken)
	if err != nil || claims.SessionID != page.Session.ID.String() {
		t.Errorf("claims %v, %v", claims, err)
	}
	fresh, err := h.RenewSession(t.Context(), page.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.SessionPresence(t.Context(), page.Token); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("SC-06: the old cookie: %v", err)
	}
	if again, err := h.SessionPresence(t.Context(), fresh); err != nil || again.Session.ID != page.Session.ID {
		t.Errorf("SC-06: the new cookie: %v", err)
	}
}
