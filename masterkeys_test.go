package gatehouse_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func randomMasterKey() (key model.MasterKey) {
	_, _ = rand.Read(key[:])
	return key
}

// followed are master keys of which it is not known when they were replaced.
func followed(current model.MasterKey, former ...model.MasterKey) model.MasterKeys {
	keys := model.MasterKeys{Current: current}
	for _, key := range former {
		keys.Former = append(keys.Former, model.FormerMasterKey{Key: key})
	}
	return keys
}

// under is the configuration with these master keys.
func (h *house) under(current model.MasterKey, former ...model.MasterKey) gatehouse.Config {
	cfg, keys := h.cfg, followed(current, former...)
	cfg.MasterKey, cfg.FormerMasterKeys = keys.Current, keys.Former
	return cfg
}

// newKeyHouse is a house with a master key of its own and three signing keys.
func newKeyHouse(t *testing.T) (h *house, master model.MasterKey) {
	t.Helper()
	master = randomMasterKey()
	h = newHouse(t, func(c *gatehouse.Config) { c.MasterKey = master })
	h.register(t, "ana")
	for i := range 3 {
		if i > 0 {
			h.clock.Add(gatehouse.KeyPublishedAhead)
		}
		if rotation, err := h.RotateKeys(t.Context()); err != nil || !rotation.Made {
			t.Fatalf("key %d was not made (%v)", i, err)
		}
	}
	return h, master
}

// sealedUnder counts the signing keys under each master key.
func (h *house) sealedUnder(t *testing.T) map[string]int {
	t.Helper()
	keys, err := h.SigningKeys(t.Context())
	if err != nil || len(keys) != 3 {
		t.Fatalf("%d keys (%v)", len(keys), err)
	}
	under := map[string]int{}
	for _, key := range keys {
		under[key.MasterKeyID]++
	}
	return under
}

func TestReseal(t *testing.T) {
	h, first := newKeyHouse(t)
	second := randomMasterKey()
	before := h.login(t, "ana")
	if err := h.UseMasterKeys(t.Context(), followed(second, first)); err != nil {
		t.Fatal(err)
	}
	ids := h.MasterKeyIDs()
	if under := h.sealedUnder(t); len(ids) != 2 || under[ids[1]] != 3 {
		t.Errorf("under %v before", under)
	}
	n, err := h.ResealKeys(t.Context())
	if under := h.sealedUnder(t); err != nil || n != 3 || under[ids[0]] != 3 {
		t.Errorf("resealed %d (%v), now under %v", n, err, under)
	}
	if n, err := h.ResealKeys(t.Context()); err != nil || n != 0 {
		t.Errorf("resealed %d a second time (%v)", n, err)
	}
	t.Run("no_token_is_refused_for_it", func(t *testing.T) {
		if _, err := h.BearerPresence(t.Context(), before.AccessToken); err != nil {
			t.Errorf("access token: %v", err)
		}
		if before, err = h.RefreshJWT(t.Context(), before.RefreshToken); err != nil {
			t.Errorf("refresh token: %v", err)
		}
	})
	t.Run("KY-06_the_new_key_alone_opens_every_record", func(t *testing.T) {
		auth, err := gatehouse.New(t.Context(), h.store, h.under(second))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := auth.BearerPresence(t.Context(), before.AccessToken); err != nil {
			t.Errorf("a token from before: %v", err)
		}
	})
	t.Run("KY-07_the_former_key_alone_opens_nothing", func(t *testing.T) {
		if _, err := gatehouse.New(t.Context(), h.store, h.under(first)); err == nil || !strings.Contains(err.Error(), "another master key") {
			t.Errorf("got %v", err)
		}
		if err := h.UseMasterKeys(t.Context(), followed(first)); err == nil || h.MasterKeyIDs()[0] != ids[0] {
			t.Errorf("taken into use though it opens nothing (%v)", err)
		}
		h.login(t, "ana")
	})
}

// TestResealIsRestartable stops at every step there is, as a crash does, and goes
// on with a process of its own.
func TestResealIsRestartable(t *testing.T) {
	t.Run("KY-06_at_every_step", func(t *testing.T) {
		h, first := newKeyHouse(t)
		second := randomMasterKey()
		faulty := &faultyStore{Store: h.store}
		for n := 1; ; n++ {
			auth, err := gatehouse.New(t.Context(), faulty, h.under(second, first))
			if err != nil {
				t.Fatalf("step %d: the records do not open: %v", n, err)
			}
			h.Auth = auth
			before := h.sealedUnder(t)[auth.MasterKeyIDs()[0]]
			faulty.n, faulty.calls = 1+n%2, 0 // the first record or its event: nothing is done
			if n > 8 {
				faulty.n = 3 // one record is done, and the next one fails
			}
			done, err := auth.ResealKeys(t.Context())
			if after := h.sealedUnder(t)[auth.MasterKeyIDs()[0]]; after != before+done {
				t.Fatalf("step %d: %d records were done and %d are", n, done, after-before)
			}
			if err == nil {
				if n < 10 || h.sealedUnder(t)[auth.MasterKeyIDs()[0]] != 3 {
					t.Errorf("done after %d steps, under %v", n, h.sealedUnder(t))
				}
				break
			}
			if !errors.Is(err, errFault) {
				t.Fatal(err)
			}
		}
		if _, err := gatehouse.New(t.Context(), h.store, h.under(second)); err != nil {
			t.Errorf("something was left: %v", err)
		}
	})
	t.Run("KY-06_many_at_once", func(t *testing.T) {
		h, first := newKeyHouse(t)
		second := randomMasterKey()
		processes := make([]*gatehouse.Auth, 4)
		for i := range processes {
			var err error
			if processes[i], err = gatehouse.New(t.Context(), h.store, h.under(second, first)); err != nil {
				t.Fatal(err)
			}
		}
		done := make([]int, len(processes))
		errs := together(len(processes), func(i int) (err error) {
			done[i], err = processes[i].ResealKeys(t.Context())
			return err
		})
		if count(errs, nil) != len(errs) || done[0]+done[1]+done[2]+done[3] != 3 {
			t.Errorf("done %v, want 3 in all (%v)", done, errs)
		}
		if _, err := gatehouse.New(t.Context(), h.store, h.under(second)); err != nil {
			t.Error(err)
		}
	})
}

