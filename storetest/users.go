package storetest

import (
	"slices"
	"testing"
	"time"

	"gatehouse/model"
)

var users = []contract{
	{"every_field_comes_back", everyUserFieldComesBack},
	{"empty_fields_come_back_empty", emptyUserFieldsComeBack},
	{"times_are_kept_to_the_microsecond_in_UTC", timesToTheMicrosecond},
	{"LT-23_a_taken_username_is_refused", takenUsername},
	{"LT-23_a_username_that_looks_alike_is_refused", lookalikeUsername},
	{"a_taken_email_is_refused", takenEmail},
	{"ST-12_text_is_compared_byte_for_byte", byteForByte},
	{"users_without_one_of_the_names_do_not_collide", missingNames},
	{"Accounts_walks_all_in_the_order_of_their_ids_with_their_hashes", walkAccounts},
	{"RenameUser_changes_the_name_and_nothing_else", renameUser},
	{"RenameUser_refuses_taken_names_and_missing_users", renameRefusals},
	{"SetDisabled_keeps_out_and_lets_in_again", setDisabled},
	{"Ping_and_Close", pingAndClose},
}

func everyUserFieldComesBack(t *testing.T, store model.Store) {
	user := person("ana")
	user.DisabledAt = noon.Add(time.Microsecond)
	must(t, store.CreateUser(t.Context(), user, firstHash))
	same(t, got(store.User(t.Context(), user.ID))(t), user)

	for _, roles := range [][]string{{"a"}, {"two words", "comma,", "\"quote\"", "line\nbreak", ""}} {
		other := person(numbered("roles", len(roles)))
		other.Roles = roles
		must(t, store.CreateUser(t.Context(), other, ""))
		same(t, got(store.User(t.Context(), other.ID))(t), other)
	}
	_, err := store.User(t.Context(), model.NewID[model.User]())
	refused(t, err, model.ErrNotFound)
	_, err = store.User(t.Context(), model.UserID{})
	refused(t, err, model.ErrNotFound)
}

func emptyUserFieldsComeBack(t *testing.T, store model.Store) {
	for _, user := range []model.User{
		{ID: model.NewID[model.User](), Username: "ana", CreatedAt: noon, UpdatedAt: noon},
		{ID: model.NewID[model.User](), Email: "ana@example.com", CreatedAt: noon, UpdatedAt: noon},
	} {
		must(t, store.CreateUser(t.Context(), user, ""))
		same(t, got(store.User(t.Context(), user.ID))(t), user)
		if account := got(store.Account(t.Context(), user.ID))(t); account.PasswordHash != "" {
			t.Error("a user without a password has a hash")
		}
	}
}

func timesToTheMicrosecond(t *testing.T, store model.Store) {
	user := person("ana")
	user.CreatedAt = time.Date(2026, 3, 29, 2, 59, 59, 999_999_999, time.FixedZone("", 2*60*60))
	user.UpdatedAt = time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	must(t, store.CreateUser(t.Context(), user, firstHash))
	kept := got(store.User(t.Context(), user.ID))(t)
	if want := time.Date(2026, 3, 29, 0, 59, 59, 999_999_000, time.UTC); kept.CreatedAt != want {
		t.Errorf("got %v, want %v", kept.CreatedAt, want)
	}
	if kept.UpdatedAt != user.UpdatedAt {
		t.Errorf("got %v, want %v", kept.UpdatedAt, user.UpdatedAt)
	}
}

func takenUsername(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	second := person("ana")
	second.Email = "other@example.com"
	refused(t, store.CreateUser(t.Context(), second, firstHash), model.ErrUsernameTaken)
	_, err := store.User(t.Context(), second.ID)
	refused(t, err, model.ErrNotFound)
	same(t, got(store.User(t.Context(), ana.ID))(t), ana)
}

func lookalikeUsername(t *testing.T, store model.Store) {
	// Cyrillic а, о and р beside Latin ones, and one for l: different text, the
	// same skeleton.
	pairs := [][2]model.Username{{"oaa", "оаа"}, {"paypal1", "paypall"}, {"rn", "m"}}
	for i, pair := range pairs {
		if pair[0].Skeleton() != pair[1].Skeleton() {
			t.Fatalf("%q and %q do not look alike", pair[0], pair[1])
		}
		first, second := person(numbered("first", i)), person(numbered("second", i))
		first.Username, second.Username = pair[0], pair[1]
		must(t, store.CreateUser(t.Context(), first, firstHash))
		refused(t, store.CreateUser(t.Context(), second, firstHash), model.ErrUsernameTaken)
		_, err := store.AccountByUsername(t.Context(), pair[1])
		refused(t, err, model.ErrNotFound)
	}
}

func takenEmail(t *testing.T, store model.Store) {
	added(t, store, "ana")
	second := person("bob")
	second.Email = "ana@example.com"
	refused(t, store.CreateUser(t.Context(), second, firstHash), model.ErrEmailTaken)
	second.Username = ""
	refused(t, store.CreateUser(t.Context(), second, firstHash), model.ErrEmailTaken)
	_, err := store.User(t.Context(), second.ID)
	refused(t, err, model.ErrNotFound)
}

