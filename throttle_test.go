package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// try logs in and returns what it was refused with.
func try(ctx context.Context, auth *gatehouse.Auth, identifier string, password model.Password) error {
	_, err := auth.LoginUser(ctx, gatehouse.Credentials{Identifier: identifier, Password: password})
	return err
}

// guess tries a wrong password from nowhere.
func (h *house) guess(t testing.TB, identifier string) error {
	t.Helper()
	return try(t.Context(), h.Auth, identifier, wrongPassword)
}

// lockOut guesses until the next one will be refused.
func (h *house) lockOut(t testing.TB, identifier string) {
	t.Helper()
	for range 5 {
		refused(t, h.guess(t, identifier), model.ErrWrongCredentials)
	}
}

// toldToWait wants the refusal of one who has to wait, and how long.
func toldToWait(t testing.TB, err error, want time.Duration) {
	t.Helper()
	var refusal *model.Error
	if !errors.As(err, &refusal) || !errors.Is(err, model.ErrTooManyAttempts) || refusal.RetryAfter != want {
		t.Errorf("got %v (%+v), want to be told to wait %v", err, refusal, want)
	}
}

func TestLT02_BackOff(t *testing.T) {
	t.Run("LT-02_four_failures_are_free_and_the_right_password_forgets_them", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		for range 3 {
			for range 4 {
				refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
			}
			h.login(t, "ana")
		}
	})
	t.Run("LT-02_from_the_fifth_on_delays_double_up_to_an_hour", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		for range 4 {
			refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
		}
		for _, seconds := range []time.Duration{30, 60, 120, 240, 480, 960, 1920, 3600, 3600} {
			delay := seconds * time.Second
			refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
			toldToWait(t, try(t.Context(), h.Auth, "ana", goodPassword), delay)
			h.clock.Add(delay - time.Second)
			toldToWait(t, h.guess(t, "ana"), time.Second)
			h.clock.Add(time.Second)
		}
		h.login(t, "ana")
		refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
		h.login(t, "ana")
	})
	t.Run("LT-02_after_a_day_failures_are_no_longer_in_a_row", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		for _, name := range []string{"ana", "nobody"} {
			for range 4 {
				refused(t, h.guess(t, name), model.ErrWrongCredentials)
			}
		}
		h.clock.Add(24 * time.Hour)
		for _, name := range []string{"ana", "nobody"} {
			h.lockOut(t, name)
			toldToWait(t, h.guess(t, name), 30*time.Second)
		}
	})
}

func TestLT01_TooManyFailuresDisableThePassword(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	eva := h.register(t, "eva")
	device, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "eva", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ana", "eva"} {
		h.lockOut(t, name)
	}
	// The other 94 would take days, and hashes.
	if _, err := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db")).Exec(`UPDATE attempts SET total = total + 94, failures = failures + 94`); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(time.Hour)
	t.Run("LT-01_99_failures_do_not_disable_it", func(t *testing.T) { h.login(t, "ana") })
	refused(t, h.guess(t, "eva"), model.ErrWrongCredentials)
	h.clock.Add(time.Hour)
	t.Run("LT-01_after_100_no_password_is_right", func(t *testing.T) {
		for range 2 {
			before := gatehouse.EvaluationsOf(h.Auth)
			refused(t, try(t.Context(), h.Auth, "eva", goodPassword), model.ErrWrongCredentials)
			if n := gatehouse.EvaluationsOf(h.Auth) - before; n != 1 {
				t.Errorf("%d passwords were hashed, want 1 as for everybody", n)
			}
			toldToWait(t, h.guess(t, "eva"), time.Hour)
			h.clock.Add(time.Hour)
		}
		refused(t, h.ConfirmPassword(t.Context(), eva.ID, goodPassword), model.ErrWrongPassword)
	})
	t.Run("LT-13_a_known_device_is_not_concerned", func(t *testing.T) {
		ctx := model.WithClient(t.Context(), model.Client{Device: device.Device})
		if err := try(ctx, h.Auth, "eva", goodPassword); err != nil {
			t.Error(err)
		}
		h.clock.Add(time.Hour)
		refused(t, try(t.Context(), h.Auth, "eva", goodPassword), model.ErrWrongCredentials)
	})
	t.Run("LT-01_a_reset_enables_it_again", func(t *testing.T) {
		if err := h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: h.code(t, eva.ID), New: otherPassword}); err != nil {
			t.Fatal(err)
		}
		if err := try(t.Context(), h.Auth, "eva", otherPassword); err != nil {
			t.Error(err)
		}
	})
}

