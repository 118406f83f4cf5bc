package gatehouse_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// noticed is one thing that a user has to hear of.
type noticed struct {
	name, subject string
	act           func(t *testing.T, m *mailHouse, ana model.User, grant gatehouse.Grant)
}

func notices() []noticed {
	return []noticed{
		{"RV-15_password_changed", "Your password was changed", func(t *testing.T, m *mailHouse, ana model.User, grant gatehouse.Grant) {
			mustNot(t, m.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, SessionID: grant.SessionID, Current: goodPassword, New: otherPassword}))
		}},
		{"RV-15_password_reset", "Your password was reset", func(t *testing.T, m *mailHouse, ana model.User, _ gatehouse.Grant) {
			mustNot(t, m.reset(t, m.house.code(t, ana.ID), otherPassword))
		}},
		{"RV-15_username_changed", "Your username was changed", func(t *testing.T, m *mailHouse, ana model.User, _ gatehouse.Grant) {
			_, err := m.RenameUser(t.Context(), ana.ID, "ana2")
			mustNot(t, err)
		}},
		{"RV-15_account_deleted", "Your account was deleted", func(t *testing.T, m *mailHouse, ana model.User, grant gatehouse.Grant) {
			mustNot(t, m.DeleteUser(t.Context(), gatehouse.Deletion{UserID: ana.ID, SessionID: grant.SessionID, Password: goodPassword}))
		}},
		{"account_disabled", "Your account was disabled", func(t *testing.T, m *mailHouse, ana model.User, _ gatehouse.Grant) {
			mustNot(t, m.DisableUser(t.Context(), ana.ID))
			mustNot(t, m.DisableUser(t.Context(), ana.ID)) // which is no news
		}},
		{"LT-18_RV-15_RF-20_refresh_token_reused", "A session was ended for your safety", func(t *testing.T, m *mailHouse, _ model.User, grant gatehouse.Grant) {
			_, err := m.RefreshJWT(t.Context(), grant.RefreshToken)
			mustNot(t, err)
			m.clock.Add(time.Minute)
			for range 2 {
				m.refreshRefused(t, grant.RefreshToken)
			}
		}},
		{"LT-18_RV-15_browser_that_is_not_known", "New login", func(t *testing.T, m *mailHouse, _ model.User, _ gatehouse.Grant) {
			in := gatehouse.Credentials{Identifier: "ana", Password: goodPassword}
			first, err := m.LoginSession(fromDevice(t, "192.0.2.7", "browser/1"), in)
			mustNot(t, err)
			_, err = m.LoginSession(model.WithClient(t.Context(), model.Client{Device: first.Device}), in)
			mustNot(t, err)
			mustNot(t, m.LogoutUser(t.Context(), first.User.ID, first.Session.ID)) // which takes the token along
			_, err = m.LoginSession(fromDevice(t, "192.0.2.7", "browser/1"), in)
			mustNot(t, err)
		}},
		{"LT-18_RV-15_program_on_another_network", "New login", func(t *testing.T, m *mailHouse, _ model.User, _ gatehouse.Grant) {
			in := gatehouse.Credentials{Identifier: "ana", Password: goodPassword}
			for range 2 {
				_, err := m.LoginUser(fromDevice(t, "192.0.2.7", "app/1"), in)
				mustNot(t, err)
			}
		}},
		{"LT-18_login_after_five_failures", "Login after wrong passwords", func(t *testing.T, m *mailHouse, _ model.User, _ gatehouse.Grant) {
			for range 5 {
				m.loginRefused(t, "ana", wrongPassword, model.ErrWrongCredentials)
			}
			m.clock.Add(time.Hour)
			m.login(t, "ana")
		}},
	}
}

func TestNotices(t *testing.T) {
	secret := regexp.MustCompile(`gh[cr]_|eyJ|[?&]code=|\d{4} \d{4}$|[A-Za-z0-9_-]{43}`)
	for _, n := range notices() {
		t.Run(n.name, func(t *testing.T) {
			m := newMailHouse(t)
			ana, grant := m.entered(t, "ana")
			n.act(t, m, ana, grant)
			mail := m.deliverOne(t, "ana@example.com")
			if mail.subject != n.subject {
				t.Errorf("subject %q, want %q", mail.subject, n.subject)
			}
			for _, part := range []string{mail.text, mail.html} {
				if found := secret.FindString(part); found != "" {
					t.Errorf("a notice holds %q", found)
				}
				if !strings.Contains(part, "ana") || !strings.Contains(part, "2026 at") {
					t.Errorf("it says not who or not when:\n%s", part)
				}
			}
			if !strings.Contains(mail.text, "If ") {
				t.Errorf("it does not say what to do if it was not you:\n%s", mail.text)
			}
		})
		if strings.Contains(n.name, "LT-18") && !strings.Contains(n.name, "reused") {
			continue // who has not proven the mailbox does not log in
		}
		t.Run(n.name+"_and_not_to_an_address_that_nobody_has_proven", func(t *testing.T) {
			m := newMailHouse(t)
			m.cfg.Mailer = nil
			m.reopen(t)
			ana := m.register(t, "ana") // before mails were sent
			grant := m.login(t, "ana")
			m.cfg.Mailer = mailerOf(t, m.server)
			m.reopen(t)
			n.act(t, m, ana, grant)
			for _, mail := range m.deliver(t) {
				if mail.subject == n.subject {
					t.Errorf("it went to %s", mail.to)
				}
			}
		})
	}
}

