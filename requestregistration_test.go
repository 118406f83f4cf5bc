package gatehouse_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func TestRegistrationByMail(t *testing.T) {
	t.Run("EN-03_a_taken_email_answers_like_a_free_one_and_its_owner_is_told", func(t *testing.T) {
		m := newMailHouse(t)
		ana := m.verified(t, "ana")
		err := m.RequestRegistration(t.Context(), gatehouse.Registration{Username: "other", Email: "ANA@example.com", Password: otherPassword})
		if err != nil {
			t.Fatal(err)
		}
		told := m.deliverOne(t, "ana@example.com")
		if !strings.Contains(told.subject, "already have an account") {
			t.Errorf("subject %q", told.subject)
		}
		if users, err := m.Users(t.Context(), model.UserID{}, 9); err != nil || len(users) != 1 {
			t.Errorf("%d users, %v", len(users), err)
		}
		if err := m.reset(t, told.code(t), otherPassword); err != nil {
			t.Errorf("the link of the notice: %v", err)
		}
		m.loginRefused(t, "other", otherPassword, model.ErrWrongCredentials)
		if again, err := m.FindUser(t.Context(), "ana"); err != nil || again.ID != ana.ID {
			t.Errorf("%v %v", again, err)
		}
	})
	t.Run("a_taken_username_is_told", func(t *testing.T) {
		m := newMailHouse(t)
		m.verified(t, "ana")
		for _, email := range []string{"new@example.com", "ana@example.com"} {
			err := m.RequestRegistration(t.Context(), gatehouse.Registration{Username: "ana", Email: email, Password: goodPassword})
			refused(t, err, model.ErrUsernameTaken)
		}
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("EN-03: mails %v", subjects(got))
		}
	})
	t.Run("an_email_is_required_and_named_beside_the_rest", func(t *testing.T) {
		m := newMailHouse(t)
		err := m.RequestRegistration(t.Context(), gatehouse.Registration{Username: "a b", Password: "short"})
		var refusal *model.Error
		if !errors.As(err, &refusal) || len(refusal.Fields) != 3 || refusal.Fields[1].Field != "email" {
			t.Errorf("got %+v", err)
		}
	})
}

func TestWhoIsNotAskedForAMailbox(t *testing.T) {
	t.Run("a_user_without_an_email_is_not_asked_for_one", func(t *testing.T) {
		m := newMailHouse(t)
		if _, err := m.RegisterUser(t.Context(), gatehouse.Registration{Username: "robot", Password: goodPassword}); err != nil {
			t.Fatal(err)
		}
		m.login(t, "robot")
	})
	t.Run("without_a_Mailer_nobody_is_asked_and_nothing_queued", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		h.login(t, "ana")
		refused(t, h.RequestRegistration(t.Context(), gatehouse.Registration{}), model.ErrUnavailable)
		refused(t, h.ForgotPass(t.Context(), gatehouse.Recovery{}), model.ErrUnavailable)
		refused(t, h.ChangeEmail(t.Context(), gatehouse.EmailChange{}), model.ErrUnavailable)
		if state, err := h.OutboxState(t.Context()); err != nil || state.Waiting != 0 {
			t.Errorf("%+v %v", state, err)
		}
	})
}

func TestUnverifiedUsersAreTurnedAway(t *testing.T) {
	m := newMailHouse(t)
	m.request(t, "ana", "")
	first := m.deliverOne(t, "ana@example.com")
	t.Run("EN-01_only_the_right_password_is_told", func(t *testing.T) {
		m.loginRefused(t, "ana", wrongPassword, model.ErrWrongCredentials)
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("a wrong password sent %v", subjects(got))
		}
		m.loginRefused(t, "ana", goodPassword, model.ErrEmailUnverified)
		_, err := m.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		refused(t, err, model.ErrEmailUnverified)
	})
	again := m.deliver(t)
	// The first of the two was void before anybody sent it.
	if len(again) != 1 || again[0].to != "ana@example.com" {
		t.Fatalf("got %v, want one more mail to ana", subjects(again))
	}
	t.Run("RV-05_a_newer_mail_voids_the_older", func(t *testing.T) {
		refused(t, m.VerifyEmail(t.Context(), first.code(t)), model.ErrInvalidOrExpiredCode)
	})
	t.Run("LT-16_three_mails_an_hour_and_silence", func(t *testing.T) {
		for range 3 {
			_, err := m.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			refused(t, err, model.ErrEmailUnverified)
			if told := new(model.Error); !errors.As(err, &told) || told.RetryAfter != time.Hour {
				t.Errorf("got %+v, want to be told when there may be another mail", told)
			}
		}
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("got %v", subjects(got))
		}
	})
	if err := m.VerifyEmail(t.Context(), again[0].code(t)); err != nil {
		t.Error(err)
	}
	m.login(t, "ana")
	t.Run("LT-22_a_code_opens_no_session", func(t *testing.T) {
		events, err := m.store.EventsOf(t.Context(), m.mustFind(t, "ana").ID, 100)
		if err != nil {
			t.Fatal(err)
		}
		logins := 0
		for _, e := range events {
			if e.Name == model.EventLoginSuccess {
				logins++
			}
		}
		if logins != 1 {
			t.Errorf("%d logins, want the one with the password", logins)
		}
	})
}

