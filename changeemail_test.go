package gatehouse_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// asks lets a user ask for another email.
func (m *mailHouse) asks(t testing.TB, user model.User, session model.SessionID, email string) error {
	t.Helper()
	return m.ChangeEmail(t.Context(), gatehouse.EmailChange{UserID: user.ID, SessionID: session, Email: email, Password: goodPassword})
}

// changing is a user who has asked for new@example.com, with both mails.
func changing(t *testing.T) (m *mailHouse, ana model.User, grant gatehouse.Grant, confirm model.Code) {
	t.Helper()
	m = newMailHouse(t, func(c *gatehouse.Config) { c.Limits.MailsPerUser = gatehouse.Limit{Count: 1000, Within: time.Hour} })
	ana, grant = m.entered(t, "ana")
	if err := m.asks(t, ana, grant.SessionID, "new@example.com"); err != nil {
		t.Fatal(err)
	}
	got := m.deliver(t)
	want := []string{"ana@example.com: Your email is to be changed", "new@example.com: Confirm your new email for Gatehouse"}
	list := subjects(got)
	slices.Sort(list)
	if !slices.Equal(list, want) {
		t.Fatalf("got %q, want %q", list, want)
	}
	for _, mail := range got {
		if mail.to == "new@example.com" {
			confirm = mail.code(t)
		}
	}
	return m, ana, grant, confirm
}

func TestChangeEmail(t *testing.T) {
	t.Run("RV-14_the_old_one_stays_until_the_new_one_is_confirmed", func(t *testing.T) {
		m, ana, _, confirm := changing(t)
		m.login(t, "ana@example.com")
		m.loginRefused(t, "new@example.com", goodPassword, model.ErrWrongCredentials)
		m.deliver(t)
		m.forgot(t, "new@example.com", "")
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("an unconfirmed address is used: %v", subjects(got))
		}
		if err := m.VerifyEmail(t.Context(), confirm); err != nil {
			t.Fatal(err)
		}
		if told := m.deliverOne(t, "ana@example.com"); told.subject != "Your email was changed" {
			t.Errorf("RV-15: %q", told.subject)
		}
		if now := m.mustFind(t, "ana"); now.Email != "new@example.com" || !now.EmailVerified() || now.ID != ana.ID {
			t.Errorf("%+v", now)
		}
		m.loginRefused(t, "ana@example.com", goodPassword, model.ErrWrongCredentials)
		m.login(t, "new@example.com")
	})
	t.Run("SC-11_the_other_sessions_end", func(t *testing.T) {
		m, _, asking, confirm := changing(t)
		page, other := m.page(t, "ana"), m.login(t, "ana")
		if err := m.VerifyEmail(t.Context(), confirm); err != nil {
			t.Fatal(err)
		}
		m.refreshRefused(t, other.RefreshToken)
		if m.alive(t, page.Token) {
			t.Error("the session of another browser lives on")
		}
		if _, err := m.RefreshJWT(t.Context(), asking.RefreshToken); err != nil {
			t.Errorf("the session that asked ended: %v", err)
		}
	})
}

