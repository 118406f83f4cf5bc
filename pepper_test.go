package gatehouse_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// pepper returns a pepper whose key could be random.
func pepper(id string) model.Pepper {
	return model.Pepper{ID: id, Key: model.PepperKey(sha256.Sum256([]byte("a pepper of the tests: " + id)))}
}

func peppersOf(ids ...string) (peppers []model.Pepper) {
	for _, id := range ids {
		peppers = append(peppers, pepper(id))
	}
	return peppers
}

func (h *house) season(t testing.TB, ids ...string) {
	t.Helper()
	h.cfg.Peppers = peppersOf(ids...)
	h.reopen(t)
}

// another is another process over the same data, with these peppers.
func (h *house) another(t testing.TB, ids ...string) *house {
	t.Helper()
	other := &house{dir: h.dir, clock: h.clock, cfg: h.cfg}
	other.cfg.Peppers = peppersOf(ids...)
	other.open(t)
	return other
}

func TestPepper(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *gatehouse.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h.register(t, "ana")
	// They began before there was a hash with k1; none of them could now.
	late := []*house{h.another(t), h.another(t, "k2")}
	h.season(t, "k1")
	h.register(t, "bob")
	t.Run("PW-18_a_new_hash_names_its_key", func(t *testing.T) {
		if kept := h.kept(t, "bob"); !strings.HasPrefix(kept, "$pepper$k1$argon2id$v=19$m=12288,t=3,p=1$") {
			t.Errorf("kept as %s", kept)
		}
		h.login(t, "bob")
		refused(t, h.tries(wrongPassword, "bob"), model.ErrWrongCredentials)
	})
	t.Run("PW-18_without_its_name_the_hash_is_worth_nothing", func(t *testing.T) {
		kept := h.kept(t, "bob")
		in := newcomer("thief")
		in.PasswordHash = model.PasswordHash(strings.TrimPrefix(kept, "$pepper$k1"))
		h.mustImport(t, in, true)
		refused(t, h.tries(goodPassword, "thief"), model.ErrWrongCredentials)
	})
	t.Run("PW-18_a_hash_without_pepper_is_made_anew_under_it", func(t *testing.T) {
		refused(t, h.tries(wrongPassword, "ana"), model.ErrWrongCredentials)
		if kept := h.kept(t, "ana"); !strings.HasPrefix(kept, "$argon2id$") {
			t.Errorf("a wrong password changed it: %s", kept)
		}
		h.login(t, "ana")
		if kept := h.kept(t, "ana"); !strings.HasPrefix(kept, "$pepper$k1$argon2id$") {
			t.Errorf("kept as %s", kept)
		}
	})
	t.Run("PW-18_without_the_key_nothing_is_right_and_nothing_wrong", func(t *testing.T) {
		before := h.kept(t, "bob")
		for _, h := range late {
			for _, password := range []model.Password{goodPassword, wrongPassword} {
				refused(t, h.tries(password, "bob"), model.ErrUnavailable)
			}
			user, err := h.FindUser(t.Context(), "bob")
			if err != nil {
				t.Fatal(err)
			}
			refused(t, h.ConfirmPassword(t.Context(), user.ID, goodPassword), model.ErrUnavailable)
		}
		if h.kept(t, "bob") != before {
			t.Error("the hash changed")
		}
		if n := h.eventsOf(t, "bob", model.EventHashRejected); n != 6 {
			t.Errorf("%d events", n)
		}
		if !strings.Contains(log.String(), `level=ERROR msg="password not checked"`) || !strings.Contains(log.String(), "k1") {
			t.Errorf("the log does not say which key is missing: %s", log.String())
		}
	})
}

func TestPeppersRotate(t *testing.T) {
	h := newHouse(t, func(c *gatehouse.Config) { c.Peppers = []model.Pepper{pepper("k1")} })
	h.register(t, "bob")
	t.Run("PW-18_a_former_key_still_checks_and_the_current_one_makes_anew", func(t *testing.T) {
		h.season(t, "k2", "k1")
		refused(t, h.tries(wrongPassword, "bob"), model.ErrWrongCredentials)
		h.login(t, "bob")
		if kept := h.kept(t, "bob"); !strings.HasPrefix(kept, "$pepper$k2$argon2id$") {
			t.Errorf("kept as %s", kept)
		}
		h.season(t, "k2")
		h.login(t, "bob")
	})
	t.Run("PW-18_another_key_under_the_same_id_is_a_wrong_password", func(t *testing.T) {
		h.cfg.Peppers = []model.Pepper{{ID: "k2", Key: pepper("k3").Key}}
		h.reopen(t)
		refused(t, h.tries(goodPassword, "bob"), model.ErrWrongCredentials)
	})
}

