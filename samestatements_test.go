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
		for last, act := range map[string]func(ctx context.Context, email string){
			"EN-02_a_wrong_password": func(ctx context.Context, email string) {
				_, err := auth.LoginUser(ctx, gatehouse.Credentials{Identifier: email, Password: wrongPassword})
				refused(t, err, model.ErrWrongCredentials)
			},
			"EN-05_a_forgotten_password": func(ctx context.Context, email string) {
				mustNot(t, auth.ForgotPass(ctx, gatehouse.Recovery{Email: email, Request: model.NewRequestSecret()}))
			},
			"EN-05_digits": func(ctx context.Context, email string) {
				browser := model.NewRequestSecret()
				mustNot(t, auth.ForgotPass(ctx, gatehouse.Recovery{Email: email, Request: browser}))
				err := auth.ResetPass(ctx, gatehouse.PasswordReset{Code: "00000000", Request: browser, New: otherPassword})
				refused(t, err, model.ErrInvalidOrExpiredCode)
			},
		} {
			t.Run(last, func(t *testing.T) {
				points := func(email, address string) int {
					store.forgetAttempts(t)
					store.tap.at(0, func() error { return errors.New("nothing happens") })
					act(model.WithClient(t.Context(), model.Client{Address: netip.MustParseAddr(address), UserAgent: "browser/1"}), email)
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