func TestChangeEmailIsGuarded(t *testing.T) {
	t.Run("EN-06_a_taken_address_is_not_told_and_its_owner_is", func(t *testing.T) {
		m, w := watched(t)
		ana := m.verified(t, "ana")
		m.verified(t, "bob")
		m.clock.Add(2 * time.Hour)
		free := w.verbsOf(func() { mustNot(t, m.asks(t, ana, model.SessionID{}, "free@example.com")) })
		m.deliver(t)
		taken := w.verbsOf(func() { mustNot(t, m.asks(t, ana, model.SessionID{}, "bob@example.com")) })
		if !slices.Equal(free, taken) {
			t.Errorf("EN-04: %v for a free address, %v for a taken one", free, taken)
		}
		list := subjects(m.deliver(t))
		slices.Sort(list)
		want := []string{"ana@example.com: Your email is to be changed", "bob@example.com: Somebody wanted to use your email at Gatehouse"}
		if !slices.Equal(list, want) {
			t.Errorf("got %q, want %q", list, want)
		}
	})
	t.Run("RV-14_it_needs_the_password_and_a_session_that_lives", func(t *testing.T) {
		m, ana, grant, _ := changing(t)
		err := m.ChangeEmail(t.Context(), gatehouse.EmailChange{UserID: ana.ID, SessionID: grant.SessionID, Email: "x@example.com", Password: wrongPassword})
		refused(t, err, model.ErrWrongPassword)
		refused(t, m.asks(t, ana, grant.SessionID, "nobody"), model.ErrEmailInvalid)
		mustNot(t, m.LogoutUser(t.Context(), ana.ID, grant.SessionID))
		refused(t, m.asks(t, ana, grant.SessionID, "x@example.com"), model.ErrInvalidToken)
		if got := m.deliver(t); len(got) != 0 {
			t.Errorf("got %v", subjects(got))
		}
	})
	t.Run("RV-13_another_browser_needs_the_password", func(t *testing.T) {
		m, ana, grant, confirm := changing(t)
		_, err := m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: confirm})
		refused(t, err, model.ErrReauthRequired)
		bob := m.verified(t, "bob")
		_, err = m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: confirm, UserID: bob.ID})
		refused(t, err, model.ErrReauthRequired)
		done, err := m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: confirm, UserID: ana.ID, SessionID: grant.SessionID})
		if err != nil || !done.Changed || done.User.Email != "new@example.com" {
			t.Errorf("%+v %v", done.User, err)
		}
	})
}

func mustNot(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEmailChangesRace(t *testing.T) {
	m := newMailHouse(t)
	ana, bob := m.verified(t, "ana"), m.verified(t, "bob")
	var codes []model.Code
	for _, user := range []model.User{ana, bob} {
		mustNot(t, m.asks(t, user, model.SessionID{}, "wanted@example.com"))
		for _, mail := range m.deliver(t) {
			if mail.to == "wanted@example.com" {
				codes = append(codes, mail.code(t))
			}
		}
	}
	if len(codes) != 2 {
		t.Fatalf("%d codes", len(codes))
	}
	errs := together(len(codes), func(i int) error { return m.VerifyEmail(t.Context(), codes[i]) })
	if count(errs, nil) != 1 || count(errs, model.ErrInvalidOrExpiredCode) != 1 {
		t.Errorf("EN-06_ST-04: %v", errs)
	}
}

// TestEveryOrderOfLinks walks all pairs of what can be done about an account with
// a link to set a password and a link to confirm a new email in the mailboxes.
func TestEveryOrderOfLinks(t *testing.T) {
	type walk struct {
		*mailHouse
		ana            model.User
		reset, confirm model.Code
		password       model.Password
	}
	acts := map[string]func(t *testing.T, w *walk) error{
		"reset": func(t *testing.T, w *walk) error {
			w.password = otherPassword + "1"
			return w.mailHouse.reset(t, w.reset, w.password)
		},
		"confirm": func(t *testing.T, w *walk) error { return w.VerifyEmail(t.Context(), w.confirm) },
		"change password": func(t *testing.T, w *walk) error {
			current := w.password
			w.password = otherPassword + "2"
			return w.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: w.ana.ID, Current: current, New: w.password})
		},
		"disable": func(t *testing.T, w *walk) error {
			return errors.Join(w.DisableUser(t.Context(), w.ana.ID), w.EnableUser(t.Context(), w.ana.ID))
		},
		"delete": func(t *testing.T, w *walk) error { return w.EraseUser(t.Context(), w.ana.ID) },
	}
	for first, act := range acts {
		for _, second := range []string{"reset", "confirm"} {
			t.Run("RV-05_RV-24_"+first+"_then_"+second, func(t *testing.T) {
				w := &walk{password: goodPassword}
				w.mailHouse, w.ana, _, w.confirm = changing(t)
				w.forgot(t, "ana@example.com", "")
				w.reset = w.deliverOne(t, "ana@example.com").code(t)
				mustNot(t, act(t, w))
				// Every act voids every link, its own included.
				refused(t, acts[second](t, w), model.ErrInvalidOrExpiredCode)
				if first != "delete" {
					if now := w.mustFind(t, "ana"); (now.Email == "new@example.com") != (first == "confirm") {
						t.Errorf("the email is %s", now.Email)
					}
				}
			})
		}
	}
}