func TestLT04_CountersSurviveARestart(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	for _, name := range []string{"ana", "nobody"} {
		for range 4 {
			refused(t, h.guess(t, name), model.ErrWrongCredentials)
			h.reopen(t)
		}
		refused(t, h.guess(t, name), model.ErrWrongCredentials)
		h.reopen(t)
		t.Run("LT-04_"+name, func(t *testing.T) { toldToWait(t, h.guess(t, name), 30*time.Second) })
	}
}

func TestLT06_OneLaneForEverySpelling(t *testing.T) {
	spellings := []string{"zoë", "ZOË", "zoe\u0308", "ｚｏë", "  zoë ", "zoe@example.com", "ZOE@Example.COM", "ｚｏｅ@example.com"}
	h := newHouse(t)
	if _, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "zoë", Email: "zoe@example.com", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	for _, name := range spellings {
		h.login(t, name)
	}
	for i := range 5 {
		refused(t, h.guess(t, spellings[i]), model.ErrWrongCredentials)
	}
	for _, name := range spellings {
		t.Run("LT-06_"+name, func(t *testing.T) { toldToWait(t, try(t.Context(), h.Auth, name, goodPassword), 30*time.Second) })
	}
	// Nobody is called so, and one counter is there all the same.
	for _, name := range []string{"nobody", "NOBODY", " nobody", "ｎobody", "Nobody"} {
		refused(t, h.guess(t, name), model.ErrWrongCredentials)
	}
	toldToWait(t, h.guess(t, "nobody"), 30*time.Second)
	// What nobody can be called has a lane too.
	for range 5 {
		refused(t, h.guess(t, "a b\x00@@"), model.ErrWrongCredentials)
	}
	toldToWait(t, h.guess(t, "a b\x00@@"), 30*time.Second)
	refused(t, h.guess(t, strings.Repeat("x", 70_000)), model.ErrWrongCredentials)
}

func TestLT10_OneLaneForEveryVerb(t *testing.T) {
	verbs := map[string]func(ctx context.Context, h *house, user model.User, password model.Password) error{
		"LoginUser": func(ctx context.Context, h *house, _ model.User, password model.Password) error {
			return try(ctx, h.Auth, "ana", password)
		},
		"LoginSession": func(ctx context.Context, h *house, _ model.User, password model.Password) error {
			_, err := h.LoginSession(ctx, gatehouse.Credentials{Identifier: "ana@example.com", Password: password})
			return err
		},
		"ConfirmPassword": func(ctx context.Context, h *house, user model.User, password model.Password) error {
			return h.ConfirmPassword(ctx, user.ID, password)
		},
		"ChangePass": func(ctx context.Context, h *house, user model.User, password model.Password) error {
			return h.ChangePass(ctx, gatehouse.PasswordChange{UserID: user.ID, Current: password, New: otherPassword})
		},
		"DeleteUser": func(ctx context.Context, h *house, user model.User, password model.Password) error {
			return h.DeleteUser(ctx, gatehouse.Deletion{UserID: user.ID, Password: password})
		},
	}
	h := newHouse(t)
	ana := h.register(t, "ana")
	for name, verb := range verbs {
		if err := verb(t.Context(), h, ana, wrongPassword); !errors.Is(err, model.ErrWrongCredentials) && !errors.Is(err, model.ErrWrongPassword) {
			t.Errorf("%s of a wrong password: %v", name, err)
		}
	}
	for name, verb := range verbs {
		t.Run("LT-10_"+name, func(t *testing.T) {
			toldToWait(t, verb(t.Context(), h, ana, wrongPassword), 30*time.Second)
			toldToWait(t, verb(t.Context(), h, ana, goodPassword), 30*time.Second)
		})
	}
	// A new password that is refused does not count: the current one was right.
	h.clock.Add(30 * time.Second)
	for range 6 {
		err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: "short"})
		refused(t, err, model.ErrPasswordTooShort)
	}
}

