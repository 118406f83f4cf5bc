package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var accounts = []contract{
	{"an_account_is_found_by_name_email_and_id", findAccount},
	{"RehashPassword_replaces_only_the_old_hash_and_keeps_the_version", rehashPassword},
	{"ChangePassword_needs_the_version_that_was_checked", changePassword},
	{"ResetPassword_needs_no_version_and_raises_it", resetPassword},
	{"PW-18_PepperIDs_names_each_id_once_and_in_order", pepperIDs},
}

func findAccount(t *testing.T, store model.Store) {
	added(t, store, "bob")
	ana := added(t, store, "ana")
	byID := got(store.Account(t.Context(), ana.ID))(t)
	same(t, byID.User, ana)
	if byID.PasswordHash != firstHash {
		t.Errorf("the hash is another one: %q", string(byID.PasswordHash))
	}
	if byID.PasswordVersion < 1 {
		t.Errorf("the first password has version %d, want 1 or more", byID.PasswordVersion)
	}
	same(t, got(store.AccountByUsername(t.Context(), "ana"))(t), byID)
	same(t, got(store.AccountByEmail(t.Context(), "ana@example.com"))(t), byID)

	_, err := store.Account(t.Context(), model.NewID[model.User]())
	refused(t, err, model.ErrNotFound)
	_, err = store.AccountByUsername(t.Context(), "ana@example.com")
	refused(t, err, model.ErrNotFound)
	_, err = store.AccountByEmail(t.Context(), "ana")
	refused(t, err, model.ErrNotFound)
}

func rehashPassword(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	before := got(store.Account(t.Context(), ana.ID))(t)
	if got(store.RehashPassword(t.Context(), ana.ID, "another", "new"))(t) {
		t.Error("a hash that is not there was replaced")
	}
	if !got(store.RehashPassword(t.Context(), ana.ID, firstHash, "new"))(t) {
		t.Error("the old hash was not replaced")
	}
	if got(store.RehashPassword(t.Context(), ana.ID, firstHash, "newer"))(t) {
		t.Error("the old hash was replaced twice")
	}
	if got(store.RehashPassword(t.Context(), model.NewID[model.User](), firstHash, "new"))(t) {
		t.Error("the hash of nobody was replaced")
	}
	before.PasswordHash = "new"
	same(t, got(store.Account(t.Context(), ana.ID))(t), before)
	if other := got(store.Account(t.Context(), bob.ID))(t); other.PasswordHash != firstHash {
		t.Error("the hash of another user was replaced")
	}
}

func changePassword(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	want := got(store.Account(t.Context(), ana.ID))(t)
	old := want.PasswordVersion
	must(t, store.ChangePassword(t.Context(), ana.ID, old, "second", noon.Add(time.Hour)))

	changed := got(store.Account(t.Context(), ana.ID))(t)
	if changed.PasswordVersion <= old {
		t.Errorf("the version went from %d to %d, want more", old, changed.PasswordVersion)
	}
	want.PasswordHash, want.PasswordVersion, want.User.UpdatedAt = "second", changed.PasswordVersion, noon.Add(time.Hour)
	same(t, changed, want)

	refused(t, store.ChangePassword(t.Context(), ana.ID, old, "third", noon), model.ErrNotFound)
	refused(t, store.ChangePassword(t.Context(), ana.ID, changed.PasswordVersion+1, "third", noon), model.ErrNotFound)
	refused(t, store.ChangePassword(t.Context(), model.NewID[model.User](), 1, "third", noon), model.ErrNotFound)
	same(t, got(store.Account(t.Context(), ana.ID))(t), want)
	if other := got(store.Account(t.Context(), bob.ID))(t); other.PasswordHash != firstHash {
		t.Error("the password of another user was changed")
	}
}

func resetPassword(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	before := got(store.Account(t.Context(), ana.ID))(t)
	want := before.User
	want.UpdatedAt = noon.Add(time.Hour)
	same(t, got(store.ResetPassword(t.Context(), ana.ID, "second", noon.Add(time.Hour)))(t), want)
	after := got(store.Account(t.Context(), ana.ID))(t)
	if after.PasswordHash != "second" || after.PasswordVersion <= before.PasswordVersion {
		t.Errorf("the hash or the version is not new: version %d", after.PasswordVersion)
	}
	_, err := store.ResetPassword(t.Context(), model.NewID[model.User](), "second", noon)
	refused(t, err, model.ErrNotFound)
}

func pepperIDs(t *testing.T, store model.Store) {
	added(t, store, "ana")
	if none := got(store.PepperIDs(t.Context()))(t); len(none) != 0 {
		t.Fatalf("no hash has a pepper, and it names %q", none)
	}
	// One id begins like another, and the order is that of the bytes. What only
	// looks like one names none.
	for i, hash := range []model.PasswordHash{
		"$pepper$k$argon2id$v=19$m=65536", "$pepper$k2$argon2id$v=19$", "$pepper$k-2$wrapped$abc", "$pepper$k$wrapped$xyz",
		"$pepper$0123456789abcdef$argon2id$v=19$m=65536", "$pepper$k2$argon2id$v=20$", "$peppers$k9$argon2id$", "$Pepper$k8$", "pepper$k7$", "",
	} {
		must(t, store.CreateUser(t.Context(), person(numbered("user", i)), hash))
	}
	want := []string{"0123456789abcdef", "k", "k-2", "k2"}
	same(t, got(store.PepperIDs(t.Context()))(t), want)
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		same(t, got(r.PepperIDs(t.Context()))(t), want)
		return nil
	}))
	// A hash that is made anew under another pepper names the other.
	bob := person("bob")
	must(t, store.CreateUser(t.Context(), bob, "$pepper$old$argon2id$"))
	if !got(store.RehashPassword(t.Context(), bob.ID, "$pepper$old$argon2id$", "$pepper$new$argon2id$"))(t) {
		t.Error("the hash was not replaced")
	}
	same(t, got(store.PepperIDs(t.Context()))(t), append(want, "new"))

	for i := range model.MaxPeppers + 4 {
		must(t, store.CreateUser(t.Context(), person(numbered("many", i)), model.PasswordHash("$pepper$"+numbered("many", i)+"$argon2id$")))
	}
	if many := got(store.PepperIDs(t.Context()))(t); len(many) != model.MaxPeppers+1 {
		t.Errorf("%d ids, want %d", len(many), model.MaxPeppers+1)
	}
}
