package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestRV14WithoutMailTheRoutesAboutItSaySo(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	const noMail = `{"next":"no-mail"}`
	for _, body := range []string{`{"email":"ana@example.com"}`, `{"email":"nobody@example.com"}`} {
		if r := s.json("POST", "/v1/password/forgot", body); r.status != http.StatusAccepted || r.body != noMail {
			t.Errorf("forgot %s: %d %s", body, r.status, r.body)
		}
	}
	change := `{"email":"new@example.com","password":"` + goodPassword + `"}`
	if r := s.json("POST", "/v1/email/change", change); r.status != http.StatusUnauthorized {
		t.Errorf("an email was changed without a token: %d", r.status)
	}
	if r := s.json("POST", "/v1/email/change", change, bearing(ana.access)); r.status != http.StatusAccepted || r.body != noMail {
		t.Errorf("change: %d %s", r.status, r.body)
	}
	if me := s.ask("GET", "/v1/me", "", bearing(ana.access)); strings.Contains(me.body, "new@example.com") {
		t.Errorf("an email that nobody confirmed is in use: %s", me.body)
	}
	if r := s.json("POST", "/v1/email/verify", `{"code":"ghc_none"}`); r.code() != "invalid-or-expired-code" {
		t.Errorf("verify: %d %s", r.status, r.body)
	}

	t.Run("RV-08_the_code_of_an_old_mail_leaves_the_address", func(t *testing.T) {
		r := s.ask("GET", verifyPath+"?code=ghc_"+strings.Repeat("A", 43), "")
		if r.status != http.StatusSeeOther || r.header.Get("Location") != verifyPath {
			t.Errorf("%d to %q", r.status, r.header.Get("Location"))
		}
	})

	b := s.browse()
	b.open("/forgot")
	b.wantPage(http.StatusOK, "Ask those who run this service")
	b.open("/verify")
	b.wantPage(http.StatusOK, "nothing to confirm")
	b.enter("ben")
	b.open("/account/email")
	b.wantPage(http.StatusOK, "no mail is sent from here")
	for _, path := range []string{"/forgot", "/verify", "/account/email"} {
		if b.open(path); strings.Contains(b.at.body, `action="`+path) {
			t.Errorf("%s has a form that can do nothing", path)
		}
	}
}
