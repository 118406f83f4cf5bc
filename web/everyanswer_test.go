package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/model"
)

// direct sends a request past the network, for the many that a table makes.
func (s *site) direct(method, path, body string, how ...asking) reply {
	s.t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, s.url+path, strings.NewReader(body))
	for _, change := range how {
		change(r)
	}
	s.door.ServeHTTP(w, r)
	return reply{status: w.Code, header: w.Header(), body: w.Body.String()}
}

// fill puts something in the place of a parameter.
func fill(path string) string {
	return strings.NewReplacer("{id}", model.NewID[model.Session]().String(), "{code}", "internal", "{file}", "none").Replace(path)
}

// opened is a row that lets everybody in who is of the same kind.
func opened(row route) route {
	if row.who.isPage() {
		row.who = visitor
	} else {
		row.who = anyone
	}
	return row
}

// let makes a request pass the check of a form, as a page of ours would.
func let(row route) (body string, how []asking) {
	secret := strings.Repeat("A", 43)
	how = []asking{header("Cookie", csrfCookie+"="+secret), saying("same-origin", "")}
	switch {
	case row.who == visitor && row.method != "GET":
		return "csrf=" + csrfToken(secret, "visit"), append(how, withForm)
	case row.takes.json:
		return "{}", append(how, withJSON)
	case row.takes.form:
		return "", append(how, withForm)
	}
	return "", how
}

// TestEveryRouteAnswersEveryRefusalInFullDress lets each handler say everything
// that a handler can say.
func TestEveryRouteAnswersEveryRefusalInFullDress(t *testing.T) {
	s := openEverything(t)
	said := map[string]error{"panic": nil, "trouble": errors.New("MARKER-trouble at /work/x.go:7"), "cancelled": context.Canceled}
	for _, refusal := range model.Refusals() {
		said[refusal.Code] = refusal
	}
	for _, row := range s.door.rows() {
		// One at a time, so that the table of the door is read by nobody meanwhile.
		t.Run("PH-01_PH-03_PH-04_PH-05_PH-07_PH-13_PH-23_AI-24_"+row.method+"_"+row.path, func(t *testing.T) {
			open := opened(row)
			open.takes, open.again = body{json: row.takes.json, form: row.takes.form}, nil
			body, how := let(open)
			for code, err := range said {
				open.do = func(*exchange) error {
					if code == "panic" {
						panic("MARKER-panic")
					}
					return err
				}
				s.withRoute(open)
				r := s.direct(row.method, fill(row.path), body, how...)
				want := 500
				var refusal *model.Error
				if errors.As(err, &refusal) {
					want = statusOf(refusal)
				}
				if r.status != want {
					t.Fatalf("%s: got %d, want %d: %.300s", code, r.status, want, r.body)
				}
				wantHeaders(t, r)
				wantRefusal(t, r, open.who.isPage())
			}
		})
	}
}

// longRandom finds nonces and tokens.
var longRandom = regexp.MustCompile(`"[A-Za-z0-9_-]{20,}"`)

// wantRefusal holds the answer to a refusal to its form, and to silence about
// what is inside.
func wantRefusal(t *testing.T, r reply, page bool) {
	t.Helper()
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("PH-19: Cache-Control %q", got)
	}
	words := longRandom.ReplaceAllString(r.body, "") // in which any three letters may stand
	for _, inside := range []string{"MARKER", "goroutine", ".go:", "/work/", "panic", "sqlite", "SQL"} {
		if strings.Contains(words, inside) {
			t.Errorf("AI-24: the answer shows %q: %.300s", inside, r.body)
		}
	}
	kind := r.header.Get("Content-Type")
	if page {
		if kind != "text/html; charset=utf-8" || !strings.Contains(r.body, r.header.Get("X-Request-Id")) {
			t.Errorf("PH-13: %q: %.300s", kind, r.body)
		}
		return
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || kind != "application/problem+json; charset=utf-8" {
		t.Fatalf("PH-13: %q: %.300s", kind, r.body)
	}
	if got["status"] != float64(r.status) || got["request_id"] != r.header.Get("X-Request-Id") || got["title"] == "" ||
		got["type"] != fmt.Sprint("/errors/", got["code"]) || len(got) != 5 {
		t.Errorf("AI-24: %s", r.body)
	}
}

