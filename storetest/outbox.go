package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
)

var outbox = []contract{
	{"a_mail_comes_back_as_it_was_queued", mailKept},
	{"the_mail_that_is_due_the_longest_is_claimed_first", longestDueFirst},
	{"a_claimed_mail_is_nobody_elses_until_the_lease_is_over", leaseHolds},
	{"PutOffMail_moves_what_nobody_has_claimed_since", putOffOwnClaim},
	{"RemoveMail_removes_once", removeOnce},
	{"a_transaction_that_fails_claims_and_moves_nothing", claimsUndone},
	{"RV-22_mails_go_with_their_user_and_others_stay", mailsOfDeleted},
	{"QueueMail_needs_the_user", queueNeedsUser},
	{"OutboxState_counts_what_waits", outboxCounts},
}

var emails = []contract{
	{"a_mailbox_is_proven_once_and_only_where_it_is_the_users", emailVerified},
	{"RV-14_the_new_email_takes_the_place_of_the_old", emailChanged},
	{"a_taken_email_is_refused_and_nothing_changes", emailChangeTaken},
}

func mailFor(user model.UserID, due time.Time) model.OutboxRecord {
	return model.OutboxRecord{ID: model.NewID[model.OutboxRecord](), UserID: user, Kind: "notice", Sealed: []byte{0, 1, 0xff},
		CreatedAt: noon.Add(-time.Microsecond), ExpiresAt: noon.Add(24 * time.Hour), NextTryAt: due}
}

func claimAt(now time.Time) model.MailClaim {
	return model.MailClaim{Now: now, LeaseUntil: now.Add(2 * time.Minute)}
}

func mailKept(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	for _, mail := range []model.OutboxRecord{mailFor(ana.ID, noon), mailFor(model.UserID{}, noon)} {
		must(t, store.QueueMail(t.Context(), mail))
		claimed := got(store.ClaimMail(t.Context(), claimAt(noon)))(t)
		mail.NextTryAt, mail.Tries = noon.Add(2*time.Minute), 1
		same(t, claimed, mail)
	}
	_, err := store.ClaimMail(t.Context(), claimAt(noon))
	refused(t, err, model.ErrNotFound)
}

func longestDueFirst(t *testing.T, store model.Store) {
	var want []model.MailID
	for _, due := range []time.Duration{-time.Hour, -time.Minute, 0} {
		mail := mailFor(model.UserID{}, noon.Add(due))
		want = append(want, mail.ID)
		must(t, store.QueueMail(t.Context(), mail))
	}
	must(t, store.QueueMail(t.Context(), mailFor(model.UserID{}, noon.Add(time.Microsecond))))
	var order []model.MailID
	for range want {
		order = append(order, got(store.ClaimMail(t.Context(), claimAt(noon)))(t).ID)
	}
	same(t, order, want)
	_, err := store.ClaimMail(t.Context(), claimAt(noon))
	refused(t, err, model.ErrNotFound)
}

func leaseHolds(t *testing.T, store model.Store) {
	must(t, store.QueueMail(t.Context(), mailFor(model.UserID{}, noon)))
	first := got(store.ClaimMail(t.Context(), claimAt(noon)))(t)
	_, err := store.ClaimMail(t.Context(), claimAt(first.NextTryAt.Add(-time.Microsecond)))
	refused(t, err, model.ErrNotFound)
	if again := got(store.ClaimMail(t.Context(), claimAt(first.NextTryAt)))(t); again.ID != first.ID || again.Tries != 2 {
		t.Errorf("got %+v, want the same mail for the second time", again)
	}
}

func putOffOwnClaim(t *testing.T, store model.Store) {
	must(t, store.QueueMail(t.Context(), mailFor(model.UserID{}, noon)))
	first := got(store.ClaimMail(t.Context(), claimAt(noon)))(t)
	must(t, store.PutOffMail(t.Context(), first, noon.Add(10*time.Second)))
	second := got(store.ClaimMail(t.Context(), claimAt(noon.Add(10*time.Second))))(t)
	// Who claimed it first comes back late and moves nothing.
	must(t, store.PutOffMail(t.Context(), first, noon))
	_, err := store.ClaimMail(t.Context(), claimAt(second.NextTryAt.Add(-time.Microsecond)))
	refused(t, err, model.ErrNotFound)
}

func removeOnce(t *testing.T, store model.Store) {
	mail, other := mailFor(model.UserID{}, noon), mailFor(model.UserID{}, noon)
	must(t, store.QueueMail(t.Context(), mail))
	must(t, store.QueueMail(t.Context(), other))
	if !got(store.RemoveMail(t.Context(), mail.ID))(t) || got(store.RemoveMail(t.Context(), mail.ID))(t) {
		t.Error("it was not removed exactly once")
	}
	if left := got(store.ClaimMail(t.Context(), claimAt(noon)))(t); left.ID != other.ID {
		t.Error("another mail was removed")
	}
}

func claimsUndone(t *testing.T, store model.Store) {
	mail := mailFor(model.UserID{}, noon)
	must(t, store.QueueMail(t.Context(), mail))
	err := store.Tx(t.Context(), func(tx model.Records) error {
		claimed := got(tx.ClaimMail(t.Context(), claimAt(noon)))(t)
		must(t, tx.PutOffMail(t.Context(), claimed, noon.Add(time.Hour)))
		return errOnPurpose
	})
	if !errors.Is(err, errOnPurpose) {
		t.Fatal(err)
	}
	if claimed := got(store.ClaimMail(t.Context(), claimAt(noon)))(t); claimed.Tries != 1 {
		t.Errorf("claimed %d times, want once", claimed.Tries)
	}
}

