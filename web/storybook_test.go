package web

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files of the pages")

// state is one page as somebody may meet it.
type state struct {
	name string // of its golden file
	page string
	view view
}

const (
	storyNonce = "q3vTnGmJ7uYxWkZ0bRfL4A"
	storyCSRF  = "Zx3mB0h1m0mU2m9g5o8T3J2kqk1vN4cW7d6yE5rFsA8"
	storyCode  = "ghc_5h1uQnV0y2kTqB8m7XzR4sW9dL3pJ6fGcA1eYtNoKiM"
	storyUA    = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	phoneUA    = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
	longName   = "the-longest-username-that-anybody-could-ever-want-to-carry-abcdef"
	longEmail  = "a.very.long.local.part.that.never.ends.and.goes.on@a-domain-name-that-is-just-as-long.and.has.many.parts.example.museum"
	hebrewName = "שלוםעולם"
)

var storyTime = time.Date(2026, time.March, 9, 8, 5, 0, 0, time.UTC)

func story(v view) view {
	v.Nonce, v.CSRF, v.PasswordMin = storyNonce, storyCSRF, 15
	return v
}

func signedStory(v view) view {
	v = story(v)
	v.Mail = true
	if v.Signed == nil {
		v.Signed = &signedView{Username: "ana"}
	}
	return v
}

func refusedStory(values map[string]string, errors ...fieldError) formView {
	return formView{Values: values, Errors: errors}
}

func storySession(n int) sessionView {
	agents := []string{
		storyUA, phoneUA, "curl/8.14.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
	}
	return sessionView{
		ID:         fmt.Sprintf("019a%028d", n),
		UserAgent:  agents[n%len(agents)],
		IP:         fmt.Sprintf("203.0.113.%d", n+7),
		CreatedAt:  storyTime.Add(-time.Duration(n) * 31 * time.Hour),
		LastUsedAt: storyTime.Add(-time.Duration(n) * 7 * time.Hour),
		Current:    n == 0,
	}
}

func storyAccount(sessions int) accountView {
	a := accountView{
		Username: "ana", Email: "ana@example.com", EmailVerified: true,
		Since: storyTime.AddDate(-1, -2, 0),
	}
	for n := range sessions {
		a.Sessions = append(a.Sessions, storySession(n))
	}
	return a
}

// storybook is every page in every state that looks different.
func storybook() []state {
	return append(append(doorStates(), accountStates()...), mailStates()...)
}

func doorStates() []state {
	tooShort := fieldError{"password", "Use 15 characters or more."}
	return []state{
		{"register_empty", pageRegister, story(view{})},
		{"register_mail", pageRegister, story(view{Mail: true, Next: "/account/export"})},
		{"register_refused", pageRegister, story(view{Mail: true, Form: refusedStory(
			map[string]string{"username": "ana@home", "email": "ana at example", "password": "never shown"},
			fieldError{"username", "A username has no @ in it."},
			fieldError{"email", "This is not an email, it needs one @ and a domain."}, tooShort)})},
		{"register_blocked", pageRegister, story(view{Form: refusedStory(
			map[string]string{"username": "ana"},
			fieldError{"password", "This password is on the list of common passwords. Choose one that only you could have made up."})})},
		{"register_long", pageRegister, story(view{Mail: true, Form: refusedStory(
			map[string]string{"username": longName, "email": longEmail},
			fieldError{"username", "A username has 64 characters at most."})})},
		{"register_rtl", pageRegister, story(view{Form: refusedStory(
			map[string]string{"username": hebrewName}, tooShort)})},
		{"login_empty", pageLogin, story(view{})},
		{"login_mail", pageLogin, story(view{Mail: true, Next: "/account/password"})},
		{"login_refused", pageLogin, story(view{Mail: true, Form: formView{
			Values:  map[string]string{"identifier": "ana", "password": "never shown"},
			Summary: "The username, the email or the password is wrong."}})},
		{"login_too_many", pageLogin, story(view{Mail: true, Form: formView{
			Values:  map[string]string{"identifier": "ana"},
			Summary: "Too many attempts. Try again in 30 seconds."}})},
		{"login_missing", pageLogin, story(view{Form: refusedStory(nil,
			fieldError{"identifier", "Type your username or email."}, fieldError{"password", "Type your password."})})},
		{"login_notice", pageLogin, story(view{Mail: true, Notice: "Your password is changed. Log in with the new one."})},
		{"error_not_found", pageError, story(view{Title: "There is no such page",
			Body: errorView{Status: 404, Sentence: "The address may be old, or have a letter wrong.", RequestID: "01JCXR6M0M8Z"}})},
		{"error_internal", pageError, signedStory(view{
			Body: errorView{Status: 500, Sentence: "This is our fault, not yours. Nothing was changed.", RequestID: "01JCXR6M0M8Z"}})},
		{"code_password_too_short", pageCode, story(view{Title: "Password is too short", Body: codeView{
			Code: "password-too-short", Status: 422,
			Meaning: "The password has fewer characters than this server asks for.",
			Remedy:  "Use 15 characters or more. A few unrelated words are easy to remember and hard to guess."}})},
	}
}

