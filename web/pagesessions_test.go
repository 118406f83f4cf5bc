package web

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/sqlite"
)

func TestWhatResetsTheEndsOfASession(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	t.Run("SC-08_activity_moves_the_idle_end", func(t *testing.T) {
		for range 3 {
			s.turn(23 * time.Hour)
			if r := b.open("/account"); r.status != 200 {
				t.Fatalf("in use: %d", r.status)
			}
		}
	})
	for range 26 { // now 29 days and 23 hours after the login
		s.turn(24*time.Hour - time.Minute)
		b.open("/account")
	}
	t.Run("SC-08_authenticating_again_moves_both", func(t *testing.T) {
		b.open("/account/password")
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		b.wantRedirect("/account")
		for range 5 { // past the absolute end of the first
			s.turn(23 * time.Hour)
			if r := b.open("/account"); r.status != 200 {
				t.Fatalf("after a new login: %d", r.status)
			}
		}
	})
	t.Run("SC-08_activity_does_not_move_the_absolute_end", func(t *testing.T) {
		for range 27 {
			s.turn(23 * time.Hour)
			b.open("/account")
		}
		if b.at.status != 303 {
			t.Errorf("more than 30 days after the login: %d", b.at.status)
		}
	})
}

func TestSecondCheckBeforeWhatCannotBeUndone(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	s.turn(5*time.Minute + time.Second)
	t.Run("SC-16_SC-14_the_API_wants_a_fresh_login_or_the_password", func(t *testing.T) {
		if r := s.ask("GET", "/v1/account/export", "", bearing(ana.access)); r.status != 403 || r.code() != "reauth-required" {
			t.Errorf("export: %d %s", r.status, r.body)
		}
		for _, body := range []string{"{}", `{"password":""}`, `{"password":"` + wrongPassword + `"}`} {
			if r := s.json("DELETE", "/v1/account", body, bearing(ana.access)); r.status < 400 || r.status >= 500 {
				t.Errorf("delete with %s: %d", body, r.status)
			}
		}
	})
	t.Run("SC-16_the_pages_want_the_password", func(t *testing.T) {
		for _, path := range []string{"/account/export", "/account/delete"} {
			for _, password := range []string{"", wrongPassword} {
				b.open(path)
				if r := b.submit(path, url.Values{"password": {password}}); r.status < 400 || r.status >= 500 ||
					strings.Contains(r.header.Get("Content-Disposition"), "export") {
					t.Errorf("%s with %q: %d", path, password, r.status)
				}
			}
		}
		if r := s.ask("GET", "/v1/me", "", bearing(ana.access)); r.status != 200 {
			t.Errorf("and nothing was deleted: %d", r.status)
		}
	})
	t.Run("SC-16_with_it_they_do", func(t *testing.T) {
		b.open("/account/export")
		if r := b.submit("/account/export", url.Values{"password": {goodPassword}}); r.status != 200 || !strings.Contains(r.body, `"username": "ana"`) ||
			r.header.Get("Content-Disposition") != `attachment; filename="gatehouse-export.json"` || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("export: %d %v", r.status, r.header)
		}
		b.open("/account/delete")
		b.submit("/account/delete", url.Values{"password": {goodPassword}})
		b.wantRedirect("/login?done=deleted")
	})
}