func mailsOfDeleted(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	bobs, nobodys := mailFor(bob.ID, noon), mailFor(model.UserID{}, noon.Add(time.Microsecond))
	for _, mail := range []model.OutboxRecord{mailFor(ana.ID, noon), bobs, nobodys} {
		must(t, store.QueueMail(t.Context(), mail))
	}
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	later := claimAt(noon.Add(time.Minute))
	first, second := got(store.ClaimMail(t.Context(), later))(t), got(store.ClaimMail(t.Context(), later))(t)
	if first.ID != bobs.ID || second.ID != nobodys.ID {
		t.Error("the mail of another is gone, or hers is left")
	}
}

func queueNeedsUser(t *testing.T, store model.Store) {
	refused(t, store.QueueMail(t.Context(), mailFor(model.NewID[model.User](), noon)), model.ErrNotFound)
}

func outboxCounts(t *testing.T, store model.Store) {
	same(t, got(store.OutboxState(t.Context()))(t), model.OutboxState{})
	older, newer := mailFor(model.UserID{}, noon), mailFor(model.UserID{}, noon)
	older.CreatedAt = noon.Add(-time.Hour)
	must(t, store.QueueMail(t.Context(), newer))
	must(t, store.QueueMail(t.Context(), older))
	got(store.ClaimMail(t.Context(), claimAt(noon)))(t) // one under way still waits
	same(t, got(store.OutboxState(t.Context()))(t), model.OutboxState{Waiting: 2, Oldest: older.CreatedAt})
}

func emailVerified(t *testing.T, store model.Store) {
	ana := person("ana")
	ana.EmailVerifiedAt = time.Time{}
	must(t, store.CreateUser(t.Context(), ana, firstHash))
	_, err := store.VerifyEmail(t.Context(), ana.ID, "other@example.com", noon)
	refused(t, err, model.ErrNotFound)
	_, err = store.VerifyEmail(t.Context(), model.NewID[model.User](), ana.Email, noon)
	refused(t, err, model.ErrNotFound)
	ana.EmailVerifiedAt, ana.UpdatedAt = noon, noon
	same(t, got(store.VerifyEmail(t.Context(), ana.ID, ana.Email, noon))(t), ana)
	again := got(store.VerifyEmail(t.Context(), ana.ID, ana.Email, noon.Add(time.Hour)))(t)
	if !again.EmailVerifiedAt.Equal(noon) {
		t.Errorf("proven at %v, want the first time", again.EmailVerifiedAt)
	}
	same(t, got(store.User(t.Context(), ana.ID))(t), again)
}

func emailChanged(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	old := ana.Email
	ana.Email, ana.EmailVerifiedAt, ana.UpdatedAt = "new@example.com", noon, noon
	same(t, got(store.ChangeEmail(t.Context(), ana.ID, ana.Email, noon))(t), ana)
	same(t, got(store.AccountByEmail(t.Context(), ana.Email))(t).User, ana)
	_, err := store.AccountByEmail(t.Context(), old)
	refused(t, err, model.ErrNotFound)
	_, err = store.ChangeEmail(t.Context(), model.NewID[model.User](), "else@example.com", noon)
	refused(t, err, model.ErrNotFound)
}

func emailChangeTaken(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	must(t, store.Tx(t.Context(), func(tx model.Records) error {
		_, err := tx.ChangeEmail(t.Context(), ana.ID, bob.Email, noon)
		refused(t, err, model.ErrEmailTaken)
		return nil // the transaction is good for more
	}))
	same(t, got(store.User(t.Context(), ana.ID))(t), ana)
}

func mailClaimedOnce(t *testing.T, first, second model.Store) {
	const mails = 20
	for range mails {
		must(t, first.QueueMail(t.Context(), mailFor(model.UserID{}, noon)))
	}
	var mu sync.Mutex
	claimed := map[model.MailID]int{}
	errs := together(crowd, func(i int) error {
		mail, err := either(i, first, second).ClaimMail(t.Context(), claimAt(noon))
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			claimed[mail.ID]++
		}
		return err
	})
	if n := winners(t, errs, model.ErrNotFound); n > mails {
		t.Errorf("%d claims of %d mails", n, mails)
	}
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("mail %v was claimed %d times", id, n)
		}
	}
	// Where one passes by what another is at work on, some come away with nothing.
	for {
		mail, err := first.ClaimMail(t.Context(), claimAt(noon))
		if errors.Is(err, model.ErrNotFound) {
			break
		}
		must(t, err)
		claimed[mail.ID]++
	}
	if len(claimed) != mails {
		t.Errorf("%d of %d mails were claimed", len(claimed), mails)
	}
}

func digitsTriedFiveTimes(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	code := codeWithDigits(ana.ID, 1)
	must(t, first.IssueCode(t.Context(), code))
	errs := together(crowd, func(i int) error {
		_, err := either(i, first, second).TryCode(t.Context(), tryOf(code))
		return err
	})
	if n := winners(t, errs, model.ErrNotFound); n != 5 {
		t.Errorf("%d tries, want 5", n)
	}
}

func oneEmailChange(t *testing.T, first, second model.Store) {
	users := make([]model.User, crowd)
	for i := range users {
		users[i] = added(t, first, numbered("user", i))
	}
	errs := together(crowd, func(i int) error {
		_, err := either(i, first, second).ChangeEmail(t.Context(), users[i].ID, "wanted@example.com", noon)
		return err
	})
	if n := winners(t, errs, model.ErrEmailTaken); n != 1 {
		t.Errorf("%d users have the email, want 1", n)
	}
}
