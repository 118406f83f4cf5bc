package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/smtp/smtptest"
)

// surfer is a browser without scripts and without pictures: cookies, forms, and
// what the server sent.
type surfer struct {
	s       *server
	cookies map[string]string
	at      reply
}

func (s *server) surf() *surfer { return &surfer{s: s, cookies: map[string]string{}} }

func (b *surfer) do(t *testing.T, in request) *surfer {
	t.Helper()
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	in.cookie = strings.Join(pairs, "; ")
	b.at = b.s.ask(t, in)
	for _, c := range (&http.Response{Header: b.at.header}).Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return b
}

func (b *surfer) open(t *testing.T, path string) *surfer {
	t.Helper()
	return b.do(t, request{method: "GET", path: path})
}

// fill opens the page and sends its form.
func (b *surfer) fill(t *testing.T, path string, pairs ...string) *surfer {
	t.Helper()
	b.open(t, path)
	form := url.Values{"csrf": {csrfOf(t, b.at)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(t, request{method: "POST", path: path, body: form.Encode(), kind: "application/x-www-form-urlencoded",
		header: http.Header{"Origin": {b.s.url}, "Sec-Fetch-Site": {"same-origin"}}})
}

var (
	freshNonce = regexp.MustCompile(`nonce[-=]"?[A-Za-z0-9_+/=-]+`)
	freshCSRF  = regexp.MustCompile(`name="csrf" value="[^"]+"`)
)

// seen is all that can be seen of an answer: its status, its headers, its body and
// the cookies it sets, without what is random or the time in all of them, and
// without the words that differ because somebody typed them.
func (b *surfer) seen(typed ...string) string {
	var lines []string
	for name, values := range b.at.header {
		for _, value := range values {
			switch name {
			case "Date", "X-Request-Id":
				value = ""
			case "Set-Cookie":
				pair, attributes, _ := strings.Cut(value, ";")
				name, secret, _ := strings.Cut(pair, "=")
				value = fmt.Sprintf("%s=(%d characters);%s", name, len(secret), attributes)
			case "Content-Length":
				value = "" // of texts that are compared
			}
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	all := fmt.Sprintf("%d\n%s\n\n%s", b.at.status, strings.Join(lines, "\n"), b.at.body)
	all = freshCSRF.ReplaceAllString(freshNonce.ReplaceAllString(all, ""), "")
	all = strings.ReplaceAll(all, b.at.header.Get("X-Request-Id"), "")
	for _, word := range typed {
		all = strings.ReplaceAll(all, word, "TYPED")
	}
	return all
}

// guess opens where the last answer leads, and tries digits until they are dead.
func (b *surfer) guess(t *testing.T, path string, more ...string) (pages []string) {
	t.Helper()
	b.open(t, b.at.header.Get("Location"))
	pages = append(pages, b.seen())
	for range 6 {
		b.fill(t, path, append([]string{"code", "00000000"}, more...)...)
		pages = append(pages, b.seen())
	}
	return pages
}

// people are emails of every kind there is.
func people(t *testing.T, s *server, office *postOffice) map[string]string {
	t.Helper()
	kinds := map[string]string{"proven": "proven@example.com", "unproven": "unproven@example.com", "disabled": "disabled@example.com"}
	for _, kind := range []string{"proven", "unproven", "disabled"} {
		s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", kind, "email", kinds[kind], "password", word)}).want(t, 202)
		if kind != "unproven" {
			code := office.newest(t, s, kinds[kind], "Confirm your email").code(t)
			s.ask(t, request{method: "POST", path: "/v1/email/verify", body: object("code", code)}).want(t, 204)
		}
	}
	done(t, s.data, "", "user", "disable", "disabled")
	return kinds
}

// TestPagesDoNotTellWhoHasAnEmail walks the pages for every kind of email, and
// then types digits: all that a browser gets is the same.
func TestPagesDoNotTellWhoHasAnEmail(t *testing.T) {
	t.Parallel()
	office := openPost(t, smtptest.Config{})
	s := office.serve(t, newData(t))
	kinds := people(t, s, office)
	compare := func(t *testing.T, walk func(email string) []string) {
		t.Helper()
		want := walk("nobody" + fmt.Sprint(len(office.Mails())) + "@example.com")
		for kind, email := range kinds {
			for i, got := range walk(email) {
				if got != want[i] {
					t.Errorf("%s, page %d: got %s\nwant %s", kind, i, got, want[i])
				}
			}
		}
	}
	t.Run("EN-03_EN-07_register", func(t *testing.T) {
		compare(t, func(email string) []string {
			b := s.surf().fill(t, "/register", "email", email, "password", word)
			return append([]string{b.seen()}, b.guess(t, "/verify")...)
		})
	})
	t.Run("EN-05_EN-07_forgot", func(t *testing.T) {
		compare(t, func(email string) []string {
			b := s.surf().fill(t, "/forgot", "email", email)
			return append([]string{b.seen()}, b.guess(t, "/reset", "new_password", resetsWord)...)
		})
	})
	t.Run("EN-05_no_address_at_all", func(t *testing.T) {
		got, want := s.surf().fill(t, "/forgot", "email", "no address").seen(), s.surf().fill(t, "/forgot", "email", "nobody@example.com").seen()
		if got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
	t.Run("EN-06_EN-07_change", func(t *testing.T) {
		compare(t, func(email string) []string {
			b := s.surf().fill(t, "/login", "identifier", "proven", "password", word)
			b.fill(t, "/account/email", "email", email, "password", word)
			return append([]string{b.seen()}, b.guess(t, "/verify")...)
		})
	})
	t.Run("EN-15_codes_that_are_not_good", func(t *testing.T) {
		want := s.surf().fill(t, "/verify", "code", "ghc_unknown").seen()
		foreign := office.newest(t, s, kinds["proven"], "Set a new password").code(t)
		for kind, code := range map[string]string{"foreign": foreign, "digits": "12345678", "long": strings.Repeat("9", 128), "spaced": "1234 5678"} {
			got := s.surf().fill(t, "/verify", "code", code).seen(code)
			got = strings.ReplaceAll(got, `value="TYPED"`, `value=""`) // digits stay where they were typed
			if got != strings.ReplaceAll(want, "ghc_unknown", "TYPED") {
				t.Errorf("%s: got %s\nwant %s", kind, got, want)
			}
		}
	})
	t.Run("EN-03_EN-06_the_owner_is_told_and_nobody_is_added", func(t *testing.T) { checkWhoWasTold(t, s, office, len(kinds)+1) })
}

func checkWhoWasTold(t *testing.T, s *server, office *postOffice, people int) {
	t.Helper()
	settled(t, s)
	told := subjectsOf(office.letters(t))
	for _, mail := range []string{
		"proven@example.com: You already have an account at Shop", "unproven@example.com: You already have an account at Shop",
		"proven@example.com: Set a new password for Shop",
	} {
		if !slices.Contains(told, mail) {
			t.Errorf("no mail %q among %q", mail, told)
		}
	}
	if got := strings.Count(users(t, s.data), `"id":`); got != people {
		t.Errorf("%d users, want %d", got, people)
	}
}

// TestLinksCannotBeBurned looks at a link as scanners of mails do, and then presses
// the button.
func TestLinksCannotBeBurned(t *testing.T) {
	t.Parallel()
	office := openPost(t, smtptest.Config{})
	s := office.serve(t, newData(t))
	asked := s.surf().fill(t, "/register", "email", ana, "password", word)
	code := office.newest(t, s, ana, "Confirm your email").code(t)
	t.Run("RV-07_looking_spends_nothing", func(t *testing.T) {
		for range 10 {
			s.surf().open(t, "/verify?code="+code).open(t, "/verify")
			for _, method := range []string{"HEAD", "OPTIONS", "PUT"} {
				s.ask(t, request{method: method, path: "/verify?code=" + code})
			}
		}
		s.ask(t, request{method: "POST", path: "/verify?code=" + code, body: "x=y", kind: "application/x-www-form-urlencoded"}).want(t, 400)
	})
	asked.open(t, "/verify?code="+code)
	t.Run("RV-08_the_code_leaves_the_address_at_once", func(t *testing.T) {
		kept := cookieOf(asked.at.want(t, 303), "__Host-code")
		if to := asked.at.header.Get("Location"); to != "/verify" || kept != "__Host-code="+code {
			t.Errorf("it leads to %q and keeps %q", to, kept)
		}
		for _, page := range []reply{asked.at, asked.open(t, "/verify").at.want(t, 200)} {
			if strings.Contains(page.body, code) || page.header.Get("Referrer-Policy") != "no-referrer" || page.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v of %s", page.header, page.body)
			}
			for _, address := range addressInMail.FindAllString(page.body, -1) {
				t.Errorf("the page speaks of %s", address)
			}
		}
		if strings.Contains(string(s.logged(t)), code) {
			t.Error("the log holds the code")
		}
	})
	asked.fill(t, "/verify").at.want(t, 303)
	if to := asked.at.header.Get("Location"); to != "/login?done=verified" {
		t.Errorf("the press leads to %q", to)
	}
	s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", ana, "password", word)}).want(t, 200)
}
