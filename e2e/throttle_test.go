package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// from is the same server for a client at another address of this machine.
func (s *server) from(t testing.TB, address string) *server {
	t.Helper()
	other := *s
	port := s.port(t)
	transport := s.client.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialerFrom(address).DialContext(ctx, network, port)
	}
	other.client = &http.Client{Timeout: patience, CheckRedirect: s.client.CheckRedirect, Transport: transport}
	t.Cleanup(other.client.CloseIdleConnections)
	return &other
}

// tryLogin is a login over the API.
func (s *server) tryLogin(t testing.TB, identifier, password string, header ...http.Header) reply {
	t.Helper()
	in := request{method: "POST", path: "/v1/login", body: object("identifier", identifier, "password", password)}
	if len(header) > 0 {
		in.header = header[0]
	}
	return s.ask(t, in)
}

// guess is so many wrong passwords for a name.
func (s *server) guess(t testing.TB, name string, times int) {
	t.Helper()
	for range times {
		s.tryLogin(t, name, otherWord).want(t, 401)
	}
}

// wantSlowed wants a 429 that says when to come back.
func (r reply) wantSlowed(t testing.TB) (seconds int) {
	t.Helper()
	r.want(t, 429)
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After %q", r.header.Get("Retry-After"))
	}
	return seconds
}

func TestGuessingAPasswordIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	s.register(t, "ana")
	t.Run("LT-02_from_the_fifth_failure_on", func(t *testing.T) {
		s.guess(t, "ana", 5)
		for _, password := range []string{otherWord, word} {
			if seconds := s.tryLogin(t, "ana", password).wantSlowed(t); seconds > 30 {
				t.Errorf("Retry-After %d, want 30 at most", seconds)
			}
		}
	})
	t.Run("LT-02_a_login_in_between_starts_anew", func(t *testing.T) {
		s.register(t, "ben")
		s.guess(t, "ben", 4)
		s.login(t, "ben")
		s.guess(t, "ben", 4)
		s.login(t, "ben")
	})
	t.Run("LT-04_counters_survive_the_loss_of_power", func(t *testing.T) {
		s.register(t, "eva")
		s.guess(t, "eva", 4)
		s.kill()
		s = serveLimited(t, s.data, "--url", s.url)
		s.tryLogin(t, "ana", word).wantSlowed(t)
		s.guess(t, "eva", 1)
		s.tryLogin(t, "eva", word).wantSlowed(t)
	})
}

// atOnce sends one request on as many connections, released together, and counts
// the statuses.
func atOnce(t *testing.T, n int, ask func(i int) *server, body string) map[string]int {
	t.Helper()
	wires, texts := make([]*wire, n), make([]string, n)
	for i := range wires {
		s := ask(i)
		wires[i], texts[i] = s.wire(t), s.head("POST", "/v1/login", "", body)
		// The server hangs up on who says nothing at first, while the others connect.
		_, _, err := wires[i].trade(s.head("GET", "/healthz", "", ""))
		must(t, err)
	}
	statuses, failed := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	barrier := make(chan struct{})
	for i, w := range wires {
		all.Go(func() {
			<-barrier
			statuses[i], _, failed[i] = w.trade(texts[i])
		})
	}
	close(barrier)
	all.Wait()
	counts := map[string]int{}
	for i, status := range statuses {
		must(t, failed[i])
		counts[status]++
	}
	return counts
}

func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	guess := object("identifier", "ana", "password", otherWord)
	want := func(t *testing.T, counts map[string]int) {
		t.Helper()
		if counts["401"] < 1 || counts["401"] > 5 || counts["401"]+counts["429"] != 200 {
			t.Errorf("got %v, want at most 5 times 401 and else 429", counts)
		}
	}
	t.Run("LT-05_one_process", func(t *testing.T) {
		s := serve(t, newData(t), "--hash-params", cheapHash)
		s.register(t, "ana")
		want(t, atOnce(t, 200, func(int) *server { return s }, guess))
		s.tryLogin(t, "ana", word).wantSlowed(t)
	})
	t.Run("LT-05_two_processes_on_PostgreSQL", func(t *testing.T) {
		f := newFarm(t)
		both := []*server{f.start(t), f.start(t)}
		both[0].register(t, "ana")
		want(t, atOnce(t, 200, func(i int) *server { return both[i%2] }, guess))
		for _, s := range both {
			s.tryLogin(t, "ana", word).wantSlowed(t)
		}
	})
	t.Run("LT-05_right_passwords_at_once_are_all_right", func(t *testing.T) {
		s := serve(t, newData(t), "--hash-params", cheapHash)
		s.register(t, "ana")
		counts := atOnce(t, 16, func(int) *server { return s }, object("identifier", "ana", "password", word))
		if counts["200"] != 16 {
			t.Errorf("got %v, want 16 times 200", counts)
		}
	})
}

func TestASourceIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	s.register(t, "ana")
	t.Run("LT-08_whatever_it_says_where_it_is", func(t *testing.T) {
		for n := range 21 {
			forged := fmt.Sprintf("203.0.113.%d", n)
			got := s.tryLogin(t, fmt.Sprintf("nobody%d", n), otherWord, http.Header{"X-Forwarded-For": {forged}, "X-Real-Ip": {forged},
				"Forwarded": {"for=" + forged}, "True-Client-Ip": {forged}, "Cf-Connecting-Ip": {forged}})
			if n < 20 {
				got.want(t, 401)
			} else if seconds := got.wantSlowed(t); seconds > 300 {
				t.Errorf("Retry-After %d, want 300 at most", seconds)
			}
		}
		s.tryLogin(t, "ana", word).wantSlowed(t)
	})
	t.Run("LT-09_however_the_path_is_written", func(t *testing.T) {
		for _, path := range []string{"//v1/login", "/v1//login", "/v1/./login", "/v1/logi%6e", "/v1/login/", "/v1/login;x", "/V1/LOGIN", "/v1/login%2f",
			"/v1/x/../login", "/v1/login%20", "/v1/login.json", "/v1%2flogin"} {
			got := rawLogin(t, s, path)
			if got != "404" && got != "429" && got != "400" {
				t.Errorf("%s: got %s", path, got)
			}
		}
	})
	t.Run("LT-07_and_no_other_one", func(t *testing.T) { s.from(t, "127.0.0.9").login(t, "ana") })
	t.Run("LT-08_behind_a_trusted_proxy_the_client_counts", func(t *testing.T) {
		s := serveLimited(t, newData(t), "--trusted-proxies", "127.0.0.1")
		s.register(t, "ana")
		at := func(n int, name, password string) reply {
			return s.tryLogin(t, name, password, http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.1, 203.0.113.%d", n)}})
		}
		for n := range 20 {
			at(1, fmt.Sprintf("nobody%d", n), otherWord).want(t, 401)
		}
		at(1, "ana", word).wantSlowed(t)
		at(2, "ana", word).want(t, 200)
	})
}

// rawLogin asks for a path to the letter, which a client library would clean.
func rawLogin(t *testing.T, s *server, path string) (status string) {
	t.Helper()
	status, _, err := s.wire(t).trade(s.head("POST", path, "", object("identifier", "ana", "password", word)))
	must(t, err)
	return status
}

func TestAllDoorsCountTogether(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", "ana", "email", "ana@example.com", "password", word)}).want(t, 201)
	g := s.login(t, "ana")
	page := func(password string) reply {
		page := s.ask(t, request{method: "GET", path: "/login"}).want(t, 200)
		return s.form(t, cookieOf(page, "__Host-csrf"), "/login",
			url.Values{"csrf": {csrfOf(t, page)}, "identifier": {"ANA@example.com"}, "password": {password}})
	}
	change := func(password string) reply {
		return s.ask(t, request{method: "POST", path: "/v1/password/change", bearer: g.Access,
			body: object("current_password", password, "new_password", "five other quiet words here")})
	}
	remove := func(password string) reply {
		return s.ask(t, request{method: "DELETE", path: "/v1/account", bearer: g.Access, body: object("password", password)})
	}
	login := func(password string) reply { return s.tryLogin(t, "Ana", password) }
	doors := []func(string) reply{page, change, remove, login}
	for _, door := range doors {
		door(otherWord).want(t, 401)
	}
	page(otherWord).want(t, 401)
	for i, door := range doors {
		t.Run("LT-10_"+[]string{"page", "change", "delete", "login"}[i], func(t *testing.T) {
			answer := door(word)
			answer.wantSlowed(t)
			if door := i; door == 0 && (!strings.Contains(answer.body, `value="ANA@example.com"`) || strings.Contains(answer.body, word) ||
				!strings.Contains(answer.body, "Too many attempts. Try again in ")) {
				t.Errorf("the page must keep the name, forget the password and say when to come back: %s", answer.body)
			}
		})
	}
	t.Run("LT-13_who_is_logged_in_stays_so", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
		if status, _, err := s.refresh(g.Refresh); err != nil || status != 200 {
			t.Errorf("refresh: got %d, %v", status, err)
		}
	})
}

func TestAKnownDeviceIsNotLockedOut(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	s.register(t, "ana")
	login := func(s *server, device string) reply {
		page := s.ask(t, request{method: "GET", path: "/login"}).want(t, 200)
		return s.form(t, strings.Trim(cookieOf(page, "__Host-csrf")+"; "+device, "; "), "/login",
			url.Values{"csrf": {csrfOf(t, page)}, "identifier": {"ana"}, "password": {word}})
	}
	in := login(s, "").want(t, 303)
	session, device := cookieOf(in, "__Host-session"), cookieOf(in, "__Host-device")
	if device == "" {
		t.Fatal("the login left no device cookie")
	}
	s.from(t, "127.0.0.7").guess(t, "ana", 5)
	elsewhere := s.from(t, "127.0.0.8")
	t.Run("LT-13_others_wait", func(t *testing.T) { login(elsewhere, "").wantSlowed(t) })
	t.Run("LT-13_the_device_does_not_wherever_it_is", func(t *testing.T) { login(elsewhere, device).want(t, 303) })
	t.Run("LT-13_the_session_goes_on", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/account", cookie: session}).want(t, 200)
	})
}

