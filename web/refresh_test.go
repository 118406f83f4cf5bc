package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// There is one client and one audience, so a member that asks for another is
// refused as every unknown member is, and costs the session nothing.
func TestARefreshIsBoundToItsClient(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	for name, more := range map[string]string{
		"another_client":   `"client_id":"another"`,
		"a_wider_scope":    `"scope":"admin"`,
		"another_audience": `"audience":"bank"`,
		"another_resource": `"resource":"https://bank.example"`,
		"a_grant_type":     `"grant_type":"refresh_token"`,
		"another_session":  `"session_id":"` + ana.session + `"`,
	} {
		t.Run("RF-13_"+name, func(t *testing.T) {
			if r := s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+ana.refresh+`",`+more+`}`); r.status != 400 || r.code() != "unknown-member" {
				t.Errorf("got %d %s, want 400 unknown-member", r.status, r.body)
			}
			r := s.refresh(ana.refresh)
			if r.status != 200 {
				t.Fatalf("afterwards the token got %d %s", r.status, r.body)
			}
			ana.refresh = r.member(t, "refresh_token")
		})
	}
}

var tokenLike = regexp.MustCompile(`ghr_|eyJ[A-Za-z0-9_-]{8,}|[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}`)

func TestPagesHoldNoToken(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	session := b.cookie(sessionCookie)
	look := func(t *testing.T, what string, r reply) {
		t.Helper()
		if found := tokenLike.FindString(r.body); found != "" || strings.Contains(r.body, session) {
			t.Errorf("%s holds a token: %.12q", what, found)
		}
	}
	t.Run("RF-22_signed_in", func(t *testing.T) {
		for _, page := range []string{"/", "/account", "/account/password", "/account/export", "/account/delete", "/login", "/register", "/reset", "/errors/invalid-token"} {
			look(t, page, b.open(page))
			if page == "/account" && (b.at.status != 200 || !strings.Contains(b.at.body, "ana")) {
				t.Fatalf("the page is not that of the account: %d", b.at.status)
			}
		}
	})
	t.Run("RF-22_answers_to_forms", func(t *testing.T) {
		b.open("/account/password")
		look(t, "a wrong password", b.submit("/account/password", url.Values{"current_password": {wrongPassword}, "new_password": {otherPassword}}))
		b.open("/account/password")
		look(t, "a new password", b.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}}))
		session = b.cookie(sessionCookie)
		look(t, "the account afterwards", b.follow())
		b.open("/account/export")
		look(t, "the export", b.submit("/account/export", url.Values{"password": {otherPassword}}))
		if b.at.status != 200 {
			t.Errorf("export: got %d", b.at.status)
		}
	})
	t.Run("RF-22_the_search_finds_what_it_looks_for", func(t *testing.T) {
		ana := s.json("POST", "/v1/login", `{"identifier":"ana","password":"`+otherPassword+`"}`)
		for _, member := range []string{"access_token", "refresh_token"} {
			if !tokenLike.MatchString(ana.member(t, member)) {
				t.Errorf("a page with the %s would pass", member)
			}
		}
	})
}
