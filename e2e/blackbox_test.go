package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// These name a server that runs already, and its data directory and log beside
// it; scripts/blackbox sets them. Without them the tests that need nothing but an
// address start a server of their own.
const (
	addressVariable = "GATEHOUSE_BLACKBOX_URL"
	dataVariable    = "GATEHOUSE_BLACKBOX_DATA"
	logVariable     = "GATEHOUSE_BLACKBOX_LOG"
	countsVariable  = "GATEHOUSE_BLACKBOX_COUNTS"
)

// reach finds the server that runs already, or starts one whose limits are so
// wide that a thousand hostile requests from one address are all looked at.
func reach(t *testing.T) *server {
	t.Helper()
	s := &server{url: os.Getenv(addressVariable), data: os.Getenv(dataVariable), log: os.Getenv(logVariable)}
	if s.url == "" {
		s = serve(t, newData(t), "--limits", wideLimits)
	} else {
		at, err := url.Parse(s.url)
		must(t, err)
		s.trust(t, "127.0.0.1:"+at.Port())
	}
	s.count = &census{answers: map[string]int{}}
	t.Cleanup(func() { s.count.report(t) })
	return s
}

const wideLimits = "failures=1000000/1h,network-failures=1000000/1h,registrations=1000000/1h,code-submits=1000000/1h," +
	"mail-requests=1000000/1h,renames=1000000/1h,strength-hints=1000000/1h,refreshes=1000000/1h"

// census counts the answers to a client by status and code of refusal. A nil one
// counts nothing.
type census struct {
	mu      sync.Mutex
	answers map[string]int
}

func (c *census) add(got reply) {
	if c == nil {
		return
	}
	var problem struct{ Code string }
	if got.status >= 400 {
		_ = json.Unmarshal([]byte(got.body), &problem) // a page has none
	}
	if problem.Code == "" {
		problem.Code = "-"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[fmt.Sprintf("%d %s", got.status, problem.Code)]++
}

// report fails the test when an answer was the server's own fault, and adds the
// counts to the file that scripts/blackbox adds up.
func (c *census) report(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines strings.Builder
	for _, answer := range slices.Sorted(maps.Keys(c.answers)) {
		fmt.Fprintf(&lines, "%s %d\n", answer, c.answers[answer])
		if answer >= "500" { // begins with the status
			t.Errorf("%d answers %s", c.answers[answer], answer)
		}
	}
	path := os.Getenv(countsVariable)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	defer file.Close()
	_, err = file.WriteString(lines.String())
	must(t, err)
}

// TestBlackBoxStory walks through what one person does, over JSON and with
// nothing but the address of the server.
func TestBlackBoxStory(t *testing.T) {
	s := reach(t)
	s.register(t, "carla")
	g := s.login(t, "carla")
	ask := func(method, path, body string, status int) reply {
		t.Helper()
		return s.ask(t, request{method: method, path: path, bearer: g.Access, body: body}).want(t, status)
	}
	ask("GET", "/v1/me", "", 200)
	ask("PATCH", "/v1/me", object("username", "carla-b"), 200)
	other := s.login(t, "carla-b")
	ask("DELETE", "/v1/sessions/"+other.Session, "", 204)
	t.Run("SC-02_SC-15_the_ended_session_is_dead", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: other.Access}).want(t, 401)
		if status, _, err := s.refresh(other.Refresh); err != nil || status != 401 {
			t.Errorf("its refresh token: %d %v", status, err)
		}
	})
	status, next, err := s.refresh(g.Refresh)
	if err != nil || status != 200 {
		t.Fatalf("refresh: %d %v", status, err)
	}
	g = next
	const changed = "five other quiet words here"
	ask("POST", "/v1/password/change", object("current_password", word, "new_password", changed), 204)
	t.Run("PW-11_the_old_password_is_dead", func(t *testing.T) {
		s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "carla-b", "password", word)}).want(t, 401)
	})
	ask("GET", "/v1/account/export", "", 200)
	ask("DELETE", "/v1/account", object("password", changed), 204)
	t.Run("SC-10_RV-22_nothing_of_the_person_works", func(t *testing.T) {
		ask("GET", "/v1/me", "", 401)
		s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "carla-b", "password", changed)}).want(t, 401)
	})
}

