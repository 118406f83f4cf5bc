package e2e

import (
	"testing"
)

// mailsPerName is how often one person is written to: fewer times than an hour
// allows, since further mails are left out.
const mailsPerName = 2

// newMailEnumeration is newEnumeration with mail, which nobody reads.
func newMailEnumeration(t testing.TB, samples int) *enumeration {
	t.Helper()
	return startEnumeration(t, samples, "--smtp", "mailbox")
}

func emailOf(name string) string { return name + "@example.com" }

// owners returns as many people as a class needs who get mailsPerName mails each.
func (e *enumeration) owners() []string {
	names := make([]string, (e.samples+mailsPerName-1)/mailsPerName)
	for i := range names {
		names[i] = newName()
	}
	return names
}

// confirmed imports people whose email was confirmed.
func (e *enumeration) confirmed(t testing.TB, names []string) {
	t.Helper()
	e.bring(t, map[string]any{"email_verified_at": "2026-01-01T00:00:00Z", "password_hash": e.phc}, names)
}

// unconfirmed imports people whose email was not.
func (e *enumeration) unconfirmed(t testing.TB, names []string) {
	t.Helper()
	e.bring(t, map[string]any{"password_hash": e.phc}, names)
}

// each makes a request for every sample, so many for each name.
func (e *enumeration) each(name, status string, names []string, tries int, request func(name string) string) class {
	requests := make([]string, e.samples)
	for i := range requests {
		requests[i] = request(names[i/tries])
	}
	return class{name: name, status: status, requests: requests}
}

// loginUnverified is a wrong password where mail is configured.
func (e *enumeration) loginUnverified(t testing.TB) surface {
	unknown, active, unverified := e.names(), e.names(), e.names()
	e.confirmed(t, active)
	e.unconfirmed(t, unverified)
	login := func(name string) string {
		return e.server.head("POST", "/v1/login", "", object("identifier", emailOf(name), "password", otherWord))
	}
	return surface{"`POST /v1/login`, wrong password, with mail", []class{
		e.each("unknown", "401", unknown, triesPerName, login), e.each("active", "401", active, triesPerName, login),
		e.each("email not confirmed", "401", unverified, triesPerName, login),
	}}
}

// registerEmail is an email that is free, or taken.
func (e *enumeration) registerEmail(t testing.TB) surface {
	free, confirmed, unconfirmed := e.owners(), e.owners(), e.owners()
	e.confirmed(t, confirmed)
	e.unconfirmed(t, unconfirmed)
	for i := len(free); i < e.samples; i++ {
		free = append(free, newName())
	}
	register := func(name string) string {
		return e.server.head("POST", "/v1/register", "", object("username", newName(), "email", emailOf(name), "password", word))
	}
	return surface{"`POST /v1/register`, email, with mail", []class{
		e.each("free", "202", free, 1, register), e.each("taken", "202", confirmed, mailsPerName, register),
		e.each("taken, not confirmed", "202", unconfirmed, mailsPerName, register),
	}}
}

// forgot asks for a mail to set a new password.
func (e *enumeration) forgot(t testing.TB) surface {
	unknown, confirmed, unconfirmed, disabled := e.owners(), e.owners(), e.owners(), e.owners()
	e.confirmed(t, confirmed)
	e.unconfirmed(t, unconfirmed)
	const moment = "2026-01-01T00:00:00Z"
	e.bring(t, map[string]any{"email_verified_at": moment, "disabled_at": moment, "password_hash": e.phc}, disabled)
	of := func(name string, names []string) class {
		return e.each(name, "202", names, mailsPerName, func(name string) string {
			return e.server.head("POST", "/v1/password/forgot", "", object("email", emailOf(name)))
		})
	}
	return surface{"`POST /v1/password/forgot`", []class{
		of("unknown", unknown), of("active", confirmed), of("email not confirmed", unconfirmed), of("disabled", disabled),
	}}
}

// changeEmail is a new email that is free, or taken.
func (e *enumeration) changeEmail(t testing.TB) surface {
	owners := e.owners()
	e.confirmed(t, owners)
	of := func(name string, email func(i int) string) class {
		people := e.owners()
		e.confirmed(t, people)
		grants := e.logIn(t, people)
		requests := make([]string, e.samples)
		for i := range requests {
			requests[i] = e.server.head("POST", "/v1/email/change", grants[i/mailsPerName].Access, object("email", emailOf(email(i)), "password", word))
		}
		return class{name: name, status: "202", requests: requests}
	}
	return surface{"`POST /v1/email/change`", []class{
		of("free", func(int) string { return newName() }),
		of("taken", func(i int) string { return owners[i/mailsPerName] }),
	}}
}

// TestNobodyLearnsWhoGetsMail is TestNobodyLearnsWhoIsHere with mail.
func TestNobodyLearnsWhoGetsMail(t *testing.T) {
	t.Parallel()
	e := newMailEnumeration(t, 2)
	for name, of := range map[string]func(testing.TB) surface{
		"EN-01_login": e.loginUnverified, "EN-03_register": e.registerEmail, "EN-05_forgot": e.forgot, "EN-06_change_of_the_email": e.changeEmail,
	} {
		t.Run(name, func(t *testing.T) { e.wantAlike(t, of(t)) })
	}
}
