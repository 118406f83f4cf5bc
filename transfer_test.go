package gatehouse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// accounts returns all accounts as they are exported.
func (h *house) accounts(t testing.TB) (all []model.Account) {
	t.Helper()
	err := h.ExportAccounts(t.Context(), func(account model.Account) error {
		all = append(all, account)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// importOf is what an import is given for an exported account.
func importOf(account model.Account) gatehouse.Import {
	u := account.User
	return gatehouse.Import{
		ID: u.ID.String(), Username: u.Username.String(), Email: u.Email.String(), EmailVerifiedAt: u.EmailVerifiedAt,
		Roles: u.Roles, DisabledAt: u.DisabledAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, PasswordHash: account.PasswordHash,
	}
}

// newcomer is an import that is accepted, with the hash of nobody's password.
func newcomer(username string) gatehouse.Import {
	at := time.Date(2026, 2, 1, 8, 0, 0, 123_456_000, time.UTC)
	return gatehouse.Import{
		ID: model.NewID[model.User]().String(), Username: username, CreatedAt: at, UpdatedAt: at.Add(time.Hour),
		PasswordHash: "$argon2id$v=19$m=12288,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
	}
}

// mustImport imports and wants it to add, or to find, the user.
func (h *house) mustImport(t testing.TB, in gatehouse.Import, want bool) {
	t.Helper()
	if added, err := h.ImportAccount(t.Context(), in); err != nil || added != want {
		t.Errorf("import of %q: added %t, error %v, want %t", in.Username, added, err, want)
	}
}

// populate fills the house with users of every kind.
func (h *house) populate(t testing.TB) {
	t.Helper()
	for _, in := range []gatehouse.Registration{
		{Username: "ana", Email: "ana@example.com", Roles: []string{"admin", "shop:write"}},
		{Username: "نادية"}, {Username: "דנה", Email: "dana@bücher.example"}, {Username: "борис"}, {Username: "ΝΙΚΟΣ"},
		{Username: "राम"}, {Username: "李小龍"}, {Username: "o'brien"}, {Email: "only+email@example.com"},
	} {
		in.Password = goodPassword
		if _, err := h.RegisterUser(t.Context(), in); err != nil {
			t.Fatalf("%q: %v", in.Username, err)
		}
	}
	out := h.register(t, "kept-out")
	if err := h.DisableUser(t.Context(), out.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "invited"}); err != nil {
		t.Fatal(err)
	}
	verified := newcomer("verified")
	verified.Email, verified.EmailVerifiedAt = "verified@example.com", verified.CreatedAt
	h.mustImport(t, verified, true)
}

func TestUsersMoveToAnotherStore(t *testing.T) {
	from, to := newHouse(t), newHouse(t)
	from.populate(t)
	grant := from.login(t, "ana")
	exported := from.accounts(t)
	for _, account := range exported {
		to.mustImport(t, importOf(account), true)
	}
	t.Run("every_field_arrives", func(t *testing.T) {
		if diff := cmp.Diff(exported, to.accounts(t)); diff != "" || len(exported) != 12 {
			t.Errorf("%d users; what arrived differs (- sent, + arrived):\n%s", len(exported), diff)
		}
		for i, account := range to.accounts(t) {
			if account.PasswordHash != exported[i].PasswordHash {
				t.Errorf("%s has another hash", account.User.Username)
			}
		}
	})
	t.Run("the_same_password_logs_in_as_the_same_id", func(t *testing.T) {
		for _, name := range []string{"ana", "نادية", "DANA@BÜCHER.example", "Борис", "νικος", "राम", "李小龍", "O'Brien", "only+email@example.com"} {
			want, err := from.FindUser(t.Context(), name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			claims, err := to.LoginJWT(t.Context(), to.login(t, name).AccessToken)
			if err != nil || claims.Subject != want.ID.String() || !slices.Equal(claims.Roles, want.Roles) {
				t.Errorf("%s: %+v, %v", name, claims, err)
			}
		}
	})
	t.Run("who_was_disabled_stays_out", func(t *testing.T) {
		_, err := to.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "kept-out", Password: goodPassword})
		refused(t, err, model.ErrUserDisabled)
	})
	t.Run("PW-27_who_had_no_password_has_none", func(t *testing.T) {
		for _, password := range []model.Password{"", "null", "[hidden]", goodPassword} {
			_, err := to.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "invited", Password: password})
			refused(t, err, model.ErrWrongCredentials)
		}
	})
	t.Run("KY-10_no_session_and_no_token_moves_along", func(t *testing.T) {
		to.refreshRefused(t, grant.RefreshToken)
		if _, err := to.BearerPresence(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
			t.Errorf("the access token of the other house: %v", err)
		}
	})
	t.Run("each_import_is_an_event", func(t *testing.T) {
		for _, account := range exported {
			events, err := to.store.EventsOf(t.Context(), account.User.ID, 100)
			if err != nil || len(events) == 0 || events[len(events)-1].Name != model.EventUserImported {
				t.Errorf("%s: %v %v", account.User.Username, events, err)
			}
		}
	})
}

