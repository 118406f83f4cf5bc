package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse/model"
)

// TestASquatterOfBeforeKeepsNothing is somebody who registered with the address of
// another while no mails were sent, and is logged in.
func TestASquatterOfBeforeKeepsNothing(t *testing.T) {
	t.Run("RV-13_password_page_token_pending_change_and_code_end_with_the_first_proof", func(t *testing.T) {
		m := newMailHouse(t)
		m.cfg.Mailer = nil
		m.reopen(t)
		ana := m.register(t, "ana")
		page, grant, code := m.page(t, "ana"), m.login(t, "ana"), m.house.code(t, ana.ID)
		device := m.device(t, "ana").Device
		m.cfg.Mailer = mailerOf(t, m.server)
		m.reopen(t)
		mustNot(t, m.asks(t, ana, grant.SessionID, "eve@evil.example"))
		var pending model.Code
		for _, mail := range m.deliver(t) {
			if mail.to == "eve@evil.example" {
				pending = mail.code(t)
			}
		}
		if pending == "" {
			t.Fatal("no change is pending, so nothing is proven about it")
		}
		m.forgot(t, "ana@example.com", "")
		mustNot(t, m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword))

		m.loginRefused(t, "ana", goodPassword, model.ErrWrongCredentials)
		m.refreshRefused(t, grant.RefreshToken)
		if m.alive(t, page.Token) {
			t.Error("the page of the squatter lives on")
		}
		if _, err := m.BearerPresence(t.Context(), grant.AccessToken); err == nil {
			t.Error("the access token of the squatter is good")
		}
		refused(t, m.VerifyEmail(t.Context(), pending), model.ErrInvalidOrExpiredCode)
		refused(t, m.reset(t, code, goodPassword), model.ErrInvalidOrExpiredCode)
		for range 4 { // the fifth in a row, after that of the squatter
			refused(t, m.guess(t, "ana"), model.ErrWrongCredentials)
		}
		toldToWait(t, try(onDevice(t, device), m.Auth, "ana", otherPassword), 30*time.Second)
		if now := m.mustFind(t, "ana"); now.Email != "ana@example.com" || !now.EmailVerified() || now.ID != ana.ID {
			t.Errorf("%+v", now)
		}
		m.clock.Add(time.Hour)
		mustNot(t, try(t.Context(), m.Auth, "ana", otherPassword))
	})
}