func (m *mailHouse) mustFind(t testing.TB, who string) model.User {
	t.Helper()
	user, err := m.FindUser(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// squat registers with the address of somebody who then reads the mail of it.
func squat(t *testing.T) (*mailHouse, received, model.RequestSecret) {
	t.Helper()
	m, browser := newMailHouse(t), model.NewRequestSecret()
	m.request(t, "ana", browser)
	return m, m.deliverOne(t, "ana@example.com"), browser
}

// TestASquatterKeepsNothing is somebody who registers with the address of another,
// and waits.
func TestASquatterKeepsNothing(t *testing.T) {
	t.Run("RV-13_the_button_alone_does_not_make_the_account_good", func(t *testing.T) {
		m, mail, _ := squat(t)
		in := gatehouse.EmailVerification{Code: mail.code(t), Request: model.NewRequestSecret()}
		needs, err := m.VerificationNeeds(t.Context(), in)
		if err != nil || !needs.Alive || !needs.Password {
			t.Errorf("%+v %v", needs, err)
		}
		_, err = m.VerifyEmailInBrowser(t.Context(), in)
		refused(t, err, model.ErrReauthRequired)
		in.Password = wrongPassword
		_, err = m.VerifyEmailInBrowser(t.Context(), in)
		refused(t, err, model.ErrWrongPassword)
		in.Password = goodPassword
		if done, err := m.VerifyEmailInBrowser(t.Context(), in); err != nil || !done.User.EmailVerified() || done.Changed {
			t.Errorf("%+v %v", done.User, err)
		}
	})
	t.Run("RV-13_the_owner_of_the_mailbox_resets_and_the_squatter_is_out", func(t *testing.T) {
		m, mail, _ := squat(t)
		m.forgot(t, "ana@example.com", "")
		if err := m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword); err != nil {
			t.Fatal(err)
		}
		m.loginRefused(t, "ana", goodPassword, model.ErrWrongCredentials)
		refused(t, m.VerifyEmail(t.Context(), mail.code(t)), model.ErrInvalidOrExpiredCode)
		if _, err := m.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: otherPassword}); err != nil {
			t.Errorf("a reset by mail proves the mailbox: %v", err)
		}
	})
	t.Run("the_browser_that_registered_needs_no_password_and_is_known", func(t *testing.T) {
		m, mail, browser := squat(t)
		in := gatehouse.EmailVerification{Code: mail.code(t), Request: browser}
		if needs, err := m.VerificationNeeds(t.Context(), in); err != nil || needs.Password || !needs.Alive {
			t.Errorf("%+v %v", needs, err)
		}
		done, err := m.VerifyEmailInBrowser(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		ctx := model.WithClient(t.Context(), model.Client{Device: done.Device})
		if _, err := m.LoginSession(ctx, gatehouse.Credentials{Identifier: "ana", Password: goodPassword}); err != nil {
			t.Fatal(err)
		}
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("a login there is news: %v", subjects(got))
		}
	})
	t.Run("RV-13_a_link_that_was_handed_over_proves_no_mailbox", func(t *testing.T) {
		m, _, _ := squat(t)
		if err := m.reset(t, m.house.code(t, m.mustFind(t, "ana").ID), otherPassword); err != nil {
			t.Fatal(err)
		}
		m.loginRefused(t, "ana", otherPassword, model.ErrEmailUnverified)
	})
}

func TestVerificationCodes(t *testing.T) {
	t.Run("RV-03_24_hours_and_not_a_second_more", func(t *testing.T) {
		m := newMailHouse(t)
		m.request(t, "ana", "")
		late := m.deliverOne(t, "ana@example.com").code(t)
		m.clock.Add(24*time.Hour + time.Second)
		refused(t, m.VerifyEmail(t.Context(), late), model.ErrInvalidOrExpiredCode)
		m.loginRefused(t, "ana", goodPassword, model.ErrEmailUnverified)
		inTime := m.deliverOne(t, "ana@example.com").code(t)
		m.clock.Add(24*time.Hour - time.Second)
		if err := m.VerifyEmail(t.Context(), inTime); err != nil {
			t.Error(err)
		}
	})
	t.Run("RV-04_one_of_many_wins", func(t *testing.T) {
		m := newMailHouse(t)
		m.request(t, "ana", "")
		code := m.deliverOne(t, "ana@example.com").code(t)
		errs := together(50, func(int) error { return m.VerifyEmail(t.Context(), code) })
		if count(errs, nil) != 1 || count(errs, model.ErrInvalidOrExpiredCode) != 49 {
			t.Error(errs)
		}
	})
	t.Run("RV-02_EN-15_each_purpose_is_its_own_and_every_bad_code_is_answered_alike", func(t *testing.T) {
		m := newMailHouse(t)
		m.request(t, "ana", "")
		verify := m.deliverOne(t, "ana@example.com").code(t)
		m.forgot(t, "ana@example.com", "")
		reset := m.deliverOne(t, "ana@example.com").code(t)
		refused(t, m.reset(t, verify, otherPassword), model.ErrInvalidOrExpiredCode)
		for _, bad := range []model.Code{reset, "", "ghc_", "12345678", "1234 5678", model.Code(strings.Repeat("9", 100)), verify + "x", "ghc_\x00"} {
			err := m.VerifyEmail(t.Context(), bad)
			refused(t, err, model.ErrInvalidOrExpiredCode)
			if err.Error() != model.ErrInvalidOrExpiredCode.Error() {
				t.Errorf("answer %q", err)
			}
		}
		if err := m.VerifyEmail(t.Context(), verify); err != nil {
			t.Error(err)
		}
	})
}