func TestPagesOfWhoIsLoggedInAreKeptByNobody(t *testing.T) {
	s := openEverything(t)
	b := s.browse()
	b.enter("ana")
	visited := 0
	for _, row := range s.door.rows() {
		if row.method != "GET" || !row.who.isPage() {
			continue
		}
		t.Run("SC-21_PH-19_"+row.path, func(t *testing.T) {
			r := b.open(fill(row.path))
			if got := r.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" || r.header.Get("ETag") != "" || r.header.Get("Expires") != "" {
				t.Errorf("got %d %v", r.status, r.header)
			}
			visited++
		})
	}
	if visited < 8 {
		t.Errorf("only %d pages", visited)
	}
	t.Run("SC-21_every_way_out_clears_the_browser", func(t *testing.T) {
		const want = `"cache", "cookies", "storage"`
		b.open("/account")
		if r := b.submit("/logout", nil); r.header.Get("Clear-Site-Data") != want {
			t.Errorf("logout: %q", r.header.Get("Clear-Site-Data"))
		}
		b.open("/login")
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		b.open("/account")
		id := b.at.body[strings.Index(b.at.body, `name="id" value="`)+len(`name="id" value="`):][:36]
		if r := b.submit("/account/sessions/end", url.Values{"id": {id}}); r.header.Get("Clear-Site-Data") != want {
			t.Errorf("end of the own session: %d %q", r.status, r.header.Get("Clear-Site-Data"))
		}
		b.open("/login")
		b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
		b.open("/account/delete")
		if r := b.submit("/account/delete", url.Values{"password": {goodPassword}}); r.header.Get("Clear-Site-Data") != want {
			t.Errorf("deletion: %d %q", r.status, r.header.Get("Clear-Site-Data"))
		}
	})
}

func TestCookiesTellNothingAboutAnybody(t *testing.T) {
	s := open(t)
	user := s.register("ana-maria")
	b := s.browse()
	b.open("/reset?code=ghc_x")
	lines := slices.Clone(b.at.header["Set-Cookie"])
	b.open("/login")
	lines = append(lines, b.at.header["Set-Cookie"]...)
	b.submit("/login", url.Values{"identifier": {"ana-maria"}, "password": {goodPassword}})
	lines = append(lines, b.at.header["Set-Cookie"]...)
	again := s.browse()
	again.open("/login")
	again.submit("/login", url.Values{"identifier": {"ana-maria"}, "password": {goodPassword}})
	t.Run("SC-28_opaque_in_every_decoding", func(t *testing.T) {
		for _, line := range lines {
			pair, _, _ := strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			texts := []string{value}
			for _, piece := range append(strings.FieldsFunc(value, func(r rune) bool { return r == '.' || r == '_' || r == '-' }), value) {
				for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.StdEncoding} {
					if plain, err := encoding.DecodeString(piece); err == nil {
						texts = append(texts, string(plain))
					}
				}
			}
			id := user.ID.String()
			for _, text := range texts {
				for _, personal := range []string{"ana-maria", "ana-maria@example.com", id, strings.ReplaceAll(id, "-", ""), "{", "pwd", "127.0.0.1"} {
					if len(text) > 3 && strings.Contains(strings.ToLower(text), personal) && personal != "{" || strings.HasPrefix(text, `{"`) {
						t.Errorf("%s holds %q: %q", name, personal, text)
					}
				}
				if raw := user.ID; strings.Contains(text, string(raw[:])) {
					t.Errorf("%s holds the id of the user", name)
				}
			}
		}
		if len(lines) < 3 {
			t.Errorf("only %d cookies", len(lines))
		}
	})
	t.Run("SC-28_two_logins_share_nothing", func(t *testing.T) {
		one, two := b.cookie(sessionCookie), again.cookie(sessionCookie)
		for i := range len(one) - 8 {
			if strings.Contains(two, one[i:i+8]) {
				t.Errorf("both hold %q", one[i:i+8])
			}
		}
	})
}