// forgedTokens are access tokens that nobody issued, made of one that somebody
// did.
func forgedTokens(token string) map[string]string {
	part := strings.Split(token, ".")
	header := func(members string) string { return base64.RawURLEncoding.EncodeToString([]byte(members)) }
	payload, _ := base64.RawURLEncoding.DecodeString(part[1])
	longer := header(strings.Replace(string(payload), `"exp":`, `"exp":9`, 1))
	end := "AA" // one signature in 16 ends with a byte of zeros
	if strings.HasSuffix(token, end) {
		end = "AQ"
	}
	return map[string]string{
		"JW-02_none":            header(`{"alg":"none","typ":"at+jwt"}`) + "." + part[1] + ".",
		"JW-02_nOnE":            header(`{"alg":"nOnE","typ":"at+jwt"}`) + "." + part[1] + ".",
		"JW-03_HMAC":            header(`{"alg":"HS256","typ":"at+jwt"}`) + "." + part[1] + "." + part[2],
		"JW-04_key_in_header":   header(`{"alg":"EdDSA","typ":"at+jwt","jwk":{"kty":"OKP"}}`) + "." + part[1] + "." + part[2],
		"JW-05_path_as_key_id":  header(`{"alg":"EdDSA","typ":"at+jwt","kid":"../../etc/passwd"}`) + "." + part[1] + "." + part[2],
		"JW-06_critical":        header(`{"alg":"EdDSA","typ":"at+jwt","crit":["exp"]}`) + "." + part[1] + "." + part[2],
		"JW-01_longer_life":     part[0] + "." + longer + "." + part[2],
		"JW-01_last_bit":        token[:len(token)-2] + end,
		"JW-13_padded":          token + "==",
		"JW-13_two_parts":       part[0] + "." + part[1],
		"JW-13_many_dots":       strings.Repeat(".", 7000),
		"JW-15_five_parts":      part[0] + ".." + part[1] + "." + part[1] + "." + part[2],
		"JW-16_JSON_form":       `{"payload":"` + part[1] + `"}`,
		"JW-14_alg_twice":       header(`{"alg":"EdDSA","alg":"none","typ":"at+jwt"}`) + "." + part[1] + "." + part[2],
		"RF-15_a_refresh_token": "ghr_" + strings.Repeat("A", 72),
	}
}

func TestBlackBoxForgeries(t *testing.T) {
	s := reach(t)
	s.register(t, "dora")
	g := s.login(t, "dora")
	for name, token := range forgedTokens(g.Access) {
		t.Run(name, func(t *testing.T) {
			s.ask(t, request{method: "GET", path: "/v1/me", bearer: token}).want(t, 401)
			s.ask(t, request{method: "DELETE", path: "/v1/sessions", bearer: token}).want(t, 401)
		})
	}
	session := s.pageLogin(t, "dora")
	page := s.ask(t, request{method: "GET", path: "/account", cookie: session}).want(t, 200)
	csrf := csrfOf(t, page)
	for name, header := range map[string]http.Header{
		"PH-09_another_site":   {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
		"PH-09_another_origin": {"Origin": {s.url + ".evil.example"}, "Sec-Fetch-Site": {"same-origin"}},
		"PH-09_no_origin":      {},
	} {
		t.Run(name, func(t *testing.T) {
			s.ask(t, request{method: "POST", path: "/logout", cookie: session, body: "csrf=" + csrf,
				kind: "application/x-www-form-urlencoded", header: header}).want(t, 403)
		})
	}
	t.Run("PH-16_SC-19_and_the_session_goes_on", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/account", cookie: session}).want(t, 200)
		s.ask(t, request{method: "GET", path: "/account", cookie: session + "; __Host-session=evil"}).want(t, 303)
		s.ask(t, request{method: "GET", path: "/login?next=//evil.example", cookie: session}).want(t, 303)
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
	})
}

// TestBlackBoxPlaces asks for what is there, what is not, and what must not be.
func TestBlackBoxPlaces(t *testing.T) {
	s := reach(t)
	for path, status := range map[string]int{
		"/": 303, "/login": 200, "/register": 200, "/reset": 200, "/account": 303, "/healthz": 200, "/readyz": 200, "/openapi.json": 200,
		"/.well-known/jwks.json": 200, "/.well-known/oauth-authorization-server": 200, "/v1/status-list": 200, "/v1/me": 401, "/v1/login": 405,
		"/debug/pprof/": 404, "/debug/vars": 404, "/metrics": 404, "/swagger": 404, "/.git/config": 404, "/static/": 404, "/static/../main.go": 404,
		"/admin": 404, "/admin/v1/users": 404, "/errors/wrong-credentials": 200, "/errors/none": 404, "/account/x.css": 404,
	} {
		t.Run("PH-22_PH-01_AI-21_AD-11_GET_"+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			got := s.ask(t, request{method: "GET", path: path}).want(t, status)
			for name, want := range map[string]string{
				"Strict-Transport-Security": "max-age=63072000; includeSubDomains", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Server": "",
			} {
				if have := got.header.Get(name); have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
		})
	}
}
