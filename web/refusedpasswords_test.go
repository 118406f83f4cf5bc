package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gatehouse"
)

// passwordSetters are all ways to set a password over HTTP, for a user whose names
// are those of marguerite. Each begins anew, since what is refused must not have cost
// anything.
func passwordSetters(s *site) map[string]func(password string) reply {
	user := s.register("marguerite.duval")
	ana := s.login("marguerite.duval")
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"marguerite.duval"}, "password": {goodPassword}})
	_, invitation, err := s.auth.InviteUser(s.t.Context(), gatehouse.Registration{Username: "MargueriteDuval", Email: "marguerite.duval@lilas.example"})
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := s.auth.IssueResetCode(s.t.Context(), user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	text := func(v string) string {
		encoded, err := json.Marshal(v)
		if err != nil {
			s.t.Fatal(err)
		}
		return string(encoded)
	}
	page := func(path string, form url.Values) reply { b.open(path); return b.submit(path, form) }
	reset := func(code string) func(string) reply {
		return func(p string) reply {
			return s.json("POST", "/v1/password/reset", `{"code":"`+code+`","new_password":`+text(p)+`}`)
		}
	}
	return map[string]func(password string) reply{
		"register": func(p string) reply {
			return s.json("POST", "/v1/register", `{"username":"Marguerite.Duva1","email":"marguerite.duval@lilas.example","password":`+text(p)+`}`)
		},
		"register_page": func(p string) reply {
			visit := s.browse()
			visit.open("/register")
			return visit.submit("/register", url.Values{"username": {"marguerite-duval"}, "email": {""}, "password": {p}})
		},
		"change": func(p string) reply {
			return s.json("POST", "/v1/password/change", `{"current_password":"`+goodPassword+`","new_password":`+text(p)+`}`, bearing(ana.access))
		},
		"change_page": func(p string) reply {
			return page("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {p}})
		},
		"reset": reset(string(code)), "invitation": reset(string(invitation)),
		"reset_page": func(p string) reply {
			visit := s.browse()
			visit.open("/reset?code=" + string(code))
			visit.follow()
			return visit.submit("/reset", url.Values{"new_password": {p}})
		},
	}
}

func TestEveryWayToSetAPasswordSaysWhyItIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	setters := passwordSetters(s)
	for _, c := range []struct{ row, password, code, reason, guidance string }{
		{"PW-07", "passwordpassword", "password-blocked", "common", "Use a few unrelated words instead."},
		{"PW-08", "margueriteduval", "password-blocked", "context", "Use a few unrelated words instead."},
		{"PW-08", "lavudetireugram", "password-blocked", "context", "Use a few unrelated words instead."},
		{"PW-08", "MargueriteDuval2026", "password-blocked", "context", "Use a few unrelated words instead."},
		{"PW-10_PW-01", "fourteen-chars", "password-too-short", "", "Use 15 characters or more."},
		{"PW-10_PW-02", strings.Repeat("🦜", 257), "password-too-long", "", "Use 256 characters or fewer."},
	} {
		for way, set := range setters {
			t.Run(fmt.Sprintf("%s_%s_%.20s", c.row, way, c.password), func(t *testing.T) {
				r := set(c.password).want(t, 422)
				if strings.HasSuffix(way, "_page") {
					if strings.Count(r.body, c.guidance) < 2 || strings.Contains(r.body, c.password) {
						t.Errorf("the page must say it on top and beside the field, and forget the password: %s", r.body)
					}
					return
				}
				var got problem
				if err := json.Unmarshal([]byte(r.body), &got); err != nil {
					t.Fatal(err)
				}
				if got.Code != c.code || got.Reason != c.reason || len(got.Errors) != 1 || !strings.Contains(got.Errors[0].Detail, c.guidance) {
					t.Errorf("got %s", r.body)
				}
			})
		}
	}
	t.Run("PW-24_PW-10_the_same_as_before_by_the_API", func(t *testing.T) {
		if r := setters["change"](goodPassword).want(t, 422); r.code() != "same-password" {
			t.Errorf("got %s", r.body)
		}
	})
	for way, password := range map[string]string{
		"PW-09": "password horse staple cat", "PW-04": strings.Repeat("🌋🐙🎻🧭🪁", 3), "PW-06": "café au lait tous les jours",
	} {
		t.Run(way+"_this_one_is_taken", func(t *testing.T) {
			name := strings.ToLower(way)
			s.json("POST", "/v1/register", `{"username":"`+name+`","password":"`+password+`"}`).want(t, 201)
			s.tryLogin(name, strings.ReplaceAll(password, "é", "e\u0301")).want(t, 200)
		})
	}
}