// TestRefreshWhileTheMasterKeyChanges has two processes, one before the change and
// one after it, as they are for a while.
func TestRefreshWhileTheMasterKeyChanges(t *testing.T) {
	h, first := newKeyHouse(t)
	second := randomMasterKey()
	early, err := gatehouse.New(t.Context(), h.store, h.under(first, second)) // has the new key, and does not use it yet
	if err != nil {
		t.Fatal(err)
	}
	late, err := gatehouse.New(t.Context(), h.store, h.under(second, first))
	if err != nil {
		t.Fatal(err)
	}
	for name, began := range map[string]*gatehouse.Auth{"began_under_the_former_key": early, "began_under_the_new_key": late} {
		t.Run("RF-03_RF-04_"+name, func(t *testing.T) {
			grant, err := began.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			if err != nil {
				t.Fatal(err)
			}
			parent := grant.RefreshToken
			for range 4 {
				successors := make([]model.RefreshToken, 10)
				errs := together(len(successors), func(i int) error {
					auth := []*gatehouse.Auth{early, late}[i%2]
					next, err := auth.RefreshJWT(t.Context(), parent)
					successors[i] = next.RefreshToken
					return err
				})
				for _, successor := range successors {
					if successor != successors[0] || count(errs, nil) != len(errs) {
						t.Fatalf("not one successor: %v", errs)
					}
				}
				parent = successors[0]
			}
			h.clock.Add(11 * time.Second)
			_, err = late.RefreshJWT(t.Context(), grant.RefreshToken) // spent long ago
			refused(t, err, model.ErrInvalidToken)
			_, err = early.RefreshJWT(t.Context(), parent)
			refused(t, err, model.ErrInvalidToken)
		})
	}
	t.Run("RF-01_a_token_of_an_unknown_key_is_refused_without_the_store", func(t *testing.T) {
		grant, err := early.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := early.ResealKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := late.ResealKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := late.UseMasterKeys(t.Context(), followed(second)); err != nil {
			t.Fatal(err)
		}
		if err := h.store.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = late.RefreshJWT(t.Context(), grant.RefreshToken)
		refused(t, err, model.ErrInvalidToken)
	})
}

func TestCiphertextsDoNotMove(t *testing.T) {
	h, master := newKeyHouse(t)
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	t.Run("KY-05_two_records_that_were_swapped_do_not_open", func(t *testing.T) {
		kept, err := h.store.SigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		put := func(keyID string, sealed []byte) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), `UPDATE signing_keys SET sealed = ? WHERE key_id = ?`, sealed, keyID); err != nil {
				t.Fatal(err)
			}
		}
		put(kept[0].KeyID, kept[1].Sealed)
		put(kept[1].KeyID, kept[0].Sealed)
		if _, err := gatehouse.New(t.Context(), h.store, h.under(master)); err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("got %v", err)
		}
		put(kept[0].KeyID, kept[0].Sealed)
		put(kept[1].KeyID, kept[1].Sealed)
		if _, err := gatehouse.New(t.Context(), h.store, h.under(master)); err != nil {
			t.Errorf("swapped back: %v", err)
		}
	})
	t.Run("KY-07_a_wrong_key_starts_nothing", func(t *testing.T) {
		before := h.snapshot(t)
		if _, err := gatehouse.New(t.Context(), h.store, h.under(randomMasterKey())); err == nil {
			t.Error("it started")
		}
		if changed := before.differ(h.snapshot(t), nil); len(changed) > 0 {
			t.Errorf("%v changed", changed)
		}
	})
}

func TestMasterKeysOfTheConfiguration(t *testing.T) {
	h, first := newKeyHouse(t)
	var eight []model.MasterKey
	for range model.MaxMasterKeys {
		eight = append(eight, randomMasterKey())
	}
	for name, cfg := range map[string]gatehouse.Config{
		"nine":                            h.under(first, eight...),
		"a former one that is not random": h.under(first, model.MasterKey{1}),
		"one twice":                       h.under(first, first),
		"former ones alone":               h.under(model.MasterKey{}, first),
	} {
		if _, err := gatehouse.New(t.Context(), h.store, cfg); err == nil || !strings.Contains(err.Error(), "Config.FormerMasterKeys") {
			t.Errorf("%s: got %v, want an error that names the field", name, err)
		}
	}
	if err := h.UseMasterKeys(t.Context(), model.MasterKeys{}); err == nil {
		t.Error("the zero key was taken into use")
	}
}

// The verbs of signing keys count as steps of faultyStore.

func (r faultyRecords) ResealSigningKey(ctx context.Context, keyID string, old, new []byte) (bool, error) {
	done, err := r.Records.ResealSigningKey(ctx, keyID, old, new)
	return done, errors.Join(r.fault(), err)
}

func (r faultyRecords) CreateSigningKey(ctx context.Context, key model.SigningKey) (bool, error) {
	done, err := r.Records.CreateSigningKey(ctx, key)
	return done, errors.Join(r.fault(), err)
}

func (r faultyRecords) ForgetSigningKey(ctx context.Context, keyID string) (bool, error) {
	done, err := r.Records.ForgetSigningKey(ctx, keyID)
	return done, errors.Join(r.fault(), err)
}
