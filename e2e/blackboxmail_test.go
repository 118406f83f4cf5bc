package e2e

import (
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mailAddressVariable is GATEHOUSE_BLACKBOX_URL of a server with --smtp mailbox.
const mailAddressVariable = "GATEHOUSE_BLACKBOX_MAIL_URL"

// reachMailed is reach for a server that sends mail to itself.
func reachMailed(t *testing.T) *server {
	t.Helper()
	s := &server{url: os.Getenv(mailAddressVariable)}
	if s.url == "" {
		s = serve(t, newData(t), "--limits", wideLimits, "--smtp", "mailbox")
	} else {
		at, err := url.Parse(s.url)
		must(t, err)
		s.data = os.Getenv(dataVariable)
		s.trust(t, "127.0.0.1:"+at.Port())
	}
	s.count = &census{answers: map[string]int{}}
	t.Cleanup(func() { s.count.report(t) })
	return s
}

// mailPlaces are the JSON routes that need mail.
func mailPlaces() []place {
	return []place{
		{"POST", "/v1/password/forgot", false, []string{"email"}, []string{"mallory@example.com"}},
		{"POST", "/v1/email/verify", false, []string{"code"}, []string{"nocode"}},
		{"POST", "/v1/email/change", true, []string{"email", "password"}, []string{"mallory@example.com", word}},
	}
}

var codeOfLink = regexp.MustCompile(`/verify\?code=([A-Za-z0-9_-]+)`)

// firstCode waits for the first mail of the mailbox.
func (s *server) firstCode(t *testing.T) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found := codeOfLink.FindStringSubmatch(s.ask(t, request{method: "GET", path: "/dev/mailbox/1"}).body); found != nil {
			return found[1]
		}
	}
	t.Fatal("no mail came")
	return ""
}

// TestBlackBoxMail sends the hostile requests of the other routes to those that
// need mail.
func TestBlackBoxMail(t *testing.T) {
	t.Parallel()
	s := reachMailed(t)
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("email", "greta@example.com", "password", word)}).want(t, 202)
	s.ask(t, request{method: "POST", path: "/v1/email/verify", body: object("code", s.firstCode(t))}).want(t, 204)
	g, count := s.login(t, "greta@example.com"), &tally{statuses: map[int]int{}}
	for _, p := range mailPlaces() {
		t.Run("AI-01_AI-02_AI-03_AI-04_AI-05_AI-08_AI-09"+p.path, func(t *testing.T) {
			for _, trials := range [][]trial{shapes(p, g.Access), covers(p, g.Access), large(p, g.Access)} {
				count.run(t, s, trials)
			}
		})
	}
	for path, status := range map[string]int{
		"/forgot": 200, "/verify": 200, "/account/email": 303, "/dev/mailbox": 200, "/dev/mailbox/1": 200, "/dev/mailbox/html/1": 200,
		"/dev/mailbox/0": 404, "/dev/mailbox/x": 404, "/dev/mailbox/html": 404,
	} {
		t.Run("PH-22_PH-01"+strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			got := s.ask(t, request{method: "GET", path: path}).want(t, status)
			if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Security-Policy") == "" {
				t.Errorf("headers are missing: %v", got.header)
			}
		})
	}
	t.Run("AI-04_the_user_is_as_before", func(t *testing.T) {
		me := s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
		if !strings.Contains(me.body, `"greta@example.com"`) {
			t.Error(me.body)
		}
	})
	if count.requests < 200 {
		t.Errorf("only %d requests", count.requests)
	}
}