func byteForByte(t *testing.T, store model.Store) {
	// The store is given canonical spellings; whatever it is given it takes
	// literally, with no folding of case, accents, width or space.
	names := []model.Username{"straße", "STRASSE", "strasse", "äb", "a\u0308c", "ad ", "ad"}
	ids := make(map[model.UserID]bool)
	for i, name := range names {
		user := person(numbered("user", i))
		user.Username = name
		user.Email = model.Email(string(name) + "@Example.com")
		if err := store.CreateUser(t.Context(), user, firstHash); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		ids[got(store.AccountByUsername(t.Context(), name))(t).User.ID] = true
		ids[got(store.AccountByEmail(t.Context(), user.Email))(t).User.ID] = true
	}
	if len(ids) != len(names) {
		t.Errorf("%d names found %d users", len(names), len(ids))
	}
	for _, name := range []model.Username{"Straße", "AB", "ad  ", "", "%", "a_"} {
		_, err := store.AccountByUsername(t.Context(), name)
		refused(t, err, model.ErrNotFound)
	}
}

func missingNames(t *testing.T, store model.Store) {
	for i := range 3 {
		onlyName, onlyEmail := person(numbered("name", i)), person(numbered("email", i))
		onlyName.Email, onlyName.EmailVerifiedAt, onlyEmail.Username = "", time.Time{}, ""
		must(t, store.CreateUser(t.Context(), onlyName, firstHash))
		must(t, store.CreateUser(t.Context(), onlyEmail, firstHash))
	}
	_, err := store.AccountByEmail(t.Context(), "")
	refused(t, err, model.ErrNotFound)
	_, err = store.AccountByUsername(t.Context(), "")
	refused(t, err, model.ErrNotFound)
	if nobody := (model.User{ID: model.NewID[model.User](), CreatedAt: noon, UpdatedAt: noon}); store.CreateUser(t.Context(), nobody, "") == nil {
		t.Error("a user without any name was added")
	}
}

func walkAccounts(t *testing.T, store model.Store) {
	var want []model.Account
	for i := range 25 {
		user, hash := person(numbered("user", i)), model.PasswordHash(numbered("hash", i))
		switch i {
		case 1:
			user.Username, hash = "", "" // invited by email, no password yet
		case 2:
			user.Email, user.EmailVerifiedAt, user.DisabledAt = "", time.Time{}, noon
		}
		must(t, store.CreateUser(t.Context(), user, hash))
		want = append(want, got(store.Account(t.Context(), user.ID))(t))
		if last := want[i]; last.User.ID != user.ID || last.PasswordHash != hash {
			t.Errorf("user %d is read as %v with another hash", i, last.User)
		}
	}
	slices.SortFunc(want, func(a, b model.Account) int { return slices.Compare(a.User.ID[:], b.User.ID[:]) })
	var walked []model.Account
	var after model.UserID
	for {
		page := got(store.Accounts(t.Context(), after, 10))(t)
		if len(page) == 0 {
			break
		}
		walked = append(walked, page...)
		after = page[len(page)-1].User.ID
	}
	same(t, walked, want)
	for _, limit := range []int{0, -1} {
		if page := got(store.Accounts(t.Context(), model.UserID{}, limit))(t); len(page) != 0 {
			t.Errorf("limit %d returned %d users", limit, len(page))
		}
	}
}

func renameUser(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	want := ana
	want.Username, want.UpdatedAt = "anna", noon.Add(time.Hour)
	same(t, got(store.RenameUser(t.Context(), ana.ID, "anna", noon.Add(time.Hour)))(t), want)
	same(t, got(store.AccountByUsername(t.Context(), "anna"))(t).User, want)
	_, err := store.AccountByUsername(t.Context(), "ana")
	refused(t, err, model.ErrNotFound)

	// The old name is free again, and one's own look-alike is not taken.
	added(t, store, "ana2")
	bob := person("bob")
	bob.Username = "ana"
	must(t, store.CreateUser(t.Context(), bob, firstHash))
	got(store.RenameUser(t.Context(), bob.ID, "аnа", noon))(t)
}

func renameRefusals(t *testing.T, store model.Store) {
	added(t, store, "paypal")
	bob := added(t, store, "bob")
	for _, name := range []model.Username{"paypal", "раураl"} {
		_, err := store.RenameUser(t.Context(), bob.ID, name, noon)
		refused(t, err, model.ErrUsernameTaken)
	}
	same(t, got(store.User(t.Context(), bob.ID))(t), bob)
	_, err := store.RenameUser(t.Context(), model.NewID[model.User](), "free", noon)
	refused(t, err, model.ErrNotFound)
	if _, err := store.RenameUser(t.Context(), bob.ID, "", noon); err == nil {
		t.Error("a name was taken away")
	}
}

func setDisabled(t *testing.T, store model.Store) {
	want := added(t, store, "ana")
	want.DisabledAt, want.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	must(t, store.SetDisabled(t.Context(), want.ID, noon.Add(time.Hour), noon.Add(2*time.Hour)))
	same(t, got(store.User(t.Context(), want.ID))(t), want)

	want.DisabledAt, want.UpdatedAt = time.Time{}, noon.Add(3*time.Hour)
	must(t, store.SetDisabled(t.Context(), want.ID, time.Time{}, noon.Add(3*time.Hour)))
	same(t, got(store.User(t.Context(), want.ID))(t), want)
	refused(t, store.SetDisabled(t.Context(), model.NewID[model.User](), noon, noon), model.ErrNotFound)
}

func pingAndClose(t *testing.T, store model.Store) {
	must(t, store.Ping(t.Context()))
	ana := added(t, store, "ana")
	must(t, store.Close())
	must(t, store.Close())
	unavailable(t, store.Ping(t.Context()))
	_, err := store.User(t.Context(), ana.ID)
	unavailable(t, err)
	unavailable(t, store.Record(t.Context(), model.Event{At: noon, Name: model.EventUserCreated}))
	unavailable(t, store.Tx(t.Context(), func(model.Records) error { return nil }))
}
