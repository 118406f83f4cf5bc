package web

import (
	"net/http"
	"strings"
	"testing"

	"gatehouse"
)

// TestNoRoleOpensARoute lets a user with every role that sounds like one come in
// where an ordinary user may not, and looks at who has no session at all.
func TestNoRoleOpensARoute(t *testing.T) {
	s := openEverything(t)
	_, err := s.auth.RegisterUser(t.Context(), gatehouse.Registration{
		Username: "boss", Email: "boss@example.com", Password: goodPassword, Roles: []string{"admin", "root", "operator", "superuser", "read-only-admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("AD-01_who_has_proven_no_email_has_no_session", func(t *testing.T) {
		if r := s.tryLogin("boss", goodPassword); r.status != 403 || strings.Contains(r.body, "access_token") || r.header.Get("Set-Cookie") != "" {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
	s.verify("boss@example.com")
	s.register("ana")
	boss, ana := s.login("boss"), s.login("ana")
	for _, row := range s.door.rows() {
		t.Run("AD-01_"+row.method+"_"+row.path, func(t *testing.T) {
			opens := row.who == anyone || row.who == visitor || row.who == bearer
			if row.method != http.MethodGet && (row.who == bearer || row.who == visitor) {
				return // what anybody may do about themselves, and forms, which need no user
			}
			body, how := "", []asking{bearing(boss.access)}
			if row.takes.json {
				body, how = "{}", append(how, withJSON)
			}
			r := s.direct(row.method, fill(row.path), body, how...)
			away := r.status == 401 || r.status == 403 || strings.HasPrefix(r.header.Get("Location"), "/login") && row.path != "/"
			if row.who == cookied {
				away = away || r.status == 400
			}
			if opens == away {
				t.Errorf("got %d, want let in: %v: %.200s", r.status, opens, r.body)
			}
		})
	}
	t.Run("AD-02_every_id_in_a_path_is_that_of_a_session_of_ones_own", func(t *testing.T) {
		for _, row := range s.door.rows() {
			if strings.Contains(row.path, "{id}") && row.path != "/v1/sessions/{id}" && !strings.HasPrefix(row.path, mailboxPath) {
				t.Errorf("%s takes an id, and no test tries that of another user", row.path)
			}
		}
		for _, session := range []string{ana.session, ana.id, boss.id} {
			if r := s.ask("DELETE", "/v1/sessions/"+session, "", bearing(boss.access)); r.status != 404 {
				t.Errorf("%s: got %d", session, r.status)
			}
		}
		s.ask("GET", "/v1/me", "", bearing(ana.access)).want(t, 200)
	})
}