func TestAMailMakesNoLinkOfAUsername(t *testing.T) {
	m := newMailHouse(t)
	in := gatehouse.Registration{Username: "evil.example/reset", Email: "ana@example.com", Password: goodPassword}
	mustNot(t, m.RequestRegistration(t.Context(), in))
	m.deliver(t)
	m.forgot(t, "ana@example.com", "")
	mustNot(t, m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword))
	told := m.deliverOne(t, "ana@example.com")
	if strings.Contains(told.text+told.html, "evil") || !strings.Contains(told.text, "your account") {
		t.Errorf("RV-13: what a squatter chose stands in the mail to the owner:\n%s", told.text)
	}
}

func TestMailsGoWithTheirUser(t *testing.T) {
	m := newMailHouse(t)
	ana := m.verified(t, "ana")
	m.forgot(t, "ana@example.com", "")
	mustNot(t, m.EraseUser(t.Context(), ana.ID))
	if got := m.deliverOne(t, "ana@example.com"); got.subject != "Your account was deleted" {
		t.Errorf("RV-22: %q", got.subject)
	}
	m.request(t, "ana", "")
	m.deliverOne(t, "ana@example.com")
	if again := m.mustFind(t, "ana"); again.ID == ana.ID || again.EmailVerified() {
		t.Error("RV-22: the new user is the old one")
	}
}

func TestLinksAndHeadersAreOurs(t *testing.T) {
	m := newMailHouse(t, func(c *gatehouse.Config) {
		c.Mail = gatehouse.MailStyle{Product: `Größe & <b>"Co"</b>`, Colour: "#ffee00"}
	})
	m.request(t, "ana", model.NewRequestSecret())
	mail := m.deliverOne(t, "ana@example.com")
	t.Run("RV-06_RV-10_every_link_is_under_the_issuer", func(t *testing.T) {
		links := regexp.MustCompile(`https?:[^\s"<>]+`).FindAllString(mail.text+" "+mail.html, -1)
		if len(links) < 4 {
			t.Fatal(links)
		}
		for _, link := range links {
			if link != "https://id.example.com" && !strings.HasPrefix(link, "https://id.example.com/verify?code=ghc_") || strings.ContainsAny(link, "&#") {
				t.Errorf("link %q", link)
			}
		}
	})
	t.Run("AI-19_the_name_of_the_product_stays_text", func(t *testing.T) {
		if mail.subject != `Confirm your email for Größe & <b>"Co"</b>` || strings.Contains(mail.html, "<b>") {
			t.Errorf("subject %q", mail.subject)
		}
		for name, values := range mail.header {
			if len(values) != 1 && name != "Received" || strings.ContainsAny(values[0], "\r\n") {
				t.Errorf("header %s: %q", name, values)
			}
		}
		if !slices.Equal(mail.header["To"], []string{"<ana@example.com>"}) || mail.header.Get("Bcc") != "" {
			t.Errorf("%v", mail.header)
		}
	})
	t.Run("nothing_is_fetched_from_anywhere_and_both_modes_can_be_read", func(t *testing.T) {
		for _, word := range []string{"<img", "url(", "@import", "<script", "src=", "<link"} {
			if strings.Contains(mail.html, word) {
				t.Errorf("the HTML part holds %s", word)
			}
		}
		for _, word := range []string{"prefers-color-scheme: dark", `content="light dark"`, "background:#ffee00;color:#000000"} {
			if !strings.Contains(mail.html, word) {
				t.Errorf("the HTML part lacks %s", word)
			}
		}
	})
	t.Run("the_Message-ID_is_ours", func(t *testing.T) {
		if !regexp.MustCompile(`^<[0-9a-f-]{36}@id\.example\.com>$`).MatchString(mail.id) {
			t.Errorf("Message-ID %q", mail.id)
		}
	})
	t.Run("a_mail_to_a_mailbox_that_nobody_has_proven_holds_no_text_of_anybody", func(t *testing.T) {
		if strings.Contains(strings.ReplaceAll(mail.text, "ana@example.com", ""), "ana") {
			t.Error(mail.text)
		}
	})
}

