package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var signingKeys = []contract{
	{"every_field_comes_back_in_order", everyKeyField},
	{"JW-24_a_generation_is_made_once_and_in_order", oneGeneration},
	{"ForgetSigningKey_removes_one_and_only_once", forgetKey},
	{"KY-06_ResealSigningKey_replaces_what_it_was_shown_and_nothing_else", resealKey},
	{"JW-24_every_look_tells_whether_the_keys_changed", versionOfKeys},
}

func signingKey(algorithm string, generation int64) model.SigningKey {
	return model.SigningKey{
		KeyID: algorithm + "-" + numbered("key", int(generation)), Algorithm: algorithm, Generation: generation,
		Sealed:    []byte{0, 1, 2, 0xff, byte(generation)},
		CreatedAt: noon.Add(time.Microsecond), ActiveFrom: noon.Add(time.Hour),
	}
}

func everyKeyField(t *testing.T, store model.Store) {
	if none := got(store.SigningKeys(t.Context()))(t); len(none) != 0 {
		t.Fatalf("an empty store has %d keys", len(none))
	}
	// The order is that of the bytes: capitals come before small letters.
	want := []model.SigningKey{
		signingKey("ES256", 1), signingKey("EdDSA", 1), signingKey("EdDSA", 2), signingKey("EdDSA", 10),
		signingKey("HS256", 1), signingKey("es256", 1),
	}
	for _, i := range []int{5, 1, 0, 4, 2, 3} {
		if !got(store.CreateSigningKey(t.Context(), want[i]))(t) {
			t.Errorf("key %d was not added", i)
		}
	}
	same(t, got(store.SigningKeys(t.Context()))(t), want)
}

func oneGeneration(t *testing.T, store model.Store) {
	first, late := signingKey("EdDSA", 1), signingKey("EdDSA", 1)
	late.KeyID, late.Sealed = "late", []byte("late")
	if !got(store.CreateSigningKey(t.Context(), first))(t) {
		t.Error("the first key was not added")
	}
	if got(store.CreateSigningKey(t.Context(), late))(t) {
		t.Error("a second key of the same generation was added")
	}
	same(t, got(store.SigningKeys(t.Context()))(t), []model.SigningKey{first})

	// The place of a forgotten key stays closed to those who come late.
	if !got(store.CreateSigningKey(t.Context(), signingKey("EdDSA", 2)))(t) || !got(store.ForgetSigningKey(t.Context(), first.KeyID))(t) {
		t.Fatal("the next key does not follow the first")
	}
	if got(store.CreateSigningKey(t.Context(), late))(t) {
		t.Error("a key was added before a later one")
	}
}

func forgetKey(t *testing.T, store model.Store) {
	first, second := signingKey("EdDSA", 1), signingKey("EdDSA", 2)
	for _, key := range []model.SigningKey{first, second} {
		if !got(store.CreateSigningKey(t.Context(), key))(t) {
			t.Fatal("a key was not added")
		}
	}
	if got(store.ForgetSigningKey(t.Context(), "nobody's"))(t) {
		t.Error("a key that is not there was removed")
	}
	if !got(store.ForgetSigningKey(t.Context(), first.KeyID))(t) || got(store.ForgetSigningKey(t.Context(), first.KeyID))(t) {
		t.Error("a key is removed once")
	}
	same(t, got(store.SigningKeys(t.Context()))(t), []model.SigningKey{second})
}

func resealKey(t *testing.T, store model.Store) {
	first, second := signingKey("EdDSA", 1), signingKey("EdDSA", 2)
	for _, key := range []model.SigningKey{first, second} {
		got(store.CreateSigningKey(t.Context(), key))(t)
	}
	version := got(store.KeysVersion(t.Context()))(t)
	if got(store.ResealSigningKey(t.Context(), first.KeyID, second.Sealed, []byte("new")))(t) {
		t.Error("what was not there was replaced")
	}
	if got(store.ResealSigningKey(t.Context(), "nobody's", first.Sealed, []byte("new")))(t) {
		t.Error("a key that is not there was resealed")
	}
	if !got(store.ResealSigningKey(t.Context(), first.KeyID, first.Sealed, []byte("new")))(t) {
		t.Error("what was there was not replaced")
	}
	if got(store.ResealSigningKey(t.Context(), first.KeyID, first.Sealed, []byte("newer")))(t) {
		t.Error("a late writer replaced what another had written")
	}
	first.Sealed = []byte("new")
	same(t, got(store.SigningKeys(t.Context()))(t), []model.SigningKey{first, second})
	same(t, got(store.KeysVersion(t.Context()))(t), version)
}

func versionOfKeys(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, overAPI := opened(t, store, ana.ID, noon), openedOverAPI(t, store, ana.ID, noon)
	seen := map[model.KeysVersion]bool{}
	look := func(when string) {
		t.Helper()
		want := model.KeysVersionOf(got(store.SigningKeys(t.Context()))(t))
		same(t, got(store.KeysVersion(t.Context()))(t), want)
		same(t, got(store.Presence(t.Context(), session.ID, noon))(t).Keys, want)
		same(t, got(store.PresenceByToken(t.Context(), session.TokenDigest, noon))(t).Keys, want)
		same(t, got(store.StepSession(t.Context(), step(overAPI, overAPI.Counter, noon)))(t).Keys, want)
		overAPI.Counter++
		if seen[want] {
			t.Errorf("%s: the version was there before", when)
		}
		seen[want] = true
	}
	look("without a key")
	first, second, third := signingKey("EdDSA", 1), signingKey("EdDSA", 2), signingKey("EdDSA", 3)
	got(store.CreateSigningKey(t.Context(), first))(t)
	look("with one key")
	got(store.CreateSigningKey(t.Context(), second))(t)
	look("with two keys")
	must(t, store.Tx(t.Context(), func(tx model.Records) error {
		got(tx.ForgetSigningKey(t.Context(), first.KeyID))(t)
		got(tx.ForgetSigningKey(t.Context(), second.KeyID))(t)
		got(tx.CreateSigningKey(t.Context(), third))(t)
		same(t, got(tx.KeysVersion(t.Context()))(t), model.KeysVersionOf([]model.SigningKey{third}))
		return nil
	}))
	look("with another in the place of both")
}
