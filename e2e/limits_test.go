package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// TestWhatLiesWithinTheLimitsIsAccepted is the other side of the hostile
// requests: a server that refuses everything would pass them.
func TestWhatLiesWithinTheLimitsIsAccepted(t *testing.T) {
	t.Parallel()
	s := reach(t)
	local := strings.Repeat("e", 64)
	domain := strings.Repeat("d", 63) + "." + strings.Repeat("d", 63) + "." + strings.Repeat("d", 57) + ".net"
	for _, c := range []struct {
		name, username, email, password string
		others                          []string // typed instead, each a wrong password
	}{
		{name: "PW-01_shortest", username: "a", password: "fifteen points!",
			others: []string{"fifteen points", "fifteen points! ", "Fifteen points!"}},
		{name: "PW-02_longest", username: strings.Repeat("u", 64), password: strings.Repeat("🦜", 256),
			others: []string{strings.Repeat("🦜", 255), strings.Repeat("🦜", 255) + "🦩"}},
		{name: "PW-26_NUL_is_a_character", email: "e@d.io", password: "fifteen-chars!!\x00AAAA",
			others: []string{"fifteen-chars!!\x00BBBB", "fifteen-chars!!"}},
		{name: "PW-06_no_compatibility_mapping", email: local + "@" + domain, password: "ﬁve quiet words here",
			others: []string{"five quiet words here"}},
	} {
		t.Run("AI-01_"+c.name, func(t *testing.T) {
			pairs, identifier := []string{"password", c.password}, c.username+c.email
			if c.username != "" {
				pairs = append(pairs, "username", c.username)
			} else {
				pairs = append(pairs, "email", c.email)
			}
			s.ask(t, request{method: "POST", path: "/v1/register", body: object(pairs...)}).want(t, 201)
			login := func(password string) reply {
				return s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", identifier, "password", password)})
			}
			login(c.password).want(t, 200)
			for _, other := range c.others {
				login(other).want(t, 401)
			}
		})
	}
	t.Run("AI-01_one_too_many", func(t *testing.T) {
		for _, pairs := range [][]string{{"username", strings.Repeat("v", 65)}, {"email", local + "x@d.io"}, {"email", local + "@d" + domain}} {
			body := object(append(pairs, "password", word)...)
			s.ask(t, request{method: "POST", path: "/v1/register", body: body}).want(t, 422)
		}
	})
}

// TestMarkupInANameStaysText takes a name that RFC 8265 allows and that would
// be a program in a careless page.
func TestMarkupInANameStaysText(t *testing.T) {
	t.Parallel()
	const name = `"'><script>alert(1)</script>{{.}}%s`
	s := reach(t)
	page := s.ask(t, request{method: "GET", path: "/register"}).want(t, 200)
	in := s.form(t, cookieOf(page, "__Host-csrf"), "/register",
		url.Values{"csrf": {csrfOf(t, page)}, "username": {name}, "password": {word}}).want(t, 303)
	session := cookieOf(in, "__Host-session")
	t.Run("PH-14_PH-15_on_the_account_page", func(t *testing.T) {
		account := s.ask(t, request{method: "GET", path: "/account", cookie: session}).want(t, 200)
		if strings.Contains(account.body, "<script>alert") {
			t.Error("the name became markup")
		}
		if !strings.Contains(account.body, "&lt;script&gt;alert(1)&lt;/script&gt;{{.}}%s") {
			t.Error("the name is not on the page, so nothing was proven")
		}
	})
	t.Run("PH-14_in_a_form_that_is_shown_again", func(t *testing.T) {
		page := s.ask(t, request{method: "GET", path: "/login"}).want(t, 200)
		again := s.form(t, cookieOf(page, "__Host-csrf"), "/login",
			url.Values{"csrf": {csrfOf(t, page)}, "identifier": {name}, "password": {"four wrong words here"}}).want(t, 401)
		if strings.Contains(again.body, "<script>alert") || !strings.Contains(again.body, "&lt;script&gt;alert") {
			t.Error("the typed name became markup or is gone")
		}
		if strings.Contains(again.body, "four wrong words") {
			t.Error("the form shows the password again")
		}
	})
	t.Run("AD-02_of_another_user_nothing_is_found", func(t *testing.T) { strangers(t, s) })
}

// strangers lets one user reach for what belongs to another.
func strangers(t *testing.T, s *server) {
	t.Helper()
	s.register(t, "eva")
	s.register(t, "ida")
	eva, ida := s.login(t, "eva"), s.login(t, "ida")
	foreign := s.ask(t, request{method: "DELETE", path: "/v1/sessions/" + ida.Session, bearer: eva.Access}).want(t, 404)
	absent := s.ask(t, request{method: "DELETE", path: "/v1/sessions/00000000-0000-4000-8000-000000000000", bearer: eva.Access}).want(t, 404)
	blank := func(r reply) string { return strings.ReplaceAll(r.body, r.header.Get("X-Request-Id"), "") }
	if blank(foreign) != blank(absent) {
		t.Errorf("EN-12 the session of another is told from none:\n%s\n%s", foreign.body, absent.body)
	}
	s.ask(t, request{method: "GET", path: "/v1/me", bearer: ida.Access}).want(t, 200)
	s.ask(t, request{method: "DELETE", path: "/v1/sessions/" + eva.Session, bearer: eva.Access}).want(t, 204)
	s.ask(t, request{method: "GET", path: "/v1/me", bearer: eva.Access}).want(t, 401)
}
