package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func withSecret(r *http.Request) { r.SetBasicAuth("shop", introSecret) }

func TestBearer(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	for name, r := range map[string]reply{
		"query":           s.ask("GET", "/v1/me?access_token="+ana.access, ""),
		"query_and_head":  s.ask("GET", "/v1/me?access_token="+ana.access, "", bearing(ana.access)),
		"form":            s.form("/v1/logout", "access_token="+ana.access),
		"cookie":          s.ask("GET", "/v1/me", "", header("Cookie", "access_token="+ana.access)),
		"session_cookie":  s.ask("GET", "/v1/me", "", header("Cookie", sessionCookie+"="+b.cookie(sessionCookie))),
		"two_headers":     s.ask("GET", "/v1/me", "", header("Authorization", "Bearer "+ana.access, "Bearer "+ana.access)),
		"two_in_one":      s.ask("GET", "/v1/me", "", header("Authorization", "Bearer "+ana.access+", Bearer "+ana.access)),
		"both_parties":    s.ask("GET", "/v1/me", "", bearing(ana.access), header("Cookie", sessionCookie+"="+b.cookie(sessionCookie))),
		"other_scheme":    s.ask("GET", "/v1/me", "", header("Authorization", "DPoP "+ana.access)),
		"other_header":    s.ask("GET", "/v1/me", "", header("X-Authorization", "Bearer "+ana.access)),
		"proxy_header":    s.ask("GET", "/v1/me", "", header("Proxy-Authorization", "Bearer "+ana.access)),
		"basic":           s.ask("GET", "/v1/me", "", func(r *http.Request) { r.SetBasicAuth("ana", goodPassword) }),
		"refresh_token":   s.ask("GET", "/v1/me", "", bearing(ana.refresh)),
		"cut":             s.ask("GET", "/v1/me", "", bearing(ana.access[:len(ana.access)-1])),
		"without_the_end": s.ask("GET", "/v1/me", "", bearing(ana.access[:strings.LastIndex(ana.access, ".")+1])),
	} {
		t.Run("JW-34_JW-35_"+name, func(t *testing.T) {
			if r.status != 400 && r.status != 401 {
				t.Fatalf("got %d %s", r.status, r.body)
			}
			want := `Bearer error="invalid_token"`
			if got := r.header.Get("WWW-Authenticate"); r.status == 401 && got != want {
				t.Errorf("JW-35: got %q, want %q", got, want)
			}
		})
	}
	t.Run("JW-34_and_none_of_it_is_logged", func(t *testing.T) {
		if strings.Contains(s.logs.String(), ana.access) {
			t.Error("the token is in the log")
		}
	})
}

func TestMalformedAuthorization(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	for name, value := range map[string]string{
		"empty": "", "bearer_alone": "Bearer", "bearer_space": "Bearer ", "many_spaces": "Bearer      " + ana.access, "space_after": "Bearer x y",
		"long": "Bearer " + strings.Repeat("x", 9<<10), "dots": "Bearer " + strings.Repeat(".", 4000), "not_utf8": "Bearer \xff\xfe",
		"tab": "Bearer\t" + ana.access, "comma": ",", "non_ascii": "Bearer é",
	} {
		t.Run("JW-36_"+name, func(t *testing.T) {
			r := s.ask("GET", "/v1/me", "", header("Authorization", value))
			if r.status != 400 && r.status != 401 && r.status != 431 {
				t.Errorf("got %d", r.status)
			}
			if r := s.ask("GET", "/v1/me", "", header("Authorization", "bEaReR "+ana.access)); r.status != 200 {
				t.Errorf("afterwards, in another case: %d", r.status)
			}
		})
	}
}

