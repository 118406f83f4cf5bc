package web

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/model"
)

func TestRouteTable(t *testing.T) {
	t.Run("AD-01_a_row_without_a_guard_is_refused", func(t *testing.T) {
		do := func(*exchange) error { return nil }
		if _, err := newTable([]route{{method: "GET", path: "/x", do: do}}); err == nil {
			t.Error("no guard: accepted")
		}
		if _, err := newTable([]route{{method: "GET", path: "/x", who: anyone}}); err == nil {
			t.Error("no handler: accepted")
		}
		row := route{method: "GET", path: "/x", who: anyone, do: do}
		if _, err := newTable([]route{row, row}); err == nil {
			t.Error("twice: accepted")
		}
	})
	t.Run("a_parameter_that_no_request_would_match_is_refused", func(t *testing.T) {
		do := func(*exchange) error { return nil }
		for path, want := range map[string]bool{
			"/x": true, "/x/{id}": true, "/x/{code}": true, "/x/{file}": true,
			"/x/{name}": false, "/x/{}": false, "/x/{id}/y": false, "/{id}/{code}": false, "/x{id}": false, "/x/{id": false, "/x/id}": false,
		} {
			table, err := newTable([]route{{method: "GET", path: path, who: anyone, do: do}})
			if (err == nil) != want {
				t.Errorf("%s: got error %v, want accepted: %v", path, err, want)
			}
			if methods, _ := table.find(strings.NewReplacer("{", "", "}", "").Replace(path)); want && methods == nil {
				t.Errorf("%s is accepted and never found", path)
			}
		}
	})
	t.Run("AD-01_an_unknown_guard_lets_nobody_in", func(t *testing.T) {
		s := open(t)
		s.withRoute(route{method: "GET", path: "/v1/x", who: guard(99), do: func(x *exchange) error { return x.empty(204) }})
		if r := s.ask("GET", "/v1/x", ""); r.status != 403 {
			t.Errorf("got %d", r.status)
		}
	})
}

func TestRefusalsHaveAForm(t *testing.T) {
	t.Run("every_refusal_has_a_status_and_an_explanation", func(t *testing.T) {
		s := open(t)
		for _, refusal := range model.Refusals() {
			if _, ok := explanations[refusal.Code]; !ok {
				t.Errorf("%s is not explained", refusal.Code)
			}
			if statusOf(refusal) == 500 && refusal.Code != "internal" {
				t.Errorf("%s has no status", refusal.Code)
			}
			r := s.ask("GET", "/errors/"+refusal.Code, "")
			if r.status != 200 || !strings.Contains(r.body, "<code>"+refusal.Code+"</code>") {
				t.Errorf("/errors/%s: %d", refusal.Code, r.status)
			}
		}
		if len(explanations) != len(model.Refusals()) {
			t.Errorf("%d explanations for %d refusals", len(explanations), len(model.Refusals()))
		}
		if r := s.ask("GET", "/errors/no-such-code", ""); r.status != 404 {
			t.Errorf("unknown code: %d", r.status)
		}
	})
	t.Run("AI-24_a_problem_has_its_members_and_no_more", func(t *testing.T) {
		s := open(t)
		r := s.json("POST", "/v1/register", `{"username":"a b","password":"short"}`)
		var got map[string]any
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatal(err)
		}
		if got["request_id"] != r.header.Get("X-Request-Id") || got["type"] != "/errors/username-invalid" || got["status"] != 422.0 || len(got) != 6 {
			t.Errorf("got %s", r.body)
		}
		if fields := got["errors"].([]any); len(fields) != 2 {
			t.Errorf("both wrong members must be named: %s", r.body)
		}
		if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
			t.Errorf("content type %q", kind)
		}
	})
}

func TestZeroConfig(t *testing.T) {
	t.Run("the_zero_value_serves_and_nobody_introspects", func(t *testing.T) {
		s := open(t)
		h := New(s.auth, Config{})
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", s.url+"/v1/token/introspect", strings.NewReader("token=x"))
		h.ServeHTTP(w, r)
		if w.Code != 404 {
			t.Errorf("got %d", w.Code)
		}
		secret := Config{IntrospectionSecret: "MARKER"}
		if text := fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, secret); strings.Contains(text, "MARKER") {
			t.Errorf("the configuration prints itself: %s", text)
		}
	})
}
