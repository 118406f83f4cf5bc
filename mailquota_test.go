package gatehouse_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// recovers resets the password of ana by mail.
func (m *mailHouse) recovers(t testing.TB) {
	t.Helper()
	m.forgot(t, "ana@example.com", "")
	if err := m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword); err != nil {
		t.Error(err)
	}
}

// TestStrangersDoNotUseUpRecovery is a stranger who makes us write to somebody as
// often as he can, or makes us think that we did.
func TestStrangersDoNotUseUpRecovery(t *testing.T) {
	t.Run("LT-13_RV-11_by_registrations_that_are_refused_for_their_username", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.entered(t, "bob")
		m.clock.Add(2 * time.Hour)
		for range 10 {
			in := gatehouse.Registration{Username: "bob", Email: "ana@example.com", Password: goodPassword}
			refused(t, m.RequestRegistration(t.Context(), in), model.ErrUsernameTaken)
		}
		m.recovers(t)
	})
	t.Run("LT-13_RV-11_by_changes_to_the_address", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		bob, grant := m.entered(t, "bob")
		m.clock.Add(2 * time.Hour)
		for range 3 {
			mustNot(t, m.asks(t, bob, grant.SessionID, "ana@example.com"))
		}
		refused(t, m.asks(t, bob, grant.SessionID, "ana@example.com"), model.ErrTooManyAttempts)
		m.deliver(t)
		m.recovers(t)
	})
	t.Run("LT-13_RV-11_by_registrations_with_the_address_of_which_each_mails_a_link", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.clock.Add(2 * time.Hour)
		var last received
		for _, name := range []string{"eve1", "eve2", "eve3", "eve4"} {
			in := gatehouse.Registration{Username: name, Email: "ana@example.com", Password: goodPassword}
			mustNot(t, m.RequestRegistration(t.Context(), in))
			if name != "eve4" {
				last = m.deliverOne(t, "ana@example.com")
			}
		}
		m.forgot(t, "ana@example.com", "")
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("a fourth mail came: %v", subjects(got))
		}
		if err := m.reset(t, last.code(t), otherPassword); err != nil {
			t.Errorf("the link of the third mail: %v", err)
		}
	})
	t.Run("RV-11_by_proofs_that_were_never_answered", func(t *testing.T) {
		m := newMailHouse(t)
		m.request(t, "ana", "")
		for range 5 {
			m.loginRefused(t, "ana", goodPassword, model.ErrEmailUnverified)
		}
		m.deliver(t)
		m.recovers(t)
	})
}

// holdsDigits reports whether there is a code to type in the mail.
func (r received) holdsDigits() bool {
	return regexp.MustCompile(`(?m): \d{4} \d{4}$`).MatchString(r.text)
}

// mistypes types wrong digits five times, for a mail that was asked for in a
// browser of its own.
func (m *mailHouse) mistypes(t testing.TB, times int) {
	t.Helper()
	m.clock.Add(61 * time.Minute)
	browser := model.NewRequestSecret()
	m.forgot(t, "ana@example.com", browser)
	digits := m.deliverOne(t, "ana@example.com").digits(t)
	for range times {
		refused(t, m.typeDigits(t, browser, otherDigits(digits)), model.ErrInvalidOrExpiredCode)
	}
}

func TestDigitsAreCountedOverAllMails(t *testing.T) {
	t.Run("N-10_RV-16_LT-12_after_20_wrong_ones_mails_hold_a_link_alone", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		for range 4 {
			m.mistypes(t, gatehouse.DigitsTries)
		}
		m.login(t, "ana") // LT-12: of the password, not of the mailbox
		m.deliver(t)
		for range 2 {
			m.clock.Add(61 * time.Minute)
			browser := model.NewRequestSecret()
			m.forgot(t, "ana@example.com", browser)
			mail := m.deliverOne(t, "ana@example.com")
			if mail.holdsDigits() {
				t.Fatalf("there are digits to guess:\n%s", mail.text)
			}
			refused(t, m.typeDigits(t, browser, "00000000"), model.ErrInvalidOrExpiredCode)
			if alive, err := m.CodeAlive(t.Context(), mail.code(t)); err != nil || !alive {
				t.Fatalf("LT-13: the link is %v, %v", alive, err)
			}
		}
	})
	t.Run("N-10_a_code_that_is_used_begins_the_count_anew", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		for _, byLink := range []bool{true, false} {
			for range 3 {
				m.mistypes(t, gatehouse.DigitsTries)
			}
			m.mistypes(t, gatehouse.DigitsTries-1)
			m.clock.Add(61 * time.Minute)
			browser := model.NewRequestSecret()
			m.forgot(t, "ana@example.com", browser)
			mail := m.deliverOne(t, "ana@example.com")
			if byLink {
				mustNot(t, m.reset(t, mail.code(t), otherPassword))
			} else {
				mustNot(t, m.typeDigits(t, browser, mail.digits(t))) // the 20th
			}
			m.deliver(t)
		}
		m.mistypes(t, 0)
	})
}

func TestDigitsAreCountedWhoeverAsked(t *testing.T) {
	t.Run("N-10_the_last_ones_count_although_the_mail_with_them_was_sent_before", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		for range 3 {
			m.mistypes(t, gatehouse.DigitsTries)
		}
		m.clock.Add(61 * time.Minute)
		ana := m.mustFind(t, "ana")
		browser, other := model.NewRequestSecret(), model.NewRequestSecret()
		m.forgot(t, "ana@example.com", browser)
		digits := m.deliverOne(t, "ana@example.com").digits(t)
		// Somebody else, who may ask for mails to this address and never gets one.
		bob := m.verified(t, "bob")
		in := gatehouse.EmailChange{UserID: bob.ID, Email: ana.Email.String(), Password: goodPassword, Request: other}
		mustNot(t, m.ChangeEmail(t.Context(), in))
		for range gatehouse.DigitsTries {
			_, err := m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: "00000000", Request: other})
			refused(t, err, model.ErrInvalidOrExpiredCode)
		}
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
	})
}

func TestANetworkOf48BitsIsLimitedToo(t *testing.T) {
	forgot := func(m *mailHouse, network, household int) error {
		ctx := from(t, fmt.Sprintf("2001:db8:%x:%x::1", network, household))
		return m.ForgotPass(ctx, gatehouse.Recovery{Email: fmt.Sprintf("nobody%d@example.com", household)})
	}
	t.Run("N-09_LT-16_five_times_as_often_as_one_of_64", func(t *testing.T) {
		m := newMailHouse(t)
		for i := range 50 {
			mustNot(t, forgot(m, 1, i))
		}
		refused(t, forgot(m, 1, 77), model.ErrTooManyAttempts)
		mustNot(t, forgot(m, 2, 77))
		if n := m.eventsNamed(t, model.EventExcessRate); n != 1 {
			t.Errorf("LG-13: %d events say that it is full", n)
		}
		m.clock.Add(time.Hour)
		mustNot(t, forgot(m, 1, 77))
	})
	t.Run("LT-16_what_is_refused_does_not_count", func(t *testing.T) {
		m := newMailHouse(t)
		for i := range 60 {
			if err := forgot(m, 1, 1); (err != nil) != (i >= 10) {
				t.Fatalf("request %d: %v", i+1, err)
			}
		}
		for i := range 40 {
			mustNot(t, forgot(m, 1, 100+i/10))
		}
		refused(t, forgot(m, 1, 200), model.ErrTooManyAttempts)
	})
}
