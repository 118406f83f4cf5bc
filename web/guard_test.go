package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"gatehouse/model"
)

// wantHeaders are on every answer, whoever wrote it.
func wantHeaders(t *testing.T, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Strict-Transport-Security":    "max-age=63072000; includeSubDomains", // PH-01
		"X-Frame-Options":              "DENY",                                // PH-03
		"X-Content-Type-Options":       "nosniff",                             // PH-04
		"Referrer-Policy":              "no-referrer",                         // PH-05
		"Cross-Origin-Opener-Policy":   "same-origin",                         // PH-07
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           permissionsPolicy,
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	policy := r.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if len(r.header.Get("X-Request-Id")) != 32 {
		t.Errorf("request id %q", r.header.Get("X-Request-Id"))
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin", "Server-Timing", "Last-Modified"} {
		if got := r.header.Get(name); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if kind := r.header.Get("Content-Type"); r.body != "" && !strings.Contains(kind, "; charset=utf-8") &&
		kind != statusListType && kind != "image/svg+xml" {
		t.Errorf("content type %q", kind)
	}
}

// withRoute adds a route of the test's own.
func (s *site) withRoute(row route) {
	s.door.routes.paths[row.path] = map[string]route{row.method: row}
}

// addFailingRoutes adds routes for what no request can bring about.
func (s *site) addFailingRoutes() {
	s.withRoute(route{method: "GET", path: "/v1/panic", who: anyone, do: func(*exchange) error { panic("MARKER-panic") }})
	s.withRoute(route{method: "GET", path: "/panic", who: visitor, do: func(*exchange) error { panic("MARKER-panic") }})
	s.withRoute(route{method: "GET", path: "/v1/trouble", who: anyone, do: func(*exchange) error { return errors.New("MARKER-trouble") }})
	s.withRoute(route{method: "GET", path: "/v1/busy", who: anyone, do: func(*exchange) error { return model.ErrTooManyAttempts.After(unavailableRetry) }})
}

func TestEveryAnswer(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	s.addFailingRoutes()
	big := strings.Repeat("x", maxBody+1)
	for _, c := range []struct {
		name   string
		status int
		r      reply
	}{
		{"page", 200, s.ask("GET", "/login", "")},
		{"json", 200, s.ask("GET", "/v1/me", "", bearing(ana.access))},
		{"created", 201, s.json("POST", "/v1/register", `{"username":"ben","password":"`+goodPassword+`"}`)},
		{"no_content", 204, s.ask("DELETE", "/v1/sessions", "", bearing(ana.access))},
		{"redirect", 303, s.ask("GET", "/", "")},
		{"static", 200, s.ask("GET", s.door.pages.paths["app.css"], "")},
		{"static_not_modified_range", 416, s.ask("GET", s.door.pages.paths["app.css"], "", header("Range", "bytes=9999999-"))},
		{"bad_request", 400, s.json("POST", "/v1/login", `{`)},
		{"bad_host", 400, s.ask("GET", "/login", "", func(r *http.Request) { r.Host = "evil.example" })},
		{"unauthorized", 401, s.ask("GET", "/v1/me", "")},
		{"forbidden", 403, s.ask("POST", "/login", "", withForm)},
		{"not_found", 404, s.ask("GET", "/v1/nothing", "")},
		{"page_not_found", 404, s.ask("GET", "/nothing", "", header("Accept", "text/html"))},
		{"method", 405, s.ask("PUT", "/v1/login", "")},
		{"page_method", 405, s.ask("PUT", "/login", "")},
		{"conflict", 409, s.json("POST", "/v1/register", `{"username":"ana","password":"`+goodPassword+`"}`)},
		{"too_large", 413, s.json("POST", "/v1/login", big)},
		{"media_type", 415, s.ask("POST", "/v1/login", "{}", header("Content-Type", "text/plain"))},
		{"unprocessable", 422, s.json("POST", "/v1/register", `{"username":"cid","password":"short"}`)},
		{"too_many", 429, s.ask("GET", "/v1/busy", "")},
		{"panic", 500, s.ask("GET", "/v1/panic", "")},
		{"page_panic", 500, s.ask("GET", "/panic", "")},
		{"trouble", 500, s.ask("GET", "/v1/trouble", "")},
	} {
		t.Run("PH-01_PH-03_PH-04_PH-05_PH-07_PH-13_PH-22_PH-23_"+c.name, func(t *testing.T) {
			if c.r.status != c.status {
				t.Fatalf("got %d, want %d: %s", c.r.status, c.status, c.r.body)
			}
			wantHeaders(t, c.r)
			if strings.HasPrefix(c.name, "static") {
				return
			}
			if got := c.r.header.Get("Cache-Control"); got != "no-store" { // PH-19
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

func TestPanics(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	s.addFailingRoutes()
	for _, path := range []string{"/v1/panic", "/panic", "/v1/trouble"} {
		if r := s.ask("GET", path, ""); r.status != 500 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	t.Run("PH-03_AI-25_LG-06_a_panic_is_logged_without_its_value_and_told_to_nobody", func(t *testing.T) {
		if logged := s.logs.String(); strings.Contains(logged, "MARKER-panic") || !strings.Contains(logged, `"msg":"panic"`) {
			t.Error("the panic must be logged, and its value must not")
		}
		for _, path := range []string{"/v1/panic", "/panic", "/v1/trouble"} {
			if r := s.ask("GET", path, ""); strings.Contains(r.body, "MARKER") || strings.Contains(r.body, "goroutine") {
				t.Errorf("%s tells %s", path, r.body)
			}
		}
		if r := s.ask("GET", "/v1/me", "", bearing(ana.access)); r.status != 200 {
			t.Errorf("after panics: %d", r.status)
		}
	})
}

func TestPagePolicy(t *testing.T) {
	t.Run("PH-02_each_load_has_a_nonce_of_its_own", func(t *testing.T) {
		s := open(t)
		first, second := s.ask("GET", "/login", ""), s.ask("GET", "/login", "")
		nonce := func(r reply) string {
			_, after, _ := strings.Cut(r.header.Get("Content-Security-Policy"), "'nonce-")
			nonce, _, _ := strings.Cut(after, "'")
			return nonce
		}
		one, two := nonce(first), nonce(second)
		if len(one) != 22 || one == two {
			t.Fatalf("nonces %q and %q", one, two)
		}
		want := "default-src 'none'; script-src 'nonce-" + one + "'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
		if got := first.header.Get("Content-Security-Policy"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if !strings.Contains(first.body, `<script nonce="`+one+`"`) {
			t.Error("the script does not carry the nonce")
		}
		if got := s.ask("GET", "/v1/me", "").header.Get("Content-Security-Policy"); got != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("json: %q", got)
		}
	})
}

func TestPathsHaveOneSpelling(t *testing.T) {
	s := open(t)
	s.register("ana")
	body := `{"identifier":"ana","password":"` + goodPassword + `"}`
	for _, path := range []string{
		"//v1/login", "/v1//login", "/v1/./login", "/v1/../v1/login", "/v1/logi%6e", "/v1/login/", "/v1/login;x", "/V1/login",
		"/v1/LOGIN", "/v1%2flogin", "/v1/login%00", "/v1/login%20", "/v1/login/..", "/%761/login", "/v1/\\login", "/v1/login%2f",
		"/account/x.css", "/account/", "/login/", "/errors/", "/errors/bad-request/", "/static/", "/static/../guard.go",
		"/static/%2e%2e/guard.go", "/static/.git", "/.git/config", "/.env", "/sessions/{id}", "/v1/sessions/{id}/x",
		"/debug/pprof", "/debug/vars", "/metrics", "/swagger", "/admin", "/index.html",
	} {
		t.Run("LT-09_PH-19_PH-21_PH-22_AI-21_"+path, func(t *testing.T) {
			// The target is set by hand: a URL would be cleaned on its way.
			method, sent := "GET", ""
			if strings.Contains(strings.ToLower(path), "login") {
				method, sent = "POST", body
			}
			r := s.ask(method, "/", sent, withJSON, func(r *http.Request) {
				r.URL.Opaque = "//" + s.host + path
				r.URL.Scheme = "https"
			})
			if r.status != 404 {
				t.Errorf("got %d to %q: %s", r.status, r.header.Get("Location"), r.body)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	for path, methods := range s.door.routes.paths {
		target := strings.NewReplacer("{id}", ana.session, "{code}", "internal", "{file}", "x").Replace(path)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "get", "QUERY"} {
			if _, ok := methods[method]; ok {
				continue
			}
			t.Run("AI-16_"+method+"_"+path, func(t *testing.T) {
				r := s.ask(method, target, "", header("X-HTTP-Method-Override", "GET"), header("X-Method-Override", "POST"))
				if r.status != 405 || r.header.Get("Allow") != allow(methods) {
					t.Errorf("got %d, Allow %q, want 405, %q", r.status, r.header.Get("Allow"), allow(methods))
				}
			})
		}
	}
	t.Run("AI-16_the_server_as_a_whole_has_no_method", func(t *testing.T) {
		for _, method := range []string{"OPTIONS", "GET"} {
			r := s.ask(method, "/", "", func(r *http.Request) { r.URL = &url.URL{Scheme: "https", Host: s.host, Opaque: "*"} })
			if r.status != 405 || len(r.header["Allow"]) != 1 || r.header.Get("Allow") != "" {
				t.Errorf("%s *: got %d, Allow %q, want 405 and an empty one", method, r.status, r.header["Allow"])
			}
		}
	})
	t.Run("AI-16_HEAD_goes_where_GET_goes", func(t *testing.T) {
		if r := s.ask("HEAD", "/healthz", ""); r.status != 200 || r.body != "" {
			t.Errorf("got %d %q", r.status, r.body)
		}
	})
	t.Run("SC-12_logout_is_POST_only", func(t *testing.T) {
		b := s.browse()
		b.enter("ben")
		if r := b.open("/logout"); r.status != 405 {
			t.Errorf("got %d", r.status)
		}
		if r := b.open("/account"); r.status != 200 || !strings.Contains(r.body, `action="/logout"`) {
			t.Errorf("the session must live and the page must have the form: %d", r.status)
		}
	})
}

func TestHosts(t *testing.T) {
	s := open(t, func(c *Config) { c.Hosts = []string{"ID.example.com", "id.example.com:8443"} })
	for _, c := range []struct {
		host string
		want int
	}{
		{s.host, 200}, {"id.example.com", 200}, {"ID.EXAMPLE.COM", 200}, {"id.example.com:443", 200}, {"id.example.com:8443", 200},
		{"evil.example", 400}, {"id.example.com.", 400}, {"id.example.com.evil.example", 400}, {"evil-id.example.com", 400},
		{"id.example.com:8444", 400}, {"127.0.0.1", 400}, {"localhost", 400}, {"id.example.com,evil.example", 400},
		{"id.example.com@evil.example", 400}, {"[::1]", 400}, {"0x7f.1", 400},
	} {
		t.Run("TL-10_"+c.host, func(t *testing.T) {
			got := s.ask("GET", "/login", "", func(r *http.Request) { r.Host = c.host }).status
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"no_host":            {"GET /login HTTP/1.0\r\n\r\n", 400},
		"absolute_elsewhere": {"GET https://evil.example/login HTTP/1.1\r\nHost: " + s.host + "\r\nConnection: close\r\n\r\n", 400},
		"absolute_here":      {"GET https://" + s.host + "/healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 200},
		"connect":            {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n", 400},
		"upgrade":            {"GET /healthz HTTP/1.1\r\nHost: " + s.host + "\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n", 400},
	} {
		t.Run("TL-10_"+name, func(t *testing.T) {
			conn := s.bare()
			if _, err := io.WriteString(conn, c.request); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(answer), fmt.Sprintf("HTTP/1.1 %d ", c.want)) && !strings.HasPrefix(string(answer), fmt.Sprintf("HTTP/1.0 %d ", c.want)) {
				t.Errorf("got %.200q, want %d", answer, c.want)
			}
		})
	}
	t.Run("TL-09_plain_http_on_the_tls_port", func(t *testing.T) {
		res, err := http.Post("http://"+s.host+"/v1/login", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if r := read(t, res); r.status != 400 || strings.Contains(s.logs.String(), `"route":"/v1/login"`) {
			t.Errorf("got %d; nothing may be processed", r.status)
		}
	})
}

func TestRequestLimits(t *testing.T) {
	s := open(t)
	t.Run("AI-13_cookies", func(t *testing.T) {
		pairs := strings.Repeat("a=b; ", maxCookies-1) + "a=b"
		if r := s.ask("GET", "/login", "", header("Cookie", pairs)); r.status != 200 {
			t.Errorf("50: %d", r.status)
		}
		if r := s.ask("GET", "/login", "", header("Cookie", pairs, "c=d")); r.status != 400 {
			t.Errorf("51: %d", r.status)
		}
	})
	t.Run("AI-13_url", func(t *testing.T) {
		at := func(length int) string { return "/login?x=" + strings.Repeat("y", length-len("/login?x=")) }
		if r := s.ask("GET", at(maxURL), ""); r.status != 200 {
			t.Errorf("4 KiB: %d", r.status)
		}
		if r := s.ask("GET", at(maxURL+1), ""); r.status != 400 {
			t.Errorf("4 KiB + 1: %d", r.status)
		}
	})
	t.Run("PH-26_an_error_page_echoes_nothing", func(t *testing.T) {
		marker := "MARKERecho"
		r := s.ask("GET", "/"+marker+"?"+marker+"=1", "", header("Accept", "text/html"), header("User-Agent", marker), header("Referer", "https://"+marker))
		if r.status != 404 || strings.Contains(r.body, marker) || !strings.Contains(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
}

func TestNextIsFromOurOwnList(t *testing.T) {
	s := open(t)
	s.register("ana")
	hostile := []string{
		"//evil", "/\\evil", "\\\\evil", "/%2f/evil", "https:evil", "https:/evil", "https://evil.example", "javascript:alert(1)",
		"/..//evil", "/.//evil", "https://good@evil", "/\tevil", "/\nevil", "\t//evil", " //evil", "/account/password?x=1",
		"/account/password#x", "/account/password/", "/v1/me", "/logout", "/static/x", "/nothing", "account", "",
		strings.Repeat("/a", 2000), "/account/sessions/end", "/errors/{code}",
	}
	for _, next := range hostile {
		t.Run(fmt.Sprintf("PH-16_%.20q", next), func(t *testing.T) {
			b := s.browse()
			page := b.open("/login?next=" + url.QueryEscape(next))
			if len(next) < 3000 && (page.status != 200 || strings.Contains(page.body, `name="next"`)) {
				t.Fatalf("the form must not carry it on: %d %s", page.status, page.body)
			}
			if page.status != 200 {
				b.open("/login")
			}
			b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}, "next": {next}})
			b.wantRedirect("/account")
			if len(next) < 3000 {
				b.open("/login?next=" + url.QueryEscape(next)) // logged in now
				b.wantRedirect("/account")
			}
		})
	}
	t.Run("PH-16_a_page_of_ours", func(t *testing.T) {
		b := s.browse()
		b.open("/account/password")
		b.wantRedirect("/login?next=%2Faccount%2Fpassword")
		b.follow()
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {wrongPassword}, "next": {"/account/password"}})
		b.wantPage(401, `name="next" value="/account/password"`)
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}, "next": {"/account/password"}})
		b.wantRedirect("/account/password")
	})
}