func TestAssuranceStaysThatOfTheLogin(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	told := func(access string) string {
		r := s.form("/v1/token/introspect", "token="+access, withSecret)
		if !strings.Contains(r.body, `"acr":"aal1"`) || !strings.Contains(r.body, `"amr":["pwd"]`) {
			t.Errorf("SC-26: %s", r.body)
		}
		_, rest, _ := strings.Cut(r.body, `"auth_time":`)
		time, _, _ := strings.Cut(rest, ",")
		return strings.TrimSuffix(time, "}")
	}
	first := told(ana.access)
	s.turn(2 * time.Hour)
	t.Run("SC-26_a_refresh_is_no_login", func(t *testing.T) {
		r := s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+ana.refresh+`"}`)
		ana.access = r.member(t, "access_token")
		if got := told(ana.access); got != first || first == "" {
			t.Errorf("auth_time %s, want %s", got, first)
		}
	})
	t.Run("SC-26_nor_is_a_rename_or_a_look", func(t *testing.T) {
		s.json("PATCH", "/v1/me", `{"username":"anna"}`, bearing(ana.access))
		s.ask("GET", "/v1/me", "", bearing(ana.access))
		if got := told(ana.access); got != first {
			t.Errorf("auth_time %s, want %s", got, first)
		}
	})
	t.Run("SC-26_nor_a_confirmed_password", func(t *testing.T) {
		b := s.browse()
		b.open("/login")
		b.submit("/login", url.Values{"identifier": {"anna"}, "password": {goodPassword}})
		issue := func() string {
			csrf := csrfIn(t, b.open("/account").body)
			r := b.do("POST", "/v1/token", "{}", withJSON, saying("same-origin", ""), header(csrfHeader, csrf))
			return told(r.member(t, "access_token"))
		}
		before := issue()
		s.turn(time.Hour)
		b.open("/account/export")
		b.submit("/account/export", url.Values{"password": {goodPassword}})
		if after := issue(); after != before {
			t.Errorf("auth_time %s, want %s", after, before)
		}
	})
	t.Run("SC-26_a_login_is", func(t *testing.T) {
		r := s.json("POST", "/v1/login", `{"identifier":"anna","password":"`+goodPassword+`"}`)
		if got := told(r.member(t, "access_token")); got == first {
			t.Error("auth_time is that of an older login")
		}
	})
}

func TestSessionsOfProgramsOnThePage(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	phone := s.login("ana") // a refresh token, from a program
	t.Run("RF-14_each_is_seen_and_ended_on_the_page", func(t *testing.T) {
		if page := b.open("/account"); !strings.Contains(page.body, phone.session) || strings.Count(page.body, `action="/account/sessions/end"`) != 2 {
			t.Fatal("the page must list both with a button each")
		}
		b.submit("/account/sessions/end", url.Values{"id": {phone.session}})
		b.wantRedirect("/account?done=session")
		if r := s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+phone.refresh+`"}`); r.status != 401 {
			t.Errorf("its refresh token: %d", r.status)
		}
		if r := s.ask("GET", "/v1/me", "", bearing(phone.access)); r.status != 401 {
			t.Errorf("its access token: %d", r.status)
		}
		if page := b.open("/account"); page.status != 200 || strings.Contains(page.body, phone.session) {
			t.Errorf("the page afterwards: %d", page.status)
		}
	})
}

// TestAnotherProcessSeesTheEnd has two doors on one store, as two processes have.
func TestAnotherProcessSeesTheEnd(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	keys, err := s.store.Store.(*sqlite.Store).MasterKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := gatehouse.New(t.Context(), s.store, gatehouse.Config{Issuer: s.url, Audience: "shop", MasterKey: keys.Current})
	if err != nil {
		t.Fatal(err)
	}
	first, second := s.door, New(other, Config{}).(*door)
	cookie := header("Cookie", sessionCookie+"="+b.cookie(sessionCookie))
	at := func(d *door) int {
		s.door = d
		defer func() { s.door = first }()
		return s.direct("GET", "/account", "", cookie).status
	}
	t.Run("SC-29_with_the_very_next_request", func(t *testing.T) {
		if one, two := at(first), at(second); one != 200 || two != 200 {
			t.Fatalf("before: %d and %d", one, two)
		}
		b.open("/account")
		b.submit("/logout", nil)
		if one, two := at(first), at(second); one != 303 || two != 303 {
			t.Errorf("after the logout: %d and %d", one, two)
		}
	})
}
