package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/jwt"
)

// door is a handler behind Require that says who came in.
func (w *world) door(v *Verifier, demands ...Demand) http.Handler {
	return v.Require(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		claims, ok := FromContext(in.Context())
		if !ok {
			w.t.Error("there are no claims behind the door")
			return
		}
		_, _ = io.WriteString(out, claims.Subject)
	}), demands...)
}

func knock(door http.Handler, authorization ...string) *http.Response {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header["Authorization"] = authorization
	answer := httptest.NewRecorder()
	door.ServeHTTP(answer, request)
	return answer.Result()
}

// wantRefusal checks everything about a refusal.
func wantRefusal(t *testing.T, got *http.Response, status int, code, challenge string) {
	t.Helper()
	body, err := io.ReadAll(got.Body)
	must(t, err)
	var said map[string]any
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatalf("status %d with %q: %v", got.StatusCode, body, err)
	}
	if got.StatusCode != status || said["status"] != float64(status) || said["code"] != code || len(said) != 4 {
		t.Errorf("got status %d and %s, want %d %s", got.StatusCode, body, status, code)
	}
	if kind, _ := said["type"].(string); !strings.HasPrefix(kind, "https://") || !strings.HasSuffix(kind, "/errors/"+code) {
		t.Errorf("got type %v", said["type"])
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json; charset=utf-8", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "WWW-Authenticate": challenge,
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

const invalidToken = `Bearer error="invalid_token"`

func TestRequire(t *testing.T) {
	w := newWorld(t)
	v := w.renewed()
	token := w.token(1)
	open := w.door(v)

	t.Run("JW-34_one_header_with_one_token_comes_in", func(t *testing.T) {
		for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
			got := knock(open, scheme+" "+token)
			if body, _ := io.ReadAll(got.Body); got.StatusCode != http.StatusOK || string(body) != "user-1" {
				t.Errorf("%s: got %d %q", scheme, got.StatusCode, body)
			}
		}
	})
	t.Run("JW-35_no_token", func(t *testing.T) {
		wantRefusal(t, knock(open), 401, "invalid-token", "Bearer")
		wantRefusal(t, knock(open, "Basic dXNlcjpwYXNz"), 401, "invalid-token", "Bearer")
	})
	t.Run("JW-34_two_headers_are_none", func(t *testing.T) {
		wantRefusal(t, knock(open, "Bearer "+token, "Bearer "+token), 401, "invalid-token", invalidToken)
		wantRefusal(t, knock(open, "Basic x", "Bearer "+token), 401, "invalid-token", invalidToken)
	})
	t.Run("JW-34_no_other_place_is_looked_at", func(t *testing.T) {
		request := httptest.NewRequest(http.MethodPost, "/?access_token="+token, strings.NewReader("access_token="+token))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.AddCookie(&http.Cookie{Name: "access_token", Value: token})
		request.Header.Set("X-Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		open.ServeHTTP(answer, request)
		wantRefusal(t, answer.Result(), 401, "invalid-token", "Bearer")
	})
	t.Run("JW-35_every_bad_token_gets_one_answer", func(t *testing.T) {
		for _, bad := range []string{
			w.token(1, func(c *jwt.Claims) { c.Audience = []string{"other"} }),
			w.token(1, func(c *jwt.Claims) { c.Issuer = "https://evil.example" }),
			w.token(1, func(c *jwt.Claims) {
				c.IssuedAt, c.ExpiresAt = c.IssuedAt.Add(-2*jwt.Leeway), c.IssuedAt.Add(-jwt.Leeway)
			}),
			w.token(places), w.list(listChange{}), token[:len(token)-1], token + "A", "x",
		} {
			wantRefusal(t, knock(open, "Bearer "+bad), 401, "invalid-token", invalidToken)
		}
	})
}

func TestMalformedAuthorization(t *testing.T) {
	w := newWorld(t)
	v := w.renewed()
	token := w.token(1)
	open := w.door(v)
	for name, header := range map[string]string{
		"empty": "", "a_space": " ", "bearer_alone": "Bearer", "bearer_and_a_space": "Bearer ", "many_spaces": "Bearer  " + token,
		"only_spaces": strings.Repeat(" ", 5000), "a_space_behind": "Bearer " + token + " ", "two_tokens": "Bearer " + token + " " + token,
		"a_list": "Bearer " + token + ", Bearer " + token, "a_tab": "Bearer\t" + token, "no_scheme": token, "NUL": "Bearer \x00" + token,
		"not_UTF-8": "Bearer \xff\xfe", "long": "Bearer " + strings.Repeat("a", 9<<10), "dots": "Bearer " + strings.Repeat(".", 1<<20),
		"a_prefix": "Bearerx " + token, "a_quoted_token": `Bearer "` + token + `"`, "equals_signs": "Bearer ===", "line_ends": "Bearer a\r\nb",
	} {
		t.Run("JW-36_"+name, func(t *testing.T) {
			got := knock(open, header)
			if challenge := got.Header.Get("WWW-Authenticate"); got.StatusCode != 401 || challenge != "Bearer" && challenge != invalidToken {
				t.Errorf("got %d with %q", got.StatusCode, challenge)
			}
		})
	}
}

func TestDemands(t *testing.T) {
	w, editor := newWorld(t), []string{"editor"}
	v := w.renewed()
	as := func(roles []string, scope string) string {
		return w.token(1, func(c *jwt.Claims) { c.Roles, c.Scope = roles, scope })
	}
	for _, test := range []struct {
		name    string
		token   string
		demands []Demand
		want    error
	}{
		{"nothing_demanded", as(nil, ""), nil, nil},
		{"the_role", as(editor, ""), []Demand{Role("editor")}, nil},
		{"one_of_several_roles", as([]string{"a", "editor"}, ""), []Demand{Role("editor")}, nil},
		{"no_role", as(nil, ""), []Demand{Role("editor")}, ErrForbidden},
		{"another_case", as([]string{"Editor"}, ""), []Demand{Role("editor")}, ErrForbidden},
		{"a_longer_role", as([]string{"editors"}, ""), []Demand{Role("editor")}, ErrForbidden},
		{"roles_in_one", as([]string{"editor admin"}, ""), []Demand{Role("editor")}, ErrForbidden},
		{"one_of_two_roles", as(editor, ""), []Demand{Role("editor"), Role("admin")}, ErrForbidden},
		{"the_scope", as(nil, "notes:read notes:write"), []Demand{Scope("notes:write")}, nil},
		{"both_scopes", as(nil, "notes:read notes:write"), []Demand{Scope("notes:write"), Scope("notes:read")}, nil},
		{"no_scope", as(nil, ""), []Demand{Scope("notes:write")}, ErrForbidden},
		{"a_prefix_of_a_scope", as(nil, "notes:write2"), []Demand{Scope("notes:write")}, ErrForbidden},
		{"a_scope_within_a_scope", as(nil, "x-notes:write"), []Demand{Scope("notes:write")}, ErrForbidden},
		{"a_role_is_no_scope", as([]string{"notes:write"}, ""), []Demand{Scope("notes:write")}, ErrForbidden},
		{"a_scope_is_no_role", as(nil, "editor"), []Demand{Role("editor")}, ErrForbidden},
		{"role_without_scope", as(editor, ""), []Demand{Role("editor"), Scope("notes:write")}, ErrForbidden},
		{"the_empty_role", as([]string{""}, " "), []Demand{Role("")}, ErrForbidden},
		{"the_empty_scope", as([]string{""}, " "), []Demand{Scope("")}, ErrForbidden},
		{"two_scopes_in_one", as(nil, "a b"), []Demand{Scope("a b")}, ErrForbidden},
		{"a_scope_with_a_quote", as(nil, `a"b`), []Demand{Scope(`a"b`)}, ErrForbidden},
		{"the_zero_demand", as(editor, "a"), []Demand{{}}, ErrForbidden},
		{"a_met_and_an_empty_one", as(editor, "a"), []Demand{Role("editor"), Role("")}, ErrForbidden},
		{"another_audience_with_the_role", w.token(1, func(c *jwt.Claims) { c.Audience = []string{"other"} }), []Demand{Role("editor")}, ErrInvalidToken},
		{"revoked_with_the_role", w.token(places), []Demand{Role("editor")}, ErrInvalidToken},
	} {
		t.Run("JW-37_"+test.name, func(t *testing.T) {
			wantCheck(t, v, test.token, test.want, test.demands...)
			status := map[error]int{nil: 200, ErrForbidden: 403, ErrInvalidToken: 401}[test.want]
			if got := knock(w.door(v, test.demands...), "Bearer "+test.token); got.StatusCode != status {
				t.Errorf("got status %d, want %d", got.StatusCode, status)
			}
		})
	}
	t.Run("JW-37_the_answer_names_the_scopes", func(t *testing.T) {
		door := w.door(v, Role("editor"), Scope("notes:write"), Scope("notes:read"))
		wantRefusal(t, knock(door, "Bearer "+as(editor, "")), 403, "forbidden",
			`Bearer error="insufficient_scope", scope="notes:write notes:read"`)
		wantRefusal(t, knock(w.door(v, Role("editor")), "Bearer "+as(nil, "")), 403, "forbidden", `Bearer error="insufficient_scope"`)
	})
	t.Run("JW-37_later_changes_of_the_list_of_demands_change_nothing", func(t *testing.T) {
		demands := []Demand{Role("admin")}
		door := w.door(v, demands...)
		demands[0] = Role("editor")
		if got := knock(door, "Bearer "+as(editor, "")); got.StatusCode != 403 {
			t.Errorf("got %d, want 403", got.StatusCode)
		}
	})
}

func TestADemandThatNobodyMeetsIsLogged(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t)
	v := w.still(func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	v.Require(http.NotFoundHandler(), Role("editor"))
	if log.Len() != 0 {
		t.Errorf("got %s", &log)
	}
	v.Require(http.NotFoundHandler(), Role(""))
	if !strings.Contains(log.String(), "closed to everybody") {
		t.Errorf("got %q", &log)
	}
}

func TestRequireWithoutKeysOrList(t *testing.T) {
	w := newWorld(t)
	door := w.door(w.still())
	got := knock(door, "Bearer "+w.token(1))
	if retry := got.Header.Get("Retry-After"); retry != "5" {
		t.Errorf("got Retry-After %q", retry)
	}
	wantRefusal(t, got, 503, "unavailable", "")
	wantRefusal(t, knock(door), 401, "invalid-token", "Bearer")
}

func TestFromContext(t *testing.T) {
	if claims, ok := FromContext(context.Background()); ok || claims != nil {
		t.Errorf("got %v, %t without a token", claims, ok)
	}
	w := newWorld(t)
	v := w.renewed()
	token := "Bearer " + w.token(1)
	t.Run("claims_of_two_requests_are_not_shared", func(t *testing.T) {
		door := v.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			claims, _ := FromContext(r.Context())
			if claims.Subject != "user-1" || claims.Roles[0] != "editor" {
				t.Errorf("somebody changed the claims: %+v", claims)
			}
			claims.Subject, claims.Roles[0] = "root", "admin"
		}))
		for range 3 {
			knock(door, token)
		}
	})
	t.Run("reading_them_allocates_nothing", func(t *testing.T) {
		ctx := context.WithValue(context.Background(), claimsKey{}, &Claims{Subject: "user-1"})
		if got := testing.AllocsPerRun(100, func() { _, _ = FromContext(ctx) }); got != 0 {
			t.Errorf("got %v allocations", got)
		}
	})
}
