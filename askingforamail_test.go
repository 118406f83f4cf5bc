package gatehouse_test

import (
	"context"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// A mail server that takes its time keeps the one waiting who delivers, and nobody
// who asks.
func TestWhoAsksForAMailDoesNotWaitForIt(t *testing.T) {
	taking, take := make(chan struct{}), make(chan struct{})
	h := newHouse(t, func(c *gatehouse.Config) {
		c.Mailer = mailerFunc(func(ctx context.Context, _ model.Message) error {
			select {
			case taking <- struct{}{}:
			case <-ctx.Done():
				t.Error("who asked delivers the mail")
				return ctx.Err()
			}
			<-take
			return nil
		})
	})
	ana := h.register(t, "ana") // which queues the first mail
	delivered := make(chan error, 1)
	go func() {
		_, err := h.DeliverMail(context.WithoutCancel(t.Context()))
		delivered <- err
	}()
	<-taking
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, ask := range map[string]func() error{
		"EN-05_forgot": func() error { return h.ForgotPass(ctx, gatehouse.Recovery{Email: "ana@example.com"}) },
		"EN-05_nobody": func() error { return h.ForgotPass(ctx, gatehouse.Recovery{Email: "nobody@example.com"}) },
		"EN-03_register": func() error {
			return h.RequestRegistration(ctx, gatehouse.Registration{Username: "bob", Email: "bob@example.com", Password: goodPassword})
		},
		"EN-05_once_more_by_a_login": func() error {
			err := try(ctx, h.Auth, "ana", goodPassword)
			refused(t, err, model.ErrEmailUnverified)
			return nil
		},
		"EN-06_change": func() error {
			return h.ChangeEmail(ctx, gatehouse.EmailChange{UserID: ana.ID, Email: "anna@example.com", Password: goodPassword})
		},
	} {
		t.Run(name, func(t *testing.T) { mustNot(t, ask()) })
	}
	select {
	case <-delivered:
		t.Error("the mail server has answered, so nothing was proven")
	default:
	}
	go func() {
		for range taking { // those that were queued meanwhile, if they are sent in this round
		}
	}()
	close(take)
	mustNot(t, <-delivered)
	close(taking)
}
