package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// ways lead a browser to the states of the storybook, through the server.
func ways(code model.Code) map[string]func(b *tab) {
	opens := func(path string) func(b *tab) { return func(b *tab) { b.open(path) } }
	sends := func(path string, pairs ...string) func(b *tab) {
		values := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return func(b *tab) {
			b.open(path)
			b.submit(path, values)
		}
	}
	held := func(then func(b *tab)) func(b *tab) {
		return func(b *tab) {
			b.open("/reset?code=" + string(code))
			then(b)
		}
	}
	return map[string]func(b *tab){
		"register_empty":   opens("/register"),
		"register_next":    opens("/register?next=%2Faccount%2Fexport"),
		"register_refused": sends("/register", "username", "ana@home", "email", "ana at example", "password", "short"),
		"register_blocked": sends("/register", "username", "ana", "password", "passwordpassword"),
		"register_taken":   sends("/register", "username", "ben", "email", "", "password", goodPassword),
		"register_long":    sends("/register", "username", longName, "email", longEmail, "password", goodPassword),
		"register_rtl":     sends("/register", "username", hebrewName, "email", "", "password", "short"),
		"register_slowed":  slowedRegistration,
		"login_slowed":     slowedLogin,
		"login_empty":      opens("/login"),
		"login_next":       opens("/login?next=%2Faccount%2Fpassword"),
		"login_refused":    sends("/login", "identifier", "ana", "password", wrongPassword),
		"login_busy":       sends("/login", "identifier", "ana", "password", "busy"),
		"login_missing":    sends("/login", "identifier", "", "password", ""),
		"login_notice":     opens("/login?done=reset"),
		"reset":            held(opens("/reset")),
		"reset_ask":        opens("/reset"),
		"reset_refused":    held(sends("/reset", "new_password", "short")),
		"reset_expired":    sends("/reset", "code", "ghc_old", "new_password", goodPassword),

		"forgot_no_mail":        opens("/forgot"),
		"verify_no_mail":        opens("/verify"),
		"account_email_no_mail": opens("/account/email"),

		"account":       opens("/account"),
		"account_plain": opens("/account"),

		"account_password":         opens("/account/password"),
		"account_password_refused": sends("/account/password", "current_password", wrongPassword, "new_password", otherPassword),
		"account_password_same":    sends("/account/password", "current_password", goodPassword, "new_password", goodPassword),
		"account_export":           opens("/account/export"),
		"account_export_refused":   sends("/account/export", "password", wrongPassword),
		"account_delete":           opens("/account/delete"),
		"account_delete_refused":   sends("/account/delete", "password", wrongPassword),

		"error_not_found":         opens("/nowhere"),
		"error_internal":          opens("/panic"),
		"code_password_too_short": opens("/errors/password-too-short"),
	}
}

// notByServer are the states that differ from another one in their texts alone.
func notByServer() map[string]bool {
	return map[string]bool{
		"account_verified": true, "account_many": true, "account_long": true, "account_rtl": true,
		"account_email_no_mail_none": true,
	}
}

// enterAs logs in who the state shows, with as many sessions.
func (b *tab) enterAs(s state) {
	b.s.t.Helper()
	email := "ana@example.com"
	account, _ := s.view.Body.(accountView)
	if s.page == pageAccount {
		email = account.Email
	}
	in := gatehouse.Registration{Username: s.view.LoggedIn.Username, Email: email, Password: goodPassword}
	if _, err := b.s.auth.RegisterUser(b.s.t.Context(), in); err != nil {
		b.s.t.Fatal(err)
	}
	for n := 1; n < len(account.Sessions); n++ {
		b.s.login(in.Username)
	}
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {in.Username}, "password": {goodPassword}})
	b.wantRedirect("/account")
}

// asStory is a page of the server with the nonce, the token and the request id
// of the storybook.
func asStory(page reply) string {
	_, after, _ := strings.Cut(page.header.Get("Content-Security-Policy"), "'nonce-")
	nonce, _, _ := strings.Cut(after, "'")
	replace := []string{nonce, storyNonce, page.header.Get("X-Request-Id"), storyRequest}
	if token := csrfInput.FindStringSubmatch(page.body); token != nil {
		replace = append(replace, token[1], storyCSRF)
	}
	return strings.NewReplacer(replace...).Replace(page.body)
}

func TestTheStorybookShowsWhatTheServerSends(t *testing.T) {
	stories := mustPages(t)
	s := open(t)
	ben := s.register("ben")
	code, err := s.auth.IssueResetCode(t.Context(), ben.ID)
	if err != nil {
		t.Fatal(err)
	}
	ways := ways(code)
	for _, story := range storybook() {
		if notByServer()[story.name] || story.view.SendsMail {
			continue
		}
		t.Run(story.name, func(t *testing.T) {
			way := ways[story.name]
			if way == nil {
				t.Fatal("nothing leads to this state, so nobody gets this page")
			}
			s := s
			if story.view.LoggedIn != nil {
				s = open(t)
			}
			if strings.HasSuffix(story.name, "_slowed") {
				s = openLimited(t, gatehouse.Limits{})
				s.stopClock()
			}
			s.addFailingRoutes()
			s.makeBusy()
			b := s.browse()
			if story.view.LoggedIn != nil {
				b.enterAs(story)
			}
			way(b)
			got, want := asStory(b.at), mustRender(t, stories, story)
			if story.page == pageAccount { // its times and ids are never the same
				got, want = skeleton(t, got), skeleton(t, want)
			}
			if got != want {
				t.Errorf("the server sends %d\n%s\nand the storybook shows\n%s", b.at.status, got, want)
			}
		})
	}
}

// makeBusy lets a login with the password "busy" find no room for its hash.
func (s *site) makeBusy() {
	row := s.door.routes.paths["/login"]["POST"]
	login := s.door.submitLogin
	row.do = func(x *exchange) error {
		if x.fields["password"] == "busy" {
			return model.ErrOverloaded.After(2 * time.Second)
		}
		return login(x)
	}
	s.door.routes.paths["/login"]["POST"] = row
}
