package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/model"
)

// seen is an answer without what is new in each of them.
func (r reply) seen() string {
	header := r.header.Clone()
	id := header.Get("X-Request-Id")
	header.Del("Date")
	header.Del("X-Request-Id")
	return strings.ReplaceAll(fmt.Sprint(r.status, header, r.body), id, "")
}

// linkedCode is the code in the newest mail to an address.
func (s *site) linkedCode(to string) string {
	s.t.Helper()
	_, code, _ := strings.Cut(linkIn(s.t, s, newestTo(s.t, s, s.box, to)), "code=")
	return code
}

// mailedCode asks for a mail and returns the code in it.
func (s *site) mailedCode(path, body, to string) string {
	s.t.Helper()
	s.json("POST", path, body).want(s.t, 202)
	return s.linkedCode(to)
}

func TestCodesThatAreNotGoodGetOneAnswer(t *testing.T) {
	t.Parallel()
	s := openEverything(t)
	user := s.register("ana")
	reset := func() string {
		code, err := s.auth.IssueResetCode(t.Context(), user.ID)
		if err != nil {
			t.Fatal(err)
		}
		return string(code)
	}
	verify := func(name string) string {
		body := fmt.Sprintf(`{"username":%q,"email":"%s@example.com","password":%q}`, name, name, goodPassword)
		return s.mailedCode("/v1/register", body, name+"@example.com")
	}
	submit := map[string]func(code string) reply{
		"/v1/password/reset": func(code string) reply {
			return s.json("POST", "/v1/password/reset", fmt.Sprintf(`{"code":%q,"new_password":%q}`, code, otherPassword))
		},
		"/v1/email/verify": func(code string) reply {
			return s.json("POST", "/v1/email/verify", fmt.Sprintf(`{"code":%q}`, code))
		},
	}
	expiredReset, expiredVerify := reset(), verify("late")
	s.turn(25 * time.Hour)
	supersededReset, usedReset := reset(), reset()
	usedVerify := verify("ben")
	submit["/v1/password/reset"](usedReset).want(t, 204)
	submit["/v1/email/verify"](usedVerify).want(t, 204)
	goodReset, goodVerify := reset(), verify("eva")
	for path, codes := range map[string]map[string]string{
		"/v1/password/reset": {"expired": expiredReset, "used": usedReset, "superseded": supersededReset, "foreign": goodVerify},
		"/v1/email/verify":   {"expired": expiredVerify, "used": usedVerify, "foreign": goodReset},
	} {
		want := submit[path]("ghc_unknown").want(t, 400)
		if want.code() != model.ErrInvalidOrExpiredCode.Code {
			t.Fatal(want.body)
		}
		for kind, code := range codes {
			t.Run("EN-15_"+kind+"_at_"+path, func(t *testing.T) {
				if got := submit[path](code); got.seen() != want.seen() {
					t.Errorf("got  %s\nwant %s", got.seen(), want.seen())
				}
			})
		}
	}
	t.Run("EN-15_the_good_ones_are_good", func(t *testing.T) {
		submit["/v1/password/reset"](goodReset).want(t, 204)
		submit["/v1/email/verify"](goodVerify).want(t, 204)
	})
}

// Whoever has what was mailed, and nothing else, may prove an address and set a
// password. In the browser that asked for the mail too, a login comes afterwards.
func TestWhatIsMailedOpensNoSession(t *testing.T) {
	t.Parallel()
	s := openEverything(t)
	known := map[string]bool{"POST /v1/email/verify": true, "POST /verify": true, "POST /v1/password/reset": true, "POST /reset": true}
	t.Run("LT-22_these_routes_take_a_code", func(t *testing.T) {
		for _, row := range s.door.rows() {
			for _, m := range row.takes.members {
				if key := row.method + " " + row.path; m.name == "code" && !known[key] {
					t.Errorf("%s takes one too", key)
				}
			}
		}
	})
	closed := func(t *testing.T, r reply, b *tab) {
		t.Helper()
		for _, line := range r.header["Set-Cookie"] {
			if strings.HasPrefix(line, sessionCookie+"=") {
				t.Errorf("it sets %s", line)
			}
		}
		if strings.Contains(r.body, "access_token") || b != nil && b.cookie(sessionCookie) != "" {
			t.Errorf("a session was opened: %d %s", r.status, r.body)
		}
	}
	b := s.browse()
	b.fill("/register", "username", "ana", "email", "ana@example.com", "password", goodPassword)
	t.Run("LT-22_verify", func(t *testing.T) {
		b.surf(linkIn(t, s, newestTo(t, s, s.box, "ana@example.com")))
		b.submit("/verify", nil)
		b.wantRedirect("/login?done=verified")
		closed(t, b.at, b)
	})
	t.Run("LT-22_reset", func(t *testing.T) {
		b.fill("/forgot", "email", "ana@example.com")
		b.surf(linkIn(t, s, newestTo(t, s, s.box, "ana@example.com")))
		b.submit("/reset", map[string][]string{"new_password": {otherPassword}})
		b.wantRedirect("/login?done=reset")
		closed(t, b.at, b)
	})
	t.Run("LT-22_over_the_API", func(t *testing.T) {
		code := s.mailedCode("/v1/register", fmt.Sprintf(`{"username":"ben","email":"ben@example.com","password":%q}`, goodPassword), "ben@example.com")
		closed(t, s.json("POST", "/v1/email/verify", `{"code":"`+code+`"}`).want(t, 204), nil)
		code = s.mailedCode("/v1/password/forgot", `{"email":"ben@example.com"}`, "ben@example.com")
		closed(t, s.json("POST", "/v1/password/reset", fmt.Sprintf(`{"code":%q,"new_password":%q}`, code, otherPassword)).want(t, 204), nil)
	})
}
