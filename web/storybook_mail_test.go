package web

import (
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// mailed is a page of an installation that sends mail.
func mailed(v view) view {
	v.SendsMail = true
	return v
}

// mailStates are the pages that need mail, and those that change with it.
func mailStates() []state {
	return append(mailFormStates(), mailboxStates()...)
}

// noMailStates are the pages about mail where none is sent.
func noMailStates() []state {
	return []state{
		{"forgot_no_mail", pageForgot, story(view{})},
		{"verify_no_mail", pageVerify, story(view{Body: verifyView{}})},
		{"account_email_no_mail", pageAccountEmail, loggedInStory(view{Body: emailView{Current: "ana@example.com"}})},
		{"account_email_no_mail_none", pageAccountEmail, loggedInStory(view{Body: emailView{}})},
	}
}

func mailFormStates() []state {
	wrong := model.ErrWrongPassword.With("password", "This is not your password. Type the one you log in with.")
	account := storyAccount(1)
	account.EmailVerified = true
	return []state{
		{"register_mail", pageRegister, mailed(story(view{}))},
		{"register_mail_refused", pageRegister, mailed(story(view{Form: refusedStory(map[string]string{"username": "ana"}, refusedEmail("none"))}))},
		{"login_mail", pageLogin, mailed(story(view{}))},
		{"account_mail", pageAccount, mailed(loggedInStory(view{Body: account}))},
		{"forgot", pageForgot, mailed(story(view{}))},
		{"forgot_slowed", pageForgot, mailed(story(view{Form: refusedStory(map[string]string{"email": "ana@example.com"},
			model.ErrTooManyAttempts.After(42*time.Minute))}))},
		{"reset_mail", pageReset, mailed(story(view{Body: codeFormView{AskCode: true}, Notice: doneRecovery.sentence()}))},
		{"verify_asked", pageVerify, mailed(story(view{Body: verifyView{}, Notice: doneAsked.sentence()}))},
		{"verify_unverified", pageVerify, mailed(story(view{Body: verifyView{}, Notice: doneUnverified.sentence()}))},
		{"verify_linked", pageVerify, mailed(story(view{Body: verifyView{Linked: true}}))},
		{"verify_password", pageVerify, mailed(story(view{Body: verifyView{Linked: true, AskPassword: true}}))},
		{"verify_wrong_password", pageVerify, mailed(story(view{
			Body: verifyView{Linked: true, AskPassword: true}, Form: refusedStory(nil, wrong)}))},
		{"verify_refused", pageVerify, mailed(loggedInStory(view{Body: verifyView{}, Form: refusedStory(nil, refusedCodeField())}))},
		{"account_email", pageAccountEmail, mailed(loggedInStory(view{Body: emailView{Current: "ana@example.com"}}))},
		{"account_email_none", pageAccountEmail, mailed(loggedInStory(view{Body: emailView{}}))},
		{"account_email_refused", pageAccountEmail, mailed(loggedInStory(view{Body: emailView{Current: "ana@example.com"},
			Form: refusedStory(map[string]string{"email": "ana at example"}, refusedEmail("ana at example"))}))},
		{"account_email_wrong", pageAccountEmail, mailed(loggedInStory(view{Body: emailView{Current: "ana@example.com"},
			Form: refusedStory(map[string]string{"email": "anna@example.com"}, wrong)}))},
	}
}

func mailboxStates() []state {
	one := mailView{
		Number: 7, At: storyTime, To: "ana@example.com", Subject: "Confirm your email",
		Text:  "Welcome to Gatehouse.\n\nOpen this link and press the button:\nhttps://id.example.com/verify?code=" + storyCode + "\n\nOr type 1234 5678.\n",
		Links: []mailLink{{"/verify?code=" + storyCode, "/verify"}},
	}
	long := one
	long.Number, long.To, long.Subject = 6, longEmail, "Your password was changed"
	return []state{
		{"mailbox_empty", pageMailbox, mailed(story(view{Body: mailboxView{}}))},
		{"mailbox", pageMailbox, mailed(story(view{Body: mailboxView{Messages: []mailView{one, long}}}))},
		{"mail", pageMail, mailed(story(view{Title: one.Subject, Body: one}))},
	}
}

// mailWays lead to the states of mailStates through the server.
func mailWays(box *model.Mailbox) map[string]func(b *tab) {
	const ana = "ana@example.com"
	asks := func(b *tab) { b.fill("/register", "username", "ana", "email", ana, "password", goodPassword) }
	linked := func(b *tab) string { return linkIn(b.s.t, b.s, newestTo(b.s.t, b.s, box, ana)) }
	return map[string]func(b *tab){
		"register_mail":         func(b *tab) { b.surf("/register") },
		"register_mail_refused": func(b *tab) { b.fill("/register", "username", "ana", "email", "", "password", goodPassword) },
		"login_mail":            func(b *tab) { b.surf("/login") },
		"account_mail":          func(b *tab) { b.enterVerified(box).surf("/account") },
		"forgot":                func(b *tab) { b.surf("/forgot") },
		"forgot_slowed": func(b *tab) {
			for range 10 {
				b.fill("/forgot", "email", ana)
			}
			b.s.turn(18 * time.Minute)
			b.fill("/forgot", "email", ana)
		},
		"reset_mail":        func(b *tab) { b.fill("/forgot", "email", ana) },
		"verify_asked":      asks,
		"verify_unverified": func(b *tab) { asks(b); b.fill("/login", "identifier", "ana", "password", goodPassword) },
		"verify_linked":     func(b *tab) { asks(b); b.surf(linked(b)) },
		"verify_password": func(b *tab) {
			asks(b.s.browse())
			b.surf(linked(b))
		},
		"verify_wrong_password": func(b *tab) {
			asks(b.s.browse())
			b.surf(linked(b)).press("/verify", "password", wrongPassword)
		},
		"verify_refused": func(b *tab) { b.enterVerified(box).fill("/verify", "code", "ghc_old") },
		"account_email":  func(b *tab) { b.enterVerified(box).surf("/account/email") },
		"account_email_none": func(b *tab) {
			in := gatehouse.Registration{Username: "ana", Password: goodPassword}
			if _, err := b.s.auth.RegisterUser(b.s.t.Context(), in); err != nil {
				b.s.t.Fatal(err)
			}
			b.fill("/login", "identifier", "ana", "password", goodPassword).surf("/account/email")
		},
		"account_email_refused": func(b *tab) {
			b.enterVerified(box).fill("/account/email", "email", "ana at example", "password", goodPassword)
		},
		"account_email_wrong": func(b *tab) {
			b.enterVerified(box).fill("/account/email", "email", "anna@example.com", "password", wrongPassword)
		},
		"mailbox_empty": func(b *tab) { b.surf("/dev/mailbox") },
	}
}

// enterVerified registers ana, proves the email and logs the browser in.
func (b *tab) enterVerified(box *model.Mailbox) *tab {
	b.s.t.Helper()
	b.fill("/register", "username", "ana", "email", "ana@example.com", "password", goodPassword)
	b.surf(linkIn(b.s.t, b.s, newestTo(b.s.t, b.s, box, "ana@example.com"))).press("/verify")
	b.fill("/login", "identifier", "ana", "password", goodPassword)
	return b
}

func TestTheMailPagesAreWhatTheServerSends(t *testing.T) {
	t.Parallel()
	stories := mustPages(t)
	for _, story := range mailStates() {
		if story.name == "mailbox" || story.name == "mail" || story.name == "account_mail" { // other tests read these
			continue
		}
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			s, box := openMailed(t)
			if strings.HasSuffix(story.name, "_slowed") {
				s, box = openMailedLimited(t, gatehouse.Limits{})
				s.stopClock()
			}
			way := mailWays(box)[story.name]
			if way == nil {
				t.Fatal("nothing leads to this state, so nobody gets this page")
			}
			b := s.browse()
			way(b)
			got, want := asStory(b.at), mustRender(t, stories, story)
			if story.page == pageAccount { // its times and ids are never the same
				got, want = skeleton(t, got), skeleton(t, want)
			}
			if got != want {
				t.Errorf("the server sends %d\n%s\nand the storybook shows\n%s", b.at.status, got, want)
			}
		})
	}
}
