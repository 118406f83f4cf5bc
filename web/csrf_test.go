package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// origins are the combinations of what a browser says about where a request
// comes from, and whether that is ourselves.
func origins(own string) []struct {
	site, origin string
	right        bool
} {
	return []struct {
		site, origin string
		right        bool
	}{
		{"same-origin", "", true},
		{"same-origin", own, true},
		{"same-origin", "null", true}, // what a page under no-referrer sends
		{"none", "", true},
		{"", own, true},
		{"", "", false},
		{"", "null", false},
		{"", "https://evil.example", false},
		{"", strings.Replace(own, "https:", "http:", 1), false},
		{"cross-site", own, false},
		{"same-site", own, false},
		{"same-origin", "https://evil.example", false},
		{"cross-site", "https://evil.example", false},
		{"cross-site", "", false},
	}
}

func saying(site, origin string) asking {
	return func(r *http.Request) {
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
	}
}

func TestFormsNeedOriginAndToken(t *testing.T) {
	s := open(t)
	b, foreign := s.browse(), s.browse()
	b.enter("ana")
	old := csrfIn(t, b.open("/account").body)
	oldCookie := b.cookie(sessionCookie)
	b.open("/account/password")
	b.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}})
	b.wantRedirect("/account?done=password") // the cookie is another one now
	foreign.enter("ben")
	right := csrfIn(t, b.open("/account").body)
	tokens := map[string]string{
		"right": right, "absent": "", "of_another_session": csrfIn(t, foreign.open("/account").body), "old": old,
		"of_a_visit": csrfIn(t, s.browse().open("/login").body), "cut": right[:len(right)-1],
	}
	if b.cookie(sessionCookie) == oldCookie || old == right {
		t.Fatal("the token must change with the cookie")
	}
	for _, o := range origins(s.url) {
		for name, token := range tokens {
			t.Run(fmt.Sprintf("PH-09_%q_%q_%s", o.site, o.origin, name), func(t *testing.T) {
				r := b.do("POST", "/account/sessions/end-others", url.Values{"csrf": {token}}.Encode(), withForm, saying(o.site, o.origin))
				want := 403
				if o.right && name == "right" {
					want = 303
				}
				if r.status != want {
					t.Errorf("got %d, want %d", r.status, want)
				}
			})
			t.Run(fmt.Sprintf("PH-09_PH-10_token_%q_%q_%s", o.site, o.origin, name), func(t *testing.T) {
				r := b.do("POST", "/v1/token", "{}", withJSON, saying(o.site, o.origin), header(csrfHeader, token))
				want := 403
				if o.right && name == "right" {
					want = 200
				}
				if r.status != want {
					t.Errorf("got %d, want %d: %s", r.status, want, r.body)
				}
			})
		}
	}
	t.Run("PH-09_a_token_in_the_wrong_place_does_not_count", func(t *testing.T) {
		for name, r := range map[string]reply{
			"header for a form": b.do("POST", "/account/sessions/end-others", "", withForm, saying("same-origin", ""), header(csrfHeader, right)),
			"query for a form":  b.do("POST", "/account/sessions/end-others?csrf="+right, "", withForm, saying("same-origin", "")),
			"two headers":       b.do("POST", "/v1/token", "{}", withJSON, saying("same-origin", ""), header(csrfHeader, right, right)),
			"member of JSON":    b.do("POST", "/v1/token", `{"csrf":"`+right+`"}`, withJSON, saying("same-origin", "")),
		} {
			if r.status < 400 {
				t.Errorf("%s: %d", name, r.status)
			}
		}
	})
}

func TestScriptsOfOtherOriginsGetNoToken(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	right := csrfIn(t, b.open("/account").body)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		t.Run("PH-10_"+kind, func(t *testing.T) {
			r := b.do("POST", "/v1/token", "{}", header("Content-Type", kind), saying("same-origin", ""), header(csrfHeader, right))
			if r.status != 415 {
				t.Errorf("got %d", r.status)
			}
		})
	}
}

func TestFormsBeforeALoginAreProtectedToo(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	good := map[string]string{
		"identifier": "ana", "password": goodPassword, "username": "dan", "email": "ana@example.com", "new_password": otherPassword, "code": "12345678",
	}
	before, forms := s.dump(t), 0
	for _, row := range s.door.rows() {
		if row.who != visitor || row.method != http.MethodPost || row.path == strengthPath { // which has no page of its own
			continue
		}
		forms++
		b := s.browse()
		token := csrfIn(t, b.open(row.path).body)
		for name, try := range map[string]struct {
			token string
			how   asking
		}{
			"cross_site":  {token, saying("cross-site", "https://evil.example")},
			"no_token":    {"", saying("same-origin", s.url)},
			"other_token": {csrfIn(t, s.browse().open(row.path).body), saying("same-origin", s.url)},
			"silent":      {token, saying("", "")},
		} {
			t.Run("PH-12_SC-18_"+row.path+"_"+name, func(t *testing.T) {
				values := url.Values{"csrf": {try.token}}
				for _, m := range row.takes.members {
					values.Set(m.name, good[m.name])
				}
				r := b.do("POST", row.path, values.Encode(), withForm, try.how)
				if r.status != 403 || b.cookie(sessionCookie) != "" {
					t.Errorf("got %d %v", r.status, r.header["Set-Cookie"])
				}
				if !strings.Contains(r.body, "reload the page and try again") {
					t.Error("the page must say how to go on")
				}
			})
		}
	}
	t.Run("PH-12_and_nothing_has_happened", func(t *testing.T) {
		if wantUnchanged(t, before, s.dump(t)); forms < 5 {
			t.Errorf("only %d forms were tried: login, register, forgot, reset and verify should be there", forms)
		}
	})
}

func TestLogoutIsProtectedToo(t *testing.T) {
	s := open(t)
	s.register("ana")
	t.Run("PH-12_logout", func(t *testing.T) {
		b := s.browse()
		b.open("/login")
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		token := csrfIn(t, b.open("/account").body)
		if r := b.do("POST", "/logout", "csrf="+token, withForm, saying("cross-site", "")); r.status != 403 {
			t.Errorf("cross-site: %d", r.status)
		}
		if r := b.do("POST", "/logout", "", withForm, saying("same-origin", "")); r.status != 403 {
			t.Errorf("without token: %d", r.status)
		}
		if r := b.open("/account"); r.status != 200 {
			t.Errorf("the session must live: %d", r.status)
		}
	})
	t.Run("SC-18_no_GET_opens_a_session", func(t *testing.T) {
		for path, methods := range s.door.routes.paths {
			if _, ok := methods["GET"]; !ok || strings.Contains(path, "{") {
				continue
			}
			for _, c := range s.ask("GET", path, "").header["Set-Cookie"] {
				if strings.HasPrefix(c, sessionCookie) {
					t.Errorf("%s sets %s", path, c)
				}
			}
		}
	})
	t.Run("a_form_opened_before_a_login_elsewhere_in_the_browser_says_so", func(t *testing.T) {
		b := s.browse()
		stale := csrfIn(t, b.open("/login").body)
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		b.wantRedirect("/account")
		r := b.do("POST", "/login", url.Values{"csrf": {stale}, "identifier": {"ana"}, "password": {goodPassword}}.Encode(),
			withForm, saying("same-origin", "null"))
		if r.status != 403 {
			t.Errorf("got %d", r.status)
		}
	})
}
