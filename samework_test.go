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

// work notes the verbs that change something, and who asks for an account, in
// their order.
type work struct {
	model.Store
	mu    sync.Mutex
	verbs []string
	mail  model.OutboxRecord // the last that was queued
}

func (w *work) note(verb string, mail ...model.OutboxRecord) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.verbs = append(w.verbs, verb)
	if len(mail) > 0 {
		w.mail = mail[0]
	}
}

func (w *work) Tx(ctx context.Context, fn func(model.Records) error) error {
	w.note("Tx")
	return w.Store.Tx(ctx, func(tx model.Records) error { return fn(workRecords{tx, w}) })
}

func (w *work) AccountByEmail(ctx context.Context, email model.Email) (model.Account, error) {
	w.note("AccountByEmail")
	return w.Store.AccountByEmail(ctx, email)
}

func (w *work) TryCode(ctx context.Context, try model.DigitsTry) (model.CodeRecord, error) {
	code, err := w.Store.TryCode(ctx, try)
	w.note("TryCode")
	return code, err
}

func (w *work) Record(ctx context.Context, e model.Event) error {
	w.note("Record")
	return w.Store.Record(ctx, e)
}

type workRecords struct {
	model.Records
	w *work
}

func (r workRecords) AccountByEmail(ctx context.Context, email model.Email) (model.Account, error) {
	r.w.note("AccountByEmail")
	return r.Records.AccountByEmail(ctx, email)
}

func (r workRecords) CreateUser(ctx context.Context, u model.User, h model.PasswordHash) error {
	r.w.note("CreateUser")
	return r.Records.CreateUser(ctx, u, h)
}

func (r workRecords) IssueCode(ctx context.Context, c model.CodeRecord) error {
	r.w.note("IssueCode")
	return r.Records.IssueCode(ctx, c)
}

func (r workRecords) GiveCode(ctx context.Context, digest model.Digest, user model.UserID, email model.Email) error {
	r.w.note("GiveCode")
	return r.Records.GiveCode(ctx, digest, user, email)
}

func (r workRecords) RemoveMail(ctx context.Context, id model.MailID) (bool, error) {
	r.w.note("RemoveMail")
	return r.Records.RemoveMail(ctx, id)
}

func (r workRecords) QueueMail(ctx context.Context, m model.OutboxRecord) error {
	r.w.note("QueueMail", m)
	return r.Records.QueueMail(ctx, m)
}

func (r workRecords) Record(ctx context.Context, e model.Event) error {
	r.w.note("Record")
	return r.Records.Record(ctx, e)
}

func (r workRecords) ChargeAttempt(ctx context.Context, a model.Attempt) (model.Tally, bool, error) {
	r.w.note("ChargeAttempt")
	return r.Records.ChargeAttempt(ctx, a)
}

// verbsOf returns the verbs of an act.
func (w *work) verbsOf(act func()) []string {
	w.mu.Lock()
	w.verbs = nil
	w.mu.Unlock()
	act()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.verbs)
}

// watched is a mail house whose work is noted.
func watched(t *testing.T) (*mailHouse, *work) {
	t.Helper()
	m := newMailHouse(t)
	w := &work{Store: m.store}
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
		m.verified(t, "ana")
		disabled := m.verified(t, "disabled")
		m.request(t, "unverified", "")
		if err := m.DisableUser(t.Context(), disabled.ID); err != nil {
			t.Fatal(err)
		}
		m.deliver(t)
		for email, mails := range map[string]int{
			"ana@example.com": 1, "unverified@example.com": 1, "nobody@example.com": 0, "disabled@example.com": 0, "no address": 0,
		} {
			asked := w.verbsOf(func() { m.forgot(t, email, model.NewRequestSecret()) })
			if diff := cmp.Diff([]string{"Tx", "ChargeAttempt", "IssueCode", "QueueMail"}, asked); diff != "" {
				t.Errorf("who asks for %s can tell whose it is:\n%s", email, diff)
			}
			if w.mail.Kind != "recovery" || !w.mail.UserID.IsZero() {
				t.Errorf("for %s a mail %q of the user %s is queued", email, w.mail.Kind, w.mail.UserID)
			}
			if got := m.deliver(t); len(got) != mails {
				t.Errorf("%s: %v", email, subjects(got))
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
