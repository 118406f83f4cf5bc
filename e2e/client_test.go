package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// word is a password that the rules accept.
const word = "four quiet words here"

func dialOnly(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// dialerFrom dials from an address of this machine, which has all of 127.0.0.0/8.
func dialerFrom(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
}

// request is one request to a server; the zero value of each field leaves it
// out.
type request struct {
	method, path string
	bearer       string
	cookie       string
	kind         string // media type; JSON when there is a body and no type
	body         string
	header       http.Header
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request and reads the answer. An error means that there was no
// whole answer.
func (s *server) send(in request) (reply, error) {
	out, err := http.NewRequest(in.method, s.url+in.path, strings.NewReader(in.body))
	if err != nil {
		return reply{}, err
	}
	for name, values := range in.header {
		out.Header[name] = values
	}
	if in.bearer != "" {
		out.Header.Set("Authorization", "Bearer "+in.bearer)
	}
	if in.cookie != "" {
		out.Header.Set("Cookie", in.cookie)
	}
	if in.kind == "" && in.body != "" {
		in.kind = "application/json"
	}
	if in.kind != "" {
		out.Header.Set("Content-Type", in.kind)
	}
	answer, err := s.client.Do(out)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	got := reply{status: answer.StatusCode, header: answer.Header, body: string(body)}
	s.count.add(got)
	return got, err
}

// ask is send for a test that needs the answer.
func (s *server) ask(t testing.TB, in request) reply {
	t.Helper()
	got, err := s.send(in)
	must(t, err)
	return got
}

// want fails the test on any other status.
func (r reply) want(t testing.TB, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("got status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// grant is what a login or a refresh answers.
type grant struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Session string `json:"session_id"`
}

func (r reply) grant(t testing.TB) grant {
	t.Helper()
	var g grant
	must(t, json.Unmarshal([]byte(r.body), &g))
	if g.Access == "" || g.Refresh == "" {
		t.Fatal("the answer holds no grant")
	}
	return g
}

// object writes a JSON object from names and values in turn.
func object(pairs ...string) string {
	members := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		members[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // a map of texts always encodes
	}
	return string(text)
}

func (s *server) register(t testing.TB, username string) {
	t.Helper()
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", username, "password", word)}).want(t, 201)
}

func (s *server) login(t testing.TB, username string) grant {
	t.Helper()
	return s.ask(t, request{method: "POST", path: "/v1/login",
		body: object("identifier", username, "password", word)}).want(t, 200).grant(t)
}

// refresh spends a refresh token. No answer, or half of one, is an error; a
// refusal is a status.
func (s *server) refresh(token string) (status int, next grant, err error) {
	got, err := s.send(request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", token)})
	if err != nil {
		return 0, grant{}, err
	}
	if got.status != http.StatusOK {
		return got.status, grant{}, nil
	}
	if err := json.Unmarshal([]byte(got.body), &next); err != nil {
		return 0, grant{}, fmt.Errorf("half an answer: %w", err)
	}
	if next.Refresh == "" {
		return 0, grant{}, errors.New("a grant without refresh token")
	}
	return got.status, next, nil
}

// pageLogin logs in by the form, as a browser without scripts does, and
// returns the session cookie.
func (s *server) pageLogin(t testing.TB, username string) string {
	t.Helper()
	page := s.ask(t, request{method: "GET", path: "/login"}).want(t, 200)
	visit := cookieOf(page, "__Host-csrf")
	form := "csrf=" + csrfOf(t, page) + "&identifier=" + username + "&password=" + strings.ReplaceAll(word, " ", "+")
	got := s.ask(t, request{method: "POST", path: "/login", cookie: visit, body: form,
		kind:   "application/x-www-form-urlencoded",
		header: http.Header{"Origin": {s.url}, "Sec-Fetch-Site": {"same-origin"}}}).want(t, 303)
	session := cookieOf(got, "__Host-session")
	if session == "" {
		t.Fatal("the login set no session cookie")
	}
	return session
}

// cookieOf is the pair that a browser would send back, or nothing.
func cookieOf(r reply, name string) string {
	for _, line := range r.header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		if strings.HasPrefix(pair, name+"=") {
			return pair
		}
	}
	return ""
}

// csrfOf is the token of the first form of a page.
func csrfOf(t testing.TB, page reply) string {
	t.Helper()
	_, rest, found := strings.Cut(page.body, `name="csrf" value="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		t.Fatalf("the page has no form token: %.300s", page.body)
	}
	return value
}
