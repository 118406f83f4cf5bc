package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// who may come in where, said a second time: a change in the route table has
// to be made here too.
func whoMayComeIn() map[guard][]string {
	return map[guard][]string{
		anyone: {
			"POST /v1/register", "POST /v1/login", "POST /v1/token/refresh", "POST /v1/token/revoke", "POST /v1/password/reset",
			"GET /v1/status-list", "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server", "GET /healthz",
			"GET /readyz", "GET /openapi.json", "GET /static/{file}", "POST /v1/password/forgot", "POST /v1/email/verify",
		},
		bearer: {
			"POST /v1/logout", "GET /v1/me", "PATCH /v1/me", "POST /v1/password/change", "GET /v1/sessions", "DELETE /v1/sessions",
			"DELETE /v1/sessions/{id}", "DELETE /v1/account", "GET /v1/account/export", "POST /v1/email/change",
		},
		cookied:      {"POST /v1/token"},
		introspector: {"POST /v1/token/introspect"},
		visitor: {
			"GET /", "GET /register", "POST /register", "GET /login", "POST /login", "GET /reset", "POST /reset", "POST /password/strength",
			"GET /errors/{code}", "GET /forgot", "POST /forgot", "GET /verify", "POST /verify", "GET /dev/mailbox", "GET /dev/mailbox/{id}",
			"GET /dev/mailbox/html/{id}",
		},
		insider: {
			"POST /logout", "GET /account", "GET /account/password", "POST /account/password", "GET /account/export",
			"POST /account/export", "GET /account/delete", "POST /account/delete", "POST /account/sessions/end",
			"POST /account/sessions/end-others", "GET /account/email", "POST /account/email",
		},
	}
}

// caller is one way to say who one is.
type caller struct {
	name  string
	opens []guard
	send  func(method, path, body string, how ...asking) reply
}

// callers are one of each kind, all of the same user.
func (s *site) callers() []caller {
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	token := csrfIn(s.t, b.open("/account").body)
	visit := s.browse()
	visitToken := csrfIn(s.t, visit.open("/login").body)
	byForm := func(b *tab, token string) func(string, string, string, ...asking) reply {
		return func(method, path, body string, how ...asking) reply {
			if strings.HasPrefix(body, "csrf=") {
				body = "csrf=" + token
			}
			return b.do(method, path, body, append(how, saying("same-origin", ""), header(csrfHeader, token))...)
		}
	}
	ana := s.login("ana")
	return []caller{
		{"nobody", []guard{anyone, visitor}, byForm(visit, visitToken)},
		{"bearer", []guard{anyone, visitor, bearer}, func(m, p, body string, how ...asking) reply {
			if strings.HasPrefix(body, "csrf=") { // a token for pages too, so that only the session is missing
				return byForm(visit, visitToken)(m, p, body, append(how, bearing(ana.access))...)
			}
			return s.ask(m, p, body, append(how, bearing(ana.access))...)
		}},
		{"browser", []guard{anyone, visitor, insider, cookied}, byForm(b, token)},
		{"service", []guard{anyone, visitor, introspector}, func(m, p, body string, how ...asking) reply {
			return byForm(visit, visitToken)(m, p, body, append(how, func(r *http.Request) { r.SetBasicAuth("shop", introSecret) })...)
		}},
	}
}

