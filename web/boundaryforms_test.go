package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEachFieldOfAFormHasItsLimits sends every field of every form one character
// longer than it may be, with the other fields as they should be.
func TestEachFieldOfAFormHasItsLimits(t *testing.T) {
	s := openEverything(t)
	b, ana, _ := s.withLinks(t)
	good := map[string]string{
		"username": "zoe", "email": "zoe@example.com", "identifier": "ana", "password": goodPassword, "current_password": goodPassword,
		"new_password": otherPassword, "code": "ghc_none", "token": "x", "token_type_hint": "x", "next": "/account", "id": ana.session,
	}
	before, fields := s.dump(t), 0
	for _, row := range s.door.rows() {
		if !row.takes.form {
			continue
		}
		for _, m := range row.takes.members {
			t.Run(fmt.Sprintf("AI-01_%s_%s_%d", row.path, m.name, m.max+1), func(t *testing.T) {
				fields++
				values := url.Values{}
				for _, other := range row.takes.members {
					values.Set(other.name, good[other.name])
				}
				values.Set(m.name, textOf(m.name, m.max+1, 1))
				r := s.sendForm(t, b, row, values)
				refusals := []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
				switch {
				case m.name == "identifier": // longer than anything that anybody is called
					refusals = []int{http.StatusUnauthorized}
				case row.path == "/forgot": // which tells nobody
					refusals = append(refusals, http.StatusSeeOther)
				case row.path == strengthPath: // which says how good it is
					refusals = append(refusals, http.StatusOK)
				}
				if !slices.Contains(refusals, r.status) {
					t.Errorf("got %d, want one of %v: %.300s", r.status, refusals, r.body)
				}
			})
		}
	}
	t.Run("AI-01_nothing_was_taken", func(t *testing.T) {
		wantUnchanged(t, before, s.dump(t), "events", "attempts", "codes", "outbox", "event_chain")
		if fields < 20 {
			t.Errorf("only %d fields", fields)
		}
	})
	for _, text := range []string{"x", strings.Repeat("x", maxToken)} {
		t.Run(fmt.Sprintf("AI-01_introspection_of_%d", len(text)), func(t *testing.T) {
			if r := s.form("/v1/token/introspect", "token="+text, withSecret); r.status != 200 || r.body != `{"active":false}` {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
}

// sendForm sends a form as the page of it, or the program that uses it, does.
func (s *site) sendForm(t *testing.T, b *tab, row route, values url.Values) reply {
	t.Helper()
	if !row.who.isPage() {
		return s.form(row.path, values.Encode(), withSecret)
	}
	if row.who == visitor {
		b = s.browse()
	}
	page := b.open("/account")
	if page.status != 200 {
		page = b.open("/login")
	}
	values.Set("csrf", csrfIn(t, page.body))
	return b.do(row.method, row.path, values.Encode(), withForm, saying("same-origin", ""))
}

func TestNoFormTakesMoreThanItsFields(t *testing.T) {
	s := openEverything(t)
	b, ana, _ := s.withLinks(t)
	before, forms := s.dump(t), 0
	for _, row := range s.door.rows() {
		if !row.takes.form {
			continue
		}
		forms++
		t.Run("RV-17_AI-04_AD-03_"+row.path, func(t *testing.T) {
			for _, name := range strangers() {
				if row.takes.knows(name) || name == "csrf" && row.who.isPage() {
					continue
				}
				values := url.Values{name: {"x"}}
				for _, m := range row.takes.members {
					values.Set(m.name, map[string]string{"id": ana.session, "password": goodPassword}[m.name])
				}
				if r := s.sendForm(t, b, row, values); r.status != 400 {
					t.Errorf("%s: got %d: %.200s", name, r.status, r.body)
				}
			}
		})
	}
	t.Run("RV-17_nothing_has_changed", func(t *testing.T) {
		if wantUnchanged(t, before, s.dump(t), "attempts"); forms < 15 {
			t.Errorf("only %d forms", forms)
		}
	})
}

// TestInjectionsIntoNamesAndPasswords sends them to the two places that take any
// text: a rename of who is logged in, and the password of a login.
func TestInjectionsIntoNamesAndPasswords(t *testing.T) {
	limits := manyFromHere()
	limits.Renames = limits.Registrations
	s := openEverythingLimited(t, limits)
	s.register("ana")
	ben := s.register("ben")
	access := s.login("ben").access
	before := s.dump(t)
	t.Run("AI-18_as_a_new_name", func(t *testing.T) {
		taken := 0
		for _, text := range injections() {
			r := s.json("PATCH", "/v1/me", `{"username":`+quoted(text)+`}`, bearing(access))
			switch r.status {
			case 200:
				taken++
			case 422:
			default:
				t.Errorf("%q: %d %s", text, r.status, r.body)
			}
		}
		if taken == 0 {
			t.Error("none is a name, so nothing was written")
		}
		s.json("PATCH", "/v1/me", `{"username":"ben"}`, bearing(access)).want(t, 200)
	})
	t.Run("AI-18_as_a_password", func(t *testing.T) {
		for _, text := range injections() {
			s.turn(time.Hour)
			if r := s.json("POST", "/v1/login", `{"identifier":"ana","password":`+quoted(text)+`}`); r.status != 401 && r.status != 429 && r.status != 422 {
				t.Errorf("%q: %d %s", text, r.status, r.body)
			}
		}
	})
	t.Run("AI-18_nobody_else_has_changed", func(t *testing.T) {
		after, err := s.auth.FindUser(t.Context(), "ben")
		if err != nil || after.ID != ben.ID {
			t.Errorf("%+v, %v", after, err)
		}
		wantUnchanged(t, before, s.dump(t), "events", "attempts", "users", "outbox", "event_chain") // a rename is told
		if len(s.dump(t)["users"]) != 2 {
			t.Error("there are not two users")
		}
		s.turn(time.Hour)
		s.login("ana")
	})
}
