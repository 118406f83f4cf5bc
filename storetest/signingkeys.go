package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var signingKeys = []contract{
	{"every_field_comes_back_in_order", everyKeyField},
	{"a_generation_is_made_once", oneGeneration},
	{"ForgetSigningKey_removes_one_and_only_once", forgetKey},
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
	for _, i := range []int{3, 5, 0, 4, 2, 1} {
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
