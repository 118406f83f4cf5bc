package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// attack is something that somebody does, what is recorded of it, and the code in
// the line of its last request. An event is about ana, or about nobody.
type attack struct {
	name  string
	do    func(t *testing.T, s *site)
	event model.EventName // "" where a line of the log is all
	ana   bool
	code  string // "" where nothing was refused
}

func attacks() []attack {
	return append(attacksOnPasswords(), attacksOnTheRest()...)
}

func attacksOnPasswords() []attack {
	as := func(name, password string) func(*testing.T, *site) {
		return func(_ *testing.T, s *site) { s.tryLogin(name, password) }
	}
	// send asks for something, as ana.
	send := func(method, path, body string) func(*testing.T, *site) {
		return func(_ *testing.T, s *site) { s.json(method, path, body, bearing(s.login("ana").access)) }
	}
	return []attack{
		{"a_login", as("ana", goodPassword), model.EventLoginSuccess, true, ""},
		{"a_wrong_password", as("ana", wrongPassword), model.EventLoginFail, true, "wrong-credentials"},
		{"a_name_that_nobody_has", as("nobody", wrongPassword), model.EventLoginFail, false, "wrong-credentials"},
		{"a_disabled_user", func(t *testing.T, s *site) {
			user, err := s.auth.FindUser(t.Context(), "ana")
			if err == nil {
				err = s.auth.DisableUser(t.Context(), user.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.tryLogin("ana", goodPassword)
		}, model.EventLoginFail, true, "user-disabled"},
		{"an_email_that_is_not_proven", func(_ *testing.T, s *site) {
			s.json("POST", "/v1/register", `{"username":"zoe","email":"zoe@example.com","password":"`+goodPassword+`"}`)
			s.tryLogin("zoe", goodPassword)
		}, model.EventEmailUnverified, false, "email-unverified"},
		{"guesses_in_a_row", func(_ *testing.T, s *site) { s.slowDown("ana") }, model.EventLoginLock, true, "too-many-attempts"},
		{"a_wrong_password_at_a_change", send("POST", "/v1/password/change", `{"current_password":"x","new_password":"`+otherPassword+`"}`), model.EventPasswordFail, true, "wrong-password"},
		{"a_wrong_password_at_a_deletion", send("DELETE", "/v1/account", `{"password":"x"}`), model.EventPasswordFail, true, "wrong-password"},
		{"a_wrong_password_at_another_email", send("POST", "/v1/email/change", `{"email":"x@example.com","password":"x"}`), model.EventPasswordFail, true, "wrong-password"},
		{"another_password", send("POST", "/v1/password/change", `{"current_password":"`+goodPassword+`","new_password":"`+otherPassword+`"}`), model.EventPasswordChange, true, ""},
		{"a_reset", func(t *testing.T, s *site) {
			s.json("POST", "/v1/password/forgot", `{"email":"ana@example.com"}`)
			_, code, _ := strings.Cut(linkIn(t, s, newestTo(t, s, s.box, "ana@example.com")), "code=")
			s.json("POST", "/v1/password/reset", `{"code":"`+code+`","new_password":"`+otherPassword+`"}`)
		}, model.EventPasswordReset, true, ""},
	}
}

func attacksOnTheRest() []attack {
	return []attack{
		{"digits_that_are_wrong", func(t *testing.T, s *site) {
			b := s.browse()
			b.fill("/forgot", "email", "ana@example.com")
			newestTo(t, s, s.box, "ana@example.com")
			b.press("/reset", "code", "00000000", "new_password", otherPassword)
		}, model.EventCodeWrong, true, "invalid-or-expired-code"},
		{"a_code_that_nobody_made", func(_ *testing.T, s *site) {
			s.json("POST", "/v1/email/verify", `{"code":"ghc_none"}`)
		}, "", false, "invalid-or-expired-code"},
		{"a_refresh_token_for_the_second_time", func(t *testing.T, s *site) {
			old := `{"refresh_token":"` + s.login("ana").refresh + `"}`
			s.json("POST", "/v1/token/refresh", old).want(t, 200)
			s.turn(time.Minute)
			s.json("POST", "/v1/token/refresh", old).want(t, 401)
		}, model.EventTokenReuse, true, "invalid-token"},
		{"more_than_a_source_may", func(t *testing.T, s *site) {
			for range 12 {
				s.json("POST", "/v1/password/forgot", `{"email":"nobody@example.com"}`)
			}
		}, model.EventExcessRate, false, "too-many-attempts"},
		{"a_form_of_another_site", func(t *testing.T, s *site) {
			b := s.browse()
			token := csrfIn(t, b.open("/login").body)
			b.do("POST", "/login", "csrf="+token, withForm, saying("cross-site", ""))
		}, "", false, "forbidden"},
		{"the_session_of_somebody_else", func(_ *testing.T, s *site) {
			s.register("ben")
			s.ask("DELETE", "/v1/sessions/"+s.login("ana").session, "", bearing(s.login("ben").access))
		}, "", false, "not-found"},
		{"a_session_that_has_ended", func(_ *testing.T, s *site) {
			ana := s.login("ana")
			s.json("POST", "/v1/logout", "{}", bearing(ana.access))
			s.ask("GET", "/v1/me", "", bearing(ana.access))
		}, model.EventSessionEnded, true, "invalid-token"},
		{"a_member_that_is_not_known", func(_ *testing.T, s *site) { s.json("POST", "/v1/login", `{"role":"admin"}`) }, "", false, "unknown-member"},
		{"a_cursor", func(_ *testing.T, s *site) {
			s.ask("GET", "/v1/sessions?cursor=forged", "", bearing(s.login("ana").access))
		}, "", false, "bad-request"},
	}
}

// TestEveryAttackLeavesATrace does one thing at a time and looks at what is kept.
func TestEveryAttackLeavesATrace(t *testing.T) {
	for _, a := range attacks() {
		t.Run("LG-03_LG-04_"+a.name, func(t *testing.T) {
			t.Parallel()
			limits := manyFromHere()
			limits.MailRequests = gatehouse.Limit{} // the default
			s := openEverythingLimited(t, limits)
			ana := s.register("ana")
			a.do(t, s)
			lines := s.wantLines(t)
			last := lines[len(lines)-1]
			if code, _ := last["code"].(string); code != a.code && a.name != "digits_that_are_wrong" { // where a page follows
				t.Errorf("the last line has the code %q, want %q", code, a.code)
			}
			if a.code != "" && !slices.ContainsFunc(lines, func(line map[string]any) bool {
				return line["code"] == a.code && line["request_id"] != "" && line["ip"] == "127.0.0.1"
			}) {
				t.Errorf("no line has the code %q", a.code)
			}
			if a.event == "" {
				return
			}
			found, err := s.auth.FindEvents(t.Context(), model.EventFilter{Name: a.event, Limit: 10})
			if err != nil || len(found) == 0 {
				t.Fatalf("%d events %s (%v)", len(found), a.event, err)
			}
			if about := found[0].UserID == ana.ID; about != a.ana || fmt.Sprint(found[0].Client.Address) != "127.0.0.1" || found[0].Client.RequestID == "" {
				t.Errorf("got %+v", found[0])
			}
		})
	}
}
