package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehouse/smtp/smtptest"
)

// TestMailOverTheAPI is the life of an address, told by a program: registered,
// proven, forgotten, changed, and one mail for each of it.
func TestMailOverTheAPI(t *testing.T) {
	for name, how := range map[string]smtptest.Config{"STARTTLS": {}, "implicit_TLS": {ImplicitTLS: true}} {
		t.Run("TL-05_"+name, func(t *testing.T) {
			t.Parallel()
			office := openPost(t, how)
			mailLife(t, office, office.serve(t, newData(t)))
		})
	}
}

// author is a program that speaks to the API and reads the mails of ana, who
// becomes anna.
type author struct {
	office *postOffice
	server *server
}

const (
	ana, anna = "ana@example.com", "anna@example.org"
	checkMail = `{"next":"check-mail"}`
)

func (a *author) post(t *testing.T, path, bearer, body string) reply {
	t.Helper()
	return a.server.ask(t, request{method: "POST", path: path, bearer: bearer, body: body})
}

func (a *author) login(t *testing.T, identifier, password string) reply {
	t.Helper()
	return a.post(t, "/v1/login", "", object("identifier", identifier, "password", password))
}

func (a *author) me(t *testing.T, g grant) reply {
	t.Helper()
	return a.server.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access})
}

func mailLife(t *testing.T, office *postOffice, s *server) {
	a := &author{office, s}
	t.Run("RV-02_RV-05_registered_and_proven", a.registers)
	g := a.login(t, "ana", word).want(t, 200).grant(t)
	t.Run("RV-14_SC-11_the_address_changes_when_the_new_one_is_proven", func(t *testing.T) { a.moves(t, g) })
	t.Run("RV-09_RV-01_a_reset_ends_every_session_and_logs_nobody_in", func(t *testing.T) { a.recovers(t, g) })
	g = a.login(t, "ana", resetsWord).want(t, 200).grant(t)
	s.ask(t, request{method: "PATCH", path: "/v1/me", bearer: g.Access, body: object("username", "anna")}).want(t, 200)
	a.post(t, "/v1/password/change", g.Access, object("current_password", resetsWord, "new_password", secondWord)).want(t, 204)
	s.ask(t, request{method: "DELETE", path: "/v1/account", bearer: g.Access, body: object("password", secondWord)}).want(t, 204)
	settled(t, s)
	t.Run("RV-15_one_mail_for_each_event", func(t *testing.T) { checkMailsOfALife(t, office, s) })
	t.Run("RV-08_no_code_in_the_log", func(t *testing.T) {
		log := string(s.logged(t))
		for _, l := range office.letters(t) {
			if found := codeInMail.FindStringSubmatch(l.text); found != nil && strings.Contains(log, found[1]) {
				t.Errorf("the code of %q is logged", l.subject)
			}
		}
	})
}

func (a *author) registers(t *testing.T) {
	registration := object("username", "ana", "email", "Ana@Example.com", "password", word)
	if got := a.post(t, "/v1/register", "", registration).want(t, 202); got.body != checkMail {
		t.Errorf("register: %s", got.body)
	}
	if got := a.login(t, "ana", word).want(t, 403); !strings.Contains(got.body, `"email-unverified"`) {
		t.Errorf("login before the proof: %s", got.body)
	}
	code := a.office.newest(t, a.server, ana, "Confirm your email").code(t) // of the login, which made the one before void
	a.post(t, "/v1/password/reset", "", object("code", code, "new_password", secondWord)).want(t, 400)
	a.post(t, "/v1/email/verify", "", object("code", code)).want(t, 204)
	a.post(t, "/v1/email/verify", "", object("code", code)).want(t, 400)
	me := a.me(t, a.login(t, "ana", word).want(t, 200).grant(t)).want(t, 200)
	if !strings.Contains(me.body, `"email":"ana@example.com","email_verified":true`) {
		t.Errorf("me: %s", me.body)
	}
}

func (a *author) moves(t *testing.T, g grant) {
	other := a.login(t, "ana", word).want(t, 200).grant(t)
	a.post(t, "/v1/email/change", g.Access, object("email", anna, "password", otherWord)).want(t, 401)
	if got := a.post(t, "/v1/email/change", g.Access, object("email", anna, "password", word)).want(t, 202); got.body != checkMail {
		t.Errorf("change: %s", got.body)
	}
	code := a.office.newest(t, a.server, anna, "Confirm your new email").code(t)
	a.login(t, anna, word).want(t, 401)
	a.login(t, ana, word).want(t, 200)
	a.post(t, "/v1/email/verify", "", object("code", code)).want(t, 204)
	a.login(t, ana, word).want(t, 401)
	a.me(t, g).want(t, 200)
	a.me(t, other).want(t, 401)
}

