package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehouse/model"
)

// What the description announces where mail is sent is what can happen there.
func TestOpenAPIWithMail(t *testing.T) {
	t.Parallel()
	s, _ := openMailed(t)
	var doc map[string]any
	if err := json.Unmarshal([]byte(s.ask("GET", "/openapi.json", "").body), &doc); err != nil {
		t.Fatal(err)
	}
	const who = `"ana@example.com","password":"` + goodPassword + `"}`
	for _, c := range []shape{
		{"a_registration", "POST /v1/register", s.json("POST", "/v1/register", `{"email":`+who)},
		{"a_login_before_the_proof", "POST /v1/login", s.json("POST", "/v1/login", `{"identifier":`+who)},
		{"a_lost_password", "POST /v1/password/forgot", s.json("POST", "/v1/password/forgot", `{"email":"ana@example.com"}`)},
		{"a_code_of_nobody", "POST /v1/email/verify", s.json("POST", "/v1/email/verify", `{"code":"ghc_none"}`)},
		{"a_change_by_nobody", "POST /v1/email/change", s.json("POST", "/v1/email/change", `{"email":`+who)},
	} {
		t.Run(c.name, func(t *testing.T) { validate(t, doc, c) })
	}
	announced := func(operation string) (codes []string) {
		method, path, _ := strings.Cut(operation, " ")
		for _, answer := range at(doc, "paths", path, strings.ToLower(method), "responses").(map[string]any) {
			codes = append(codes, strings.Split(at(answer, "description").(string), ", ")...)
		}
		return codes
	}
	t.Run("only_a_login_tells_of_an_email_that_is_not_proven", func(t *testing.T) {
		for operation := range operations(true) {
			want := operation == "POST /v1/login"
			if operation != "POST /v1/token/introspect" && slices.Contains(announced(operation), model.ErrEmailUnverified.Code) != want {
				t.Errorf("%s: announced %v, want %v", operation, !want, want)
			}
		}
	})
	t.Run("a_code_of_a_disabled_user_is_like_any_that_is_not_good", func(t *testing.T) {
		if codes := announced("POST /v1/email/verify"); slices.Contains(codes, model.ErrUserDisabled.Code) {
			t.Errorf("announced: %v", codes)
		}
	})
	t.Run("each_refusal_is_named_once", func(t *testing.T) {
		for _, mail := range []bool{false, true} {
			for key, op := range operations(mail) {
				for i, refusal := range op.refusals {
					if slices.Contains(op.refusals[:i], refusal) {
						t.Errorf("%s (mail: %v) names %s twice", key, mail, refusal.Code)
					}
				}
			}
		}
	})
	if r := s.json("POST", "/v1/login", `{"identifier":`+who); r.status != http.StatusForbidden || r.code() != model.ErrEmailUnverified.Code {
		t.Errorf("the login is answered %d %s, so nothing above was looked at", r.status, r.code())
	}
}