func TestWhoMayComeIn(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	want := map[string]guard{}
	for who, keys := range whoMayComeIn() {
		for _, key := range keys {
			want[key] = who
		}
	}
	callers := s.callers()
	for _, row := range s.door.rows() {
		key := row.method + " " + row.path
		if got, ok := want[key]; !ok || got != row.who {
			t.Errorf("AD-01: %s has guard %d, want %d (listed: %v)", key, row.who, got, ok)
		}
		path := strings.NewReplacer("{id}", model.NewID[model.Session]().String(), "{code}", "internal", "{file}", "none").Replace(row.path)
		for _, c := range callers {
			t.Run("AD-01_"+key+"_"+c.name, func(t *testing.T) {
				body, kind := "", func(*http.Request) {}
				switch {
				case row.takes.json:
					body, kind = "{}", withJSON
				case row.takes.form && row.who.isPage():
					body, kind = "csrf=", withForm
				case row.takes.form:
					body, kind = "token=x", withForm
				}
				r := c.send(row.method, path, body, kind)
				away := r.status == 401 || r.status == 403 || row.who == cookied && r.status == 400
				switch {
				case row.path == "/logout": // both lead to the login, but only one ends something
					away = r.header.Get("Clear-Site-Data") == ""
				case row.path != "/" && strings.HasPrefix(r.header.Get("Location"), "/login"):
					away = true
				}
				if opens := slices.Contains(c.opens, row.who); opens == away {
					t.Errorf("got %d to %q, want let in: %v\n%.300s", r.status, r.header.Get("Location"), opens, r.body)
				}
			})
		}
		delete(want, key)
		if row.method == "DELETE" || strings.Contains(row.path, "logout") || strings.Contains(row.path, "sessions") {
			callers = s.callers() // what they came in with may be dead
		}
	}
	for key := range want {
		t.Errorf("AD-01: there is no route %s", key)
	}
}

func TestTwoUsers(t *testing.T) {
	s := open(t)
	s.register("ana")
	s.register("ben")
	ana, ben := s.login("ana"), s.login("ben")
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ben"}, "password": {goodPassword}})
	same := func(r reply) string { return strings.ReplaceAll(r.body, r.header.Get("X-Request-Id"), "") }
	t.Run("AD-02_SC-24_EN-12_a_foreign_session_answers_like_none", func(t *testing.T) {
		foreign := s.ask("DELETE", "/v1/sessions/"+ana.session, "", bearing(ben.access))
		absent := s.ask("DELETE", "/v1/sessions/"+model.NewID[model.Session]().String(), "", bearing(ben.access))
		if foreign.status != 404 || same(foreign) != same(absent) {
			t.Errorf("got %d %s and %d %s", foreign.status, foreign.body, absent.status, absent.body)
		}
		for _, id := range []string{"x", strings.ToUpper(ana.session), "{" + ana.session + "}", "%2e%2e", "0", strings.ReplaceAll(ana.session, "-", "")} {
			if r := s.ask("DELETE", "/v1/sessions/"+id, "", bearing(ben.access)); r.status != 404 {
				t.Errorf("%s: %d", id, r.status)
			}
		}
	})
	t.Run("AD-02_in_the_page_too", func(t *testing.T) {
		b.open("/account")
		if r := b.submit("/account/sessions/end", url.Values{"id": {ana.session}}); r.status != 404 {
			t.Errorf("got %d", r.status)
		}
	})
	t.Run("AD-02_and_nothing_ended", func(t *testing.T) {
		if r := s.ask("GET", "/v1/me", "", bearing(ana.access)); r.status != 200 {
			t.Errorf("got %d", r.status)
		}
	})
	t.Run("SC-15_own_sessions_are_listed_and_ended", func(t *testing.T) {
		second := s.login("ana")
		list := s.ask("GET", "/v1/sessions", "", bearing(ana.access))
		if !strings.Contains(list.body, second.session) || strings.Contains(list.body, ben.session) || strings.Count(list.body, `"current":true`) != 1 {
			t.Errorf("list %s", list.body)
		}
		wantPlainSessions(t, list, 2)
		if r := s.ask("DELETE", "/v1/sessions/"+second.session, "", bearing(ana.access)); r.status != 204 {
			t.Errorf("end: %d", r.status)
		}
		if r := s.ask("GET", "/v1/me", "", bearing(second.access)); r.status != 401 {
			t.Errorf("after the end: %d", r.status)
		}
		b.open("/account")
		current := b.at.body[strings.Index(b.at.body, `class="current"`):]
		id := current[strings.Index(current, `name="id" value="`)+len(`name="id" value="`):][:36]
		b.submit("/account/sessions/end", url.Values{"id": {ben.session}})
		b.wantRedirect("/account?done=session")
		b.open("/account")
		b.submit("/account/sessions/end", url.Values{"id": {id}})
		b.wantRedirect("/login")
	})
}