// TestEveryRouteRefusesInFullDress brings about what the guardroom refuses, at
// each route.
func TestEveryRouteRefusesInFullDress(t *testing.T) {
	s := openEverything(t)
	for _, row := range s.door.rows() {
		open := opened(row)
		open.do = func(x *exchange) error { return x.empty(204) }
		s.withRoute(open)
		body, how := let(open)
		path, page := fill(row.path), open.who.isPage()
		with := func(more ...asking) []asking { return append(how[:len(how):len(how)], more...) }
		for _, c := range []struct {
			name    string
			status  int
			r       reply
			noRoute bool
		}{
			{"405", 405, s.direct("BREW", path, ""), false},
			{"404", 404, s.direct(row.method, path+"/x/y/z", body, how...), true},
			{"413", 413, s.direct(row.method, path, strings.Repeat("x", maxBody+1), how...), false},
			{"415_coding", 415, s.direct(row.method, path, "x", with(header("Content-Encoding", "gzip"))...), false},
			{"431", 431, s.direct(row.method, path, body, with(header("X-Large", strings.Repeat("x", maxHead)))...), true},
			{"400_host", 400, s.direct(row.method, path, body, with(func(r *http.Request) { r.Host = "evil.example" })...), true},
			{"400_upgrade", 400, s.direct(row.method, path, body, with(header("Upgrade", "h2c"))...), true},
			{"400_cookies", 400, s.direct(row.method, path, body, header("Cookie", strings.Repeat("a=b; ", 51))), true},
			{"400_long_url", 400, s.direct(row.method, path+"?"+strings.Repeat("x", maxURL), body, how...), true},
			{"unreadable", 505, s.direct(row.method, path, body, unread(505)), true},
		} {
			t.Run("PH-01_PH-13_PH-23_AI-24_"+row.method+"_"+row.path+"_"+c.name, func(t *testing.T) {
				if c.r.status != c.status {
					t.Fatalf("got %d, want %d: %.300s", c.r.status, c.status, c.r.body)
				}
				wantHeaders(t, c.r)
				wantRefusal(t, c.r, page && !c.noRoute)
			})
		}
	}
}

// unread makes a request one that the server could not read.
func unread(status int) asking {
	return func(r *http.Request) { *r = *r.WithContext(WithUnreadable(r.Context(), status)) }
}

func TestAnswersOfJSONAreNeverPages(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	ana := s.login("ana")
	allowed := []string{
		"application/json; charset=utf-8", "application/problem+json; charset=utf-8", "application/statuslist+jwt", plainText, "",
	}
	for _, row := range s.door.rows() {
		if row.who.isPage() || row.path == "/static/{file}" {
			continue
		}
		t.Run("PH-13_"+row.method+"_"+row.path, func(t *testing.T) {
			for _, accept := range []string{"text/html", "*/*", "application/xhtml+xml", "text/xml"} {
				r := s.direct(row.method, fill(row.path), "{}", withJSON, bearing(ana.access), header("Accept", accept))
				if kind := r.header.Get("Content-Type"); !slices.Contains(allowed, kind) || r.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("asked for %s: got %q", accept, kind)
				}
			}
		})
	}
}

func TestNothingIsServedBesideTheRoutes(t *testing.T) {
	s, plain := openEverything(t), open(t)
	for _, path := range []string{
		"/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/metrics", "/swagger",
		"/swagger/", "/swagger-ui", "/swagger.json", "/api-docs", "/docs", "/redoc", "/graphql", "/admin", "/status", "/server-status", "/info",
		"/version", "/health", "/actuator", "/actuator/env", "/console", "/trace", "/.well-known/openid-configuration", "/robots.txt",
	} {
		t.Run("PH-22"+path, func(t *testing.T) {
			r := s.ask("GET", path, "")
			if r.status != 404 || r.header.Get("Server") != "" || r.header.Get("X-Powered-By") != "" {
				t.Errorf("got %d %v", r.status, r.header)
			}
		})
	}
	t.Run("PH-22_mailbox_only_where_it_is_set_up", func(t *testing.T) {
		for _, path := range []string{"/dev/mailbox", "/dev/mailbox/1", "/dev/mailbox/html/1"} {
			if r := plain.ask("GET", path, ""); r.status != 404 {
				t.Errorf("%s: %d", path, r.status)
			}
		}
		if r := s.ask("GET", "/dev/mailbox", ""); r.status != 200 {
			t.Errorf("where it is: %d", r.status)
		}
	})
	t.Run("PH-22_no_answer_names_a_version", func(t *testing.T) {
		for _, row := range s.door.rows() {
			r := s.direct(row.method, fill(row.path), "")
			for name, values := range r.header {
				if text := strings.ToLower(strings.Join(values, " ")); strings.Contains(text, "go1.") || strings.Contains(text, "golang") || name == "Server" || name == "Via" {
					t.Errorf("%s %s: %s: %s", row.method, row.path, name, text)
				}
			}
			if strings.Contains(r.body, "go1.") {
				t.Errorf("%s %s names a version", row.method, row.path)
			}
		}
	})
}
