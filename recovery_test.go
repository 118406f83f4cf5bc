package gatehouse_test

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/smtp/smtptest"
)

// Between the request for a new password and its mail everything may change.
func TestARecoveryIsWrittenAsThingsAreThen(t *testing.T) {
	reset := func(t *testing.T, m *mailHouse, ana model.User) {
		code, err := m.IssueResetCode(t.Context(), ana.ID)
		mustNot(t, err)
		mustNot(t, m.reset(t, code, otherPassword))
	}
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, m *mailHouse, ana model.User)
		mails     int
	}{
		"RV-12_nothing": {func(*testing.T, *mailHouse, model.User) {}, 1},
		"RV-22_the_user_was_deleted": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, m.EraseUser(t.Context(), ana.ID))
		}, 0},
		"RV-05_the_user_was_disabled": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, m.DisableUser(t.Context(), ana.ID))
		}, 0},
		"RV-05_and_enabled_again": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, m.DisableUser(t.Context(), ana.ID))
			mustNot(t, m.EnableUser(t.Context(), ana.ID))
		}, 0},
		"RV-05_a_new_password_was_set": {reset, 0},
		"a_change_within_what_clocks_may_differ": {func(t *testing.T, m *mailHouse, ana model.User) {
			m.clock.Add(-90 * time.Second)
			mustNot(t, last(m.RenameUser(t.Context(), ana.ID, "anna")))
		}, 1},
		"RV-05_a_newer_code_was_issued": {func(t *testing.T, m *mailHouse, ana model.User) {
			mustNot(t, last(m.IssueResetCode(t.Context(), ana.ID)))
		}, 0},
		"RV-03_half_an_hour_has_gone_by": {func(_ *testing.T, m *mailHouse, _ model.User) {
			m.clock.Add(gatehouse.ResetCodeTTL)
		}, 0},
		"everything_was_ended": {func(t *testing.T, m *mailHouse, _ model.User) {
			mustNot(t, last(m.EndEverything(t.Context())))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailHouse(t)
			ana, _ := m.entered(t, "ana")
			m.forgot(t, "ana@example.com", "")
			m.clock.Add(2 * time.Minute)
			c.meanwhile(t, m, ana)
			got := 0
			for _, mail := range m.deliver(t) {
				if mail.to == "ana@example.com" && mail.subject == "Set a new password for Gatehouse" {
					got++
				}
			}
			if got != c.mails {
				t.Errorf("%d mails came, want %d", got, c.mails)
			}
			if n, given := m.waiting(t), m.eventsNamed(t, model.EventMailGivenUp); n != 0 || given != 0 {
				t.Errorf("%d wait, %d were given up", n, given)
			}
		})
	}
}

func TestTheLifeOfARecovery(t *testing.T) {
	for name, c := range map[string]struct {
		sent, later time.Duration // after the request
		want        *model.Error
	}{
		"RV-03_to_the_last_second":        {0, gatehouse.ResetCodeTTL - time.Second, nil},
		"RV-03_and_not_a_second_more":     {0, gatehouse.ResetCodeTTL, model.ErrInvalidOrExpiredCode},
		"RV-03_however_late_the_mail_was": {20 * time.Minute, gatehouse.ResetCodeTTL, model.ErrInvalidOrExpiredCode},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailHouse(t)
			m.entered(t, "ana")
			m.forgot(t, "ana@example.com", "")
			m.clock.Add(c.sent)
			code := m.deliverOne(t, "ana@example.com").code(t)
			m.clock.Add(c.later - c.sent)
			if err := m.reset(t, code, otherPassword); c.want == nil {
				mustNot(t, err)
			} else {
				refused(t, err, c.want)
			}
		})
	}
}

func TestTheNewestRecoveryCounts(t *testing.T) {
	for name, first := range map[string]int{"RV-05_it_is_written_last": 0, "RV-05_it_is_written_first": 1} {
		t.Run(name, func(t *testing.T) {
			m := newMailHouse(t)
			m.entered(t, "ana")
			browsers := []model.RequestSecret{model.NewRequestSecret(), model.NewRequestSecret()}
			var claimed []model.OutboxRecord
			for _, browser := range browsers {
				m.forgot(t, "ana@example.com", browser)
				claim, err := m.store.ClaimMail(t.Context(), model.MailClaim{Now: m.clock.Now(), LeaseUntil: m.clock.Now().Add(time.Minute)})
				mustNot(t, err)
				claimed = append(claimed, claim)
				m.clock.Add(time.Second)
			}
			var mails []received
			for _, which := range []int{first, 1 - first} {
				mustNot(t, m.store.PutOffMail(t.Context(), claimed[which], m.clock.Now()))
				mails = append(mails, m.deliver(t)...)
			}
			if len(mails) != 2-first {
				t.Fatal(subjects(mails))
			}
			newest := mails[len(mails)-1]
			if err := m.typeDigits(t, browsers[1], newest.digits(t)); err != nil {
				t.Errorf("the digits of the last mail: %v", err)
			}
		})
	}
}

