package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
)

// wantLines checks that each line of the log is one JSON object, and returns
// the lines of requests.
func (s *site) wantLines(t *testing.T) []map[string]any {
	t.Helper()
	var requests []map[string]any
	for line := range strings.Lines(s.logs.String()) {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got["msg"] == "request" {
			requests = append(requests, got)
		}
	}
	return requests
}

func TestOneLineForEachRequest(t *testing.T) {
	s := open(t)
	user := s.register("ana")
	ana := s.login("ana")
	r := s.ask("DELETE", "/v1/sessions/"+ana.session, "", bearing(ana.access))
	t.Run("LG-02_its_members", func(t *testing.T) {
		all := s.wantLines(t)
		got := all[len(all)-1]
		took, ok := got["duration_ms"].(float64)
		if !ok || took < 0 {
			t.Errorf("duration %v", got["duration_ms"])
		}
		if _, err := time.Parse(time.RFC3339, got["time"].(string)); err != nil {
			t.Error(err)
		}
		delete(got, "duration_ms")
		delete(got, "time")
		want := fmt.Sprint(map[string]any{
			"level": "INFO", "msg": "request", "request_id": r.header.Get("X-Request-Id"), "method": "DELETE",
			"route": "/v1/sessions/{id}", "status": 204, "ip": "127.0.0.1", "user_id": user.ID.String(),
		})
		if fmt.Sprint(got) != want {
			t.Errorf("got  %v\nwant %s", got, want)
		}
	})
	t.Run("LG-04_a_refusal_is_named", func(t *testing.T) {
		b := s.browse()
		token := csrfIn(t, b.open("/login").body)
		for _, c := range []struct {
			code string
			r    reply
		}{
			{"wrong-credentials", s.json("POST", "/v1/login", `{"identifier":"ana","password":"x"}`)},
			{"invalid-token", s.ask("GET", "/v1/me", "")},
			{"forbidden", b.do("POST", "/login", "csrf="+token, withForm, saying("cross-site", ""))},
			{"password-too-short", s.json("POST", "/v1/register", `{"username":"x","password":"short"}`)},
			{"not-found", s.ask("GET", "/nothing", "")},
			{"wrong-credentials", b.do("POST", "/login", "csrf="+token+"&identifier=ana&password=x", withForm, saying("same-origin", ""))},
		} {
			all := s.wantLines(t)
			found := false
			for _, line := range all {
				found = found || line["request_id"] == c.r.header.Get("X-Request-Id") && line["code"] == c.code
			}
			if !found {
				t.Errorf("no line with %s", c.code)
			}
		}
	})
	t.Run("a_request_id_of_the_client_is_not_taken", func(t *testing.T) {
		if got := s.ask("GET", "/healthz", "", header("X-Request-Id", "mine")).header.Values("X-Request-Id"); len(got) != 1 || got[0] == "mine" {
			t.Errorf("got %q", got)
		}
	})
}

func TestHostileTextInTheLog(t *testing.T) {
	s := open(t)
	hostile := []string{"\u202eevil", "\u2028x", "\u2066x", "é\"}{\"a\":\"b", "x\\", "<script>", "\x1b[31m"}
	for _, text := range hostile {
		escaped := url.PathEscape(text)
		s.ask("GET", "/"+escaped, "")
		s.ask("GET", "/errors/"+escaped, "")
		s.ask("GET", "/login?next="+url.QueryEscape(text), "")
		s.json("POST", "/v1/login", `{"identifier":`+quoted(text)+`,"password":`+quoted(text)+`}`)
		s.json("POST", "/v1/login", `{`+quoted(text)+`:1}`)
		s.ask("GET", "/v1/me", "", header("Authorization", "Bearer "+url.QueryEscape(text)), header("X-Forwarded-For", url.QueryEscape(text)))
		if !strings.ContainsFunc(text, unicode.IsControl) {
			s.ask("GET", "/login", "", header("User-Agent", text), header("Referer", text), header("X-Request-Id", text))
		}
	}
	conn := s.bare()
	_, _ = io.WriteString(conn, "EVIL\x1b[31m /login HTTP/1.1\r\nHost: "+s.host+"\r\n\r\nBR\rEW / HTTP/1.1\r\n\r\n")
	_, _ = io.ReadAll(conn)
	t.Run("LG-07_each_event_is_one_valid_line", func(t *testing.T) {
		s.wantLines(t)
		for line := range strings.Lines(s.logs.String()) {
			for _, r := range strings.TrimSuffix(line, "\n") {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
					t.Fatalf("%U stands raw in %q", r, line)
				}
			}
		}
	})
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

