package gatehouse_test

import (
	"errors"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

func TestRegistrationIsUnique(t *testing.T) {
	h := newHouse(t)
	spellings := []string{"ana", "Ana", "ANA", " ana ", "ａｎａ", "ana", "ANA\t", "Ａna"}
	t.Run("LT-23_many_at_once_in_many_spellings", func(t *testing.T) {
		errs := together(16, func(i int) error {
			_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: spellings[i%len(spellings)], Password: goodPassword})
			return err
		})
		if count(errs, nil) != 1 || count(errs, model.ErrUsernameTaken) != len(errs)-1 {
			t.Errorf("%v", errs)
		}
	})
	t.Run("LT-06_every_spelling_logs_in_to_the_same_user", func(t *testing.T) {
		id := h.login(t, "ana").User.ID
		for _, s := range spellings {
			if got := h.login(t, s).User.ID; got != id {
				t.Errorf("%q is another user", s)
			}
		}
	})
	t.Run("AI-22_look-alikes", func(t *testing.T) {
		_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "paypal", Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"раураl", "paypa1", "рaypal"} {
			_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: name, Password: goodPassword})
			if !errors.Is(err, model.ErrUsernameTaken) && !errors.Is(err, model.ErrUsernameInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
	t.Run("email_in_other_case", func(t *testing.T) {
		for i, email := range []string{"Bob@Example.com", "bob@example.COM"} {
			_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Email: email, Password: goodPassword})
			if i == 0 && err != nil || i == 1 && !errors.Is(err, model.ErrEmailTaken) {
				t.Errorf("%s: %v", email, err)
			}
		}
	})
}

func TestRegistrationNamesEverythingThatIsWrongAtOnce(t *testing.T) {
	h := newHouse(t)
	_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "a b", Email: "nobody", Password: "short"})
	var refusal *model.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range refusal.Fields {
		fields = append(fields, f.Field+":"+f.Code)
		if f.Detail == "" {
			t.Errorf("%s does not say how to mend it", f.Field)
		}
	}
	if got, want := strings.Join(fields, " "), "username:username-invalid email:email-invalid password:password-too-short"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAtLeastOneName(t *testing.T) {
	h := newHouse(t)
	_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Password: goodPassword})
	refused(t, err, model.ErrUsernameInvalid)
	for _, in := range []gatehouse.Registration{{Username: "ana"}, {Email: "bob@example.com"}} {
		in.Password = goodPassword
		if _, err := h.RegisterUser(t.Context(), in); err != nil {
			t.Errorf("%v: %v", in, err)
		}
	}
}

func TestARefusedRegistrationStoresNothing(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	for _, in := range []gatehouse.Registration{
		{Username: "ana", Email: "new@example.com", Password: goodPassword},
		{Username: "newname", Email: "ana@example.com", Password: goodPassword},
		{Username: "admin", Password: goodPassword}, {Username: "a@b", Password: goodPassword},
		{Username: "new", Password: goodPassword, Roles: []string{"two words"}},
	} {
		user, err := h.RegisterUser(t.Context(), in)
		if err == nil || !user.ID.IsZero() {
			t.Errorf("accepted %+v, or returned a user with the refusal", in)
		}
	}
	users, err := h.Users(t.Context(), model.UserID{}, 100)
	if err != nil || len(users) != 1 {
		t.Errorf("AI-28: %d users, %v", len(users), err)
	}
}

func TestDeletionReallyDeletes(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	grant, page := h.login(t, "ana"), h.page(t, "ana")
	refused(t, h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: ana.ID, Password: wrongPassword}), model.ErrWrongPassword)
	if err := h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: ana.ID, Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	h.refreshRefused(t, grant.RefreshToken)
	if h.alive(t, page.Token) {
		t.Error("SC-10: the cookie lives on")
	}
	refused(t, h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: ana.ID, Password: goodPassword}), model.ErrInvalidToken)
	again := h.register(t, "ana")
	if again.ID == ana.ID {
		t.Error("JW-18: the id was given out again")
	}
	if _, err := h.BearerPresence(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("JW-18: the old token belongs to somebody: %v", err)
	}
	events, err := h.store.EventsOf(t.Context(), ana.ID, 100)
	if err != nil || len(events) == 0 || events[0].Name != model.EventUserDeleted {
		t.Errorf("RV-22: the events do not say that the user was deleted: %v %v", events, err)
	}
	for _, e := range events {
		if e.Client != (model.Client{}) {
			t.Errorf("RV-22: event %s still knows the client", e.Name)
		}
	}
}

func TestRename(t *testing.T) {
	h := newHouse(t)
	ana, _ := h.register(t, "ana"), h.register(t, "bob")
	_, err := h.RenameUser(t.Context(), ana.ID, "BOB")
	refused(t, err, model.ErrUsernameTaken)
	_, err = h.RenameUser(t.Context(), ana.ID, "b b")
	refused(t, err, model.ErrUsernameInvalid)
	user, err := h.RenameUser(t.Context(), ana.ID, "Anna")
	if err != nil || user.Username != "anna" || user.ID != ana.ID {
		t.Errorf("%v %v", user, err)
	}
	if _, err := h.RenameUser(t.Context(), ana.ID, "ANNA"); err != nil {
		t.Errorf("the name one has already: %v", err)
	}
	_, err = h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	refused(t, err, model.ErrWrongCredentials)
	h.login(t, "anna")
}
