package web

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/model"
)

var update = flag.Bool("update", false, "write the golden files of the pages")

// state is one page as somebody may meet it.
type state struct {
	name string // of its golden file
	page string
	view view
}

const (
	storyNonce   = "q3vTnGmJ7uYxWkZ0bRfL4A"
	storyCSRF    = "Zx3mB0h1m0mU2m9g5o8T3J2kqk1vN4cW7d6yE5rFsA8"
	storyCode    = "ghc_5h1uQnV0y2kTqB8m7XzR4sW9dL3pJ6fGcA1eYtNoKiM"
	storyRequest = "0c9a5f4e2b7d41638ea0d5c17f29b3e6"
	storyUA      = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	phoneUA      = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
	longName     = "the-longest-username-that-anybody-could-ever-want-to-carry-abcdef"
	longEmail    = "a.very.long.local.part.that.never.ends.and.goes.on@a-domain-name-that-is-just-as-long.and.has.many.parts.example.museum"
	hebrewName   = "שלוםעולם"
)

var storyTime = time.Date(2026, time.March, 9, 8, 5, 0, 0, time.UTC)

func story(v view) view {
	v.Nonce, v.CSRF, v.PasswordMin = storyNonce, storyCSRF, 15
	return v
}

func loggedInStory(v view) view {
	v = story(v)
	if v.LoggedIn == nil {
		v.LoggedIn = &loggedInView{Username: "ana"}
	}
	return v
}

// refusedStory is a form with what was typed and what was refused of it.
func refusedStory(values map[string]string, refusals ...error) formView {
	form := formView{Values: values}
	var refusal *model.Error
	if errors.As(model.Together(refusals...), &refusal) {
		form.tell(refusal)
	}
	return form
}

func refusedUsername(text string) error {
	_, err := model.ParseUsername(text)
	return err
}

func refusedEmail(text string) error {
	_, err := model.ParseEmail(text)
	return err
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
	a := accountView{Username: "ana", Email: "ana@example.com", Since: storyTime.AddDate(-1, -2, 0)}
	for n := range sessions {
		a.Sessions = append(a.Sessions, storySession(n))
	}
	for _, s := range a.Sessions {
		a.Activity = append(a.Activity, activityView{What: whatHappened(model.EventLoginSuccess), At: s.CreatedAt, UserAgent: s.UserAgent, IP: s.IP})
	}
	a.Activity = append(a.Activity, activityView{What: whatHappened(model.EventUserCreated), At: a.Since})
	a.Activity = a.Activity[:min(len(a.Activity), shownActivity)]
	return a
}

// storybook is every page in every state that looks different.
func storybook() []state {
	return slices.Concat(registerStates(), loginStates(), resetStates(), accountStates(), formStates(), mailStates(), noMailStates(), errorStates())
}

func registerStates() []state {
	tooShort := model.Password("short").CheckLength(15)
	return []state{
		{"register_empty", pageRegister, story(view{})},
		{"register_next", pageRegister, story(view{Next: "/account/export"})},
		{"register_refused", pageRegister, story(view{Form: refusedStory(
			map[string]string{"username": "ana@home", "email": "ana at example", "password": "never shown"},
			refusedUsername("ana@home"), refusedEmail("ana at example"), tooShort)})},
		{"register_blocked", pageRegister, story(view{Form: refusedStory(map[string]string{"username": "ana"},
			model.ErrPasswordBlocked.Because("common", "password",
				"This password is common, so it is tried first. Use a few unrelated words instead."))})},
		{"register_taken", pageRegister, story(view{Form: refusedStory(map[string]string{"username": "ben"},
			model.ErrUsernameTaken.With("username", "Choose another username; this one, or one that looks like it, is taken."))})},
		{"register_slowed", pageRegister, story(view{Form: refusedStory(
			map[string]string{"username": "ana", "email": "ana@example.com", "password": "never shown"},
			model.ErrTooManyAttempts.After(42*time.Minute))})},
		{"register_long", pageRegister, story(view{Form: refusedStory(
			map[string]string{"username": longName, "email": longEmail}, refusedUsername(longName))})},
		{"register_rtl", pageRegister, story(view{Form: refusedStory(map[string]string{"username": hebrewName}, tooShort)})},
	}
}

