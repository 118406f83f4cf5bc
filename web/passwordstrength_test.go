package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// strength asks as the script of a page does, with the token of the page that
// is open.
func (b *tab) strength(values url.Values, how ...asking) reply {
	b.s.t.Helper()
	values.Set("csrf", csrfIn(b.s.t, b.at.body))
	page := b.at
	r := b.do("POST", strengthPath, values.Encode(), append([]asking{withForm, saying("same-origin", "null")}, how...)...)
	b.at = page
	return r
}

func hintOf(t *testing.T, r reply) (hint strengthAnswer) {
	t.Helper()
	if r.status != 200 || r.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Fatalf("got %d %v %s", r.status, r.header, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &hint); err != nil {
		t.Fatal(err)
	}
	return hint
}

func TestPasswordStrength(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.open("/register")
	tests := []struct {
		name, password, username, email string
		score                           int
		hint                            string
	}{
		{"too_short", "short", "", "", 0, "Use 15 characters or more."},
		{"PW-07_common", "passwordpassword", "", "", 0, "This password is common"},
		{"PW-08_context", "MargueriteDuval2026", "marguerite.duval", "", 0, "This password is made of your name"},
		{"PW-08_context_of_the_email", "lafontaine12345", "", "m@lafontaine.example", 0, "This password is made of your name"},
		{"repeats", strings.Repeat("xy", 20), "", "", 1, "Weak: it repeats itself."},
		{"runs", "abcdefghijklmnop", "", "", 1, "Weak: runs like abc"},
		{"strong", "lantern quarry velvet moth", "", "", 4, "Strong (estimate)."},
		{"longer_than_is_judged", strings.Repeat("lantern quarry velvet moth ", 9), "", "", 4, "Strong (estimate)."},
		{"emoji", "🌋🐙🎻🧭🪁🦔🍋🛶🎩🔭🌵🧶🪕🐚🦉", "", "", 4, "Strong (estimate)."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := hintOf(t, b.strength(url.Values{"password": {tt.password}, "username": {tt.username}, "email": {tt.email}}))
			if got.Score != tt.score || !strings.HasPrefix(got.Hint, tt.hint) {
				t.Errorf("got %+v, want %d and %q", got, tt.score, tt.hint)
			}
		})
	}
	t.Run("PW-08_somebody_who_is_logged_in_has_names", func(t *testing.T) {
		in := s.browse()
		in.enter("schwanenritter")
		in.open("/account/password")
		if got := hintOf(t, in.strength(url.Values{"password": {"Schwanenritter!"}})); got.Score != 0 {
			t.Errorf("got %+v, want what the change would be refused for", got)
		}
	})
	t.Run("PH-09_origin_and_token_are_needed", func(t *testing.T) {
		for name, r := range map[string]reply{
			"another origin": b.strength(url.Values{"password": {goodPassword}}, saying("cross-site", "https://evil.example")),
			"no token":       b.do("POST", strengthPath, "password=x", withForm, saying("same-origin", "")),
		} {
			if r.status != 403 {
				t.Errorf("%s: got %d, want 403", name, r.status)
			}
			b.open("/register")
		}
	})
	t.Run("AI-01_other_members_and_no_password_are_refused", func(t *testing.T) {
		for _, values := range []url.Values{{"password": {"x"}, "hint": {"y"}}, {"username": {"ana"}}} {
			if r := b.strength(values); r.status != 400 {
				t.Errorf("%v: got %d, want 400", values, r.status)
			}
		}
	})
	t.Run("LG-06_nothing_of_it_is_logged", func(t *testing.T) {
		for _, tt := range tests {
			if strings.Contains(s.logs.String(), tt.password) {
				t.Errorf("the log holds %q", tt.password)
			}
		}
	})
}

// The reason stands on top and beside the member, and nowhere else.
func TestBlockedPasswordsSayWhy(t *testing.T) {
	s := open(t)
	t.Run("PW-10_reason_and_guidance", func(t *testing.T) {
		for password, want := range map[string]string{"passwordpassword": "common", "gatehousegatehouse": "context"} {
			r := s.json("POST", "/v1/register", `{"username":"zoe","password":"`+password+`"}`)
			var got problem
			if err := json.Unmarshal([]byte(r.body), &got); err != nil {
				t.Fatal(err)
			}
			if r.status != 422 || got.Code != "password-blocked" || got.Reason != want || len(got.Errors) != 1 ||
				got.Errors[0].Reason != want || !strings.Contains(got.Errors[0].Detail, "unrelated words") {
				t.Errorf("got %d %s", r.status, r.body)
			}
		}
	})
	t.Run("PW-10_on_the_page_in_text", func(t *testing.T) {
		b := s.browse()
		b.open("/register")
		r := b.submit("/register", url.Values{"username": {"zoe"}, "password": {"passwordpassword"}})
		if r.status != 422 || strings.Count(r.body, "This password is common, so it is tried first. Use a few unrelated words") != 2 {
			t.Errorf("got %d %s", r.status, r.body)
		}
	})
	t.Run("another_refusal_has_no_reason", func(t *testing.T) {
		r := s.json("POST", "/v1/register", `{"username":"a b","password":"passwordpassword"}`)
		var got problem
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Code != "username-invalid" || got.Reason != "" || len(got.Errors) != 2 {
			t.Errorf("got %s", r.body)
		}
	})
}
