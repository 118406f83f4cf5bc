package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	desk  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	phone = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"

	secondWord = "five other quiet words here"
	resetsWord = "six words after the reset"
)

// TestStoryInABrowser is the life of one account, told by two browsers.
func TestStoryInABrowser(t *testing.T) {
	s := serve(t, newData(t))
	mine, theirs := s.browse(t, desk), s.browse(t, phone)

	mine.open(t, "/", "/login")
	mine.shoot(t, "login")
	mine.leads(t, "/register", 200, chromedp.Click(`.aside a[href="/register"]`))
	mine.shoot(t, "register")
	mine.fill(t, "/account", 200, "username", "Ana", "email", "ana@example.com", "password", word)
	mine.sees(t, "ana@example.com")
	if got := mine.count(t, ".sessions li"); got != 1 {
		t.Fatalf("got %d sessions, want 1", got)
	}
	t.Run("SC-04_scripts_cannot_read_the_cookie", func(t *testing.T) {
		if got := look[string](t, mine, `document.cookie`); got != "" {
			t.Errorf("got %q", got)
		}
	})

	theirs.open(t, "/account/password", "/login?next=%2Faccount%2Fpassword")
	theirs.fill(t, "/account/password", 200, "identifier", "ANA", "password", word)
	t.Run("SC-15_RF-14_one_session_ends_the_other", func(t *testing.T) { endTheOther(t, mine, theirs) })
	t.Run("SC-11_a_new_password_ends_all_but_this", func(t *testing.T) { changePassword(t, s, mine, theirs) })
	t.Run("SC-10_RV-22_deleting_leaves_no_way_in", func(t *testing.T) { deleteAccount(t, mine) })
}

func endTheOther(t *testing.T, mine, theirs *tab) {
	mine.open(t, "/account", "/account")
	mine.sees(t, "Chrome on Linux")
	mine.sees(t, "Firefox on Android")
	if got := mine.count(t, ".sessions li"); got != 2 {
		t.Fatalf("got %d sessions, want 2", got)
	}
	mine.shoot(t, "account")
	mine.leads(t, "/account?done=session", 200, chromedp.Click(`.sessions li:not(.current) form button`))
	mine.sees(t, "The session has ended.")
	if got := mine.count(t, ".sessions li"); got != 1 {
		t.Errorf("got %d sessions, want 1", got)
	}
	theirs.leads(t, "/login", 200, chromedp.Click(`.back a`))
}

func changePassword(t *testing.T, s *server, mine, theirs *tab) {
	third := s.login(t, "ana")
	mine.leads(t, "/account/password", 200, chromedp.Click(`a[href="/account/password"]`))
	mine.shoot(t, "password")

	mine.fill(t, "/account/password", 401, "current_password", "four wrong words here", "new_password", secondWord)
	if got := look[string](t, mine, `document.querySelector('[aria-invalid=true]').id`); got != "current_password" {
		t.Errorf("the field that is wrong is %q, want current_password", got)
	}
	if look[string](t, mine, `document.getElementById('current_password-error').innerText`) == "" {
		t.Error("nothing stands beside the field")
	}
	mine.settled(t)
	if got := look[string](t, mine, `document.activeElement.id`); got != "refusals" {
		t.Errorf("the focus is on %q, want the summary", got)
	}
	for _, field := range []string{"current_password", "new_password"} {
		if got := look[string](t, mine, `document.getElementById('`+field+`').value`); got != "" {
			t.Errorf("%s was given back", field)
		}
	}
	mine.shoot(t, "password-wrong")

	mine.fill(t, "/account?done=password", 200, "current_password", word, "new_password", secondWord)
	mine.sees(t, "Your password was changed.")
	mine.open(t, "/account", "/account")
	if got := mine.count(t, ".sessions li"); got != 1 {
		t.Errorf("got %d sessions, want 1", got)
	}
	if status, _, err := s.refresh(third.Refresh); err != nil || status != 401 {
		t.Errorf("the third session: got %d %v, want 401", status, err)
	}
	s.ask(t, request{method: "GET", path: "/v1/me", bearer: third.Access}).want(t, 401)
	theirs.fill(t, "/login", 401, "identifier", "ana", "password", word)
	theirs.shoot(t, "login-wrong")
}

func deleteAccount(t *testing.T, mine *tab) {
	mine.leads(t, "/account/delete", 200, chromedp.Click(`a[href="/account/delete"]`))
	mine.shoot(t, "delete")
	mine.fill(t, "/login?done=deleted", 200, "password", secondWord)
	mine.sees(t, "deleted")
	mine.fill(t, "/login", 401, "identifier", "ana", "password", secondWord)
	mine.sees(t, "Username, email or password is wrong")
	if got := look[string](t, mine, `document.getElementById('identifier').value`); got != "ana" {
		t.Errorf("the form kept %q, want what was typed", got)
	}
	mine.open(t, "/account", "/login")
}

// TestStoryWithoutScripts is the same life where no script runs.
func TestStoryWithoutScripts(t *testing.T) {
	s := serve(t, newData(t))
	b := s.browse(t, desk)
	b.withoutScripts(t)
	t.Run("PH-25_register_login_change_reset_delete", func(t *testing.T) {
		b.open(t, "/register", "/register")
		b.sees(t, "Everything here works without scripts.")
		if got := b.count(t, "button.show"); got != 0 {
			t.Fatal("a script ran, so nothing is proven")
		}
		b.fill(t, "/register", 422, "username", "ana", "password", "too short")
		b.sees(t, "Use 15 characters or more.")
		b.shoot(t, "register-wrong-without-scripts")
		b.fill(t, "/account", 200, "password", word)
		b.leads(t, "/login", 200, chromedp.Click(`.who form button`))
		b.fill(t, "/account", 200, "identifier", "ana", "password", word)
		b.leads(t, "/account/password", 200, chromedp.Click(`a[href="/account/password"]`))
		b.fill(t, "/account?done=password", 200, "current_password", word, "new_password", secondWord)
		b.leads(t, "/login", 200, chromedp.Click(`.who form button`))

		link := linkIn(t, done(t, s.data, "", "user", "reset-link", "ana"), s.url)
		b.open(t, link, "/reset")
		b.open(t, link, "/reset") // a scanner of links came first: nothing is spent
		b.shoot(t, "reset")
		b.fill(t, "/login?done=reset", 200, "new_password", resetsWord)
		b.fill(t, "/account", 200, "identifier", "ana", "password", resetsWord)
		b.leads(t, "/account/delete", 200, chromedp.Click(`a[href="/account/delete"]`))
		b.fill(t, "/login?done=deleted", 200, "password", resetsWord)
		b.fill(t, "/login", 401, "identifier", "ana", "password", resetsWord)
	})
	if got := users(t, s.data); got != "[]\n" {
		t.Errorf("something is left: %s", got)
	}
}

// linkIn is the path of the link that a command printed.
func linkIn(t *testing.T, said, base string) string {
	t.Helper()
	for word := range strings.FieldsSeq(said) {
		if strings.HasPrefix(word, "https://") {
			link, err := url.Parse(word)
			must(t, err)
			return link.RequestURI()
		}
	}
	t.Fatalf("no link to %s in %q", base, said)
	return ""
}
