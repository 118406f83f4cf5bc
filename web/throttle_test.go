package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse"
)

// tryLogin is a login over the API from a client that nobody knows.
func (s *site) tryLogin(name, password string, how ...asking) reply {
	s.t.Helper()
	return s.json("POST", "/v1/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, name, password), how...)
}

// want fails the test on any other status.
func (r reply) want(t testing.TB, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("got %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// slowDown guesses until the name is slowed down for everybody unknown.
func (s *site) slowDown(name string) {
	s.t.Helper()
	for range 5 {
		s.tryLogin(name, wrongPassword).want(s.t, 401)
	}
	wantSlowed(s.t, s.tryLogin(name, goodPassword))
}

// slowedRegistration is an eleventh registration from here, 18 minutes after the first.
func slowedRegistration(b *tab) {
	for n := range 10 {
		b.s.json("POST", "/v1/register", fmt.Sprintf(`{"username":"first%d","password":%q}`, n, goodPassword)).want(b.s.t, 201)
	}
	b.s.turn(18 * time.Minute)
	b.open("/register")
	b.submit("/register", url.Values{"username": {"ana"}, "email": {"ana@example.com"}, "password": {goodPassword}})
}

// slowedLogin is a login right after five guesses of a stranger.
func slowedLogin(b *tab) {
	b.s.slowDown("ana")
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
}

// wantSlowed wants a 429 that says when to come back.
func wantSlowed(t testing.TB, r reply) {
	t.Helper()
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if r.status != http.StatusTooManyRequests || err != nil || seconds < 1 {
		t.Fatalf("got %d with Retry-After %q, want 429: %s", r.status, r.header.Get("Retry-After"), r.body)
	}
	problem := strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json")
	if problem && r.code() != "too-many-attempts" || !problem && !strings.Contains(r.body, "Too many attempts. Try again in ") {
		t.Fatalf("the answer does not say so: %s", r.body)
	}
}

func (b *tab) forget(cookie string) {
	u, err := url.Parse(b.s.url)
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: cookie, Path: "/", MaxAge: -1, Secure: true}})
}

func TestTheDeviceCookie(t *testing.T) {
	s := openLimited(t, gatehouse.Limits{})
	ana, ben := s.browse(), s.browse()
	ana.enter("ana")
	ben.enter("ben")
	session := ana.cookie(sessionCookie)
	device := func(b *tab) asking { return header("Cookie", deviceCookie+"="+b.cookie(deviceCookie)) }
	s.slowDown("ana")
	t.Run("LT-13_a_session_goes_on", func(t *testing.T) {
		if r := s.ask("GET", "/account", "", header("Cookie", sessionCookie+"="+session)); r.status != 200 {
			t.Errorf("got %d", r.status)
		}
	})
	t.Run("LT-13_only_this_device_of_this_user_gets_in", func(t *testing.T) {
		good := ana.cookie(deviceCookie)
		for name, line := range map[string]string{
			"of_another_user": deviceCookie + "=" + ben.cookie(deviceCookie),
			"changed":         deviceCookie + "=x" + good,
			"two_values":      deviceCookie + "=" + good + "; " + deviceCookie + "=" + ben.cookie(deviceCookie),
			"without_prefix":  "device=" + good,
			"huge":            deviceCookie + "=" + strings.Repeat("x", 4000),
		} {
			if r := s.tryLogin("ana", goodPassword, header("Cookie", line)); r.status != 429 {
				t.Errorf("%s: got %d", name, r.status)
			}
		}
		if r := s.tryLogin("ana", goodPassword, device(ana)); r.status != 200 || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("with the cookie: got %d and cookies %q", r.status, r.header["Set-Cookie"])
		}
	})
	t.Run("LT-13_guesses_with_it_have_a_lane_of_their_own", func(t *testing.T) {
		for range 5 {
			if r := s.tryLogin("ben", wrongPassword, device(ben)); r.status != 401 {
				t.Fatalf("got %d", r.status)
			}
		}
		wantSlowed(t, s.tryLogin("ben", goodPassword, device(ben)))
		if r := s.tryLogin("ben", goodPassword); r.status != 200 {
			t.Errorf("everybody else: got %d", r.status)
		}
	})
	t.Run("LT-13_it_dies_with_the_password_and_the_browser_gets_another", func(t *testing.T) {
		before := device(ana)
		ana.open("/account/password")
		ana.submit("/account/password", url.Values{"current_password": {goodPassword}, "new_password": {otherPassword}})
		ana.wantRedirect("/account?done=password")
		s.slowDownAgain(t, "ana")
		if r := s.tryLogin("ana", otherPassword, before); r.status != 429 {
			t.Errorf("got %d", r.status)
		}
		s.tryLogin("ana", otherPassword, device(ana)).want(t, 200)
	})
}

