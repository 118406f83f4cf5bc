package gatehouse_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// Names and passwords that are the same text when they are joined: each answer
// belongs to who was asked for.
func TestNobodyIsTakenForANeighbour(t *testing.T) {
	h := newHouse(t)
	people := map[string]model.Password{"ana": "b:green hills at dawn", "ana:b": "green hills at dawn", "anab": ":green hills at dawn", "an": "a:b:green hills at dawn"}
	for name, password := range people {
		if _, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: name, Password: password}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	type pair struct {
		name  string
		typed model.Password
		right bool
	}
	var pairs []pair
	for name := range people {
		for range 23 { // a hundred with the wrong ones
			pairs = append(pairs, pair{name, people[name], true})
		}
		wrong := 0 // below the limit of failures
		for other := range people {
			if other != name && wrong < 2 {
				wrong++
				pairs = append(pairs, pair{name, people[other], false})
			}
		}
	}
	t.Run("PW-28_a_hundred_at_once", func(t *testing.T) {
		errs := together(len(pairs), func(i int) error {
			grant, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: pairs[i].name, Password: pairs[i].typed})
			if err == nil && string(grant.User.Username) != pairs[i].name {
				return fmt.Errorf("%s was logged in", grant.User.Username)
			}
			return err
		})
		came := 0
		for i, err := range errs {
			if err == nil {
				came++
			}
			if errors.Is(err, model.ErrOverloaded) { // which says nothing about anybody
				continue
			}
			if pairs[i].right && err != nil || !pairs[i].right && !errors.Is(err, model.ErrWrongCredentials) {
				t.Errorf("%s with the password of %s: %v", pairs[i].name, map[bool]string{true: "their own", false: "somebody else"}[pairs[i].right], err)
			}
		}
		if came == 0 {
			t.Error("nobody came in")
		}
	})
}

func TestAnInvitationIsForOneUserAndOnce(t *testing.T) {
	h := newHouse(t)
	ana, code, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "ana", Email: "ana@example.com", Roles: []string{"editor"}})
	if err != nil {
		t.Fatal(err)
	}
	bob, _, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("RV-20_edited_cut_and_longer_ones_are_worth_nothing", func(t *testing.T) {
		text := string(code)
		edited := []string{"", text[:len(text)-1], text + "A", text + " ", text[1:], bob.ID.String(), ana.ID.String()}
		for i := range text {
			other := byte('A')
			if text[i] == other {
				other = 'B'
			}
			edited = append(edited, text[:i]+string(other)+text[i+1:])
		}
		for _, one := range edited {
			refused(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: model.Code(one), New: goodPassword}), model.ErrInvalidOrExpiredCode)
		}
	})
	t.Run("RV-20_good_once_for_the_invited_with_their_role", func(t *testing.T) {
		if err := h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: goodPassword}); err != nil {
			t.Fatal(err)
		}
		refused(t, h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: otherPassword}), model.ErrInvalidOrExpiredCode)
		if user := h.login(t, "ana").User; user.ID != ana.ID || !slices.Equal(user.Roles, []string{"editor"}) {
			t.Errorf("%s has the roles %v", user.Username, user.Roles)
		}
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "bob", Password: goodPassword})
		refused(t, err, model.ErrWrongCredentials)
	})
}

// Roles are in the token for others; here the store is asked each time.
func TestARoleThatWasTakenAwayIsGoneAtOnce(t *testing.T) {
	h := newHouse(t)
	if _, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword, Roles: []string{"editor"}}); err != nil {
		t.Fatal(err)
	}
	grant := h.login(t, "ana")
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), `UPDATE users SET roles = '[]'`); err != nil {
		t.Fatal(err)
	}
	t.Run("AD-04_JW-27_with_the_next_request", func(t *testing.T) {
		who, err := h.BearerPresence(t.Context(), grant.AccessToken)
		if err != nil || len(who.User.Roles) != 0 {
			t.Errorf("roles %v, %v", who.User.Roles, err)
		}
	})
	t.Run("AD-04_RF-12_and_in_the_next_token", func(t *testing.T) {
		claims, err := h.LoginJWT(t.Context(), grant.AccessToken)
		if err != nil || len(claims.Roles) != 1 {
			t.Fatalf("the old token says %v, %v", claims.Roles, err)
		}
		next := h.refresh(t, grant.RefreshToken)
		if claims, err = h.LoginJWT(t.Context(), next.AccessToken); err != nil || len(claims.Roles) != 0 {
			t.Errorf("the new token says %v, %v", claims.Roles, err)
		}
	})
}

// A token says when and how its user logged in, and what came later does not make
// that newer or stronger.
func TestATokenSaysWhenItsUserLoggedIn(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	began := h.clock.Now()
	grant, page := h.login(t, "ana"), h.page(t, "ana")
	says := func(t *testing.T, token string) {
		t.Helper()
		claims, err := h.LoginJWT(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if !claims.AuthTime.Equal(began) || !slices.Equal(claims.AMR, []string{"pwd"}) || claims.ACR != "aal1" {
			t.Errorf("auth_time %v, amr %v, acr %q; want %v, [pwd], aal1", claims.AuthTime, claims.AMR, claims.ACR, began)
		}
	}
	t.Run("JW-33_at_the_login", func(t *testing.T) { says(t, grant.AccessToken) })
	h.clock.Add(3 * time.Hour)
	t.Run("JW-33_SC-26_after_a_refresh", func(t *testing.T) { says(t, h.refresh(t, grant.RefreshToken).AccessToken) })
	t.Run("JW-33_SC-26_of_a_browser", func(t *testing.T) {
		who, err := h.SessionPresence(t.Context(), page.Token)
		if err != nil {
			t.Fatal(err)
		}
		access, err := h.IssueJWT(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		says(t, access.AccessToken)
	})
}
