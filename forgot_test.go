package gatehouse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

func TestForgotPass(t *testing.T) {
	t.Run("RV-11_asking_changes_nothing_and_the_fourth_mail_does_not_come", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.clock.Add(2 * time.Hour) // the mail that verified is forgotten
		before := m.mustFind(t, "ana")
		var last received
		for range 3 {
			m.forgot(t, "Ana@Example.com", "")
			last = m.deliverOne(t, "ana@example.com")
		}
		m.forgot(t, "ana@example.com", "")
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("a fourth mail came: %v", subjects(got))
		}
		if diff := cmp.Diff(before, m.mustFind(t, "ana")); diff != "" {
			t.Error(diff)
		}
		m.login(t, "ana")
		if err := m.reset(t, last.code(t), otherPassword); err != nil {
			t.Errorf("the fourth request voided what the third had mailed: %v", err)
		}
	})
}

func TestWhoGetsTheMailOfAForgottenPassword(t *testing.T) {
	t.Run("RV-12_mail_goes_to_the_stored_address_or_nowhere", func(t *testing.T) {
		m := newMailHouse(t, func(c *gatehouse.Config) { c.Limits.MailsPerUser = gatehouse.Limit{Count: 1000, Within: time.Hour} })
		m.entered(t, "ana")
		for _, typed := range []string{"ANA@EXAMPLE.COM", " ana@example.com ", "ａｎａ@example.com", "ana@ｅxample.com", "ana@example。com"} {
			m.forgot(t, typed, "")
			for _, got := range m.deliver(t) {
				if got.to != "ana@example.com" {
					t.Errorf("%q sent a mail to %q", typed, got.to)
				}
			}
		}
		for _, typed := range []string{
			"ana@example.com,eve@evil.example", "ana@example.com eve@evil.example", "Ana <ana@example.com>", "ana@example.com\r\nBcc: eve@evil.example",
			"ana@example.com\x00", "\"ana\"@example.com", "ana(x)@example.com", "ana@example.com@evil.example", "anä@example.com", "аna@example.com",
			"ana@EXAMPLE.COM.evil.example", "ana@examp1e.com", "ana+x@example.com", "ANA\u0130@example.com", "@example.com", "ana", "",
		} {
			m.forgot(t, typed, "")
			if got := m.deliver(t); len(got) != 0 {
				t.Errorf("%q sent %v", typed, subjects(got))
			}
		}
	})
	t.Run("RV-09_all_sessions_end_one_notice_comes_and_nobody_is_logged_in", func(t *testing.T) {
		m := newMailHouse(t)
		ana, grant := m.entered(t, "ana")
		m.forgot(t, "ana@example.com", "")
		if err := m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword); err != nil {
			t.Fatal(err)
		}
		m.refreshRefused(t, grant.RefreshToken)
		if got := m.deliverOne(t, "ana@example.com"); got.subject != "Your password was reset" {
			t.Errorf("RV-15: subject %q", got.subject)
		}
		if sessions, err := m.Sessions(t.Context(), ana.ID); err != nil || len(sessions) != 0 {
			t.Errorf("RV-01_LT-22: %d sessions, %v", len(sessions), err)
		}
	})
	t.Run("a_disabled_user_gets_no_mail", func(t *testing.T) {
		m := newMailHouse(t)
		ana := m.verified(t, "ana")
		if err := m.DisableUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		m.deliver(t)
		m.forgot(t, "ana@example.com", "")
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("got %v", subjects(got))
		}
	})
}

// digitsHouse has a user who has just asked for a new password in a browser.
func digitsHouse(t *testing.T) (m *mailHouse, browser model.RequestSecret, digits model.Code) {
	t.Helper()
	m, browser = newMailHouse(t, func(c *gatehouse.Config) {
		c.Limits.MailsPerUser = gatehouse.Limit{Count: 1000, Within: time.Hour}
	}), model.NewRequestSecret()
	m.entered(t, "ana")
	m.forgot(t, "ana@example.com", browser)
	return m, browser, m.deliverOne(t, "ana@example.com").digits(t)
}

func (m *mailHouse) typeDigits(t testing.TB, browser model.RequestSecret, digits model.Code) error {
	t.Helper()
	return m.ResetPass(t.Context(), gatehouse.PasswordReset{Code: digits, Request: browser, New: otherPassword})
}

// otherDigits are eight digits that are not these.
func otherDigits(digits model.Code) model.Code {
	first := string(digits[0] - '0' + 1)[0]%10 + '0'
	return model.Code(first) + digits[1:]
}

