package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/model"
)

// hashOf reads the hash of a user straight from the file.
func (h *house) hashOf(t testing.TB, id model.UserID) string {
	t.Helper()
	account, err := h.store.Account(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return string(account.PasswordHash)
}

func TestEveryHashHasItsOwnSalt(t *testing.T) {
	h := newHouse(t)
	ana, bob := h.register(t, "ana"), h.register(t, "bob")
	first, err := argon2id.ParseHash(h.hashOf(t, ana.ID))
	if err != nil {
		t.Fatal(err)
	}
	second, err := argon2id.ParseHash(h.hashOf(t, bob.ID))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("PW-16_same_password_other_salt_and_tag", func(t *testing.T) {
		if string(first.Salt) == string(second.Salt) || string(first.Tag) == string(second.Tag) {
			t.Error("two users with one password share a salt or a tag")
		}
		if len(first.Salt) != 16 || len(first.Tag) != 32 {
			t.Errorf("salt %d bytes, tag %d bytes; want 16 and 32", len(first.Salt), len(first.Tag))
		}
	})
	t.Run("PW-16_a_change_makes_a_new_salt", func(t *testing.T) {
		err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
		if err != nil {
			t.Fatal(err)
		}
		third, err := argon2id.ParseHash(h.hashOf(t, ana.ID))
		if err != nil {
			t.Fatal(err)
		}
		if string(third.Salt) == string(first.Salt) {
			t.Error("the salt stayed")
		}
	})
}

func TestThePlainPasswordIsNowhereInTheData(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	grant := h.login(t, "ana")
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	code, err := h.IssueResetCode(t.Context(), ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"SC-03_password": string(goodPassword), "SC-03_cookie": string(page.Token),
		"RF-06_refresh_token": string(grant.RefreshToken), "RV-02_code": string(code), "access_token": grant.AccessToken,
	}
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range secrets {
		t.Run(name, func(t *testing.T) {
			for _, entry := range entries {
				data, err := os.ReadFile(filepath.Join(h.dir, entry.Name()))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(data), secret) {
					t.Errorf("it stands in %s", entry.Name())
				}
			}
		})
	}
	if len(entries) < 2 {
		t.Errorf("looked at %d files; the database and the master key should be there", len(entries))
	}
}

// flipped is a password with one bit of one octet changed; ASCII stays ASCII.
func flipped(password string, at int) string {
	octets := []byte(password)
	octets[at] ^= 1
	return string(octets)
}

func TestPasswordsAreCheckedWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	long := strings.Repeat("abcdefgh", model.MaxPasswordRunes/8)
	wrong := map[string]map[string]string{} // for each right password
	for _, length := range []int{15, 64, 128, 256} {
		right := long[:length]
		wrong[right] = map[string]string{"changed": right[:length-1] + "x", "removed": right[:length-1], "doubled": right + right[length-1:]}
		if length == model.MaxPasswordRunes {
			delete(wrong[right], "doubled") // which is too long for a password
		}
	}
	all := wrong[long]
	for _, at := range []int{0, 70, 71, 72, 73, 126, 127, 128, 129, 254, 255} {
		all[fmt.Sprint("octet_", at, "_flipped")] = flipped(long, at)
	}
	all["case"] = strings.ToUpper(long)
	for name, typed := range map[string]string{"trailing_space": long[:64] + " ", "leading_space": " " + long[:64]} {
		wrong[long[:64]][name] = typed
	}
	for right, others := range wrong {
		name := fmt.Sprint("of_", len(right))
		if _, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: name, Password: model.Password(right)}); err != nil {
			t.Fatalf("PW-02: %d characters: %v", len(right), err)
		}
		for what, typed := range others {
			t.Run("PW-03_"+name+"_"+what, func(t *testing.T) {
				refused(t, try(t.Context(), h.Auth, name, model.Password(typed)), model.ErrWrongCredentials)
				h.clock.Add(24 * time.Hour) // so that failures are no longer in a row
			})
		}
		t.Run("PW-02_PW-03_"+name+"_and_the_right_one", func(t *testing.T) {
			if err := try(t.Context(), h.Auth, name, model.Password(right)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPasswordForm(t *testing.T) {
	h := newHouse(t)
	register := func(password string) error {
		_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "u" + strings.ToLower(model.NewID[model.User]().String()), Password: model.Password(password)})
		return err
	}
	tests := []struct {
		name, password string
		want           *model.Error // nil: accepted
	}{
		{"PW-01_14", strings.Repeat("x7", 7), model.ErrPasswordTooShort},
		{"PW-01_15", strings.Repeat("x7", 7) + "y", nil},
		{"PW-02_257", strings.Repeat("a", 257), model.ErrPasswordTooLong},
		{"PW-04_14_emoji", strings.Repeat("🙂", 14), model.ErrPasswordTooShort},
		{"PW-04_15_emoji", strings.Repeat("🙂", 15), nil},
		{"PW-04_counted_after_NFC", strings.Repeat("e\u0301", 14), model.ErrPasswordTooShort},
		{"PW-05_only_digits", "839201746528391", nil},
		{"PW-05_only_spaces_between", "a b c d e f g h", nil},
		{"PW-05_only_lower_case", "lanternquarryvelvet", nil},
		{"PW-05_right_to_left", "\u05e1\u05d9\u05e1\u05de\u05d4 \u05d0\u05e8\u05d5\u05db\u05d4 \u05de\u05d0\u05d5\u05d3", nil},
		{"PW-02_64_of_4_octets", strings.Repeat("🦜", 64), nil},
		{"PW-02_257_of_4_octets", strings.Repeat("🦜", 257), model.ErrPasswordTooLong},
		{"PW-25_invalid_UTF-8", "fifteen characters\xff", model.ErrBadRequest},
		{"PW-25_replacement_character", "fifteen characters\ufffd", model.ErrBadRequest},
		{"PW-27_empty", "", model.ErrPasswordTooShort},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := register(tt.password)
			if tt.want == nil && err != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSpellingsOfAPassword(t *testing.T) {
	h := newHouse(t)
	_, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: "café au lait tous les jours ﬁn"})
	if err != nil {
		t.Fatal(err)
	}
	login := func(password model.Password) error {
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: password})
		return err
	}
	t.Run("PW-06_NFD_is_the_same", func(t *testing.T) {
		if err := login("cafe\u0301 au lait tous les jours ﬁn"); err != nil {
			t.Error(err)
		}
	})
	t.Run("PW-06_a_ligature_is_not_its_letters", func(t *testing.T) {
		refused(t, login("café au lait tous les jours fin"), model.ErrWrongCredentials)
	})
}

func TestNULIsSignificant(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, _ := store.auth(t)
		const right = model.Password("fifteen-chars!!\x00AAAA")
		_, err := auth.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: right})
		mustNot(t, err)
		for name, typed := range map[string]model.Password{
			"another_end": "fifteen-chars!!\x00BBBB", "up_to_it": "fifteen-chars!!", "and_it": "fifteen-chars!!\x00",
		} {
			t.Run("PW-26_"+name, func(t *testing.T) { refused(t, try(t.Context(), auth, "ana", typed), model.ErrWrongCredentials) })
		}
		t.Run("PW-26_the_whole_is_right", func(t *testing.T) { mustNot(t, try(t.Context(), auth, "ana", right)) })
	})
}

func TestChangePass(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	change := func(current, next model.Password) error {
		return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: current, New: next})
	}
	t.Run("PW-11_wrong_current_which_counts", func(t *testing.T) {
		before := h.failures(t)
		refused(t, change(wrongPassword, otherPassword), model.ErrWrongPassword)
		if n := h.failures(t) - before; n != 1 {
			t.Errorf("%d failures were counted, want 1", n)
		}
	})
	t.Run("PW-24_same", func(t *testing.T) { refused(t, change(goodPassword, goodPassword), model.ErrSamePassword) })
	t.Run("PW-24_same_only_told_after_the_right_one", func(t *testing.T) {
		refused(t, change(wrongPassword, wrongPassword), model.ErrWrongPassword)
	})
	t.Run("PW-01_short", func(t *testing.T) {
		err := change(goodPassword, "short")
		refused(t, err, model.ErrPasswordTooShort)
		var refusal *model.Error
		if errors.As(err, &refusal) && (len(refusal.Fields) != 1 || refusal.Fields[0].Field != "new_password") {
			t.Errorf("fields %v, want new_password", refusal.Fields)
		}
	})
	t.Run("PW-11_right_current", func(t *testing.T) {
		if err := change(goodPassword, otherPassword); err != nil {
			t.Fatal(err)
		}
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		refused(t, err, model.ErrWrongCredentials)
		if _, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: otherPassword}); err != nil {
			t.Error(err)
		}
	})
	t.Run("ST-04_two_changes_at_once", func(t *testing.T) {
		bob := h.register(t, "bob")
		errs := together(4, func(i int) error {
			return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: bob.ID, Current: goodPassword, New: otherPassword + model.Password(rune('a'+i))})
		})
		if won := count(errs, nil); won != 1 || count(errs, model.ErrWrongPassword) != 3 {
			t.Errorf("%d changes won: %v", won, errs)
		}
	})
}

