package gatehouse_test

import (
	"slices"
	"testing"
	"time"

	"gatehouse"
)

// signsWith opens another Auth over the store of the house, of a process that was
// started with this algorithm.
func (h *house) signsWith(t *testing.T, algorithm string) *gatehouse.Auth {
	t.Helper()
	cfg := h.cfg
	cfg.Algorithm = algorithm
	auth, err := gatehouse.New(t.Context(), h.store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// algorithms are those of the signing keys that are left when everything that is
// due was done by this process.
func algorithms(t *testing.T, auth *gatehouse.Auth) (left []string) {
	t.Helper()
	for range 3 { // one key is forgotten at a time
		if err := auth.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := auth.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		left = append(left, key.Algorithm)
	}
	return left
}

func TestKeysOfAFormerAlgorithmAreForgotten(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.login(t, "ana")
	h.clock.Add(2 * gatehouse.KeyKeptAfter)
	if made, err := h.RotateKeys(t.Context()); err != nil || !made.Made { // the former algorithm has a next key too
		t.Fatal(err)
	}
	h.clock.Add(time.Minute)
	later := h.signsWith(t, "ES256")
	if left := algorithms(t, later); !slices.Equal(left, []string{"ES256", "EdDSA", "EdDSA"}) {
		t.Fatalf("left are %v", left)
	}
	from := h.clock.Now()
	keys, err := later.SigningKeys(t.Context())
	if err != nil || !keys[0].ForgottenAt.IsZero() {
		t.Errorf("the key that signs is forgotten at %s (%v)", keys[0].ForgottenAt, err)
	}
	for _, key := range keys[1:] {
		if want := from.Add(gatehouse.KeyKeptAfter); key.State != gatehouse.KeyRetired || !key.ForgottenAt.Equal(want) {
			t.Errorf("a key of the former algorithm is %s and forgotten at %s, want %s", key.State, key.ForgottenAt, want)
		}
	}
	t.Run("JW-24_a_process_of_the_former_algorithm_leaves_the_new_key_alone", func(t *testing.T) {
		if left := algorithms(t, h.Auth); !slices.Equal(left, []string{"ES256", "EdDSA", "EdDSA"}) {
			t.Errorf("left are %v", left)
		}
	})
	t.Run("JW-24_KY-09_after_the_last_token_that_they_signed", func(t *testing.T) {
		h.clock.Add(gatehouse.KeyKeptAfter)
		if left := algorithms(t, later); len(left) != 3 {
			t.Errorf("left are %v, too early", left)
		}
		h.clock.Add(time.Second)
		if left := algorithms(t, later); !slices.Equal(left, []string{"ES256"}) {
			t.Errorf("left are %v", left)
		}
	})
	t.Run("JW-24_going_back_begins_anew", func(t *testing.T) {
		h.clock.Add(time.Minute)
		back := h.signsWith(t, "EdDSA")
		if left := algorithms(t, back); !slices.Equal(left, []string{"ES256", "EdDSA"}) {
			t.Errorf("left are %v", left)
		}
		h.clock.Add(gatehouse.KeyKeptAfter + time.Second)
		if left := algorithms(t, back); !slices.Equal(left, []string{"EdDSA"}) {
			t.Errorf("left are %v", left)
		}
	})
}