// What is typed before the mail was written is counted as what is typed after it,
// for a user and for nobody.
func TestDigitsBeforeTheMail(t *testing.T) {
	m, w := watched(t)
	m.entered(t, "ana")
	var tried [][]string
	for _, email := range []string{"ana@example.com", "nobody@example.com"} {
		browser := model.NewRequestSecret()
		m.forgot(t, email, browser)
		digits, err := gatehouse.DigitsIn(m.Auth, w.mail)
		mustNot(t, err)
		for range gatehouse.DigitsTries {
			tried = append(tried, w.verbsOf(func() {
				refused(t, m.typeDigits(t, browser, otherDigits(digits)), model.ErrInvalidOrExpiredCode)
			}))
		}
		m.deliver(t)
		refused(t, m.typeDigits(t, browser, digits), model.ErrInvalidOrExpiredCode)
	}
	if diff := cmp.Diff(tried[:gatehouse.DigitsTries], tried[gatehouse.DigitsTries:]); diff != "" || len(tried[0]) < 2 {
		t.Errorf("EN-05_RV-16: %v\n%s", tried[0], diff)
	}
}

func TestLG02_TheEventOfARecoveryKnowsWhoAsked(t *testing.T) {
	m := newMailHouse(t)
	ana, _ := m.entered(t, "ana")
	from := model.Client{Address: netip.MustParseAddr("2001:db8::7"), UserAgent: "browser/7\xff", RequestID: "request-7"}
	mustNot(t, m.ForgotPass(model.WithClient(t.Context(), from), gatehouse.Recovery{Email: "ana@example.com"}))
	m.deliverOne(t, "ana@example.com")
	events, err := m.store.EventsOf(t.Context(), ana.ID, 1)
	if err != nil || len(events) != 1 || events[0].Name != model.EventCodeIssued || events[0].Client != from {
		t.Errorf("got %+v, %v", events, err)
	}
}

// slowStore is a store whose transactions wait once a mail was claimed.
type slowStore struct {
	model.Store
	claimed atomic.Bool
	reached chan struct{}
	proceed chan struct{}
}

func (w *slowStore) ClaimMail(ctx context.Context, claim model.MailClaim) (model.OutboxRecord, error) {
	mail, err := w.Store.ClaimMail(ctx, claim)
	if err == nil {
		w.claimed.Store(true)
	}
	return mail, err
}

func (w *slowStore) Tx(ctx context.Context, fn func(model.Records) error) error {
	if w.claimed.Load() {
		w.reached <- struct{}{}
		<-w.proceed
	}
	return w.Store.Tx(ctx, fn)
}

func TestARecoveryIsWrittenOnce(t *testing.T) {
	t.Run("many_deliver_at_once", func(t *testing.T) {
		m := newMailHouse(t)
		m.entered(t, "ana")
		m.forgot(t, "ana@example.com", "")
		if err := errors.Join(together(8, func(int) error { return last(m.DeliverMail(t.Context())) })...); err != nil {
			t.Fatal(err)
		}
		m.deliverOne(t, "ana@example.com")
	})
	for name, busy := range map[string]error{
		"a_process_that_stood_still_comes_too_late": nil, "and_does_not_take_a_mail_away_that_waits": errors.New("busy"),
	} {
		t.Run(name, func(t *testing.T) { comeTooLate(t, busy) })
	}
}

// comeTooLate has a process stand still for longer than its lease while another
// writes the mail, which the mail server may not take at first.
func comeTooLate(t *testing.T, busy error) {
	m := newMailHouse(t)
	m.entered(t, "ana")
	m.forgot(t, "ana@example.com", "")
	m.server.Judge(func(smtptest.Mail) error { return busy })
	w := &slowStore{Store: m.store, reached: make(chan struct{}, 8), proceed: make(chan struct{})}
	slow, err := gatehouse.New(t.Context(), w, withMasterKey(t, m.house))
	mustNot(t, err)
	ended := make(chan error)
	go func() { ended <- last(slow.DeliverMail(context.WithoutCancel(t.Context()))) }()
	<-w.reached
	m.clock.Add(2*time.Minute + time.Second) // its lease is over
	got := m.deliver(t)
	close(w.proceed)
	mustNot(t, <-ended)
	m.server.Judge(nil)
	m.clock.Add(time.Minute)
	got = append(got, m.deliver(t)...)
	if len(got) != 1 {
		t.Fatalf("%d mails came: %v", len(got), subjects(got))
	}
	mustNot(t, m.reset(t, got[0].code(t), otherPassword))
}
