package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wantCookie holds a Set-Cookie line to the grammar of SC-04 and SC-05. Every answer
// in the tests of this package is held to it.
func wantCookie(t testing.TB, line string) {
	t.Helper()
	parts := strings.Split(line, "; ")
	name, value, _ := strings.Cut(parts[0], "=")
	if name != sessionCookie && name != csrfCookie && name != codeCookie && name != deviceCookie && name != requestCookie {
		t.Errorf("an unknown cookie: %s", line)
	}
	if len(parts[0]) > 4096 || len(line)-len(parts[0]) > 1024 {
		t.Errorf("too long: %s", line)
	}
	if strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("not opaque: %s", line)
	}
	seen := map[string]string{}
	for _, attribute := range parts[1:] {
		key, val, _ := strings.Cut(attribute, "=")
		seen[key] = val
	}
	longest := 30 * 24 * 3600
	if name == deviceCookie {
		longest = 180 * 24 * 3600
	}
	age, hasAge := seen["Max-Age"]
	if seconds, err := strconv.Atoi(age); hasAge && (err != nil || seconds > longest) {
		t.Errorf("Max-Age %q: %s", age, line)
	}
	delete(seen, "Max-Age")
	if len(seen) != 4 || seen["Path"] != "/" || seen["SameSite"] != "Lax" {
		t.Errorf("attributes of %s", line)
	}
	for _, flag := range []string{"Secure", "HttpOnly"} {
		if _, ok := seen[flag]; !ok {
			t.Errorf("%s lacks %s", line, flag)
		}
	}
}

func TestCookieGrammar(t *testing.T) {
	s := open(t)
	b := s.browse()
	var lines []string
	note := func() {
		lines = append(lines, b.at.header["Set-Cookie"]...)
		if value := b.cookie(sessionCookie); value != "" && strings.Contains(b.at.body, value) {
			t.Errorf("the session cookie is in a body: %s", b.at.body)
		}
	}
	s.register("ana")
	b.open("/login")
	note()
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	note()
	for path, methods := range s.door.routes.paths {
		if _, ok := methods["GET"]; ok && !strings.Contains(path, "{") {
			b.open(path)
			note()
		}
	}
	b.open("/account/password")
	b.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}})
	note()
	b.open("/reset?code=ghc_x")
	note()
	for _, longest := range []int{128, 129, 3900} { // a code that could be one, and what could not
		b.open("/reset?code=ghc_" + strings.Repeat("x", longest-len("ghc_")))
		note()
	}
	b.open("/account")
	b.submit("/logout", nil)
	note()
	t.Run("SC-04_SC-05_SC-28_every_cookie", func(t *testing.T) {
		if len(lines) < 7 {
			t.Fatalf("only %d cookies: %q", len(lines), lines)
		}
		for _, line := range lines {
			wantCookie(t, line)
			value, _, _ := strings.Cut(line, ";")
			_, value, _ = strings.Cut(value, "=")
			if plain, err := base64.RawURLEncoding.DecodeString(value); err == nil && strings.Contains(string(plain), "ana") {
				t.Errorf("personal data in %s", line)
			}
		}
	})
}

func TestPageSessions(t *testing.T) {
	s := open(t)
	withCookie := func(lines ...string) reply {
		return s.ask("POST", "/v1/token", "{}", withJSON, header("Cookie", lines...), saying("same-origin", ""))
	}
	b := s.browse()
	b.enter("ana")
	good := b.cookie(sessionCookie)
	if r := withCookie(sessionCookie + "=" + good); r.status != 403 { // known, but without the token of a form
		t.Fatalf("the good cookie: %d", r.status)
	}
	for name, lines := range map[string][]string{
		"evil_first":  {"__Host-session=evil; __Host-session=" + good},
		"evil_last":   {"__Host-session=" + good + "; __Host-session=evil"},
		"two_lines":   {"__Host-session=evil", "__Host-session=" + good},
		"two_lines_2": {"__Host-session=" + good, "__Host-session=evil"},
		"empty_one":   {"__Host-session=; __Host-session=" + good},
		"quoted":      {`__Host-session="` + good + `"`},
	} {
		t.Run("SC-19_"+name, func(t *testing.T) {
			if r := withCookie(lines...); r.status != 401 {
				t.Errorf("got %d", r.status)
			}
		})
	}
	for name, r := range map[string]reply{
		"SC-20_query":         s.ask("GET", "/account?__Host-session="+good, ""),
		"SC-20_header":        s.ask("GET", "/account", "", header("X-Session", good)),
		"SC-20_authorization": s.ask("GET", "/account", "", bearing(good)),
		"SC-27_session":       s.ask("GET", "/account", "", header("Cookie", "session="+good)),
		"SC-27_secure":        s.ask("GET", "/account", "", header("Cookie", "__Secure-session="+good)),
		"SC-27_lower_case":    s.ask("GET", "/account", "", header("Cookie", "__host-session="+good)),
	} {
		t.Run(name, func(t *testing.T) {
			if r.status != 303 || !strings.HasPrefix(r.header.Get("Location"), "/login") {
				t.Errorf("got %d to %q", r.status, r.header.Get("Location"))
			}
		})
	}
	t.Run("SC-20_form", func(t *testing.T) {
		for path, body := range map[string]string{"/account/sessions/end-others": sessionCookie + "=" + good, "/logout": sessionCookie + "=" + good} {
			if r := s.form(path, body, saying("same-origin", "")); r.status == 200 || strings.HasPrefix(r.header.Get("Location"), "/account") || r.header.Get("Clear-Site-Data") != "" {
				t.Errorf("%s: got %d to %q", path, r.status, r.header.Get("Location"))
			}
		}
		if r := s.json("POST", "/v1/token", `{"`+sessionCookie+`":"`+good+`"}`, saying("same-origin", "")); r.status != 400 && r.status != 401 {
			t.Errorf("in JSON: got %d %s", r.status, r.body)
		}
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+good)); r.status != 200 {
			t.Errorf("and the session goes on: got %d", r.status)
		}
	})
	t.Run("SC-20_bearer_route", func(t *testing.T) {
		if r := s.ask("GET", "/v1/me", "", bearing(good)); r.status != 401 {
			t.Errorf("got %d", r.status)
		}
	})
}

