package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

const purposeOther model.CodePurpose = "something-else"

var codes = []contract{
	{"a_code_is_spent_once_by_its_owner", spendOnce},
	{"RF-15_a_code_for_one_purpose_is_worth_nothing_for_another", purposesApart},
	{"an_expired_code_is_removed_and_refused", expiredCode},
	{"a_newer_code_replaces_the_older_of_the_same_purpose", newerReplaces},
	{"CodeAlive_says_what_SpendCode_would_and_changes_nothing", codeAlive},
	{"DropCodes_removes_those_of_one_user", dropCodes},
	{"IssueCode_needs_the_user", issueNeedsUser},
	{"ST-11_ForgetCodes_takes_what_is_over_and_nothing_else", forgetCodes},
}

func codeFor(user model.UserID, number byte) model.CodeRecord {
	return model.CodeRecord{Digest: model.Digest{number, 31: 0xff}, Purpose: model.PurposeReset, UserID: user,
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

func spendOnce(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	for number, user := range map[byte]model.User{1: ana, 2: bob} {
		must(t, store.IssueCode(t.Context(), codeFor(user.ID, number)))
	}
	for number, user := range map[byte]model.User{1: ana, 2: bob} {
		code := codeFor(user.ID, number)
		if owner := got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t); owner != user.ID {
			t.Errorf("code %d is somebody else's", number)
		}
		_, err := store.SpendCode(t.Context(), code.Digest, code.Purpose, noon)
		refused(t, err, model.ErrNotFound)
	}
	_, err := store.SpendCode(t.Context(), model.Digest{}, model.PurposeReset, noon)
	refused(t, err, model.ErrNotFound)
}

func purposesApart(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeFor(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	_, err := store.SpendCode(t.Context(), code.Digest, purposeOther, noon)
	refused(t, err, model.ErrNotFound)
	if got(store.CodeAlive(t.Context(), code.Digest, purposeOther, noon))(t) {
		t.Error("the code is alive for another purpose")
	}
	// Asking for the wrong purpose does not spend it.
	got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t)
}

func expiredCode(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeFor(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	_, err := store.SpendCode(t.Context(), code.Digest, code.Purpose, code.ExpiresAt)
	refused(t, err, model.ErrNotFound)
	// It was removed, so no clock brings it back.
	_, err = store.SpendCode(t.Context(), code.Digest, code.Purpose, noon)
	refused(t, err, model.ErrNotFound)

	must(t, store.IssueCode(t.Context(), code))
	got(store.SpendCode(t.Context(), code.Digest, code.Purpose, code.ExpiresAt.Add(-time.Microsecond)))(t)
}

func newerReplaces(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	older, newer, bobs, other := codeFor(ana.ID, 1), codeFor(ana.ID, 2), codeFor(bob.ID, 3), codeFor(ana.ID, 4)
	other.Purpose = purposeOther
	newer.ExpiresAt = noon.Add(2 * time.Hour)
	for _, code := range []model.CodeRecord{older, bobs, other, newer} {
		must(t, store.IssueCode(t.Context(), code))
	}
	_, err := store.SpendCode(t.Context(), older.Digest, older.Purpose, noon)
	refused(t, err, model.ErrNotFound)
	for _, code := range []model.CodeRecord{newer, bobs, other} {
		if owner := got(store.SpendCode(t.Context(), code.Digest, code.Purpose, code.ExpiresAt.Add(-time.Microsecond)))(t); owner != code.UserID {
			t.Error("the code is somebody else's")
		}
	}
}

func codeAlive(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeFor(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	for _, test := range []struct {
		now  time.Time
		want bool
	}{{noon, true}, {code.ExpiresAt, false}, {code.ExpiresAt.Add(-time.Microsecond), true}} {
		if alive := got(store.CodeAlive(t.Context(), code.Digest, code.Purpose, test.now))(t); alive != test.want {
			t.Errorf("at %v: got %v, want %v", test.now, alive, test.want)
		}
	}
	if got(store.CodeAlive(t.Context(), model.Digest{9}, code.Purpose, noon))(t) {
		t.Error("a code that does not exist is alive")
	}
	got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t)
	if got(store.CodeAlive(t.Context(), code.Digest, code.Purpose, noon))(t) {
		t.Error("a spent code is alive")
	}
}

func dropCodes(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	first, second, bobs := codeFor(ana.ID, 1), codeFor(ana.ID, 2), codeFor(bob.ID, 3)
	second.Purpose = purposeOther
	for _, code := range []model.CodeRecord{first, second, bobs} {
		must(t, store.IssueCode(t.Context(), code))
	}
	must(t, store.DropCodes(t.Context(), ana.ID))
	for code, want := range map[model.CodeRecord]bool{first: false, second: false, bobs: true} {
		if alive := got(store.CodeAlive(t.Context(), code.Digest, code.Purpose, noon))(t); alive != want {
			t.Errorf("got %v, want %v", alive, want)
		}
	}
	must(t, store.DropCodes(t.Context(), model.NewID[model.User]()))
}

func issueNeedsUser(t *testing.T, store model.Store) {
	refused(t, store.IssueCode(t.Context(), codeFor(model.NewID[model.User](), 1)), model.ErrNotFound)
	refused(t, store.IssueCode(t.Context(), codeFor(model.UserID{}, 1)), model.ErrNotFound)
}

func forgetCodes(t *testing.T, store model.Store) {
	for i, test := range []struct {
		expires time.Duration
		gone    bool
	}{{-time.Microsecond, true}, {0, false}, {time.Microsecond, false}, {-time.Hour, true}, {time.Hour, false}} {
		user := added(t, store, numbered("user", i))
		code := codeFor(user.ID, byte(i))
		code.ExpiresAt = noon.Add(test.expires)
		must(t, store.IssueCode(t.Context(), code))
		n := got(store.ForgetCodes(t.Context(), noon))(t)
		alive := got(store.CodeAlive(t.Context(), code.Digest, code.Purpose, noon.Add(-2*time.Hour)))(t)
		if (n == 1) != test.gone || alive == test.gone {
			t.Errorf("expires %v after: %d forgotten, alive %v", test.expires, n, alive)
		}
	}
}
