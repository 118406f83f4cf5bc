package storetest

import (
	"errors"
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
	{"LiveCode_says_what_SpendCode_would_and_changes_nothing", codeAlive},
	{"RV-02_a_code_is_of_one_user_one_purpose_and_one_address", codeKeepsAll},
	{"RV-16_digits_have_five_tries", digitsTries},
	{"RV-16_digits_count_for_their_request_and_purpose_while_they_last", digitsBounds},
	{"EN-05_a_request_that_named_nobody_is_tried_like_any_other", nobodysCode},
	{"GiveCode_makes_a_code_of_nobody_that_of_a_user_and_keeps_its_tries", giveCode},
	{"RV-05_GiveCode_gives_no_code_that_is_older_than_what_is_there", giveOldCode},
	{"a_newer_code_of_a_request_replaces_the_older", requestReplaced},
	{"DropCodes_removes_those_of_one_user", dropCodes},
	{"IssueCode_needs_the_user", issueNeedsUser},
	{"ST-11_ForgetCodes_takes_what_is_over_and_nothing_else", forgetCodes},
}

func codeFor(user model.UserID, number byte) model.CodeRecord {
	return model.CodeRecord{Digest: model.Digest{number, 31: 0xff}, Purpose: model.PurposeReset, UserID: user,
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

// codeIsAlive reports whether the code would be accepted.
func codeIsAlive(t *testing.T, store model.Records, code model.CodeRecord, now time.Time) bool {
	t.Helper()
	return isAlive(t, store, code.Digest, code.Purpose, now)
}

func isAlive(t *testing.T, store model.Records, digest model.Digest, purpose model.CodePurpose, now time.Time) bool {
	t.Helper()
	_, err := store.LiveCode(t.Context(), digest, purpose, now)
	if err != nil {
		refused(t, err, model.ErrNotFound)
	}
	return err == nil
}

// liveCode is all that is kept of the code, or nothing.
func liveCode(t *testing.T, store model.Records, code model.CodeRecord) model.CodeRecord {
	t.Helper()
	kept, err := store.LiveCode(t.Context(), code.Digest, code.Purpose, noon)
	if err != nil {
		refused(t, err, model.ErrNotFound)
	}
	return kept
}

// codeWithDigits is a code with every field set.
func codeWithDigits(user model.UserID, number byte) model.CodeRecord {
	code := codeFor(user, number)
	code.Email, code.SessionID, code.Request = "ana@example.com", model.NewID[model.Session](), model.Digest{number, 31: 0xee}
	code.Digits = model.Digits{Digest: model.Digest{number, 31: 0xdd}, ExpiresAt: noon.Add(10 * time.Minute), TriesLeft: 5}
	return code
}

func tryOf(code model.CodeRecord) model.DigitsTry {
	return model.DigitsTry{Request: code.Request, Purpose: code.Purpose, Now: noon}
}

func codeKeepsAll(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeWithDigits(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	same(t, got(store.LiveCode(t.Context(), code.Digest, code.Purpose, noon))(t), code)
	same(t, got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t), code)
	bare := codeFor(ana.ID, 2)
	must(t, store.IssueCode(t.Context(), code))
	must(t, store.IssueCode(t.Context(), bare))
	same(t, got(store.LiveCode(t.Context(), bare.Digest, bare.Purpose, noon))(t), bare)
	_, err := store.TryCode(t.Context(), tryOf(code))
	refused(t, err, model.ErrNotFound) // the newer one was asked for by no browser
}

func digitsTries(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeWithDigits(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	for left := 4; left >= 0; left-- {
		want := code
		want.Digits.TriesLeft = left
		same(t, got(store.TryCode(t.Context(), tryOf(code)))(t), want)
	}
	_, err := store.TryCode(t.Context(), tryOf(code))
	refused(t, err, model.ErrNotFound)
	if !codeIsAlive(t, store, code, noon) {
		t.Error("the link died with the digits")
	}
}

func digitsBounds(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeWithDigits(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	for name, change := range map[string]func(*model.DigitsTry){
		"another request": func(try *model.DigitsTry) { try.Request[0]++ },
		"no request":      func(try *model.DigitsTry) { try.Request = model.Digest{} },
		"another purpose": func(try *model.DigitsTry) { try.Purpose = purposeOther },
		"too late":        func(try *model.DigitsTry) { try.Now = code.Digits.ExpiresAt },
	} {
		try := tryOf(code)
		change(&try)
		_, err := store.TryCode(t.Context(), try)
		if !errors.Is(err, model.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	last := tryOf(code)
	last.Now = code.Digits.ExpiresAt.Add(-time.Microsecond)
	if left := got(store.TryCode(t.Context(), last))(t).Digits.TriesLeft; left != 4 {
		t.Errorf("%d tries are left, want 4: what was refused must cost none", left)
	}
}

// askedAt is a code of nobody that was issued so long after noon.
func askedAt(number byte, after time.Duration) model.CodeRecord {
	code := codeWithDigits(model.UserID{}, number)
	code.Email, code.CreatedAt = "", noon.Add(after)
	return code
}

func giveCode(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	older, asked := codeFor(ana.ID, 1), askedAt(2, time.Second)
	must(t, store.IssueCode(t.Context(), older))
	other := codeFor(ana.ID, 3)
	other.Purpose = purposeOther
	must(t, store.IssueCode(t.Context(), other))
	must(t, store.IssueCode(t.Context(), asked))
	got(store.TryCode(t.Context(), tryOf(asked)))(t)
	must(t, store.GiveCode(t.Context(), asked.Digest, ana.ID, "ana@example.com"))
	want := asked
	want.UserID, want.Email, want.Digits.TriesLeft = ana.ID, "ana@example.com", 4
	same(t, liveCode(t, store, asked), want)
	if codeIsAlive(t, store, older, noon) || !codeIsAlive(t, store, other, noon) {
		t.Error("it takes the place of the older code of its purpose, and of no other")
	}
	refused(t, store.GiveCode(t.Context(), asked.Digest, added(t, store, "bob").ID, "bob@example.com"), model.ErrNotFound)
	same(t, liveCode(t, store, asked), want)
	refused(t, store.GiveCode(t.Context(), askedAt(9, 0).Digest, ana.ID, "ana@example.com"), model.ErrNotFound)
	same(t, liveCode(t, store, asked), want)
}

func giveOldCode(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	newer := codeFor(ana.ID, 1)
	newer.CreatedAt = noon.Add(time.Second)
	must(t, store.IssueCode(t.Context(), newer))
	older, newest := askedAt(2, 0), askedAt(3, time.Minute)
	must(t, store.IssueCode(t.Context(), older))
	must(t, store.IssueCode(t.Context(), newest))
	refused(t, store.GiveCode(t.Context(), older.Digest, ana.ID, "ana@example.com"), model.ErrNotFound)
	if !codeIsAlive(t, store, newer, noon) || codeIsAlive(t, store, older, noon) {
		t.Error("an older code took the place of a newer one")
	}
	refused(t, store.GiveCode(t.Context(), newest.Digest, model.NewID[model.User](), "ana@example.com"), model.ErrNotFound)
	must(t, store.GiveCode(t.Context(), newest.Digest, ana.ID, "ana@example.com"))
}

func nobodysCode(t *testing.T, store model.Store) {
	first, second := codeWithDigits(model.UserID{}, 1), codeWithDigits(model.UserID{}, 2)
	must(t, store.IssueCode(t.Context(), first))
	must(t, store.IssueCode(t.Context(), second))
	if codeIsAlive(t, store, first, noon) {
		t.Error("nobody's code is alive")
	}
	_, err := store.SpendCode(t.Context(), first.Digest, first.Purpose, noon)
	refused(t, err, model.ErrNotFound)
	for range 5 {
		if owner := got(store.TryCode(t.Context(), tryOf(first)))(t).UserID; !owner.IsZero() {
			t.Error("nobody's code is somebody's")
		}
	}
	_, err = store.TryCode(t.Context(), tryOf(first))
	refused(t, err, model.ErrNotFound)
	if n := got(store.ForgetCodes(t.Context(), first.ExpiresAt.Add(time.Microsecond)))(t); n != 2 {
		t.Errorf("%d forgotten, want 2", n)
	}
}

func requestReplaced(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	older, newer := codeWithDigits(ana.ID, 1), codeWithDigits(bob.ID, 2)
	newer.Request = older.Request
	must(t, store.IssueCode(t.Context(), older))
	must(t, store.IssueCode(t.Context(), newer))
	if tried := got(store.TryCode(t.Context(), tryOf(newer)))(t); tried.UserID != bob.ID {
		t.Error("the request still stands for the older code")
	}
	if codeIsAlive(t, store, older, noon) {
		t.Error("the older code of the request is alive")
	}
}

func spendOnce(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	for number, user := range map[byte]model.User{1: ana, 2: bob} {
		must(t, store.IssueCode(t.Context(), codeFor(user.ID, number)))
	}
	for number, user := range map[byte]model.User{1: ana, 2: bob} {
		code := codeFor(user.ID, number)
		if owner := got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t).UserID; owner != user.ID {
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
	if isAlive(t, store, code.Digest, purposeOther, noon) {
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
		if owner := got(store.SpendCode(t.Context(), code.Digest, code.Purpose, code.ExpiresAt.Add(-time.Microsecond)))(t).UserID; owner != code.UserID {
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
		if alive := codeIsAlive(t, store, code, test.now); alive != test.want {
			t.Errorf("at %v: got %v, want %v", test.now, alive, test.want)
		}
	}
	if isAlive(t, store, model.Digest{9}, code.Purpose, noon) {
		t.Error("a code that does not exist is alive")
	}
	got(store.SpendCode(t.Context(), code.Digest, code.Purpose, noon))(t)
	if codeIsAlive(t, store, code, noon) {
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
		if alive := codeIsAlive(t, store, code, noon); alive != want {
			t.Errorf("got %v, want %v", alive, want)
		}
	}
	must(t, store.DropCodes(t.Context(), model.NewID[model.User]()))
}

func issueNeedsUser(t *testing.T, store model.Store) {
	refused(t, store.IssueCode(t.Context(), codeFor(model.NewID[model.User](), 1)), model.ErrNotFound)
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
		alive := codeIsAlive(t, store, code, noon.Add(-2*time.Hour))
		if (n == 1) != test.gone || alive == test.gone {
			t.Errorf("expires %v after: %d forgotten, alive %v", test.expires, n, alive)
		}
	}
}
