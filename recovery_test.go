package gatehouse_test

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// Between the wish for a new password and its mail everything may change.
func TestARecoveryIsAnsweredAsThingsAreThen(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, m *mailHouse, ana model.User)
		mails     int
	}{
		"RV-12_nothing_happened": {func(*testing.T, *mailHouse, model.User) {}, 1},
		"RV-22_the_user_was_deleted": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, m.EraseUser(t.Context(), ana.ID))
		}, 0},
		"RV-05_the_user_was_disabled": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, m.DisableUser(t.Context(), ana.ID))
		}, 0},
		"RV-03_half_an_hour_has_gone_by": {func(_ *testing.T, m *mailHouse, _ model.User) {
			m.clock.Add(gatehouse.ResetCodeTTL + time.Second)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailHouse(t)
			ana, _ := m.entered(t, "ana")
			m.forgot(t, "ana@example.com", "")
			c.meanwhile(t, m, ana)
			got := 0
			for _, mail := range m.deliver(t) {
				if mail.subject == "Set a new password for Gatehouse" {
					got++
				}
			}
			if got != c.mails {
				t.Errorf("%d mails came, want %d", got, c.mails)
			}
			if state, err := m.OutboxState(t.Context()); err != nil || state.Waiting != 0 {
				t.Errorf("%d mails wait, %v", state.Waiting, err)
			}
		})
	}
}

func TestTheEventOfARecoveryKnowsWhoAsked(t *testing.T) {
	m := newMailHouse(t)
	ana, _ := m.entered(t, "ana")
	from := model.Client{Address: netip.MustParseAddr("2001:db8::7"), UserAgent: "browser/7", RequestID: "request-7"}
	mustNot(t, m.ForgotPass(model.WithClient(t.Context(), from), gatehouse.Recovery{Email: "ana@example.com"}))
	m.deliverOne(t, "ana@example.com")
	events, err := m.store.EventsOf(t.Context(), ana.ID, 1)
	if err != nil || len(events) != 1 || events[0].Name != model.EventCodeIssued || events[0].Client != from {
		t.Errorf("LG-02: got %+v, %v", events, err)
	}
}

// waiting is a store whose transactions wait once a mail was claimed.
type waiting struct {
	model.Store
	claimed atomic.Bool
	reached chan struct{}
	proceed chan struct{}
}

func (w *waiting) ClaimMail(ctx context.Context, claim model.MailClaim) (model.OutboxRecord, error) {
	mail, err := w.Store.ClaimMail(ctx, claim)
	if err == nil {
		w.claimed.Store(true)
	}
	return mail, err
}

func (w *waiting) Tx(ctx context.Context, fn func(model.Records) error) error {
	if w.claimed.Load() {
		w.reached <- struct{}{}
		<-w.proceed
	}
	return w.Store.Tx(ctx, fn)
}

func TestARecoveryIsAnsweredOnce(t *testing.T) {
	t.Run("many_deliver_at_once", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.forgot(t, "ana@example.com", "")
		if err := errors.Join(together(8, func(int) error { return last(m.DeliverMail(t.Context())) })...); err != nil {
			t.Fatal(err)
		}
		m.deliverOne(t, "ana@example.com")
	})
	t.Run("a_process_that_stood_still_comes_too_late", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.forgot(t, "ana@example.com", "")
		w := &waiting{Store: m.store, reached: make(chan struct{}), proceed: make(chan struct{})}
		slow, err := gatehouse.New(t.Context(), w, withMasterKey(t, m.house))
		mustNot(t, err)
		ended := make(chan error)
		go func() { ended <- last(slow.DeliverMail(context.WithoutCancel(t.Context()))) }()
		<-w.reached
		m.clock.Add(2*time.Minute + time.Second) // its lease is over
		got := m.deliverOne(t, "ana@example.com")
		close(w.proceed)
		mustNot(t, <-ended)
		if late := m.deliver(t); len(late) != 0 {
			t.Errorf("a second mail came: %v", subjects(late))
		}
		mustNot(t, m.reset(t, got.code(t), otherPassword))
	})
}
