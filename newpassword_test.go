package gatehouse_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"gatehouse"
	"gatehouse/blocklist/lists"
	"gatehouse/model"
)

// blocked fails the test unless err is a blocked password in this member, for
// one of these reasons, with guidance.
func blocked(t *testing.T, err error, member string, reasons ...string) {
	t.Helper()
	var refusal *model.Error
	if !errors.As(err, &refusal) || !refusal.Is(model.ErrPasswordBlocked) || len(refusal.Fields) != 1 {
		t.Errorf("got %v, want password-blocked", err)
		return
	}
	field := refusal.Fields[0]
	if field.Field != member || !slices.Contains(reasons, field.Reason) || !strings.Contains(field.Detail, "unrelated words") {
		t.Errorf("got %+v, want %v of %s, with guidance", field, reasons, member)
	}
}

// commonWords are the entries of the list with at least so many code points.
func commonWords(t *testing.T, least int) (words []string) {
	t.Helper()
	all, err := lists.Words("blocklist/testdata/lists/node_modules")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("GATEHOUSE_REQUIRE_BROWSER") != "1" {
		t.Skip("the lists are not installed: run npm ci in blocklist/testdata/lists")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range all {
		if utf8.RuneCountInString(word) >= least {
			words = append(words, word)
		}
	}
	return words
}

func TestCommonPasswordsAreBlockedOnEveryPath(t *testing.T) {
	for _, tt := range []struct{ name, min string }{{"PW-07_at_15", ""}, {"PW-07_at_8", "8"}} {
		t.Run(tt.name, func(t *testing.T) {
			least, step := 15, 20
			if tt.min != "" {
				least, step = 8, 2000
			}
			h := newHouse(t, func(c *gatehouse.Config) { c.PasswordMin = least })
			user := h.register(t, "ana")
			reset, err := h.IssueResetCode(t.Context(), user.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, invite, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "ben"})
			if err != nil {
				t.Fatal(err)
			}
			for i, word := range commonWords(t, least) {
				password := model.Password(word)
				// One entry is our own name, and so has two reasons.
				reasons := []string{"common", "context"}[:1+strings.Count(word, "gatehouse")]
				_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "zoe", Password: password})
				blocked(t, err, "password", reasons...)
				// A reset and an invitation are one verb, and take turns.
				code := []model.Code{reset, invite}[i%2]
				blocked(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: password}), "new_password", reasons...)
				// A change pays for the hash of the current password first, so
				// this path takes a sample; what judges is the same.
				if i%step == 0 {
					change := gatehouse.PasswordChange{UserID: user.ID, Current: goodPassword, New: password}
					blocked(t, h.ChangePass(t.Context(), change), "new_password", reasons...)
				}
				if t.Failed() {
					t.Fatalf("at %q", word)
				}
			}
			// The codes are still good, and so are the accounts.
			for _, code := range []model.Code{reset, invite} {
				if err := h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: otherPassword}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestPasswordsMadeOfContext(t *testing.T) {
	h := newHouse(t, func(c *gatehouse.Config) {
		c.Issuer, c.Audience = "https://login.blumenhof.example", "https://ladenstrasse.example/api"
		c.ContextWords = []string{"Rosenkavalier"}
	})
	h.register(t, "ben")
	marguerite, err := h.RegisterUser(t.Context(), gatehouse.Registration{
		Username: "marguerite.duval", Email: "m.lafontaine@sonnenschein.example", Password: goodPassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	passwords := []model.Password{
		"marguerite.duval", "lavudetireugram", "MargueriteDuval2026", "duvalduvalduval", "Lafontaine1999!", "m.lafontaine@sonnenschein.example",
		"sonnenschein.example", "SONNENSCHEIN123", "gatehousegatehouse", "Gatehouse-2026!", "blumenhof123456", "ladenstrasse123", "rosenkavalier!!!",
	}
	for _, password := range passwords {
		t.Run("PW-08_register_"+string(password), func(t *testing.T) {
			_, err := h.RegisterUser(t.Context(), gatehouse.Registration{
				Username: "Marguerite.Duval", Email: "M.Lafontaine@Sonnenschein.example", Password: password,
			})
			blocked(t, err, "password", "context")
		})
		t.Run("PW-08_change_"+string(password), func(t *testing.T) {
			change := gatehouse.PasswordChange{UserID: marguerite.ID, Current: goodPassword, New: password}
			blocked(t, h.ChangePass(t.Context(), change), "new_password", "context")
		})
		t.Run("PW-08_reset_"+string(password), func(t *testing.T) {
			code, err := h.IssueResetCode(t.Context(), marguerite.ID)
			if err != nil {
				t.Fatal(err)
			}
			// Whose names they are is known last here, so what is common says so.
			blocked(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: password}), "new_password", "context", "common")
			if alive, err := h.CodeAlive(t.Context(), code); err != nil || !alive {
				t.Errorf("the refusal cost the code: %v, %v", alive, err)
			}
		})
	}
	if _, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "marguerite.duval", Password: goodPassword}); err != nil {
		t.Errorf("after all the refusals: %v", err)
	}
	t.Run("PW-08_with_an_invitation", func(t *testing.T) {
		_, code, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "schwanenritter"})
		if err != nil {
			t.Fatal(err)
		}
		blocked(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: "Schwanenritter-1"}), "new_password", "context")
	})
	t.Run("PW-08_names_that_are_not_valid_count_as_typed", func(t *testing.T) {
		_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "schwanen@ritter", Password: "schwanenritter1"})
		refused(t, err, model.ErrUsernameInvalid)
		var refusal *model.Error
		if errors.As(err, &refusal) && len(refusal.Fields) != 2 {
			t.Errorf("got %+v, want both members named", refusal.Fields)
		}
	})
	t.Run("PW-09_words_among_others_are_accepted", func(t *testing.T) {
		for i, password := range []model.Password{"password horse staple cat", "marguerite eats seven plums", "the gatehouse at the river"} {
			username := "zoe" + strings.Repeat("x", i)
			if _, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: username, Password: password}); err != nil {
				t.Errorf("%q: %v", string(password), err)
			}
		}
	})
	t.Run("PW-08_the_names_of_others_do_not_count", func(t *testing.T) {
		if got := h.PasswordStrength("margueriteduval", "ben"); got.Score == 0 {
			t.Errorf("got %+v, want an estimate", got)
		}
		if got := h.PasswordStrength("margueriteduval", "marguerite.duval"); got.Score != 0 {
			t.Errorf("got %+v, want the refusal", got)
		}
	})
}

