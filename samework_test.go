package gatehouse_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// writes notes the verbs that change something, and who asks for an account, in
// their order.
type writes struct {
	model.Store
	mu    sync.Mutex
	verbs []string
	mail  model.OutboxRecord // the last that was queued
}

func (w *writes) note(verb string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.verbs = append(w.verbs, verb)
}

func (w *writes) Tx(ctx context.Context, fn func(model.Records) error) error {
	w.note("Tx")
	return w.Store.Tx(ctx, func(tx model.Records) error { return fn(writesRecords{tx, w}) })
}

func (w *writes) AccountByEmail(ctx context.Context, email model.Email) (model.Account, error) {
	w.note("AccountByEmail")
	return w.Store.AccountByEmail(ctx, email)
}

func (w *writes) TryCode(ctx context.Context, try model.DigitsTry) (model.CodeRecord, error) {
	code, err := w.Store.TryCode(ctx, try)
	w.note("TryCode")
	return code, err
}

func (w *writes) Record(ctx context.Context, e model.Event) error {
	w.note("Record")
	return w.Store.Record(ctx, e)
}

type writesRecords struct {
	model.Records
	w *writes
}

func (r writesRecords) AccountByEmail(ctx context.Context, email model.Email) (model.Account, error) {
	r.w.note("AccountByEmail")
	return r.Records.AccountByEmail(ctx, email)
}

func (r writesRecords) CreateUser(ctx context.Context, u model.User, h model.PasswordHash) error {
	r.w.note("CreateUser")
	return r.Records.CreateUser(ctx, u, h)
}

func (r writesRecords) IssueCode(ctx context.Context, c model.CodeRecord) error {
	r.w.note("IssueCode")
	return r.Records.IssueCode(ctx, c)
}

func (r writesRecords) QueueMail(ctx context.Context, m model.OutboxRecord) error {
	r.w.note("QueueMail")
	r.w.mail = m
	return r.Records.QueueMail(ctx, m)
}

func (r writesRecords) Record(ctx context.Context, e model.Event) error {
	r.w.note("Record")
	return r.Records.Record(ctx, e)
}

func (r writesRecords) ChargeAttempt(ctx context.Context, a model.Attempt) (model.Tally, bool, error) {
	r.w.note("ChargeAttempt")
	return r.Records.ChargeAttempt(ctx, a)
}

// verbsOf returns what an act writes.
func (w *writes) verbsOf(act func()) []string {
	w.mu.Lock()
	w.verbs = nil
	w.mu.Unlock()
	act()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.verbs)
}

// watched is a mail house whose writes are noted.
func watched(t *testing.T) (*mailHouse, *writes) {
	t.Helper()
	m := newMailHouse(t)
	w := &writes{Store: m.store}
	auth, err := gatehouse.New(t.Context(), w, withMasterKey(t, m.house))
	if err != nil {
		t.Fatal(err)
	}
	m.Auth = auth
	return m, w
}

func TestTheSameWorkForNobody(t *testing.T) {
	t.Run("EN-05_forgotten_passwords", func(t *testing.T) {
		m, w := watched(t)
		var mails []received
		want := []int{1, 1, 1, 2, 2} // of those together, after each
		m.verified(t, "ana")
		disabled := m.verified(t, "disabled")
		m.request(t, "unverified", "")
		if err := m.DisableUser(t.Context(), disabled.ID); err != nil {
			t.Fatal(err)
		}
		m.deliver(t)
		for i, email := range []string{"ana@example.com", "nobody@example.com", "disabled@example.com", "unverified@example.com", "no address"} {
			asked := w.verbsOf(func() { m.forgot(t, email, model.NewRequestSecret()) })
			if diff := cmp.Diff([]string{"Tx", "ChargeAttempt", "QueueMail"}, asked); diff != "" {
				t.Errorf("who asks for %s can tell whose it is:\n%s", email, diff)
			}
			if w.mail.Kind != "recovery" || !w.mail.UserID.IsZero() {
				t.Errorf("for %s a mail %q of the user %s is queued", email, w.mail.Kind, w.mail.UserID)
			}
			answered := w.verbsOf(func() { mails = append(mails, m.deliver(t)...) })
			if diff := cmp.Diff([]string{"Tx", "AccountByEmail", "IssueCode", "Record", "QueueMail"}, answered); diff != "" {
				t.Errorf("delivering to %s does other work:\n%s", email, diff)
			}
			if len(mails) != want[i] {
				t.Errorf("after %s: %v", email, subjects(mails))
			}
		}
	})
	t.Run("EN-05_digits_that_are_tried", func(t *testing.T) {
		m, w := watched(t)
		m.verified(t, "ana")
		var tried [][]string
		for _, email := range []string{"ana@example.com", "nobody@example.com"} {
			browser := model.NewRequestSecret()
			m.forgot(t, email, browser)
			m.deliver(t)
			for range 6 {
				tried = append(tried, w.verbsOf(func() { _ = m.typeDigits(t, browser, "00000000") }))
			}
		}
		if diff := cmp.Diff(tried[:6], tried[6:]); diff != "" || len(tried[0]) == len(tried[5]) {
			t.Errorf("%v\n%s", tried[:6], diff)
		}
	})
}

func TestTheSameWorkForATakenEmail(t *testing.T) {
	t.Run("EN-04_registration", func(t *testing.T) {
		m, w := watched(t)
		m.verified(t, "ana")
		var done [][]string
		for _, in := range []gatehouse.Registration{{Username: "bob", Email: "bob@example.com"}, {Username: "eve", Email: "ana@example.com"}} {
			in.Password, in.Request = otherPassword, model.NewRequestSecret()
			done = append(done, w.verbsOf(func() {
				if err := m.RequestRegistration(t.Context(), in); err != nil {
					t.Error(err)
				}
			}))
			done = append(done, w.verbsOf(func() {
				_, err := m.VerifyEmailInBrowser(t.Context(), gatehouse.EmailVerification{Code: "00000000", Request: in.Request})
				refused(t, err, model.ErrInvalidOrExpiredCode)
			}))
		}
		// Where a row of a user is added here, its owner is read there, and a second code
		// and its event are kept.
		slices.Sort(done[0])
		taken := append(slices.Clone(done[0]), "AccountByEmail", "IssueCode", "Record")
		slices.Sort(taken)
		slices.Sort(done[2])
		if diff := cmp.Diff(taken, done[2]); diff != "" {
			t.Errorf("registering does other work:\n%s", diff)
		}
		if diff := cmp.Diff(done[1], done[3]); diff != "" {
			t.Errorf("trying digits afterwards does other work:\n%s", diff)
		}
	})
}
