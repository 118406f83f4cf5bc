package web

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// tab is a client with a jar that fills in forms and runs no script.
type tab struct {
	s   *site
	jar *cookiejar.Jar
	at  reply // the last answer
}

func (s *site) browse() *tab {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &tab{s: s, jar: jar}
}

// do sends a request with the cookies of the jar and does not follow redirects.
func (b *tab) do(method, path, body string, how ...asking) reply {
	b.s.t.Helper()
	u, err := url.Parse(b.s.url + path)
	if err != nil {
		b.s.t.Fatal(err)
	}
	jarred := func(r *http.Request) {
		for _, c := range b.jar.Cookies(u) {
			r.AddCookie(c)
		}
	}
	b.at = b.s.ask(method, path, body, append([]asking{jarred, header("Accept", "text/html")}, how...)...)
	b.jar.SetCookies(u, (&http.Response{Header: b.at.header}).Cookies())
	if value := b.cookie(sessionCookie); value != "" && strings.Contains(b.at.body, value) {
		b.s.t.Errorf("SC-04: the session cookie is in the body of %s %s", method, path)
	}
	return b.at
}

func (b *tab) open(path string) reply {
	b.s.t.Helper()
	return b.do("GET", path, "", header("Sec-Fetch-Site", "none"))
}

// follow opens the page a redirect leads to.
func (b *tab) follow() reply {
	b.s.t.Helper()
	if b.at.status != http.StatusSeeOther {
		b.s.t.Fatalf("got %d, want 303: %s", b.at.status, b.at.body)
	}
	return b.open(b.at.header.Get("Location"))
}

// submit sends a form as a page of ours would: with the token of the page that
// is open, under no-referrer.
func (b *tab) submit(path string, values url.Values, how ...asking) reply {
	b.s.t.Helper()
	all := url.Values{"csrf": {csrfIn(b.s.t, b.at.body)}}
	for name, value := range values {
		all[name] = value
	}
	sent := append([]asking{withForm, header("Sec-Fetch-Site", "same-origin"), header("Origin", "null")}, how...)
	return b.do("POST", path, all.Encode(), sent...)
}

// cookie is the value of a cookie in the jar.
func (b *tab) cookie(name string) string {
	u, _ := url.Parse(b.s.url)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// enter registers a user and logs the browser in.
func (b *tab) enter(name string) {
	b.s.t.Helper()
	b.s.register(name)
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {name}, "password": {goodPassword}})
	b.wantRedirect("/account")
}

func (b *tab) wantRedirect(to string) {
	b.s.t.Helper()
	if got := b.at.header.Get("Location"); b.at.status != http.StatusSeeOther || got != to {
		b.s.t.Fatalf("got %d to %q, want 303 to %q: %s", b.at.status, got, to, b.at.body)
	}
}

func (b *tab) wantPage(status int, holds string) {
	b.s.t.Helper()
	if b.at.status != status || !strings.Contains(b.at.body, holds) {
		b.s.t.Fatalf("got %d, want %d with %q:\n%s", b.at.status, status, holds, b.at.body)
	}
}