func accountStates() []state {
	plain := storyAccount(1)
	plain.Email, plain.EmailVerified = "", false
	waiting := storyAccount(2)
	waiting.EmailVerified = false
	long := storyAccount(2)
	long.Username, long.Email = longName, longEmail
	long.Sessions[1].IP = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
	rtl := storyAccount(2)
	rtl.Username = hebrewName
	wrong := fieldError{"password", "This is not your password."}
	return []state{
		{"account", pageAccount, signedStory(view{Body: storyAccount(3)})},
		{"account_plain", pageAccount, func() view { v := signedStory(view{Body: plain}); v.Mail = false; return v }()},
		{"account_unverified", pageAccount, signedStory(view{Body: waiting, Notice: "The session is ended."})},
		{"account_many", pageAccount, signedStory(view{Body: storyAccount(20)})},
		{"account_long", pageAccount, signedStory(view{Body: long, Signed: &signedView{Username: longName}})},
		{"account_rtl", pageAccount, signedStory(view{Body: rtl, Signed: &signedView{Username: hebrewName}})},
		{"account_password", pageAccountPassword, signedStory(view{})},
		{"account_password_refused", pageAccountPassword, signedStory(view{Form: refusedStory(nil,
			fieldError{"current_password", "This is not your password."},
			fieldError{"new_password", "This password was found in a leak of another site. Choose one that you use nowhere else."})})},
		{"account_email", pageAccountEmail, signedStory(view{})},
		{"account_email_refused", pageAccountEmail, signedStory(view{Form: refusedStory(
			map[string]string{"email": "ana@exam ple.com", "password": "never shown"},
			fieldError{"email", "This is not an email, it has a space in it."}, wrong)})},
		{"account_export", pageAccountExport, signedStory(view{})},
		{"account_export_refused", pageAccountExport, signedStory(view{Form: refusedStory(nil, wrong)})},
		{"account_delete", pageAccountDelete, signedStory(view{})},
		{"account_delete_refused", pageAccountDelete, signedStory(view{Form: refusedStory(nil, wrong)})},
	}
}

func mailStates() []state {
	used := "This link was used before or is too old. Ask for a new one."
	code := map[string]string{"code": storyCode}
	return []state{
		{"forgot", pageForgot, story(view{Mail: true})},
		{"forgot_refused", pageForgot, story(view{Mail: true, Form: refusedStory(
			map[string]string{"email": "ana at example"}, fieldError{"email", "This is not an email, it needs one @ and a domain."})})},
		{"forgot_done", pageDone, story(view{Mail: true, Title: "Look into your mail",
			Notice: "If this email belongs to an account, a link is on its way. It works once, for 30 minutes.",
			Body:   doneView{Href: "/login", Label: "Back to log in"}})},
		{"reset", pageReset, story(view{Mail: true, Form: formView{Values: code}})},
		{"reset_ask", pageReset, story(view{Mail: true, Body: codeFormView{AskCode: true}})},
		{"reset_refused", pageReset, story(view{Mail: true, Form: formView{Values: code, Errors: []fieldError{
			{"new_password", "Use 15 characters or more."}}}})},
		{"reset_expired", pageReset, story(view{Mail: true, Body: codeFormView{AskCode: true}, Form: formView{Summary: used,
			Errors: []fieldError{{"code", "Type the code from the newest mail."}}}})},
		{"verify", pageVerify, story(view{Mail: true, Form: formView{Values: code}})},
		{"verify_ask", pageVerify, story(view{Mail: true, Body: codeFormView{AskCode: true}})},
		{"verify_expired", pageVerify, story(view{Mail: true, Form: formView{Values: code, Summary: used}})},
		{"verify_done", pageDone, story(view{Mail: true, Title: "Email confirmed", Notice: "Mail reaches you now.",
			Body: doneView{Href: "/account", Label: "Go to your account"}})},
	}
}

func mustPages(t testing.TB) *pages {
	t.Helper()
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustRender(t testing.TB, p *pages, s state) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.render(&out, s.page, s.view); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return out.String()
}

// contentHash stands in static paths; golden files must not change with it.
var contentHash = regexp.MustCompile(`(/static/\w+\.)[0-9a-f]{12}(\.)`)

func TestPagesLookAsRecorded(t *testing.T) {
	p := mustPages(t)
	recorded := map[string]bool{}
	for _, s := range storybook() {
		file := filepath.Join("testdata", "pages", s.name+".html")
		if recorded[file] {
			t.Fatalf("two states are called %s", s.name)
		}
		recorded[file] = true
		t.Run(s.name, func(t *testing.T) {
			got := contentHash.ReplaceAllString(mustRender(t, p, s), "${1}HASH${2}")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("page differs from its golden file (-want +got), run with -update after looking at it:\n%s", diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !recorded[file] {
			t.Errorf("%s belongs to no state", file)
		}
	}
}

func TestEveryPageIsInTheStorybook(t *testing.T) {
	shown := map[string]bool{}
	for _, s := range storybook() {
		shown[s.page] = true
	}
	for _, name := range pageNames() {
		if !shown[name] {
			t.Errorf("page %s has no state in the storybook", name)
		}
	}
}