func TestPepperGoesIntoEveryNewHash(t *testing.T) {
	h := newHouse(t, func(c *gatehouse.Config) { c.Peppers = []model.Pepper{pepper("k1")} })
	ana := h.register(t, "ana")
	peppered := func(t *testing.T, name, prefix string) {
		t.Helper()
		if kept := h.kept(t, name); !strings.HasPrefix(kept, prefix) {
			t.Errorf("kept as %s", kept)
		}
	}
	t.Run("PW-18_change", func(t *testing.T) {
		err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: ana.ID, Current: goodPassword, New: otherPassword})
		if err != nil {
			t.Fatal(err)
		}
		peppered(t, "ana", "$pepper$k1$argon2id$")
	})
	t.Run("PW-18_reset", func(t *testing.T) {
		code, err := h.IssueResetCode(t.Context(), ana.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.ResetPass(t.Context(), gatehouse.PasswordReset{Code: code, New: goodPassword}); err != nil {
			t.Fatal(err)
		}
		peppered(t, "ana", "$pepper$k1$argon2id$")
		h.login(t, "ana")
	})
	t.Run("PW-18_wrap", func(t *testing.T) {
		in := h.imports(t, "bob", foreignHashes(t)["bcrypt"], true)
		peppered(t, "bob", "$pepper$k1$wrapped$")
		h.mustImport(t, in, false)
		refused(t, h.tries(wrongPassword, "bob"), model.ErrWrongCredentials)
		h.login(t, "bob")
		peppered(t, "bob", "$pepper$k1$argon2id$")
	})
	t.Run("PW-18_first_login_of_a_foreign_hash", func(t *testing.T) {
		h.imports(t, "eve", foreignHashes(t)["scrypt"], false)
		h.login(t, "eve")
		peppered(t, "eve", "$pepper$k1$argon2id$")
	})
	t.Run("PW-18_a_peppered_hash_moves_only_where_its_key_is", func(t *testing.T) {
		accounts := h.accounts(t)
		with := newHouse(t, func(c *gatehouse.Config) { c.Peppers = h.cfg.Peppers })
		with.mustImport(t, importOf(accounts[0]), true)
		_, err := newHouse(t).ImportAccount(t.Context(), importOf(accounts[0]))
		var refusal *model.Error
		if !errors.As(err, &refusal) || len(refusal.Fields) != 1 || refusal.Fields[0].Field != "password_hash" {
			t.Errorf("imported without the key: %v", err)
		}
	})
}

func TestEveryVerbThatAsksForAPasswordSaysThatThePepperIsMissing(t *testing.T) {
	h := newHouse(t)
	bob := h.another(t, "k1").register(t, "bob")
	credentials := gatehouse.Credentials{Identifier: "bob", Password: goodPassword}
	for name, verb := range map[string]func() error{
		"LoginUser":       func() error { _, err := h.LoginUser(t.Context(), credentials); return err },
		"LoginSession":    func() error { _, err := h.LoginSession(t.Context(), credentials); return err },
		"ConfirmPassword": func() error { return h.ConfirmPassword(t.Context(), bob.ID, goodPassword) },
		"ChangePass": func() error {
			return h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: bob.ID, Current: goodPassword, New: otherPassword})
		},
		"DeleteUser": func() error {
			return h.DeleteUser(t.Context(), gatehouse.Deletion{UserID: bob.ID, Password: goodPassword})
		},
	} {
		t.Run("PW-18_"+name, func(t *testing.T) { refused(t, verb(), model.ErrUnavailable) })
	}
	if _, err := h.FindUser(t.Context(), "bob"); err != nil {
		t.Errorf("bob is gone: %v", err)
	}
}

func TestAStartWithoutThePepperOfAHashIsRefused(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	for _, id := range []string{"k1", "k2"} {
		h.season(t, id, map[string]string{"k1": "k2", "k2": "k1"}[id])
		h.register(t, "user-"+id)
	}
	for name, tt := range map[string]struct {
		ids  []string
		want string // the id that is missed
	}{
		"none": {nil, `"k1"`}, "another": {[]string{"k3"}, `"k1"`}, "half": {[]string{"k1"}, `"k2"`}, "the_other_half": {[]string{"k2"}, `"k1"`},
		"both": {[]string{"k1", "k2"}, ""}, "more": {[]string{"k3", "k2", "k1"}, ""},
	} {
		t.Run("PW-18_"+name, func(t *testing.T) {
			cfg := h.cfg
			cfg.Peppers = peppersOf(tt.ids...)
			_, err := gatehouse.New(t.Context(), h.store, cfg)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "Config.Peppers") || !strings.Contains(err.Error(), "--pepper-file") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want what names %s", err, tt.want)
			}
		})
	}
	t.Run("PW-18_a_key_goes_when_no_hash_carries_its_id", func(t *testing.T) {
		h.season(t, "k3", "k2", "k1")
		for _, name := range []string{"ana", "user-k1", "user-k2"} {
			h.login(t, name)
		}
		if ids, err := h.PepperIDs(t.Context()); err != nil || !slices.Equal(ids, []string{"k3"}) {
			t.Errorf("hashes carry %q, %v", ids, err)
		}
		h.season(t, "k3")
	})
}

func TestPeppersThatAreWrongStopTheStart(t *testing.T) {
	h := newHouse(t)
	long := make([]model.Pepper, model.MaxPeppers+1)
	for i := range long {
		long[i] = pepper("k" + string(rune('a'+i)))
	}
	for name, peppers := range map[string][]model.Pepper{
		"no_id": {pepper("")}, "an_id_with_a_dollar": {pepper("a$b")}, "a_long_id": {pepper("a-name-of-17-char")},
		"zeros": {{ID: "k1"}}, "two_of_one_id": {pepper("k1"), {ID: "k1", Key: pepper("k2").Key}},
		"two_of_one_key": {pepper("k1"), {ID: "k2", Key: pepper("k1").Key}}, "17": long,
	} {
		t.Run("PW-18_"+name, func(t *testing.T) {
			cfg := h.cfg
			cfg.Peppers = slices.Clone(peppers)
			_, err := gatehouse.New(t.Context(), h.store, cfg)
			if err == nil || !strings.Contains(err.Error(), "Config.Peppers") {
				t.Errorf("got %v", err)
			}
		})
	}
}