func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Run("PH-25_register_login_change_export_delete", func(t *testing.T) {
		b := open(t).browse()
		b.open("/")
		b.wantRedirect("/login")
		b.follow()
		b.wantPage(200, "<h1>")

		b.open("/register")
		b.submit("/register", url.Values{"username": {"ana"}, "email": {""}, "password": {"short"}})
		b.wantPage(422, "Use 15 characters or more.")
		if !strings.Contains(b.at.body, `value="ana"`) || strings.Contains(b.at.body, `value="short"`) {
			t.Error("the form must keep the username and forget the password")
		}
		b.submit("/register", url.Values{"username": {"ana"}, "email": {""}, "password": {goodPassword}})
		b.wantRedirect("/account")
		b.follow()
		b.wantPage(200, "ana")

		b.open("/account/password")
		b.submit("/account/password", url.Values{"current_password": {wrongPassword}, "new_password": {otherPassword}})
		b.wantPage(401, "This is not your password. Type the one you log in with.")
		b.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}})
		b.wantRedirect("/account?done=password")
		b.follow()
		b.wantPage(200, "Your password was changed.")

		b.open("/account/export")
		b.submit("/account/export", url.Values{"password": {otherPassword}})
		if b.at.status != 200 || !strings.HasPrefix(b.at.header.Get("Content-Disposition"), "attachment") {
			t.Fatalf("export: %d %v", b.at.status, b.at.header)
		}

		b.open("/account")
		b.submit("/logout", nil)
		b.wantRedirect("/login")
		b.follow()
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {otherPassword}})
		b.wantRedirect("/account")

		b.open("/account/delete")
		b.submit("/account/delete", url.Values{"password": {otherPassword}})
		b.wantRedirect("/login?done=deleted")
		b.follow()
		b.wantPage(200, "deleted")
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {otherPassword}})
		b.wantPage(401, "Username, email or password is wrong")
	})
}

func TestResetByCode(t *testing.T) {
	s := open(t)
	user := s.register("ana")
	code, err := s.auth.IssueResetCode(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	link := "/reset?code=" + string(code)
	t.Run("RV-07_looking_spends_nothing", func(t *testing.T) {
		for range 10 {
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				s.ask(method, link, "")
			}
		}
		if alive, err := s.auth.CodeAlive(t.Context(), code); err != nil || !alive {
			t.Fatalf("alive %v, %v", alive, err)
		}
	})
	b := s.browse()
	t.Run("RV-08_the_code_leaves_the_url_at_once", func(t *testing.T) {
		b.open(link)
		b.wantRedirect("/reset")
		set := b.at.header.Get("Set-Cookie")
		for _, part := range []string{"__Host-code=", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(set, part) {
				t.Errorf("cookie %q lacks %q", set, part)
			}
		}
		if got := b.at.header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("Referrer-Policy %q", got)
		}
		b.follow()
		b.wantPage(200, "new_password")
		if strings.Contains(b.at.body, string(code)) || strings.Contains(s.logs.String(), string(code)) {
			t.Error("the code must stand neither in the page nor in the log")
		}
	})
	t.Run("a_refused_password_does_not_cost_the_code", func(t *testing.T) {
		b.submit("/reset", url.Values{"new_password": {"short"}})
		b.wantPage(422, "Use 15 characters or more.")
	})
	t.Run("RV-01_a_reset_does_not_log_in", func(t *testing.T) {
		b.submit("/reset", url.Values{"new_password": {otherPassword}})
		b.wantRedirect("/login?done=reset")
		if b.cookie(sessionCookie) != "" || b.cookie(codeCookie) != "" {
			t.Error("no session may be there, and no code any more")
		}
		b.follow()
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {otherPassword}})
		b.wantRedirect("/account")
	})
}

func TestDeadCodesLookAlike(t *testing.T) {
	s := open(t)
	user := s.register("ana")
	code, err := s.auth.IssueResetCode(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.json("POST", "/v1/password/reset", `{"code":"`+string(code)+`","new_password":"`+otherPassword+`"}`); r.status != 204 {
		t.Fatalf("spend: %d %s", r.status, r.body)
	}
	t.Run("EN-15_a_spent_code_an_unknown_one_and_no_code_get_one_answer", func(t *testing.T) {
		for _, c := range []string{string(code), "ghc_unknown", "x", "a%20b"} {
			r := s.json("POST", "/v1/password/reset", `{"code":"`+c+`","new_password":"`+goodPassword+`"}`)
			if r.status != 400 || r.code() != "invalid-or-expired-code" {
				t.Errorf("%s: %d %s", c, r.status, r.body)
			}
		}
		late := s.browse()
		late.open("/reset?code=" + string(code))
		late.follow()
		late.wantPage(400, "Code is not valid or has expired")
	})
}