func loginStates() []state {
	return []state{
		{"login_empty", pageLogin, story(view{})},
		{"login_next", pageLogin, story(view{Next: "/account/password"})},
		{"login_refused", pageLogin, story(view{Form: refusedStory(
			map[string]string{"identifier": "ana", "password": "never shown"}, model.ErrWrongCredentials)})},
		{"login_busy", pageLogin, story(view{Form: refusedStory(
			map[string]string{"identifier": "ana"}, model.ErrOverloaded.After(2*time.Second))})},
		{"login_slowed", pageLogin, story(view{Form: refusedStory(
			map[string]string{"identifier": "ana", "password": "never shown"}, model.ErrTooManyAttempts.After(30*time.Second))})},
		{"login_missing", pageLogin, story(view{Form: refusedStory(nil,
			formOf(identifier(), password("password")).check(fields{}))})},
		{"login_notice", pageLogin, story(view{Notice: doneReset.sentence()})},
	}
}

func resetStates() []state {
	asked := codeFormView{AskCode: true}
	return []state{
		{"reset", pageReset, story(view{Body: codeFormView{}, Form: formView{Values: map[string]string{"code": storyCode}}})},
		{"reset_ask", pageReset, story(view{Body: asked})},
		{"reset_refused", pageReset, story(view{Body: codeFormView{}, Form: refusedStory(nil,
			model.ErrPasswordTooShort.With("new_password", "Use 15 characters or more."))})},
		{"reset_expired", pageReset, story(view{Body: asked, Form: refusedStory(nil, refusedCodeField())})},
	}
}

func accountStates() []state {
	plain := storyAccount(1)
	plain.Email = ""
	verified := storyAccount(2)
	verified.EmailVerified = true
	long := storyAccount(2)
	long.Username, long.Email = longName, longEmail
	long.Sessions[1].IP = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
	long.Activity = nil
	for _, name := range []model.EventName{model.EventHashRejected, model.EventSessionLimit, model.EventPasswordUnchecked} {
		long.Activity = append(long.Activity, activityView{What: whatHappened(name), At: storyTime, UserAgent: longName + "/1", IP: long.Sessions[1].IP})
	}
	rtl := storyAccount(2)
	rtl.Username = hebrewName
	return []state{
		{"account", pageAccount, loggedInStory(view{Body: storyAccount(3)})},
		{"account_plain", pageAccount, loggedInStory(view{Body: plain})},
		{"account_verified", pageAccount, loggedInStory(view{Body: verified, Notice: doneSession.sentence()})},
		{"account_many", pageAccount, loggedInStory(view{Body: storyAccount(20)})},
		{"account_long", pageAccount, loggedInStory(view{Body: long, LoggedIn: &loggedInView{Username: longName}})},
		{"account_rtl", pageAccount, loggedInStory(view{Body: rtl, LoggedIn: &loggedInView{Username: hebrewName}})},
	}
}

func formStates() []state {
	wrong := model.ErrWrongPassword.With("password", "This is not your password. Type the one you log in with.")
	return []state{
		{"account_password", pageAccountPassword, loggedInStory(view{})},
		{"account_password_refused", pageAccountPassword, loggedInStory(view{Form: refusedStory(nil,
			wrong.Rename("password", "current_password"))})},
		{"account_password_same", pageAccountPassword, loggedInStory(view{Form: refusedStory(nil,
			model.ErrSamePassword.With("new_password", "Choose a password that differs from the current one."))})},
		{"account_export", pageAccountExport, loggedInStory(view{})},
		{"account_export_refused", pageAccountExport, loggedInStory(view{Form: refusedStory(nil, wrong)})},
		{"account_delete", pageAccountDelete, loggedInStory(view{})},
		{"account_delete_refused", pageAccountDelete, loggedInStory(view{Form: refusedStory(nil, wrong)})},
	}
}

func errorStates() []state {
	return []state{
		{"error_not_found", pageError, story(errorPageOf(model.ErrNotFound, storyRequest))},
		{"error_internal", pageError, loggedInStory(errorPageOf(model.ErrInternal, storyRequest))},
		{"code_password_too_short", pageCode, story(codePageOf(model.ErrPasswordTooShort))},
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