func TestExportStopsAtTheFirstError(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.register(t, "bob")
	full, calls := errors.New("the disk is full"), 0
	err := h.ExportAccounts(t.Context(), func(model.Account) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestExportWalksMoreUsersThanAreReadAtOnce(t *testing.T) {
	h := newHouse(t)
	const many = 1001
	err := h.store.Tx(t.Context(), func(tx model.Records) error {
		for i := range many {
			user := model.User{ID: model.NewID[model.User](), Username: model.Username(fmt.Sprintf("user%d", i)), CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
			if err := tx.CreateUser(t.Context(), user, ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[model.UserID]bool{}
	for _, account := range h.accounts(t) {
		seen[account.User.ID] = true
	}
	if all := h.accounts(t); len(seen) != many || len(all) != many {
		t.Errorf("%d users, %d of them different, want %d", len(all), len(seen), many)
	}
}

func TestAnImportThatRanAlreadyChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.populate(t)
	before := h.accounts(t)
	for _, account := range before {
		h.mustImport(t, importOf(account), false)
	}
	if diff := cmp.Diff(before, h.accounts(t)); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
	events, err := h.store.EventsOf(t.Context(), before[0].User.ID, 100)
	if err != nil || slices.ContainsFunc(events[:len(events)-1], func(e model.Event) bool { return e.Name == model.EventUserImported }) {
		t.Errorf("nothing was imported, and the events are %v, %v", events, err)
	}
	t.Run("other_data_under_the_same_id_is_refused", func(t *testing.T) {
		for name, change := range map[string]func(*gatehouse.Import){
			"username":          func(in *gatehouse.Import) { in.Username += "x" },
			"email":             func(in *gatehouse.Import) { in.Email = "x" + in.Email },
			"email_verified_at": func(in *gatehouse.Import) { in.EmailVerifiedAt = in.CreatedAt },
			"roles":             func(in *gatehouse.Import) { in.Roles = append([]string{"boss"}, in.Roles...) },
			"disabled_at":       func(in *gatehouse.Import) { in.DisabledAt = in.CreatedAt },
			"created_at":        func(in *gatehouse.Import) { in.CreatedAt = in.CreatedAt.Add(time.Microsecond) },
			"updated_at":        func(in *gatehouse.Import) { in.UpdatedAt = in.UpdatedAt.Add(time.Microsecond) },
			"password_hash":     func(in *gatehouse.Import) { in.PasswordHash = newcomer("").PasswordHash },
			"no password_hash":  func(in *gatehouse.Import) { in.PasswordHash = "" },
		} {
			account, err := h.store.AccountByUsername(t.Context(), "ana")
			if err != nil {
				t.Fatal(err)
			}
			in := importOf(account)
			change(&in)
			if got := fieldsOf(h, t, in); got != "id:bad-request" {
				t.Errorf("%s: refused for %q", name, got)
			}
		}
		if diff := cmp.Diff(before, h.accounts(t)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
	})
}

func TestImportTakesNamesInAnySpelling(t *testing.T) {
	h := newHouse(t)
	in := newcomer(" Ａna ")
	in.Email = "Ana@BÜCHER.example"
	h.mustImport(t, in, true)
	h.mustImport(t, in, false)
	user, err := h.FindUser(t.Context(), in.ID)
	if err != nil || user.Username != "ana" || user.Email != "ana@xn--bcher-kva.example" {
		t.Errorf("%v, %v", user, err)
	}
}

func TestImportKeepsTimesToTheMicrosecond(t *testing.T) {
	h := newHouse(t)
	in := newcomer("ana")
	in.CreatedAt = time.Date(2026, 3, 29, 2, 59, 59, 999_999_999, time.FixedZone("", 2*60*60))
	in.DisabledAt = time.Unix(0, 1) // rounds to 1970, not to never
	h.mustImport(t, in, true)
	h.mustImport(t, in, false)
	user, err := h.FindUser(t.Context(), "ana")
	if want := time.Date(2026, 3, 29, 0, 59, 59, 999_999_000, time.UTC); err != nil || user.CreatedAt != want || !user.Disabled() {
		t.Errorf("%v, %v", user, err)
	}
}

func TestManyImportsAtOnce(t *testing.T) {
	h := newHouse(t)
	t.Run("ST-04_of_one_user_add_one", func(t *testing.T) {
		in := newcomer("ana")
		added := make([]bool, 16)
		errs := together(len(added), func(i int) (err error) {
			added[i], err = h.ImportAccount(t.Context(), in)
			return err
		})
		if count(errs, nil) != len(errs) || len(slices.DeleteFunc(added, func(a bool) bool { return !a })) != 1 {
			t.Errorf("%v %v", added, errs)
		}
	})
	t.Run("ST-04_of_one_username_add_one", func(t *testing.T) {
		errs := together(16, func(int) error {
			_, err := h.ImportAccount(t.Context(), newcomer("bob"))
			return err
		})
		if count(errs, nil) != 1 || count(errs, model.ErrUsernameTaken) != len(errs)-1 {
			t.Errorf("%v", errs)
		}
	})
}

func TestAnImportDoesNotPrintTheHash(t *testing.T) {
	in := newcomer("ana")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if printed := fmt.Sprintf(verb, in); strings.Contains(printed, string(in.PasswordHash)) || strings.Contains(printed, fmt.Sprintf("%x", string(in.PasswordHash))) {
			t.Errorf("LG-06: %s prints the hash", verb)
		}
	}
}
