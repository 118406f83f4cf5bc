package e2e

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// serveMailbox starts a server that shows its mails instead of sending them.
func serveMailbox(t *testing.T) *server {
	t.Helper()
	return serve(t, newData(t), "--smtp", "mailbox", "--hash-params", cheapHash, "--limits", wideLimits+",mails-per-user=1000000/1h")
}

var (
	shownMail = regexp.MustCompile(`href="(/dev/mailbox/\d+)"><span>([^<]+)<br><span class="soft"><bdi>([^<]+)</bdi>`)
	shownText = regexp.MustCompile(`(?s)<pre class="mail">(.*)</pre>`)
)

// shown waits for a mail in the mailbox and returns its page and its text.
func (s *server) shown(t *testing.T, to, subject string) (path, text string) {
	t.Helper()
	await(t, subject+" to "+to, func() bool {
		list := s.ask(t, request{method: "GET", path: "/dev/mailbox"}).want(t, 200)
		for _, mail := range shownMail.FindAllStringSubmatch(list.body, -1) {
			if mail[3] == to && strings.HasPrefix(html.UnescapeString(mail[2]), subject) {
				path = mail[1]
				return true
			}
		}
		return false
	})
	page := s.ask(t, request{method: "GET", path: path}).want(t, 200)
	return path, html.UnescapeString(shownText.FindStringSubmatch(page.body)[1])
}

// follow opens a mail in the mailbox and goes where its link leads.
func (b *tab) follow(t *testing.T, path, place string) {
	t.Helper()
	b.open(t, path, path)
	b.leads(t, place, 200, chromedp.Click(`.panel .links a`))
}

// TestMailInABrowser is the life of an address told by two browsers, with nothing
// configured but the mailbox. In one of them no script runs.
func TestMailInABrowser(t *testing.T) {
	s := serveMailbox(t)
	mine, theirs := s.browse(t, desk), s.browse(t, phone)
	theirs.withoutScripts(t)
	t.Run("PH-25_verify_by_one_press", func(t *testing.T) { verifyByLink(t, s, mine) })
	t.Run("RV-16_verify_by_digits", func(t *testing.T) { verifyByDigits(t, s, mine, theirs) })
	t.Run("RV-09_forget_and_reset", func(t *testing.T) { resetByMail(t, s, mine, theirs) })
	t.Run("RV-14_change_the_address", func(t *testing.T) { changeAddress(t, s, mine, theirs) })
	t.Run("RV-15_the_notices_arrive", func(t *testing.T) {
		for _, mail := range [][2]string{
			{"ana@example.com", "Your password was reset"}, {"ana@example.com", "Your email is to be changed"},
			{"ana@example.com", "Your email was changed"}, {"ana@example.com", "New login"},
		} {
			path, _ := s.shown(t, mail[0], mail[1])
			mine.open(t, path, path)
		}
	})
	mine.open(t, "/dev/mailbox", "/dev/mailbox")
	mine.shoot(t, "mailbox")
}

func verifyByLink(t *testing.T, s *server, mine *tab) {
	mine.open(t, "/register", "/register")
	mine.shoot(t, "mail-register")
	mine.fill(t, "/verify?done=asked", 200, "email", "ana@example.com", "username", "ana", "password", word)
	mine.sees(t, "A mail is on its way.")
	mine.shoot(t, "verify")
	mine.open(t, "/login", "/login")
	mine.fill(t, "/verify?done=unverified", 200, "identifier", "ana", "password", word)
	mine.sees(t, "your email is not confirmed yet")
	path, _ := s.shown(t, "ana@example.com", "Confirm your email")
	mine.follow(t, path, "/verify")
	mine.shoot(t, "verify-linked")
	mine.leads(t, "/login?done=verified", 200, chromedp.Click("form button.main"))
	mine.sees(t, "Your email is confirmed.")
	mine.fill(t, "/account", 200, "identifier", "ana", "password", word)
	mine.sees(t, "Verified")
}

// verifyByDigits lets ben register in one browser, and somebody else read along.
func verifyByDigits(t *testing.T, s *server, mine, theirs *tab) {
	theirs.open(t, "/register", "/register")
	theirs.fill(t, "/verify?done=asked", 200, "email", "ben@example.com", "password", word)
	_, text := s.shown(t, "ben@example.com", "Confirm your email")
	digits := digitsInMail.FindString(text)
	other := s.browse(t, desk)
	other.open(t, "/verify", "/verify")
	other.fill(t, "/verify", 400, "code", digits)
	other.shoot(t, "verify-wrong")
	theirs.fill(t, "/verify", 400, "code", "00000000")
	theirs.fill(t, "/login?done=verified", 200, "code", digits)
	theirs.fill(t, "/account", 200, "identifier", "ben@example.com", "password", word)
	theirs.leads(t, "/login", 200, chromedp.Click(`.who form button`))
}

