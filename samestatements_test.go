package gatehouse_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// TestTheSameStatementsForNobody counts what an answer costs the store, where the
// user is there and where nobody is.
func TestTheSameStatementsForNobody(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		_, c := store.auth(t)
		auth := store.rules(t, c, mailerFunc(func(context.Context, model.Message) error { return nil }))
		_, err := auth.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Email: "ana@example.com", Password: goodPassword})
		mustNot(t, err)
		forgot := func(ctx context.Context, email string, browser model.RequestSecret) {
			mustNot(t, auth.ForgotPass(ctx, gatehouse.Recovery{Email: email, Request: browser}))
		}
		written := func(ctx context.Context, email string, browser model.RequestSecret) {
			forgot(ctx, email, browser)
			mustNot(t, last(auth.DeliverMail(ctx)))
		}
		for name, trial := range map[string]struct {
			before, act func(ctx context.Context, email string, browser model.RequestSecret)
		}{
			"EN-02_a_wrong_password": {act: func(ctx context.Context, email string, _ model.RequestSecret) {
				_, err := auth.LoginUser(ctx, gatehouse.Credentials{Identifier: email, Password: wrongPassword})
				refused(t, err, model.ErrWrongCredentials)
			}},
			"EN-05_a_forgotten_password": {act: forgot},
			"EN-05_and_once_more":        {before: written, act: forgot},
			"EN-05_digits": {before: written, act: func(ctx context.Context, _ string, browser model.RequestSecret) {
				err := auth.ResetPass(ctx, gatehouse.PasswordReset{Code: "00000000", Request: browser, New: otherPassword})
				refused(t, err, model.ErrInvalidOrExpiredCode)
			}},
		} {
			t.Run(name, func(t *testing.T) {
				points := func(email, address string) int {
					store.forgetAttempts(t)
					ctx := model.WithClient(t.Context(), model.Client{Address: netip.MustParseAddr(address), UserAgent: "browser/1"})
					browser := model.NewRequestSecret()
					if trial.before != nil {
						trial.before(ctx, email, browser)
					}
					store.tap.at(0, func() error { return errors.New("nothing happens") })
					trial.act(ctx, email, browser)
					return store.tap.points
				}
				user, nobody := points("ana@example.com", "192.0.2.1"), points("nobody@example.com", "192.0.2.2")
				if user != nobody || user < 3 {
					t.Errorf("%d for a user, %d for nobody", user, nobody)
				}
			})
		}
	})
}
