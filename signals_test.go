package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// TestSignalsAboutTheClientOnlyAdd has a browser that is known, from a place that is
// known: all that is asked of a stranger is asked of it.
func TestSignalsAboutTheClientOnlyAdd(t *testing.T) {
	known := func(t *testing.T, h *house) gatehouse.SessionGrant {
		t.Helper()
		page, err := h.LoginSession(fromDevice(t, "192.0.2.7", "browser/1"), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	client := func(token model.DeviceToken) model.Client {
		c := model.ClientFrom(fromDevice(t, "192.0.2.7", "browser/1"))
		c.Device = token
		return c
	}
	t.Run("AD-16_a_known_device_needs_the_password_and_waits_after_its_own_guesses", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		ctx := model.WithClient(t.Context(), client(known(t, h).Device))
		for range 5 {
			refused(t, try(ctx, h.Auth, "ana", wrongPassword), model.ErrWrongCredentials)
		}
		toldToWait(t, try(ctx, h.Auth, "ana", goodPassword), 30*time.Second)
	})
	t.Run("AD-16_it_opens_no_disabled_user", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		ctx := model.WithClient(t.Context(), client(known(t, h).Device))
		mustNot(t, h.DisableUser(t.Context(), ana.ID))
		refused(t, try(ctx, h.Auth, "ana", goodPassword), model.ErrUserDisabled)
	})
	t.Run("AD-16_its_source_counts_all_the_same", func(t *testing.T) {
		h := newHouse(t, func(c *gatehouse.Config) { c.Limits.SourceFailures = gatehouse.Limit{Count: 3, Within: time.Hour} })
		h.register(t, "ana")
		ctx := model.WithClient(t.Context(), client(known(t, h).Device))
		for range 3 {
			refused(t, try(ctx, h.Auth, "ana", wrongPassword), model.ErrWrongCredentials)
		}
		refused(t, try(ctx, h.Auth, "ana", goodPassword), model.ErrTooManyAttempts)
	})
	t.Run("AD-16_it_does_not_stand_for_the_password_again", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		ctx := model.WithClient(t.Context(), client(known(t, h).Device))
		refused(t, h.ConfirmPassword(ctx, ana.ID, wrongPassword), model.ErrWrongPassword)
		refused(t, h.DeleteUser(ctx, gatehouse.Deletion{UserID: ana.ID, Password: wrongPassword}), model.ErrWrongPassword)
	})
	t.Run("AD-16_the_browser_that_asked_for_a_mail_still_needs_its_code", func(t *testing.T) {
		m, browser := newMailHouse(t), model.NewRequestSecret()
		m.request(t, "ana", browser)
		m.deliver(t)
		_, err := m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: "ghc_none", Request: browser, Password: goodPassword})
		refused(t, err, model.ErrInvalidOrExpiredCode)
	})
}
