package gatehouse_test

import (
	"context"
	"regexp"
	"sync"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// mailbag is a Mailer that keeps what it is given.
type mailbag struct {
	mu   sync.Mutex
	last map[model.Email]model.Message
}

func (b *mailbag) Send(_ context.Context, message model.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[message.To] = message
	return nil
}

var codeText = regexp.MustCompile(`ghc_[A-Za-z0-9_-]+`)

// take delivers what waits and sets the code of the scene to the one that the
// stranger got.
func (s *scene) take(t *testing.T) {
	t.Helper()
	if _, err := s.mail.DeliverMail(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mailed.mu.Lock()
	defer s.mailed.mu.Unlock()
	text := s.mailed.last[model.Email(s.stranger()+"@example.com")].Text
	s.code = model.Code(codeText.FindString(text))
	if s.code == "" {
		t.Fatalf("no code in %q", text)
	}
}

func (s *scene) stranger() string { return "new" + s.user.Username.String() }

// asks has a stranger register, who gets a code for the address.
func asks(t *testing.T, s *scene) {
	t.Helper()
	done(t, s.mail.RequestRegistration(t.Context(), gatehouse.Registration{
		Username: s.stranger(), Email: s.stranger() + "@example.com", Password: goodPassword,
	}))
	s.take(t)
}

func emailChange(s *scene) gatehouse.EmailChange {
	return gatehouse.EmailChange{UserID: s.user.ID, SessionID: s.page.Session.ID, Email: s.stranger() + "@example.com", Password: goodPassword}
}

var mailWritings = []writing{
	{name: "RequestRegistration", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.RequestRegistration(ctx, gatehouse.Registration{
			Username: s.stranger(), Email: s.stranger() + "@example.com", Password: goodPassword,
		}))
	}},
	{name: "RequestRegistration/taken", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.RequestRegistration(ctx, gatehouse.Registration{
			Username: s.stranger(), Email: string(s.user.Email), Password: goodPassword,
		}))
	}},
	{name: "ForgotPass", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.ForgotPass(ctx, gatehouse.Recovery{Email: string(s.user.Email)}))
	}},
	{name: "ForgotPass/nobody", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.ForgotPass(ctx, gatehouse.Recovery{Email: s.stranger() + "@example.com"}))
	}},
	{name: "VerifyEmail", keeps: guesses, prepare: asks, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.VerifyEmail(ctx, s.code))
	}},
	{name: "VerifyEmailInBrowser", keeps: guesses, tidies: true, prepare: asks, do: func(ctx context.Context, s *scene) (any, error) {
		return s.mail.VerifyEmailInBrowser(ctx, gatehouse.EmailVerification{Code: s.code, Password: goodPassword})
	}},
	{name: "ChangeEmail", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.ChangeEmail(ctx, emailChange(s)))
	}},
	{name: "VerifyEmail/changed", keeps: guesses, prepare: func(t *testing.T, s *scene) {
		done(t, s.mail.ChangeEmail(t.Context(), emailChange(s)))
		s.take(t)
	}, do: func(ctx context.Context, s *scene) (any, error) { return only(s.mail.VerifyEmail(ctx, s.code)) }},
	{name: "DeliverMail", steps: true, prepare: func(t *testing.T, s *scene) {
		done(t, s.mail.ForgotPass(t.Context(), gatehouse.Recovery{Email: string(s.user.Email)}))
	}, do: func(ctx context.Context, s *scene) (any, error) { return s.mail.DeliverMail(ctx) }},
	{name: "ChangePass/mail", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.mail.ChangePass(ctx, gatehouse.PasswordChange{UserID: s.user.ID, SessionID: s.page.Session.ID, Current: goodPassword, New: otherPassword}))
	}},
	{name: "RefreshJWT/reuse and mail", refused: model.ErrInvalidToken, do: func(ctx context.Context, s *scene) (any, error) {
		return s.mail.RefreshJWT(ctx, s.spent)
	}},
}

var otherWritings = []writing{
	{name: "AllowStrengthHint", do: func(ctx context.Context, s *scene) (any, error) { return only(s.AllowStrengthHint(ctx)) }},
	{name: "CheckSecret", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return s.CheckSecret(ctx, func() bool { return false })
	}},
	{name: "Confirm", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return s.Confirm(ctx, gatehouse.Confirmation{UserID: s.user.ID, SessionID: s.page.Session.ID, Password: goodPassword})
	}},
	{name: "ExportConfirmed", readsAfter: true, prepare: func(t *testing.T, s *scene) {
		var err error
		s.proof, err = s.Confirm(t.Context(), gatehouse.Confirmation{UserID: s.user.ID, SessionID: s.page.Session.ID, Password: goodPassword})
		done(t, err)
	}, do: func(ctx context.Context, s *scene) (any, error) { return s.ExportConfirmed(ctx, s.proof) }},
	{name: "SealEvents", steps: true, do: func(ctx context.Context, s *scene) (any, error) { return s.SealEvents(ctx) }},
	{name: "EachEvent", steps: true, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.EachEvent(ctx, func(model.EventRow) error { return nil }))
	}},
	{name: "EventHead", steps: true, do: func(ctx context.Context, s *scene) (any, error) { return s.EventHead(ctx) }},
	{name: "VerifyEvents", steps: true, do: func(ctx context.Context, s *scene) (any, error) {
		return s.VerifyEvents(ctx, gatehouse.EventHead{})
	}},
	{name: "KeepToHead", do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.KeepToHead(ctx, gatehouse.EventHead{Position: 1 << 40}))
	}},
	{name: "Remember", readsAfter: true, do: func(ctx context.Context, s *scene) (any, error) { return s.Remember(ctx) }},
	{name: "EndEverything", steps: true, do: func(ctx context.Context, s *scene) (any, error) { return s.EndEverything(ctx) }},
}
