package gatehouse_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// TestNoticesAreTheSameOnBothEngines lets the same happen on either, and compares who
// is told what.
func TestNoticesAreTheSameOnBothEngines(t *testing.T) {
	var mu sync.Mutex
	told := map[string][]string{}
	t.Run("told", func(t *testing.T) {
		onBothEngines(t, func(t *testing.T, store *tappedStore) {
			mails := noticesOn(t, store)
			mu.Lock()
			defer mu.Unlock()
			told[t.Name()] = mails
		})
	})
	t.Run("RV-15_one_mail_for_each_event", func(t *testing.T) {
		for name, mails := range told {
			if diff := cmp.Diff([]string{
				"ana@example.com: Confirm your email for Gatehouse", "ana@example.com: New login", "ana@example.com: Your username was changed",
				"ana@example.com: Your email is to be changed", "anna@example.com: Confirm your new email for Gatehouse", "ana@example.com: Your email was changed",
				"anna@example.com: Your password was changed", "anna@example.com: Set a new password for Gatehouse", "anna@example.com: Your password was reset",
				"anna@example.com: Your account was deleted",
			}, mails); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		if len(told) == 0 {
			t.Error("no engine was tried")
		}
	})
}

// noticesOn is who is told what of the life of an account.
func noticesOn(t *testing.T, store *tappedStore) (mails []string) {
	t.Helper()
	store.empty(t)
	var mu sync.Mutex
	c, code, ctx := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, model.Code(""), t.Context()
	auth := store.rules(t, c, mailerFunc(func(_ context.Context, m model.Message) error {
		mu.Lock()
		defer mu.Unlock()
		mails = append(mails, m.To.String()+": "+m.Subject)
		if _, rest, ok := strings.Cut(m.Text, "?code="); ok {
			code = model.Code(strings.Fields(rest)[0])
		}
		return nil
	}))
	var grant gatehouse.Grant
	for _, act := range []func() error{
		func() error {
			return auth.RequestRegistration(ctx, gatehouse.Registration{Username: "ana", Email: "ana@example.com", Password: goodPassword})
		},
		func() error { return auth.VerifyEmail(ctx, code) },
		func() (err error) {
			grant, err = auth.LoginUser(ctx, gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			return err
		},
		func() error { return last(auth.RenameUser(ctx, grant.User.ID, "anna")) },
		func() error {
			return auth.ChangeEmail(ctx, gatehouse.EmailChange{UserID: grant.User.ID, SessionID: grant.SessionID, Email: "anna@example.com", Password: goodPassword})
		},
		func() error { return auth.VerifyEmail(ctx, code) },
		func() error {
			return auth.ChangePass(ctx, gatehouse.PasswordChange{UserID: grant.User.ID, SessionID: grant.SessionID, Current: goodPassword, New: otherPassword})
		},
		func() error { return auth.ForgotPass(ctx, gatehouse.Recovery{Email: "anna@example.com"}) },
		func() error { return auth.ResetPass(ctx, gatehouse.PasswordReset{Code: code, New: goodPassword}) },
		func() error {
			return auth.DeleteUser(ctx, gatehouse.Deletion{UserID: grant.User.ID, Password: goodPassword})
		},
	} {
		done(t, act())
		from := len(mails)
		done(t, last(auth.DeliverMail(ctx)))
		slices.Sort(mails[from:]) // two of one act go out at once
	}
	return mails
}