func (a *author) recovers(t *testing.T, g grant) {
	if got := a.post(t, "/v1/password/forgot", "", object("email", "ANNA@example.org")).want(t, 202); got.body != checkMail {
		t.Errorf("forgot: %s", got.body)
	}
	a.post(t, "/v1/password/forgot", "", object("email", ana)).want(t, 202) // nobody's any more
	code := a.office.newest(t, a.server, anna, "Set a new password").code(t)
	a.login(t, "ana", word).want(t, 200) // nothing has changed so far
	a.post(t, "/v1/email/verify", "", object("code", code)).want(t, 400)
	got := a.post(t, "/v1/password/reset", "", object("code", code, "new_password", resetsWord)).want(t, 204)
	if got.body != "" || len(got.header["Set-Cookie"]) > 0 {
		t.Errorf("the reset answers %q %v", got.body, got.header)
	}
	a.me(t, g).want(t, 401)
	if status, _, err := a.server.refresh(g.Refresh); err != nil || status != 401 {
		t.Errorf("refresh: %d %v", status, err)
	}
	a.login(t, "ana", word).want(t, 401)
}

func checkMailsOfALife(t *testing.T, office *postOffice, s *server) {
	all := office.letters(t)
	want := []string{
		"ana@example.com: Confirm your email for Shop", // of the registration
		"ana@example.com: Confirm your email for Shop", // of the login before the proof
		"ana@example.com: Your email is to be changed",
		"ana@example.com: Your email was changed",
		"anna@example.org: Confirm your new email for Shop",
		"anna@example.org: Set a new password for Shop",
		"anna@example.org: Your password was reset",
		"anna@example.org: Your password was changed",
		"anna@example.org: Your username was changed",
		"anna@example.org: Your account was deleted",
	}
	slices.Sort(want)
	var news []string // logins are told apart by the place, which is the same here
	for _, subject := range subjectsOf(all) {
		if !strings.HasSuffix(subject, ": New login") {
			news = append(news, subject)
		}
	}
	if !slices.Equal(news, want) {
		t.Errorf("got %s\nwant %s", strings.Join(news, "\n"), strings.Join(want, "\n"))
	}
	ids := map[string]bool{}
	for _, l := range all {
		if ids[l.id] || !strings.HasSuffix(l.id, "@localhost>") {
			t.Errorf("%q has the id %s, which is no new one of ours", l.subject, l.id)
		}
		ids[l.id] = true
		checkLetter(t, l, s.url)
	}
}

// checkLetter looks at what every mail has to be like.
func checkLetter(t *testing.T, l letter, origin string) {
	t.Helper()
	for _, part := range []string{l.text, l.html} {
		if part == "" {
			t.Errorf("%q has an empty part", l.subject)
		}
		for _, address := range addressInMail.FindAllString(part, -1) {
			if address != origin && !strings.HasPrefix(address, origin+"/") {
				t.Errorf("RV-06 %q leads to %s", l.subject, address)
			}
		}
		if strings.Contains(part, "ghc_") != strings.Contains(l.text, "?code=") {
			t.Errorf("%q: one part has a code and the other has none", l.subject)
		}
		for _, secret := range []string{word, secondWord, resetsWord, "ghr_"} {
			if strings.Contains(part, secret) {
				t.Errorf("RV-15 %q holds a secret", l.subject)
			}
		}
	}
	for _, address := range addressInMail.FindAllString(l.text, -1) {
		if address = strings.TrimRight(address, ".,"); !strings.Contains(l.html, `href="`+address+`"`) {
			t.Errorf("%q: %s is no link in the HTML part", l.subject, address)
		}
	}
	for _, tag := range []string{"<img", "<script", "<link", "<iframe", "url(", "@import", "<form"} {
		if strings.Contains(strings.ToLower(l.html), tag) {
			t.Errorf("%q has %s", l.subject, tag)
		}
	}
	head, _, _ := strings.Cut(l.raw, "\r\n\r\n")
	for _, header := range []string{"\r\nFrom: \"Shop\" <" + postFrom + ">\r\n", "\r\nTo: <" + l.to + ">\r\n", "\r\nAuto-Submitted: auto-generated\r\n"} {
		if strings.Count("\r\n"+head+"\r\n", header) != 1 {
			t.Errorf("%q: not once %q in %s", l.subject, header, head)
		}
	}
}

// TestMailOnPostgreSQL is the same life over two processes on one database: each
// mail is sent by one of them.
func TestMailOnPostgreSQL(t *testing.T) {
	f := newFarm(t)
	office := openPost(t, smtptest.Config{})
	first, second := f.startMailing(t, office), f.startMailing(t, office)
	for _, name := range []string{"ana", "ben", "eva", "ida"} {
		first.ask(t, request{method: "POST", path: "/v1/register", body: object("email", name+"@example.com", "password", word)}).want(t, 202)
		await(t, "the mail to "+name, func() bool {
			return slices.ContainsFunc(office.letters(t), func(l letter) bool { return l.to == name+"@example.com" })
		})
	}
	all := office.letters(t)
	if len(all) != 4 {
		t.Fatalf("got %v, want four mails", subjectsOf(all))
	}
	for _, l := range all {
		second.ask(t, request{method: "POST", path: "/v1/email/verify", body: object("code", l.code(t))}).want(t, 204)
		g := first.login(t, l.to)
		second.ask(t, request{method: "POST", path: "/v1/password/forgot", body: object("email", l.to)}).want(t, 202)
		await(t, "the mail to recover "+l.to, func() bool {
			return slices.Contains(subjectsOf(office.letters(t)), l.to+": Set a new password for Shop")
		})
		first.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, http.StatusOK)
	}
}
