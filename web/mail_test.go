package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// openMailed is a site that sends mail, into a mailbox that the test reads.
func openMailed(t testing.TB) (*site, *model.Mailbox) {
	t.Helper()
	limits := manyFromHere()
	limits.MailsPerUser = limits.MailRequests
	return openMailedLimited(t, limits)
}

func openMailedLimited(t testing.TB, limits gatehouse.Limits) (*site, *model.Mailbox) {
	t.Helper()
	box := new(model.Mailbox)
	s := openRules(t, func(cfg *gatehouse.Config) { cfg.Limits, cfg.Mailer = limits, box },
		func(cfg *Config) { cfg.Mailbox = box })
	return s, box
}

var (
	linkInMail   = regexp.MustCompile(`https://\S+\?code=\S+`)
	digitsInMail = regexp.MustCompile(`\b\d{4}[ -]?\d{4}\b`)
)

// newestTo delivers what waits and returns the newest mail to an address.
func newestTo(t testing.TB, s *site, box *model.Mailbox, to string) model.Message {
	t.Helper()
	for range 3 {
		if _, err := s.auth.DeliverMail(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, entry := range box.Entries() {
		if entry.Message.To.String() == to {
			return entry.Message
		}
	}
	t.Fatalf("no mail to %s among %d", to, len(box.Entries()))
	return model.Message{}
}

func linkIn(t testing.TB, s *site, mail model.Message) string {
	t.Helper()
	link := linkInMail.FindString(mail.Text)
	path, ours := strings.CutPrefix(link, s.url)
	if !ours {
		t.Fatalf("the link %q does not lead to %s", link, s.url)
	}
	return path
}

// surf opens a page and goes where it leads.
func (b *tab) surf(path string) *tab {
	b.s.t.Helper()
	b.open(path)
	return b.arrive()
}

func (b *tab) arrive() *tab {
	b.s.t.Helper()
	for range 5 {
		if b.at.status != http.StatusSeeOther {
			return b
		}
		b.follow()
	}
	b.s.t.Fatal("the pages lead round in circles")
	return b
}

// press sends the form of the page that is open, and goes where it leads. Values
// stand in pairs.
func (b *tab) press(path string, values ...string) *tab {
	b.s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	b.submit(path, form)
	return b.arrive()
}

// fill is press on the page of the form.
func (b *tab) fill(path string, values ...string) *tab {
	b.s.t.Helper()
	return b.surf(path).press(path, values...)
}

func (b *tab) shows(words string) {
	b.s.t.Helper()
	b.at.shows(b.s.t, words)
}

func (r reply) shows(t testing.TB, words string) {
	t.Helper()
	if !strings.Contains(html.UnescapeString(r.body), words) {
		t.Fatalf("%d, and the page does not say %q: %s", r.status, words, r.body)
	}
}

func TestRegisterByMail(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	b := s.browse()
	b.fill("/register", "email", "ana@example.com", "username", "ana", "password", goodPassword).shows(doneAsked.sentence())

	t.Run("nobody_logs_in_before", func(t *testing.T) {
		early := s.browse()
		early.fill("/login", "identifier", "ana", "password", goodPassword).shows(doneUnverified.sentence())
		early.fill("/login", "identifier", "ana", "password", wrongPassword).shows(model.ErrWrongCredentials.Title)
		r := s.json("POST", "/v1/login", `{"identifier":"ana","password":"`+goodPassword+`"}`)
		if r.status != http.StatusForbidden || r.code() != "email-unverified" {
			t.Errorf("login over the API: %d %s", r.status, r.body)
		}
	})
	b.fill("/login", "identifier", "ana", "password", goodPassword) // the newest mail is that of this browser
	mail := newestTo(t, s, box, "ana@example.com")
	t.Run("RV-16_the_digits_count_in_the_browser_that_asked", func(t *testing.T) {
		digits := digitsInMail.FindString(mail.Text)
		s.browse().fill("/verify", "code", digits).shows(refusedCodeField().Fields[0].Detail)
		b.fill("/verify", "code", digits).shows(doneVerified.sentence())
	})
	b.fill("/login", "identifier", "ana@example.com", "password", goodPassword).shows("Verified")
}

func TestTheFourthRequestSparesTheThirdMail(t *testing.T) {
	t.Parallel()
	s, box := openMailedLimited(t, gatehouse.Limits{})
	b := s.browse()
	b.fill("/register", "email", "ana@example.com", "username", "ana", "password", goodPassword)
	for range 2 {
		b.fill("/login", "identifier", "ana", "password", goodPassword).shows(doneUnverified.sentence())
	}
	mail := newestTo(t, s, box, "ana@example.com")
	b.fill("/login", "identifier", "ana", "password", goodPassword).shows(doneUnverifiedAgain.sentence())
	b.fill("/verify", "code", digitsInMail.FindString(mail.Text)).shows(doneVerified.sentence())
}

func TestVerifyLink(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	asked := s.browse()
	asked.fill("/register", "email", "ana@example.com", "password", goodPassword)
	link := linkIn(t, s, newestTo(t, s, box, "ana@example.com"))

	t.Run("RV-07_looking_changes_nothing", func(t *testing.T) {
		for range 10 {
			s.browse().surf(link).shows("Confirm email")
			s.ask("HEAD", link, "")
			s.ask("OPTIONS", link, "")
		}
	})
	t.Run("RV-08_the_code_leaves_the_address_at_once", func(t *testing.T) {
		r := s.ask("GET", link, "")
		if r.status != http.StatusSeeOther || r.header.Get("Location") != verifyPath || r.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d to %q", r.status, r.header.Get("Location"))
		}
		_, code, _ := strings.Cut(link, "code=")
		if strings.Contains(s.logs.String(), code) || strings.Contains(s.browse().surf(link).at.body, code) {
			t.Error("the code stands in the log or in the page")
		}
	})
	t.Run("RV-13_another_browser_has_to_know_the_password", func(t *testing.T) {
		other := s.browse()
		other.surf(link).shows("Never chose one?")
		other.press("/verify").shows("Type the password that you chose")
		other.fill("/verify", "password", wrongPassword).shows("This is not your password")
		other.fill("/verify", "password", goodPassword).shows(doneVerified.sentence())
	})
	asked.surf(link).shows(model.ErrInvalidOrExpiredCode.Title)
}

func TestRecoverByMail(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	s.register("ana")
	attacker := s.browse()
	for _, who := range []string{"ana@example.com", "nobody@example.com", "no address"} {
		b := s.browse()
		b.fill("/forgot", "email", who).shows(doneRecovery.sentence())
		if b.cookie(requestCookie) == "" {
			t.Errorf("%s leaves no cookie", who)
		}
		attacker = b
	}
	link := linkIn(t, s, newestTo(t, s, box, "ana@example.com"))
	t.Run("EN-05_the_page_does_not_tell_who_is_here", func(t *testing.T) {
		digits := digitsInMail.FindString(newestTo(t, s, box, "ana@example.com").Text)
		attacker.fill("/reset", "code", digits, "new_password", otherPassword).shows(refusedCodeField().Fields[0].Detail)
	})
	owner := s.browse()
	owner.surf(link).press("/reset", "new_password", otherPassword)
	t.Run("RV-01_a_reset_logs_nobody_in", func(t *testing.T) {
		owner.shows(doneReset.sentence())
		if owner.cookie(sessionCookie) != "" {
			t.Error("a session began")
		}
	})
	owner.fill("/login", "identifier", "ana", "password", otherPassword).shows("Verified")
}

func TestChangeEmailByMail(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	s.register("ana")
	s.register("ben")
	b := s.browse()
	// The reset proves the mailbox of somebody from before.
	b.fill("/forgot", "email", "ana@example.com")
	b.surf(linkIn(t, s, newestTo(t, s, box, "ana@example.com"))).press("/reset", "new_password", goodPassword)
	b.fill("/login", "identifier", "ana", "password", goodPassword)

	b.fill("/account/email", "email", "anna@example.com", "password", wrongPassword).shows("This is not your password")
	b.fill("/account/email", "email", "anna@example.com", "password", goodPassword).shows(doneEmailAsked.sentence())
	link := linkIn(t, s, newestTo(t, s, box, "anna@example.com"))
	t.Run("RV-14_the_old_address_stays_until_then", func(t *testing.T) {
		b.surf("/account").shows("ana@example.com")
	})
	t.Run("EN-06_a_taken_address_looks_the_same", func(t *testing.T) {
		r := s.browse()
		r.fill("/login", "identifier", "ana", "password", goodPassword)
		r.fill("/account/email", "email", "ben@example.com", "password", goodPassword).shows(doneEmailAsked.sentence())
	})
	// Asking again made the first link void.
	b.surf(link).shows(model.ErrInvalidOrExpiredCode.Title)
	b.fill("/account/email", "email", "anna@example.com", "password", goodPassword)
	b.surf(linkIn(t, s, newestTo(t, s, box, "anna@example.com"))).press("/verify").shows(doneEmail.sentence())
	b.surf("/account").shows("anna@example.com")
}

func TestMailRoutes(t *testing.T) {
	t.Parallel()
	mailed, _ := openMailed(t)
	plain := open(t)
	if r := plain.ask("GET", "/dev/mailbox", ""); r.status != http.StatusNotFound {
		t.Errorf("without mail /dev/mailbox answers %d", r.status)
	}
	for _, body := range []string{`{"email":"ana@example.com"}`, `{"email":"nobody@example.com"}`, `{"email":"no address"}`} {
		r := mailed.json("POST", "/v1/password/forgot", body)
		if r.status != http.StatusAccepted || r.body != `{"next":"check-mail"}` || len(r.header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s is answered %d %s", body, r.status, r.body)
		}
	}
	t.Run("EN-03_a_taken_email_is_answered_like_a_free_one", func(t *testing.T) {
		for range 2 {
			r := mailed.json("POST", "/v1/register", `{"email":"ana@example.com","password":"`+goodPassword+`"}`)
			if r.status != http.StatusAccepted || r.body != `{"next":"check-mail"}` {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
	})
	if r := mailed.json("POST", "/v1/email/verify", `{"code":"ghc_none"}`); r.status != http.StatusBadRequest || r.code() != "invalid-or-expired-code" {
		t.Errorf("a wrong code: %d %s", r.status, r.body)
	}
}

func TestVerifyOverTheAPI(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	s.json("POST", "/v1/register", `{"email":"ana@example.com","password":"`+goodPassword+`"}`)
	_, code, _ := strings.Cut(linkIn(t, s, newestTo(t, s, box, "ana@example.com")), "code=")
	for _, want := range []int{http.StatusNoContent, http.StatusBadRequest} {
		if r := s.json("POST", "/v1/email/verify", `{"code":"`+code+`"}`); r.status != want {
			t.Errorf("%d %s, want %d", r.status, r.body, want)
		}
	}
	access := s.json("POST", "/v1/login", `{"identifier":"ana@example.com","password":"`+goodPassword+`"}`).member(t, "access_token")
	r := s.json("POST", "/v1/email/change", `{"email":"anna@example.com","password":"`+goodPassword+`"}`, bearing(access))
	if r.status != http.StatusAccepted {
		t.Fatalf("change: %d %s", r.status, r.body)
	}
	_, code, _ = strings.Cut(linkIn(t, s, newestTo(t, s, box, "anna@example.com")), "code=")
	if r := s.json("POST", "/v1/email/verify", `{"code":"`+code+`"}`); r.status != http.StatusNoContent {
		t.Fatalf("verify: %d %s", r.status, r.body)
	}
	if got := s.ask("GET", "/v1/me", "", bearing(access)).member(t, "user.email"); got != "anna@example.com" {
		t.Errorf("the email is %s", got)
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	s, box := openMailed(t)
	s.ask("GET", "/dev/mailbox", "").shows(t, "Nothing yet")
	s.json("POST", "/v1/register", `{"email":"ana@example.com","password":"`+goodPassword+`"}`)
	newestTo(t, s, box, "ana@example.com")
	s.ask("GET", "/dev/mailbox", "").shows(t, "ana@example.com")
	s.ask("GET", "/dev/mailbox/1", "").shows(t, `<a href="/verify?code=`)
	shown := s.ask("GET", "/dev/mailbox/html/1", "")
	if policy := shown.header.Get("Content-Security-Policy"); shown.status != 200 || !strings.HasSuffix(policy, "sandbox") || strings.Contains(policy, "script") {
		t.Errorf("%d under %s", shown.status, policy)
	}
	for _, path := range []string{"/dev/mailbox/0", "/dev/mailbox/01", "/dev/mailbox/99", "/dev/mailbox/html/x"} {
		if r := s.ask("GET", path, ""); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

func TestAWrongCodeIsRefusedBesideItsField(t *testing.T) {
	s, _ := openMailed(t)
	for _, path := range []string{"/verify", "/reset"} {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			b := s.browse()
			values := []string{"code", "12345678"}
			if path == "/reset" {
				values = append(values, "new_password", otherPassword)
			}
			b.fill(path, values...)
			b.wantPage(http.StatusBadRequest, `href="#code"`)
			b.wantPage(http.StatusBadRequest, `id="code-error"`)
			b.wantPage(http.StatusBadRequest, `href="/forgot"`) // the way to another mail
		})
	}
}

func TestDigitsStayWhereTheNewPasswordIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := openMailed(t)
	b := s.browse()
	b.fill("/forgot", "email", "ana@example.com")
	b.open("/reset")
	for typed, kept := range map[string]bool{"1234 5678": true, "12345678": true, "ghc_" + strings.Repeat("x", 43): false, "12345678901234567": false} {
		b.open("/reset")
		b.submit("/reset", url.Values{"code": {typed}, "new_password": {"short"}})
		b.wantPage(http.StatusUnprocessableEntity, "Use 15 characters or more.")
		if strings.Contains(b.at.body, `value="`+typed+`"`) != kept {
			t.Errorf("%q: kept must be %v", typed, kept)
		}
	}
}

func TestRegisterNamesAllThatIsLeftEmptyAtOnce(t *testing.T) {
	mailed, _ := openMailed(t)
	for _, row := range []struct {
		name  string
		site  *site
		typed []string
		want  []string
	}{
		{"nothing", open(t), nil, []string{"username", "password"}},
		{"nothing_where_mail_is_sent", mailed, nil, []string{"email", "password"}},
		{"no_email_and_a_short_password", mailed, []string{"username", "ana", "password", "short"}, []string{"email", "password"}},
		{"no_password_and_a_bad_username", mailed, []string{"username", "a@", "email", "ana@example.com"}, []string{"username", "password"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := row.site.browse()
			b.fill("/register", row.typed...)
			for _, field := range row.want {
				b.wantPage(http.StatusUnprocessableEntity, `href="#`+field+`"`)
			}
		})
	}
}