func TestCookiesAreRenewed(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	good := b.cookie(sessionCookie)
	t.Run("SC-06_a_new_cookie_at_login_and_the_old_one_is_dead", func(t *testing.T) {
		b.open("/account/password") // a page with a token; the login form itself leads away when logged in
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		b.wantRedirect("/account")
		fresh := b.cookie(sessionCookie)
		if fresh == good || fresh == "" {
			t.Fatal("the cookie did not change")
		}
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+good)); r.status != 303 {
			t.Errorf("the old cookie: %d", r.status)
		}
		if r := b.open("/account"); strings.Count(r.body, `class="current"`) != 1 || strings.Contains(r.body, "End all other sessions") {
			t.Error("the session before must have ended")
		}
	})
	t.Run("SC-06_a_planted_cookie_is_not_taken_over", func(t *testing.T) {
		planted := strings.Repeat("A", 43)
		mallory := s.browse()
		u, _ := url.Parse(s.url)
		mallory.jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/", Secure: true}})
		mallory.open("/login")
		mallory.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		mallory.wantRedirect("/account")
		if mallory.cookie(sessionCookie) == planted {
			t.Error("the planted cookie stayed")
		}
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+planted)); r.status != 303 {
			t.Errorf("the planted cookie: %d", r.status)
		}
	})
	t.Run("SC-06_SC-11_a_password_change_renews_the_cookie_and_ends_the_others", func(t *testing.T) {
		other := s.login("ana")
		before := b.cookie(sessionCookie)
		b.open("/account/password")
		b.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}})
		b.wantRedirect("/account?done=password")
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+before)); r.status != 303 {
			t.Errorf("the cookie before: %d", r.status)
		}
		if r := b.open("/account"); r.status != 200 {
			t.Errorf("the new cookie: %d", r.status)
		}
		if r := s.ask("GET", "/v1/me", "", bearing(other.access)); r.status != 401 {
			t.Errorf("the other session: %d", r.status)
		}
	})
}

func TestLogout(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	t.Run("SC-09_SC-21_logout_ends_the_session_on_the_server", func(t *testing.T) {
		before := b.cookie(sessionCookie)
		b.open("/account")
		r := b.submit("/logout", nil)
		b.wantRedirect("/login")
		if got := r.header.Get("Clear-Site-Data"); got != `"cache", "cookies", "storage"` {
			t.Errorf("Clear-Site-Data %q", got)
		}
		if b.cookie(sessionCookie) != "" {
			t.Error("the browser still has the cookie")
		}
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+before)); r.status != 303 {
			t.Errorf("after logout: %d", r.status)
		}
	})
}

func TestPageSessionsEnd(t *testing.T) {
	t.Run("SC-07_idle_and_absolute_end", func(t *testing.T) {
		s := open(t)
		b := s.browse()
		b.enter("ben")
		s.turn(24*time.Hour - time.Minute)
		if r := b.open("/account"); r.status != 200 {
			t.Errorf("before the idle end: %d", r.status)
		}
		for range 29 {
			s.turn(24*time.Hour - time.Minute)
			b.open("/account")
		}
		if b.at.status != 200 {
			t.Errorf("kept in use: %d", b.at.status)
		}
		s.turn(time.Hour)
		if r := b.open("/account"); r.status != 303 {
			t.Errorf("after 30 days: %d", r.status)
		}
	})
	t.Run("SC-10_disable_ends_it_at_once", func(t *testing.T) {
		s := open(t)
		b := s.browse()
		b.enter("ben")
		user, err := s.auth.FindUser(t.Context(), "ben")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.auth.DisableUser(t.Context(), user.ID); err != nil {
			t.Fatal(err)
		}
		if r := b.open("/account"); r.status != 303 {
			t.Errorf("got %d", r.status)
		}
	})
}