func TestALoginDoesNotOutliveThePasswordItUsed(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		ana := h.register(t, "ana")
		// However the two interleave, no session that the old password opened
		// is alive once the change has been answered.
		errs := together(4, func(i int) error {
			if i == 0 {
				return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
			}
			_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			return err
		})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		sessions, err := h.Sessions(t.Context(), ana.ID)
		if err != nil || len(sessions) != 0 {
			t.Errorf("SC-11: %d sessions of the old password are alive (%v)", len(sessions), err)
		}
		if err := h.EraseUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatWasCheckedMustStillHold(t *testing.T) {
	h := newHouse(t)
	t.Run("RV-21_a_deletion_and_a_change_do_not_both_win", func(t *testing.T) {
		for range 3 {
			ana := h.register(t, "ana")
			errs := together(2, func(i int) error {
				if i == 0 {
					return h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: ana.ID, Password: goodPassword})
				}
				return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
			})
			if count(errs, nil) != 1 {
				t.Fatalf("deletion: %v; change: %v", errs[0], errs[1])
			}
			if errs[0] != nil {
				if err := h.EraseUser(t.Context(), ana.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	t.Run("RV-21_a_session_that_ended_deletes_and_changes_nothing", func(t *testing.T) {
		bob := h.register(t, "bob")
		ended := h.login(t, "bob")
		if err := h.EndSession(t.Context(), bob.ID, ended.SessionID); err != nil {
			t.Fatal(err)
		}
		err := h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: bob.ID, SessionID: ended.SessionID, Password: goodPassword})
		refused(t, err, model.ErrInvalidToken)
		err = h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: bob.ID, SessionID: ended.SessionID, Current: goodPassword, New: otherPassword})
		refused(t, err, model.ErrWrongPassword)
		h.login(t, "bob")
	})
	t.Run("SC-10_a_disabled_user_changes_nothing", func(t *testing.T) {
		eve := h.register(t, "eve")
		if err := h.DisableUser(t.Context(), eve.ID); err != nil {
			t.Fatal(err)
		}
		err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: eve.ID, Current: goodPassword, New: otherPassword})
		refused(t, err, model.ErrWrongPassword)
	})
}

func TestAFailedProofIsRecordedWhateverBecomesOfTheRequest(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	fails := func(name model.EventName) int {
		t.Helper()
		events, err := h.store.EventsOf(t.Context(), ana.ID, 1000)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events {
			if e.Name == name {
				n++
			}
		}
		return n
	}
	t.Run("LG-03_who_hangs_up_after_a_guess_is_seen", func(t *testing.T) {
		refusals, patience := 0, time.Millisecond
		for range 500 {
			// The context ends while the hash runs, which takes no notice of it.
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			err := h.ConfirmPassword(ctx, ana.ID, wrongPassword)
			late := ctx.Err() != nil
			cancel()
			if late && errors.Is(err, model.ErrWrongPassword) {
				refusals++
				break
			}
			if patience = patience * 5 / 4; errors.Is(err, model.ErrWrongPassword) {
				patience = time.Millisecond // the hash was done before
			}
			h.clock.Add(time.Hour) // and nobody is slowed down
		}
		if refusals != 1 || fails(model.EventPasswordFail) < 1 {
			t.Errorf("%d refusals, %d events", refusals, fails(model.EventPasswordFail))
		}
	})
	t.Run("LG-03_the_right_password_of_a_disabled_user_is_seen", func(t *testing.T) {
		if err := h.DisableUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		_, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		refused(t, err, model.ErrUserDisabled)
		if fails(model.EventLoginFail) != 1 {
			t.Errorf("%d events", fails(model.EventLoginFail))
		}
	})
}