func TestTypedDigits(t *testing.T) {
	t.Run("RV-16_they_count_in_the_browser_that_asked_in_any_spacing", func(t *testing.T) {
		m, browser, digits := digitsHouse(t)
		for _, other := range []model.RequestSecret{"", model.NewRequestSecret()} {
			refused(t, m.typeDigits(t, other, digits), model.ErrInvalidOrExpiredCode)
		}
		if err := m.typeDigits(t, browser, model.Code(strings.ReplaceAll(string(digits), " ", " - "))); err != nil {
			t.Error(err)
		}
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
	})
	t.Run("RV-16_digits_of_one_request_are_worth_nothing_in_another", func(t *testing.T) {
		m, first, digits := digitsHouse(t)
		second := model.NewRequestSecret()
		m.forgot(t, "ana@example.com", second)
		newer := m.deliverOne(t, "ana@example.com").digits(t)
		refused(t, m.typeDigits(t, second, digits), model.ErrInvalidOrExpiredCode)
		refused(t, m.typeDigits(t, first, digits), model.ErrInvalidOrExpiredCode)
		refused(t, m.typeDigits(t, first, newer), model.ErrInvalidOrExpiredCode)
		if err := m.typeDigits(t, second, newer); err != nil {
			t.Error(err)
		}
	})
	t.Run("RV-16_LT-05_five_tries_however_many_at_once", func(t *testing.T) {
		m, browser, digits := digitsHouse(t)
		errs := together(50, func(int) error { return m.typeDigits(t, browser, otherDigits(digits)) })
		if count(errs, model.ErrInvalidOrExpiredCode) != len(errs) {
			t.Fatal(errs)
		}
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
		events, err := m.store.EventsOf(t.Context(), m.mustFind(t, "ana").ID, 100)
		wrong := 0
		for _, e := range events {
			if e.Name == model.EventCodeWrong {
				wrong++
			}
		}
		if err != nil || wrong != gatehouse.DigitsTries {
			t.Errorf("%d tries were compared, want %d (%v)", wrong, gatehouse.DigitsTries, err)
		}
	})
	t.Run("RV-16_the_fifth_try_may_be_right_and_a_bad_password_costs_none", func(t *testing.T) {
		m, browser, digits := digitsHouse(t)
		for range 4 {
			refused(t, m.typeDigits(t, browser, otherDigits(digits)), model.ErrInvalidOrExpiredCode)
		}
		err := m.ResetPass(t.Context(), gatehouse.PasswordReset{Code: digits, Request: browser, New: "short"})
		refused(t, err, model.ErrPasswordTooShort)
		if err := m.typeDigits(t, browser, digits); err != nil {
			t.Error(err)
		}
	})
}

func TestTypedDigitsEnd(t *testing.T) {
	t.Run("RV-03_10_minutes_and_not_a_second_more", func(t *testing.T) {
		m, browser, digits := digitsHouse(t)
		m.clock.Add(10*time.Minute + time.Second)
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
		m, browser, digits = digitsHouse(t)
		m.clock.Add(10*time.Minute - time.Second)
		if err := m.typeDigits(t, browser, digits); err != nil {
			t.Error(err)
		}
	})
	t.Run("EN-05_the_right_digits_of_a_mail_to_nobody_open_nothing", func(t *testing.T) {
		m, w := watched(t)
		browser := model.NewRequestSecret()
		m.forgot(t, "nobody@example.com", browser)
		if got := m.deliver(t); len(got) != 0 {
			t.Fatal(subjects(got))
		}
		digits, err := gatehouse.DigitsIn(m.Auth, w.mail)
		if err != nil || len(digits) != 8 {
			t.Fatalf("got %d digits, %v", len(digits), err)
		}
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
		wrong, err := m.FindEvents(t.Context(), model.EventFilter{Name: model.EventCodeWrong, Limit: 10})
		if err != nil || len(wrong) != 1 {
			t.Errorf("%d events say that it was wrong (%v)", len(wrong), err)
		}
	})
}

func TestTheDatabaseAloneOpensNothing(t *testing.T) {
	m, browser := newMailHouse(t), model.NewRequestSecret()
	m.entered(t, "ana")
	m.forgot(t, "ana@example.com", browser)
	m.request(t, "bob", model.NewRequestSecret())
	if err := m.store.Close(); err != nil { // everything is in the file
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(m.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	m.open(t)
	mails := m.deliver(t)
	if len(mails) != 2 {
		t.Fatal(subjects(mails))
	}
	for _, mail := range mails {
		code, digits := string(mail.code(t)), strings.ReplaceAll(string(mail.digits(t)), " ", "")
		for _, secret := range []string{code, strings.TrimPrefix(code, "ghc_"), digits, string(browser), "/reset?", "/verify?"} {
			if bytes.Contains(file, []byte(secret)) {
				t.Errorf("KY-10_RV-02: the database holds %q", secret)
			}
		}
	}
}