// leaks is a list of leaks that says what it is told to.
type leaks struct {
	asked  atomic.Int64
	answer func(model.Password) (bool, error)
}

func (l *leaks) Breached(_ context.Context, password model.Password) (bool, error) {
	l.asked.Add(1)
	return l.answer(password)
}

// setsPassword are the ways to set a password of ana, whose password is
// goodPassword.
func setsPassword(t *testing.T, h *house, ana model.User) map[string]func(model.Password) error {
	t.Helper()
	return map[string]func(model.Password) error{
		"register": func(p model.Password) error {
			_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "zoe", Password: p})
			return err
		},
		"change": func(p model.Password) error {
			return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: p})
		},
		"reset": func(p model.Password) error {
			code, err := h.IssueResetCode(t.Context(), ana.ID)
			if err != nil {
				t.Fatal(err)
			}
			return h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: p})
		},
	}
}

func TestBreachedPasswords(t *testing.T) {
	const known = model.Password("four words that leaked")
	down := errors.New("nobody answers")
	var logged bytes.Buffer
	list := &leaks{answer: func(p model.Password) (bool, error) { return p == known, nil }}
	h := newHouse(t, func(c *gatehouse.Config) {
		c.BreachChecker, c.Logger = list, slog.New(slog.NewJSONHandler(&logged, nil))
	})
	ana := h.register(t, "ana")
	for path, set := range setsPassword(t, h, ana) {
		member := map[bool]string{true: "password", false: "new_password"}[path == "register"]
		t.Run("PW-10_breached_at_"+path, func(t *testing.T) { blocked(t, set(known), member, "breached") })
		t.Run("PW-22_nobody_is_asked_what_is_refused_anyway_at_"+path, func(t *testing.T) {
			before := list.asked.Load()
			refused(t, set("short"), model.ErrPasswordTooShort)
			refused(t, set("passwordpassword"), model.ErrPasswordBlocked)
			if asked := list.asked.Load() - before; asked != 0 {
				t.Errorf("asked %d times", asked)
			}
		})
		t.Run("LG-10_nobody_answers_at_"+path, func(t *testing.T) {
			list.answer = func(model.Password) (bool, error) { return false, down }
			defer func() { list.answer = func(p model.Password) (bool, error) { return p == known, nil } }()
			err := set(otherPassword)
			refused(t, err, model.ErrUnavailable)
			var refusal *model.Error
			if errors.As(err, &refusal) && refusal.RetryAfter == 0 {
				t.Error("it does not say when to come back")
			}
		})
	}
	t.Run("LG-10_an_invalid_code_asks_nobody", func(t *testing.T) {
		before := list.asked.Load()
		refused(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: "ghc_none", New: otherPassword}), model.ErrInvalidOrExpiredCode)
		if asked := list.asked.Load() - before; asked != 0 {
			t.Errorf("asked %d times", asked)
		}
	})
	if text := logged.String(); !strings.Contains(text, down.Error()) || strings.Contains(text, string(otherPassword)) {
		t.Errorf("LG-06: the log says %s", text)
	}
}

func TestUncheckedPasswordsMayBeAccepted(t *testing.T) {
	list := &leaks{answer: func(model.Password) (bool, error) { return false, errors.New("nobody answers") }}
	h := newHouse(t, func(c *gatehouse.Config) { c.BreachChecker, c.AcceptUnchecked = list, true })
	ana := h.register(t, "ana")
	if err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword}); err != nil {
		t.Fatal(err)
	}
	events, err := h.store.EventsOf(t.Context(), ana.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	unchecked := 0
	for _, event := range events {
		if event.Name == model.EventPasswordUnchecked {
			unchecked++
		}
	}
	if unchecked != 2 {
		t.Errorf("got %d events %s, want 2", unchecked, model.EventPasswordUnchecked)
	}
}