func TestSecretsAreNeverLogged(t *testing.T) {
	s := open(t)
	user := s.register("ana")
	s.withRoute(route{method: "POST", path: "/v1/panic", who: anyone, takes: jsonOf(password("password")), do: func(x *exchange) error {
		panic("MARKER " + x.fields["password"] + fmt.Sprint(x.fields))
	}})
	const marker = "MARKER-secret-0123456789"
	var secrets []string
	each := func(name string) string { secrets = append(secrets, marker+name); return marker + name }
	s.json("POST", "/v1/register", `{"username":"ben","password":"`+each("register")+`"}`)
	s.json("POST", "/v1/login", `{"identifier":"ben","password":"`+each("register")+`"}`)
	s.json("POST", "/v1/login", `{"identifier":"ben","password":"`+each("wrong")+`"}`)
	s.json("POST", "/v1/login", `{"identifier":"ben","passwort":"`+each("member")+`"}`)
	s.json("POST", "/v1/login", `{"identifier":"ben","password":"`+each("cut"))
	s.json("POST", "/v1/login?password="+each("query"), "{}")
	s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+each("refresh")+`"}`)
	s.form("/v1/token/revoke", "token="+each("revoke"))
	s.form("/v1/token/introspect", "token="+each("introspect"), func(r *http.Request) { r.SetBasicAuth("x", each("basic")) })
	s.ask("GET", "/v1/me", "", bearing(each("bearer")))
	s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+each("cookie")))
	s.json("POST", "/v1/password/reset", `{"code":"`+each("code")+`","new_password":"`+each("new")+`"}`)
	s.ask("GET", "/reset?code="+each("link"), "")
	s.ask("GET", "/"+each("path")+"?x="+each("other"), "", header("Host", each("host")))
	s.json("POST", "/v1/panic", `{"password":"`+each("panic")+`"}`)
	s.store.broken.Store(true)
	s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+each("broken")))
	s.store.broken.Store(false)
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {each("identifier")}, "password": {each("typed")}})
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	ana := s.login("ana")
	code, err := s.auth.IssueResetCode(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.ask("GET", "/reset?code="+string(code), "")
	b.open("/account")
	csrf := csrfIn(t, b.at.body)
	b.submit("/account/sessions/end-others", nil)
	secrets = append(secrets, marker, goodPassword, ana.access, ana.refresh, string(code), b.cookie(sessionCookie), csrf, introSecret, "MARKER")
	t.Run("LG-06_nothing_secret_at_any_level", func(t *testing.T) {
		logged := s.logs.String()
		if len(s.wantLines(t)) < 20 {
			t.Fatal("too little was logged")
		}
		for _, secret := range secrets {
			if secret == "" || strings.Contains(logged, secret) {
				at := max(strings.Index(logged, secret), 0)
				t.Errorf("%q is in the log: %.300s", secret, logged[max(at-200, 0):])
			}
		}
	})
}

func TestWhatStrangersSendStaysText(t *testing.T) {
	s := open(t)
	s.register("ana")
	t.Run("PH-14_PH-15_what_strangers_send_stays_text", func(t *testing.T) {
		for _, payload := range []string{
			"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</title><script>", "javascript:alert(1)", "{{.}}", `{{printf "%s" 1}}`,
			"${7*7}", "'-alert(1)-'", "<!--", "]]>", "&lt;script&gt;", "\u2028<svg/onload=alert(1)>",
		} {
			b := s.browse()
			b.open("/login")
			b.submit("/login", url.Values{"identifier": {payload}, "password": {"x"}})
			if b.at.status != 401 || strings.Contains(b.at.body, "<script>alert") || strings.Contains(b.at.body, "<img") || strings.Contains(b.at.body, "<svg/") {
				t.Errorf("%s: %d %s", payload, b.at.status, b.at.body)
			}
			b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}}, header("User-Agent", strings.ReplaceAll(payload, "\u2028", "")))
			if page := b.open("/account").body; strings.Contains(page, "<script>alert") || strings.Contains(page, "<img") || strings.Contains(page, "<svg/") {
				t.Errorf("user agent %s: %s", payload, page)
			}
		}
	})
}