func TestLT14_NobodyIsRefusedLikeSomebody(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	sequence := func(name string) (all []string) {
		for range 30 {
			var refusal *model.Error
			before := gatehouse.EvaluationsOf(h.Auth)
			errors.As(h.guess(t, name), &refusal)
			all = append(all, fmt.Sprintf("%s after %v, %d hashed", refusal.Code, refusal.RetryAfter, gatehouse.EvaluationsOf(h.Auth)-before))
			h.clock.Add(17 * time.Second)
		}
		return all
	}
	ana := sequence("ana")
	for name, kind := range map[string]string{"nobody": "unknown_name", "nobody@example.com": "unknown_email", "a b": "nobody_can_be_called_so"} {
		t.Run("LT-14_"+kind, func(t *testing.T) {
			for i, got := range sequence(name) {
				if got != ana[i] {
					t.Errorf("attempt %d: %q, and for a user %q", i+1, got, ana[i])
				}
			}
		})
	}
}

func TestLT15_WhileLockedRightAndWrongAreAnsweredAlike(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	for _, name := range []string{"ana", "nobody"} {
		h.lockOut(t, name)
		before := gatehouse.EvaluationsOf(h.Auth)
		for _, password := range []model.Password{goodPassword, wrongPassword, "", "short"} {
			t.Run(fmt.Sprintf("LT-15_%s_%d", name, len(password)), func(t *testing.T) {
				toldToWait(t, try(t.Context(), h.Auth, name, password), 30*time.Second)
			})
		}
		if n := gatehouse.EvaluationsOf(h.Auth) - before; n != 0 {
			t.Errorf("%d passwords were hashed", n)
		}
	}
}

func TestLT11_NobodyEvictsACounter(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	for range 4 {
		refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
	}
	for i := range 20 {
		refused(t, h.guess(t, fmt.Sprintf("nobody%d", i)), model.ErrWrongCredentials)
	}
	// Rows as that many names leave them: each costs a hash, so they are copied from one.
	const flood = 100_000
	db := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if _, err := db.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO attempts SELECT CAST(printf('%032d', i) AS BLOB), NULL, failures, total, at, blocked_until, forget_at
		FROM n, (SELECT * FROM attempts WHERE user_id IS NULL LIMIT 1)`, flood); err != nil {
		t.Fatal(err)
	}
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("LT-11_the_fifth_failure_locks_all_the_same", func(t *testing.T) {
		refused(t, h.guess(t, "ana"), model.ErrWrongCredentials)
		toldToWait(t, h.guess(t, "ana"), 30*time.Second)
	})
	t.Run("LT-11_the_process_keeps_nothing_of_those_who_guessed", func(t *testing.T) {
		if n := gatehouse.GatesOpen(h.Auth); n != 0 {
			t.Errorf("%d gates are open", n)
		}
	})
	t.Run("LT-11_after_a_day_only_users_are_remembered", func(t *testing.T) {
		if _, err := db.ExecContext(t.Context(), `DELETE FROM attempts WHERE lane > (SELECT lane FROM attempts WHERE user_id IS NULL ORDER BY lane LIMIT 1 OFFSET 3000) AND user_id IS NULL`); err != nil {
			t.Fatal(err) // each sweep would take a commit for a thousand of them
		}
		h.clock.Add(24*time.Hour + time.Microsecond)
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := h.store.ForgetAttempts(t.Context(), h.clock.Now().Add(1000*time.Hour)); n != 0 || err != nil {
			t.Errorf("%d lanes were left (%v)", n, err)
		}
		var left, hers int
		err := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db")).QueryRowContext(t.Context(),
			`SELECT count(*), count(user_id) FROM attempts`).Scan(&left, &hers)
		if err != nil || left != 1 || hers != 1 {
			t.Errorf("%d lanes, %d of users, want the one of ana (%v)", left, hers, err)
		}
	})
	if err := h.EraseUser(t.Context(), ana.ID); err != nil {
		t.Error(err)
	}
}