func resetByMail(t *testing.T, s *server, mine, theirs *tab) {
	theirs.open(t, "/login", "/login")
	theirs.fill(t, "/account", 200, "identifier", "ana", "password", word)
	mine.leads(t, "/login", 200, chromedp.Click(`.who form button`))
	mine.leads(t, "/forgot", 200, chromedp.Click(`a[href="/forgot"]`))
	mine.shoot(t, "forgot")
	mine.fill(t, "/reset?done=recovery", 200, "email", "ana@example.com")
	mine.shoot(t, "reset-asked")
	path, _ := s.shown(t, "ana@example.com", "Set a new password")
	theirs.open(t, "/account", "/account") // nothing has happened so far
	mine.follow(t, path, "/reset")
	mine.fill(t, "/login?done=reset", 200, "new_password", resetsWord)
	theirs.open(t, "/account", "/login")
	mine.fill(t, "/account", 200, "identifier", "ana", "password", resetsWord)
	theirs.fill(t, "/account", 200, "identifier", "ana", "password", resetsWord)
}

func changeAddress(t *testing.T, s *server, mine, theirs *tab) {
	mine.leads(t, "/account/email", 200, chromedp.Click(`a[href="/account/email"]`))
	mine.shoot(t, "email")
	mine.fill(t, "/account/email", 401, "email", "anna@example.org", "password", otherWord)
	if got := look[string](t, mine, `document.getElementById('email').value`); got != "anna@example.org" {
		t.Errorf("the form kept %q, want what was typed", got)
	}
	mine.fill(t, "/verify?done=email-asked", 200, "password", resetsWord)
	path, _ := s.shown(t, "anna@example.org", "Confirm your new email")
	mine.open(t, "/account", "/account")
	mine.sees(t, "ana@example.com")
	mine.follow(t, path, "/verify")
	mine.leads(t, "/account?done=email", 200, chromedp.Click("form button.main"))
	mine.sees(t, "anna@example.org")
	mine.shoot(t, "email-changed")
	theirs.open(t, "/account", "/login")
}

// TestMailsInABrowser draws every kind of mail as a program for mail does.
func TestMailsInABrowser(t *testing.T) {
	s := serveMailbox(t)
	b := s.browse(t, desk)
	kinds := mailsOfEveryKind(t, s)
	for kind, path := range kinds {
		t.Run(kind, func(t *testing.T) {
			b.open(t, strings.Replace(path, "/mailbox/", "/mailbox/html/", 1), strings.Replace(path, "/mailbox/", "/mailbox/html/", 1))
			for _, width := range []int64{320, 1280} {
				must(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800)))
				if over := look[int](t, b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("scrolls sideways by %d pixels at %d", over, width)
				}
			}
			b.shoot(t, "mail-"+kind)
		})
	}
}

// mailsOfEveryKind has one mail of each kind that a person alone can cause sent,
// and returns their pages in the mailbox.
func mailsOfEveryKind(t *testing.T, s *server) map[string]string {
	t.Helper()
	post := func(path, bearer, body string, status int) reply {
		t.Helper()
		return s.ask(t, request{method: "POST", path: path, bearer: bearer, body: body}).want(t, status)
	}
	prove := func(to, subject string) {
		_, text := s.shown(t, to, subject)
		post("/v1/email/verify", "", object("code", codeInMail.FindStringSubmatch(text)[1]), 204)
	}
	const ana, anna, ben = "ana@example.com", "anna@example.org", "ben@example.com"
	for _, person := range [][2]string{{"the-longest-username-that-anybody-could-want-to-carry-around-x", ana}, {"ben", ben}} {
		post("/v1/register", "", object("username", person[0], "email", person[1], "password", word), 202)
		prove(person[1], "Confirm your email")
	}
	post("/v1/register", "", object("email", ana, "password", word), 202)
	s.guess(t, ana, 4)
	g := s.login(t, ana)
	post("/v1/email/change", g.Access, object("email", ben, "password", word), 202)
	post("/v1/email/change", g.Access, object("email", anna, "password", word), 202)
	prove(anna, "Confirm your new email")
	post("/v1/password/change", g.Access, object("current_password", word, "new_password", secondWord), 204)
	s.ask(t, request{method: "PATCH", path: "/v1/me", bearer: g.Access, body: object("username", "anna")}).want(t, 200)
	post("/v1/password/forgot", "", object("email", anna), 202)
	_, text := s.shown(t, anna, "Set a new password")
	post("/v1/password/reset", "", object("code", codeInMail.FindStringSubmatch(text)[1], "new_password", resetsWord), 204)
	done(t, s.data, "", "user", "delete", "anna", "--yes")
	kinds := map[string]string{}
	for kind, mail := range map[string][2]string{
		"verify": {ana, "Confirm your email"}, "registered": {ana, "You already have an account"}, "reset": {anna, "Set a new password"},
		"change": {anna, "Confirm your new email"}, "claimed": {ben, "Somebody wanted to use your email"},
		"password-changed": {anna, "Your password was changed"}, "password-reset": {anna, "Your password was reset"},
		"email-change-asked": {ana, "Your email is to be changed"}, "email-changed": {ana, "Your email was changed"},
		"username-changed": {anna, "Your username was changed"}, "new-device": {ana, "New login"},
	} {
		kinds[kind], _ = s.shown(t, mail[0], mail[1])
	}
	return kinds
}