func TestMailStyleIsChecked(t *testing.T) {
	h := newHouse(t)
	for field, style := range map[string]gatehouse.MailStyle{
		"Mail.Product": {Product: "Shop\r\nBcc: eve@evil.example"}, "Mail.Colour": {Colour: "red;background:url(x)"},
	} {
		cfg := h.cfg
		cfg.Mail = style
		if _, err := gatehouse.New(t.Context(), h.store, cfg); err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestLimitsOfWhatIsMailed(t *testing.T) {
	from := func(t *testing.T, last byte) model.Client {
		return model.Client{Address: netip.AddrFrom4([4]byte{192, 0, 2, last})}
	}
	t.Run("LT-16_mail_requests_of_a_source", func(t *testing.T) {
		m := newMailHouse(t)
		for i := range 11 {
			err := m.ForgotPass(model.WithClient(t.Context(), from(t, 1)), gatehouse.Recovery{Email: "nobody@example.com"})
			if (err != nil) != (i == 10) {
				t.Errorf("request %d: %v", i+1, err)
			}
			if i == 10 {
				refused(t, err, model.ErrTooManyAttempts)
			}
		}
		mustNot(t, m.ForgotPass(model.WithClient(t.Context(), from(t, 2)), gatehouse.Recovery{Email: "nobody@example.com"}))
	})
	t.Run("LT-16_submitted_codes_of_a_source", func(t *testing.T) {
		m := newMailHouse(t)
		ctx := model.WithClient(t.Context(), from(t, 1))
		for range 10 {
			refused(t, m.VerifyEmail(ctx, "ghc_x"), model.ErrInvalidOrExpiredCode)
		}
		refused(t, m.VerifyEmail(ctx, "ghc_x"), model.ErrTooManyAttempts)
		refused(t, m.ResetPass(ctx, gatehouse.PasswordReset{Code: "ghc_x", New: otherPassword}), model.ErrTooManyAttempts)
	})
	t.Run("LT-16_registrations_of_a_source", func(t *testing.T) {
		m := newMailHouse(t, func(c *gatehouse.Config) { c.Limits.Registrations = gatehouse.Limit{Count: 1, Within: time.Hour} })
		ctx := model.WithClient(t.Context(), from(t, 1))
		mustNot(t, m.RequestRegistration(ctx, gatehouse.Registration{Email: "a@example.com", Password: goodPassword}))
		err := m.RequestRegistration(ctx, gatehouse.Registration{Email: "b@example.com", Password: goodPassword})
		refused(t, err, model.ErrTooManyAttempts)
	})
}

// TestAUsernameMakesNoLinks is a squatter whose username reads like an address, and
// the owner of the mailbox, who took the account over by a new password.
func TestAUsernameMakesNoLinks(t *testing.T) {
	for name, stays := range map[string]bool{
		"http://evil.example/reset": false, "evil.example": false, "www.evil.example": false, "evil.example/x": false, "mailto:eve": false,
		"tel:15550100": false, "+15550100": false, "15550100": false, "192.0.2.1": false, "//evil": false, "evil\u00b7example": false,
		"ana": true, "ana-maria_2": true, "größe": true, "ñ": true,
	} {
		t.Run("RV-13_"+name, func(t *testing.T) {
			m := newMailHouse(t)
			in := gatehouse.Registration{Username: name, Email: "ana@example.com", Password: goodPassword}
			if err := m.RequestRegistration(t.Context(), in); err != nil {
				if stays {
					t.Fatal(err)
				}
				return // it is no username at all
			}
			m.deliver(t)
			m.forgot(t, "ana@example.com", "")
			mustNot(t, m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword))
			mail := m.deliverOne(t, "ana@example.com")
			for _, part := range []string{mail.text, mail.html} {
				if strings.Contains(part, "account "+name+" at") != stays {
					t.Errorf("the name is there: %v, want %v:\n%s", !stays, stays, part)
				}
				if !stays && strings.Contains(part, "evil") {
					t.Errorf("a mail of ours leads to a stranger:\n%s", part)
				}
			}
		})
	}
	t.Run("RV-15_a_rename_to_one", func(t *testing.T) {
		m := newMailHouse(t)
		ana, _ := m.entered(t, "ana")
		_, err := m.RenameUser(t.Context(), ana.ID, "evil.example")
		mustNot(t, err)
		mail := m.deliverOne(t, "ana@example.com")
		if !strings.Contains(mail.text, "at Gatehouse was changed.") || strings.Contains(mail.text+mail.html, "evil") {
			t.Error(mail.text)
		}
	})
}