func TestAWaitTellsNobodyWhoIsHere(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	s.register(t, "ana")
	t.Run("LT-14_thirty_answers_are_the_same", func(t *testing.T) {
		bare := func(r reply) string {
			id := r.header.Get("X-Request-Id")
			for _, name := range []string{"Date", "X-Request-Id", "Retry-After"} {
				if r.header.Get(name) != "" {
					r.header.Set(name, "there")
				}
			}
			return strings.ReplaceAll(fmt.Sprint(r.status, r.header, r.body), id, "")
		}
		for n := range 30 {
			known, unknown := s.tryLogin(t, "ana", otherWord), s.tryLogin(t, "nil", otherWord)
			here, _ := strconv.Atoi(known.header.Get("Retry-After"))
			there, _ := strconv.Atoi(unknown.header.Get("Retry-After"))
			if got, want := bare(known), bare(unknown); got != want || max(here-there, there-here) > 1 { // a second may pass between
				t.Fatalf("attempt %d: known waits %d s, unknown %d s:\n%s\n%s", n+1, here, there, got, want)
			}
			if wanted := map[bool]int{true: 401, false: 429}[n < 5]; known.status != wanted {
				t.Fatalf("attempt %d: got %d, want %d", n+1, known.status, wanted)
			}
		}
	})
}

func TestLimitsOfOneSource(t *testing.T) {
	t.Parallel()
	s := serveLimited(t, newData(t))
	t.Run("LT-16_register", func(t *testing.T) {
		for n := range 10 {
			s.register(t, fmt.Sprintf("user%d", n))
		}
		in := request{method: "POST", path: "/v1/register", body: object("username", "eleventh", "password", word)}
		if seconds := s.ask(t, in).wantSlowed(t); seconds > 3600 {
			t.Errorf("Retry-After %d", seconds)
		}
		s.from(t, "127.0.0.9").ask(t, in).want(t, 201)
	})
	g := s.login(t, "user0")
	t.Run("LT-16_reset", func(t *testing.T) {
		in := request{method: "POST", path: "/v1/password/reset", body: object("code", "ghc_nothing", "new_password", word)}
		for range 10 {
			s.ask(t, in).want(t, 400)
		}
		s.ask(t, in).wantSlowed(t)
	})
	t.Run("LT-16_rename", func(t *testing.T) {
		in := request{method: "PATCH", path: "/v1/me", bearer: g.Access}
		for n := range 11 {
			in.body = object("username", fmt.Sprintf("renamed%d", n))
			if got := s.ask(t, in); n < 10 {
				got.want(t, 200)
			} else {
				got.wantSlowed(t)
			}
		}
	})
	t.Run("LT-16_refresh", func(t *testing.T) {
		token := g.Refresh
		for n := range 40 {
			got := s.ask(t, request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", token)})
			if n >= 30 && got.status == 429 { // a slow run gets some back meanwhile
				got.wantSlowed(t)
				s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
				return
			}
			token = got.want(t, 200).grant(t).Refresh
		}
		t.Error("40 refreshes of one session, and no end")
	})
}

func TestCredentialsCountInABodyAlone(t *testing.T) {
	t.Parallel()
	const marker = "marker-password-in-the-wrong-place"
	s := serveLimited(t, newData(t))
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", "ana", "password", marker)}).want(t, 201)
	query := "/v1/login?identifier=ana&password=" + marker
	basic, err := http.NewRequest("GET", s.url, nil)
	must(t, err)
	basic.SetBasicAuth("ana", marker)
	for name, in := range map[string]request{
		"GET_with_a_query":  {method: "GET", path: query},
		"POST_with_a_query": {method: "POST", path: query, body: "{}"},
		"query_and_body":    {method: "POST", path: query, body: object("identifier", "ana", "password", marker)},
		"Basic":             {method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", marker), header: basic.Header},
		"page_with_a_query": {method: "GET", path: strings.TrimPrefix(query, "/v1")},
	} {
		t.Run("LT-24_"+name, func(t *testing.T) {
			got := s.ask(t, in)
			if !slices.Contains([]int{400, 405}, got.status) && name != "page_with_a_query" || len(got.header["Set-Cookie"]) > 0 && in.method == "POST" {
				t.Errorf("got %d, cookies %q", got.status, got.header["Set-Cookie"])
			}
		})
	}
	t.Run("LT-24_none_of_it_is_logged", func(t *testing.T) {
		if strings.Contains(string(s.logged(t)), marker) {
			t.Error("the password is in the log")
		}
	})
}