// wantPlainSessions wants so many sessions, without anything that opens one.
func wantPlainSessions(t *testing.T, list reply, many int) {
	t.Helper()
	var shown struct{ Sessions []map[string]any }
	if err := json.Unmarshal([]byte(list.body), &shown); err != nil || len(shown.Sessions) != many {
		t.Fatal(list.body, err)
	}
	for _, session := range shown.Sessions {
		for name := range session {
			if !slices.Contains([]string{"id", "created_at", "last_used_at", "user_agent", "ip", "current"}, name) {
				t.Errorf("a session shows its %s", name)
			}
		}
	}
}

// strangers are names that nobody may send: every column of a user, and what
// attackers try.
func strangers() []string {
	return []string{
		"id", "ID", "user_id", "userId", "username_skeleton", "skeleton", "email_verified", "email_verified_at", "emailVerified",
		"verified", "roles", "role", "is_admin", "admin", "password_hash", "hash", "salt", "password_version", "disabled", "disabled_at",
		"created_at", "updated_at", "session_id", "counter", "status_index", "-", "__proto__", "csrf", "access_token",
	}
}

// filled is a body with a value for every member that the route takes, and more
// members if wanted, each written as JSON.
func filled(row route, more string) string {
	values := map[string]string{
		"username": "zoe", "email": "zoe@example.com", "identifier": "ana", "password": goodPassword, "current_password": goodPassword,
		"new_password": otherPassword, "refresh_token": "ghr_x", "token": "ghr_x", "token_type_hint": "x", "code": "ghc_x",
	}
	var members []string
	for _, m := range row.takes.members {
		members = append(members, fmt.Sprintf("%q:%q", m.name, values[m.name]))
	}
	if more != "" {
		members = append(members, more)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestNothingIsSmuggledIn(t *testing.T) {
	s := openEverything(t)
	before := s.register("ana")
	ana, b := s.login("ana"), s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	token := csrfIn(t, b.open("/account").body)
	for _, row := range s.door.rows() {
		if !row.takes.json {
			continue
		}
		for _, name := range strangers() {
			t.Run(fmt.Sprintf("AI-04_AD-03_RV-17_%s_%s_%s", row.method, row.path, name), func(t *testing.T) {
				body, how := filled(row, `"`+name+`":"x"`), []asking{withJSON}
				ask := s.ask
				switch row.who {
				case bearer:
					how = append(how, bearing(ana.access))
				case cookied:
					ask, how = b.do, append(how, saying("same-origin", ""), header(csrfHeader, token))
				}
				if r := ask(row.method, row.path, body, how...); r.status != 400 || r.code() != "unknown-member" {
					t.Errorf("got %d %s", r.status, r.body)
				}
			})
		}
	}
	t.Run("AI-04_nothing_changed", func(t *testing.T) {
		after, err := s.auth.FindUser(t.Context(), "ana")
		if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("got %v, want %v (%v)", after, before, err)
		}
		if users, err := s.auth.Users(t.Context(), model.UserID{}, 10); err != nil || len(users) != 1 {
			t.Errorf("%d users, %v", len(users), err)
		}
	})
}

func TestTheActingUserComesFromTheCredential(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	s.register("ben")
	ana, ben := s.login("ana"), s.login("ben")
	held := func(p person) string {
		me := s.ask("GET", "/v1/me", "", bearing(p.access))
		return me.body + s.ask("GET", "/v1/sessions", "", bearing(p.access)).body
	}
	anaBefore, benBefore := held(ana), held(ben)
	if !strings.Contains(anaBefore, ana.session) || !strings.Contains(benBefore, ben.session) {
		t.Fatal(anaBefore, benBefore)
	}
	for _, row := range s.door.rows() {
		if row.who != bearer || !row.takes.json {
			continue
		}
		for _, name := range []string{"user_id", "id", "sub", "user"} {
			t.Run(fmt.Sprintf("AD-15_%s_%s_%s", row.method, row.path, name), func(t *testing.T) {
				member := fmt.Sprintf("%q:%q", name, ben.id)
				if r := s.json(row.method, row.path, filled(row, member)); r.status != 401 {
					t.Errorf("without a token: %d", r.status)
				}
				if r := s.json(row.method, row.path, filled(row, member), bearing(ana.access)); r.status != 400 || r.code() != "unknown-member" {
					t.Errorf("with the token of another: %d %s", r.status, r.body)
				}
			})
		}
	}
	t.Run("AD-15_neither_user_has_changed", func(t *testing.T) {
		if got := held(ana); got != anaBefore {
			t.Errorf("ana: got %s, want %s", got, anaBefore)
		}
		if got := held(ben); got != benBefore {
			t.Errorf("ben: got %s, want %s", got, benBefore)
		}
		s.login("ana")
		s.login("ben")
	})
	t.Run("AD-15_only_who_asks_is_changed", func(t *testing.T) {
		benBefore := held(ben)
		elsewhere := []asking{bearing(ana.access), header("X-User-Id", ben.id), header("From", "ben@example.com")}
		if r := s.json("PATCH", "/v1/me", `{"username":"anna"}`, elsewhere...); r.status != 200 || r.member(t, "user.id") != ana.id {
			t.Errorf("rename: %d %s", r.status, r.body)
		}
		if r := s.json("DELETE", "/v1/account", `{"password":"`+goodPassword+`"}`, elsewhere...); r.status != 204 {
			t.Errorf("delete: %d %s", r.status, r.body)
		}
		if got := held(ben); got != benBefore {
			t.Errorf("ben: got %s, want %s", got, benBefore)
		}
		if r := s.ask("GET", "/v1/me", "", bearing(ana.access)); r.status != 401 {
			t.Errorf("ana after the deletion: %d", r.status)
		}
	})
}

func TestFailedLoginsLookAlike(t *testing.T) {
	s := open(t)
	s.register("ana")
	gone, off := s.register("gone"), s.register("off")
	if err := s.auth.EraseUser(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.auth.DisableUser(t.Context(), off.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.auth.InviteUser(t.Context(), gatehouse.Registration{Username: "unset"}); err != nil {
		t.Fatal(err)
	}
	seen := func(r reply) string {
		id := r.header.Get("X-Request-Id")
		r.header.Del("Date")
		r.header.Del("X-Request-Id")
		return strings.ReplaceAll(fmt.Sprint(r.status, r.header, r.body), id, "")
	}
	fail := func(name string) string {
		return seen(s.json("POST", "/v1/login", `{"identifier":"`+name+`","password":"`+wrongPassword+`"}`))
	}
	want := fail("ana")
	if !strings.HasPrefix(want, "401") {
		t.Fatal(want)
	}
	for _, name := range []string{"nobody", "gone", "off", "unset", "a b", "ana@example.com", "x@", strings.Repeat("x", 300)} {
		t.Run("EN-01_EN-10_EN-14_"+name[:min(len(name), 20)], func(t *testing.T) {
			if got := fail(name); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	t.Run("EN-07_the_page_tells_no_more", func(t *testing.T) {
		form := func(name string) string {
			b := s.browse()
			b.open("/login")
			b.submit("/login", url.Values{"identifier": {name}, "password": {wrongPassword}})
			b.wantPage(401, "Username, email or password is wrong")
			text := strings.ReplaceAll(b.at.body, csrfIn(t, b.at.body), "")
			text = strings.ReplaceAll(text, b.at.header.Get("X-Request-Id"), "")
			if i := strings.Index(text, `nonce="`); i >= 0 {
				text = text[:i] + text[i+len(`nonce="`)+22:]
			}
			return strings.ReplaceAll(text, name, "NAME")
		}
		if got, want := form("off"), form("ana"); got != want || form("nobody") != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
	t.Run("EN-10_only_the_right_password_learns_that_the_user_is_disabled", func(t *testing.T) {
		r := s.json("POST", "/v1/login", `{"identifier":"off","password":"`+goodPassword+`"}`)
		if r.status != 403 || r.code() != "user-disabled" {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
}