func TestTheSessionBehindTheToken(t *testing.T) {
	s := open(t)
	s.register("ana")
	ana := s.login("ana")
	t.Run("JW-27_a_dead_session_is_seen_at_once", func(t *testing.T) {
		if r := s.json("POST", "/v1/logout", "", bearing(ana.access)); r.status != 204 {
			t.Fatalf("logout: %d %s", r.status, r.body)
		}
		for _, target := range []string{"GET /v1/me", "GET /v1/sessions", "GET /v1/account/export", "POST /v1/logout"} {
			method, path, _ := strings.Cut(target, " ")
			if r := s.ask(method, path, "", bearing(ana.access)); r.status != 401 {
				t.Errorf("%s: %d", target, r.status)
			}
		}
		if r := s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+ana.refresh+`"}`); r.status != 401 {
			t.Errorf("SC-09: refresh %d", r.status)
		}
		if r := s.form("/v1/token/introspect", "token="+ana.access, withSecret); r.body != `{"active":false}` {
			t.Errorf("SC-09: introspect %s", r.body)
		}
	})
	t.Run("SC-14_SC-16_export_asks_for_a_fresh_password", func(t *testing.T) {
		ana := s.login("ana")
		s.turn(5*time.Minute + 2*time.Second)
		if r := s.ask("GET", "/v1/account/export", "", bearing(ana.access)); r.status != 403 || r.code() != "reauth-required" {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
}

func TestTokenKindsAreNotExchangeable(t *testing.T) {
	s := openEverything(t)
	user := s.register("ana")
	ana := s.login("ana")
	verify := s.mailedCode("/v1/register", `{"username":"eva","email":"eva@example.com","password":"`+goodPassword+`"}`, "eva@example.com")
	code, err := s.auth.IssueResetCode(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browse()
	b.open("/login")
	csrf := csrfIn(t, b.at.body)
	b.submit("/login", url.Values{"identifier": {"ana"}, "password": {goodPassword}})
	secrets := map[string]string{
		"access": ana.access, "refresh": ana.refresh, "code": string(code), "session": b.cookie(sessionCookie), "csrf": csrf, "introspection": introSecret,
		"verify": verify, "device": b.cookie(deviceCookie),
	}
	places := map[string]func(string) int{
		"access":  func(v string) int { return s.ask("GET", "/v1/me", "", bearing(v)).status },
		"refresh": func(v string) int { return s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+v+`"}`).status },
		"code": func(v string) int {
			return s.json("POST", "/v1/password/reset", `{"code":"`+v+`","new_password":"`+goodPassword+`"}`).status
		},
		"session": func(v string) int {
			return s.ask("POST", "/v1/token", "{}", withJSON, saying("same-origin", ""), header("Cookie", sessionCookie+"="+v), header(csrfHeader, csrfToken(v, "session"))).status
		},
		"csrf": func(v string) int {
			return s.ask("POST", "/v1/token", "{}", withJSON, saying("same-origin", ""), header("Cookie", sessionCookie+"="+b.cookie(sessionCookie)), header(csrfHeader, v)).status
		},
		"verify": func(v string) int { return s.json("POST", "/v1/email/verify", `{"code":"`+v+`"}`).status },
		"introspection": func(v string) int {
			return s.form("/v1/token/introspect", "token=x", func(r *http.Request) { r.SetBasicAuth("shop", v) }).status
		},
	}
	for place, try := range places {
		for kind, secret := range secrets {
			if kind == place {
				continue
			}
			t.Run("RF-15_"+kind+"_as_"+place, func(t *testing.T) {
				if got := try(secret); got != 401 && got != 400 && !(place == "csrf" && got == 403) {
					t.Errorf("got %d", got)
				}
			})
		}
	}
	t.Run("RF-15_each_still_works_in_its_own_place", func(t *testing.T) {
		for _, kind := range []string{"access", "session", "introspection", "refresh", "code", "verify"} {
			if got := places[kind](secrets[kind]); got != 200 && got != 204 {
				t.Errorf("%s: %d", kind, got)
			}
		}
	})
}

func TestOnlyTheExactRefreshTokenCounts(t *testing.T) {
	s := open(t)
	s.register("ana")
	t.Run("RF-16_only_the_exact_text_counts", func(t *testing.T) {
		ana := s.login("ana")
		rt := ana.refresh
		for _, wrong := range []string{
			rt[:len(rt)-1], rt[1:], rt + "A", rt + "=", rt + " ", " " + rt, rt + "\n", rt + "\x00", strings.ToLower(rt), strings.ToUpper(rt),
			strings.TrimPrefix(rt, "ghr_"), "GHR_" + rt[4:], "ghr-" + rt[4:], rt + rt, "Bearer " + rt, `"` + rt + `"`, url.QueryEscape(rt + "+"),
			strings.Replace(rt, "_", "%5f", 1), rt[:20] + "\u200b" + rt[20:], "ｇ" + rt[1:],
		} {
			if r := s.refresh(wrong); r.status != 401 && r.status != 400 {
				t.Errorf("%q: %d", wrong, r.status)
			}
		}
		if r := s.refresh(rt); r.status != 200 {
			t.Errorf("the true one afterwards: %d %s", r.status, r.body)
		}
	})
	t.Run("RF-18_token_answers_are_not_kept", func(t *testing.T) {
		ana := s.login("ana")
		for _, r := range []reply{s.refresh(ana.refresh), s.refresh("x"), s.json("POST", "/v1/token/refresh", "{"), s.json("POST", "/v1/login", "{}"),
			s.json("POST", "/v1/login", `{"identifier":"ana","password":"`+goodPassword+`"}`), s.form("/v1/token/introspect", "token="+ana.access, withSecret),
			s.form("/v1/token/introspect", "token=x"), s.ask("POST", "/v1/token", "{}", withJSON)} {
			if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Location") != "" || !strings.Contains(r.header.Get("Content-Type"), "json") {
				t.Errorf("%d %v", r.status, r.header)
			}
		}
	})
}

func TestRevoke(t *testing.T) {
	s := open(t)
	s.register("ana")
	for name, c := range map[string]struct {
		token func(person) string
		form  bool
		hint  string
		dead  bool
	}{
		"refresh_token":            {func(p person) string { return p.refresh }, false, "", true},
		"access_token":             {func(p person) string { return p.access }, false, "", true},
		"form_refresh_token":       {func(p person) string { return p.refresh }, true, "", true},
		"form_with_a_right_hint":   {func(p person) string { return p.refresh }, true, "refresh_token", true},
		"form_with_a_wrong_hint":   {func(p person) string { return p.refresh }, true, "access_token", true},
		"form_with_a_strange_hint": {func(p person) string { return p.access }, true, "pigeon", true},
		"unknown_token":            {func(person) string { return "x" }, true, "", false},
		"almost_a_token":           {func(p person) string { return p.refresh + "A" }, false, "", false},
	} {
		t.Run("RF-07_"+name, func(t *testing.T) {
			ana := s.login("ana")
			var r reply
			if c.form {
				values := url.Values{"token": {c.token(ana)}}
				if c.hint != "" {
					values.Set("token_type_hint", c.hint)
				}
				r = s.form("/v1/token/revoke", values.Encode())
			} else {
				r = s.json("POST", "/v1/token/revoke", `{"token":"`+c.token(ana)+`"}`)
			}
			if r.status != 200 {
				t.Fatalf("got %d %s", r.status, r.body)
			}
			alive := s.ask("GET", "/v1/me", "", bearing(ana.access)).status == 200 && s.refresh(ana.refresh).status == 200
			if alive == c.dead {
				t.Errorf("alive %v, want %v", alive, !c.dead)
			}
		})
	}
}

func TestTheStoreDoesNotAnswer(t *testing.T) {
	s := open(t)
	s.register("ana")
	t.Run("RF-08_a_store_that_does_not_answer_is_told", func(t *testing.T) {
		ana := s.login("ana")
		b := s.browse()
		b.enter("cid")
		s.store.broken.Store(true)
		defer s.store.broken.Store(false)
		for name, r := range map[string]reply{
			"refresh token": s.form("/v1/token/revoke", "token="+ana.refresh),
			"access token":  s.form("/v1/token/revoke", "token="+ana.access),
			"introspect":    s.form("/v1/token/introspect", "token="+ana.access, withSecret),
			"me":            s.ask("GET", "/v1/me", "", bearing(ana.access)),
			"ready":         s.ask("GET", "/readyz", ""),
			"page":          b.open("/account"),
		} {
			if r.status != 503 || r.header.Get("Retry-After") == "" || strings.Contains(r.body, "store") {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		if r := s.ask("GET", "/healthz", ""); r.status != 200 || r.body != "ok" {
			t.Errorf("healthz: %d %q", r.status, r.body)
		}
	})
	t.Run("RF-08_and_afterwards_all_is_well", func(t *testing.T) {
		if r := s.ask("GET", "/readyz", ""); r.status != 200 || r.body != "ok" {
			t.Errorf("readyz: %d %q", r.status, r.body)
		}
	})
}

func TestIntrospection(t *testing.T) {
	s := open(t)
	user := s.register("ana")
	ana := s.login("ana")
	for name, how := range map[string]asking{
		"nothing": func(*http.Request) {}, "wrong": func(r *http.Request) { r.SetBasicAuth("shop", introSecret+"x") },
		"empty": func(r *http.Request) { r.SetBasicAuth("shop", "") }, "bearer": bearing(ana.access), "as_user": func(r *http.Request) { r.SetBasicAuth(introSecret, "") },
		"twice": header("Authorization", "Basic c2hvcDpNQVJLRVI=", "Basic c2hvcDpNQVJLRVI="), "broken": header("Authorization", "Basic !!"),
	} {
		t.Run("JW-28_caller_"+name, func(t *testing.T) {
			r := s.form("/v1/token/introspect", "token="+ana.access, how)
			if r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("got %d %v", r.status, r.header)
			}
		})
	}
	foreign := open(t)
	foreign.register("ben")
	ben := foreign.login("ben")
	expired, revoked := s.login("ana"), s.login("ana")
	s.form("/v1/token/revoke", "token="+revoked.refresh)
	s.turn(11*time.Minute + time.Second)
	for name, token := range map[string]string{
		"foreign": ben.access, "foreign_refresh": ben.refresh, "garbage": "x", "expired": expired.access, "revoked": revoked.access,
		"revoked_refresh": revoked.refresh, "code": "ghc_x", "cookie": strings.Repeat("A", 43),
	} {
		t.Run("JW-28_inactive_"+name, func(t *testing.T) {
			if r := s.form("/v1/token/introspect", "token="+token, withSecret); r.status != 200 || r.body != `{"active":false}` {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	t.Run("JW-28_SC-26_active", func(t *testing.T) {
		fresh := s.login("ana")
		r := s.form("/v1/token/introspect", "token="+fresh.access+"&token_type_hint=refresh_token", withSecret)
		var got introspectionAnswer
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || !got.Active || got.Subject != user.ID.String() ||
			got.SessionID != fresh.session || got.ACR != "aal1" || len(got.AMR) != 1 || got.AMR[0] != "pwd" || got.Username != "ana" {
			t.Errorf("got %s, %v", r.body, err)
		}
		if r := s.json("POST", "/v1/token/introspect", `{"token":"x"}`, withSecret); r.status != 415 {
			t.Errorf("JSON: %d", r.status)
		}
	})
}

func TestWellKnown(t *testing.T) {
	s := open(t)
	t.Run("JW-29_metadata_lists_only_what_works", func(t *testing.T) {
		r := s.ask("GET", "/.well-known/oauth-authorization-server", "")
		var all map[string]any
		if err := json.Unmarshal([]byte(r.body), &all); err != nil || all["issuer"] != s.url {
			t.Fatalf("got %s, %v", r.body, err)
		}
		called := 0
		for name, value := range all {
			at, ok := value.(string)
			if !ok || name == "issuer" {
				continue
			}
			called++
			path, own := strings.CutPrefix(at, s.url)
			if !own || !strings.HasPrefix(at, "https://") {
				t.Errorf("%s is %s", name, at)
			}
			methods, _ := s.door.routes.find(path)
			if _, post := methods["POST"]; post {
				if r := s.form(path, "token=x", withSecret); r.status != 200 {
					t.Errorf("%s: %d", at, r.status)
				}
			} else if r := s.ask("GET", path, ""); r.status != 200 {
				t.Errorf("%s: %d", at, r.status)
			}
		}
		if called != 3 {
			t.Errorf("%d endpoints: %s", called, r.body)
		}
	})
	t.Run("JW-23_PH-19_key_set", func(t *testing.T) { wantPublicKeys(t, s.ask("GET", "/.well-known/jwks.json", "")) })
	t.Run("status_list_is_cached_by_its_tag", func(t *testing.T) {
		r := s.ask("GET", "/v1/status-list", "")
		tag := r.header.Get("ETag")
		if r.status != 200 || r.header.Get("Content-Type") != statusListType || r.header.Get("Cache-Control") != "public, max-age=1" || len(tag) < 20 {
			t.Fatalf("got %d %v", r.status, r.header)
		}
		for _, c := range []struct {
			lines []string
			want  bool
		}{
			{[]string{tag}, true}, {[]string{"W/" + tag}, true}, {[]string{`"x", ` + tag}, true}, {[]string{`"x"`, tag}, true}, {[]string{"*"}, true},
			{[]string{`"x"`}, false}, {nil, false}, {[]string{strings.Trim(tag, `"`)}, false},
		} {
			if got := matches(c.lines, tag); got != c.want {
				t.Errorf("%q: got %v", c.lines, got)
			}
		}
		if again := s.ask("GET", "/v1/status-list", "", header("If-None-Match", "*")); again.status != 304 || again.body != "" || again.header.Get("ETag") == "" {
			t.Errorf("got %d %v", again.status, again.header)
		}
	})
}

// wantPublicKeys wants a key set of public parts.
func wantPublicKeys(t *testing.T, r reply) {
	t.Helper()
	if r.status != 200 || r.header.Get("Cache-Control") != "public, max-age=300" || !strings.Contains(r.body, `"kty":"OKP"`) {
		t.Errorf("got %d %v %s", r.status, r.header, r.body)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(r.body), &set); err != nil || len(set.Keys) == 0 {
		t.Fatal(r.body, err)
	}
	for _, key := range set.Keys {
		for name := range key {
			if !slices.Contains([]string{"kty", "crv", "x", "use", "alg", "kid"}, name) {
				t.Errorf("a key has the member %q", name)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" {
			t.Errorf("got %v", key)
		}
	}
}

func (s *site) refresh(token string) reply {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"refresh_token": token})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.json("POST", "/v1/token/refresh", string(body))
}