// slowDownAgain is slowDown for a name that may be slowed down already.
func (s *site) slowDownAgain(t *testing.T, name string) {
	t.Helper()
	for range 6 {
		if s.tryLogin(name, wrongPassword).status == 429 {
			return
		}
	}
	t.Fatalf("%s is not slowed down", name)
}

func TestTheDeviceCookieIsSetByEveryPageLogin(t *testing.T) {
	s := open(t)
	for name, enter := range map[string]func(b *tab){
		"login": func(b *tab) { b.enter("ana") },
		"registration": func(b *tab) {
			b.open("/register")
			b.submit("/register", url.Values{"username": {"ben"}, "email": {""}, "password": {goodPassword}})
			b.wantRedirect("/account")
		},
	} {
		t.Run("SC-04_LT-13_"+name, func(t *testing.T) {
			b := s.browse()
			enter(b)
			lines := slices.DeleteFunc(b.at.header["Set-Cookie"], func(line string) bool { return !strings.HasPrefix(line, deviceCookie+"=") })
			if len(lines) != 1 || !strings.HasSuffix(lines[0], "; Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax") {
				t.Errorf("got %q", lines)
			}
		})
	}
	t.Run("SC-20_it_opens_nothing", func(t *testing.T) {
		b := s.browse()
		b.enter("eva")
		b.forget(sessionCookie)
		b.open("/account")
		b.wantRedirect("/login")
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	s := openLimited(t, gatehouse.Limits{})
	s.register("ana")
	s.stopClock()
	s.slowDown("ana")
	t.Run("LT-02_the_wait_doubles_up_to_an_hour", func(t *testing.T) {
		for _, wait := range []int{30, 60, 120, 240, 480, 960, 1920, 3600, 3600} {
			r := s.tryLogin("ana", goodPassword)
			wantSlowed(t, r)
			if got := r.header.Get("Retry-After"); got != strconv.Itoa(wait) {
				t.Fatalf("Retry-After %s, want %d", got, wait)
			}
			s.turn(time.Duration(wait)*time.Second - time.Second)
			wantSlowed(t, s.tryLogin("ana", goodPassword))
			s.turn(time.Second)
			if r := s.tryLogin("ana", wrongPassword); r.status != 401 {
				t.Fatalf("after the wait: %d", r.status)
			}
		}
	})
	t.Run("LT-02_after_the_wait_the_right_password_is_right", func(t *testing.T) {
		s.turn(time.Hour)
		if r := s.tryLogin("ana", goodPassword); r.status != 200 {
			t.Errorf("got %d", r.status)
		}
	})
	t.Run("LT-14_LT-15_nobody_is_told_from_somebody", func(t *testing.T) {
		s.slowDown("ana")
		s.slowDown("nobody")
		seen := func(name, password string) string {
			r := s.tryLogin(name, password)
			wantSlowed(t, r)
			text := fmt.Sprint(r.status, r.header, r.body)
			return strings.NewReplacer(r.header.Get("X-Request-Id"), "", r.header.Get("Date"), "").Replace(text)
		}
		want := seen("nobody", wrongPassword)
		for _, password := range []string{wrongPassword, goodPassword} {
			if got := seen("ana", password); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	})
}

// passwordDoors are the routes at which the password of ana is checked.
func passwordDoors(s *site) map[string]func(password string) reply {
	b := s.browse()
	b.enter("ana")
	b.forget(deviceCookie) // with it the browser has a lane of its own
	bearer := bearing(s.login("ana").access)
	page := func(path string, values ...string) func(password string) reply {
		return func(password string) reply {
			b.open(path)
			form := url.Values{values[0]: {password}}
			for i := 1; i+1 < len(values); i += 2 {
				form.Set(values[i], values[i+1])
			}
			return b.submit(path, form)
		}
	}
	program := func(method, path, body string) func(password string) reply {
		return func(password string) reply { return s.json(method, path, fmt.Sprintf(body, password), bearer) }
	}
	const change = `{"email":"anna@example.com","password":%q}`
	program("POST", "/v1/email/change", change)(goodPassword).want(s.t, 202)
	link := linkIn(s.t, s, newestTo(s.t, s, s.box, "anna@example.com"))
	return map[string]func(password string) reply{
		"POST /v1/login": func(password string) reply { return s.tryLogin("Ana", password) },
		"POST /login": func(password string) reply {
			return s.browse().fill("/login", "identifier", "ANA@example.com", "password", password).at
		},
		"POST /verify": func(password string) reply { // in a browser that did not ask
			return s.browse().surf(link).press("/verify", "password", password).at
		},
		"POST /v1/password/change": program("POST", "/v1/password/change", `{"current_password":%q,"new_password":"`+otherPassword+`"}`),
		"POST /v1/email/change":    program("POST", "/v1/email/change", change),
		"DELETE /v1/account":       program("DELETE", "/v1/account", `{"password":%q}`),
		"POST /account/password":   page("/account/password", "current_password", "new_password", otherPassword),
		"POST /account/email":      page("/account/email", "password", "email", "anna@example.com"),
		"POST /account/export":     page("/account/export", "password"),
		"POST /account/delete":     page("/account/delete", "password"),
	}
}

func TestEveryDoorThatChecksAPasswordCountsTogether(t *testing.T) {
	s := openEverythingLimited(t, gatehouse.Limits{})
	known := map[string]bool{"POST " + strengthPath: true, "POST " + registerPath: true, "POST /v1/register": true} // which compare none
	doors := passwordDoors(s)
	names := slices.Sorted(maps.Keys(doors))
	for n := range 5 { // at every second one
		name := names[2*n]
		if r := doors[name](wrongPassword); r.status != 401 {
			t.Fatalf("%s: got %d, want 401: %s", name, r.status, r.body)
		}
	}
	for _, name := range names {
		known[name] = true
		t.Run("LT-10_"+name, func(t *testing.T) { wantSlowed(t, doors[name](goodPassword)) })
	}
	t.Run("LT-10_every_route_with_a_password_is_a_door_here", func(t *testing.T) {
		for _, row := range s.door.rows() {
			for _, m := range row.takes.members {
				if (m.name == "password" || m.name == "current_password") && !known[row.method+" "+row.path] {
					t.Errorf("%s %s takes a password", row.method, row.path)
				}
			}
		}
	})
}

// limited is one request that may be made so often, and how it is answered until then.
type limited struct {
	times, status int
	again         time.Duration // when it may be made again
	ask           func(n int) reply
}

func limitedRequests(s *site) map[string]limited {
	visitor, grant := s.browse(), s.login("ana")
	form := func(path string, values func(n int) url.Values) func(int) reply {
		return func(n int) reply {
			visitor.open(path)
			return visitor.submit(path, values(n))
		}
	}
	refresh := grant.refresh
	return map[string]limited{
		"PATCH_me": {10, 200, time.Hour, func(n int) reply {
			if n == 12 { // the token of an hour ago has expired
				grant = s.login("ana@example.com")
			}
			return s.json("PATCH", "/v1/me", fmt.Sprintf(`{"username":"ana%d"}`, n), bearing(grant.access))
		}},
		"refresh": {30, 200, time.Minute, func(int) reply {
			r := s.refresh(refresh)
			if r.status == 200 {
				refresh = r.member(s.t, "refresh_token")
			}
			return r
		}},
		"reset": {10, 400, time.Hour, func(n int) reply {
			return s.json("POST", "/v1/password/reset", fmt.Sprintf(`{"code":"ghc_%d","new_password":%q}`, n, goodPassword))
		}},
		"strength": {300, 200, 5 * time.Minute, func(int) reply {
			if visitor.at.body == "" || visitor.at.header.Get("Content-Type") != "text/html; charset=utf-8" {
				visitor.open("/register")
			}
			page := visitor.at
			r := visitor.submit(strengthPath, url.Values{"password": {goodPassword}})
			visitor.at = page
			return r
		}},
		"introspect": {20, 401, 5 * time.Minute, func(int) reply {
			return s.ask("POST", "/v1/token/introspect", "token=x", withForm, func(r *http.Request) { r.SetBasicAuth("", strings.Repeat("w", 40)) })
		}},
		"register_page": {10, 409, time.Hour, form("/register", func(int) url.Values {
			return url.Values{"username": {"ana"}, "email": {""}, "password": {goodPassword}}
		})},
	}
}

func TestLimits(t *testing.T) {
	for _, name := range []string{"PATCH_me", "refresh", "reset", "strength", "introspect", "register_page"} {
		t.Run("LT-16_"+name, func(t *testing.T) {
			s := openLimited(t, gatehouse.Limits{})
			s.register("ana")
			l := limitedRequests(s)[name]
			s.stopClock()
			for n := range l.times {
				if r := l.ask(n); r.status != l.status {
					t.Fatalf("request %d: got %d, want %d: %s", n+1, r.status, l.status, r.body)
				}
			}
			for n := range 2 {
				if r := l.ask(l.times + n); r.status != 429 || r.header.Get("Retry-After") == "" {
					t.Fatalf("one too many: got %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
				}
			}
			s.turn(l.again)
			if r := l.ask(l.times + 2); r.status != l.status {
				t.Errorf("later: got %d", r.status)
			}
		})
	}
	t.Run("LT-07_the_right_secret_is_right_whoever_mistypes_beside_it", func(t *testing.T) {
		s := openLimited(t, gatehouse.Limits{})
		s.register("ana")
		for n := range 20 {
			s.tryLogin(fmt.Sprintf("nobody%d", n), wrongPassword)
		}
		introspect := func(secret string) reply {
			return s.ask("POST", "/v1/token/introspect", "token=x", withForm, func(r *http.Request) { r.SetBasicAuth("", secret) })
		}
		introspect(introSecret).want(t, 200)
		wantSlowed(t, introspect(strings.Repeat("w", 40)))
		wantSlowed(t, s.tryLogin("ana", goodPassword))
	})
}
