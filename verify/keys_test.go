package verify

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"gatehouse/jwt"
)

func TestKeysComeAndGo(t *testing.T) {
	t.Run("JW-31_a_removed_key_vanishes_with_the_tokens_seen_before", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		old := w.token(1)
		wantCheck(t, v, old, nil)
		next := newKey(t, jwt.EdDSA)
		w.set(func() { w.keys, w.signer = []*jwt.SigningKey{next}, next })
		must(t, v.keys.renew(context.Background()))
		wantCheck(t, v, old, ErrInvalidToken)
		wantCheck(t, v, w.token(1), nil)
	})
	t.Run("JW-24_a_rotation_refuses_no_token", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		old, next := w.token(1), newKey(t, jwt.ES256)
		w.set(func() { w.keys = append(w.keys, next) }) // published ahead
		must(t, v.keys.renew(context.Background()))
		w.set(func() { w.signer = next })
		must(t, v.list.renew(context.Background()))
		wantCheck(t, v, old, nil)
		wantCheck(t, v, w.token(2), nil)
		if got := w.count(keysPath); got != 2 {
			t.Errorf("got %d looks at the key set, want 2", got)
		}
	})
	t.Run("JW-31_the_list_of_a_removed_key_has_to_be_verified_again", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		must(t, v.list.renew(context.Background()))
		must(t, v.keys.renew(context.Background()))
		must(t, v.list.renew(context.Background()))
		must(t, v.list.renew(context.Background()))
		want := []bool{false, true, false, true} // whether the request named the list held
		for i, tag := range w.tags {
			if got := tag != ""; len(w.tags) != len(want) || got != want[i] {
				t.Fatalf("If-None-Match: got %q, want %v", w.tags, want)
			}
		}
	})
	t.Run("JW-31_two_issuers_with_one_kid_are_two_issuers", func(t *testing.T) {
		mine, theirs := newWorld(t), newWorld(t)
		stranger, err := jwt.ParseSigningKey(jwt.EdDSA, mine.signer.KeyID(), encoded(t, newKey(t, jwt.EdDSA)))
		must(t, err)
		theirs.set(func() { theirs.keys, theirs.signer = []*jwt.SigningKey{stranger}, stranger })
		v, other := mine.renewed(), theirs.renewed()
		good, bad := mine.token(1), theirs.token(1)
		wantCheck(t, v, good, nil)
		wantCheck(t, other, bad, nil)
		wantCheck(t, v, bad, ErrInvalidToken)
		wantCheck(t, other, good, ErrInvalidToken)
		theirs.server.URL, bad = mine.server.URL, "" // their key, and every claim of ours
		wantCheck(t, v, theirs.token(1), ErrInvalidToken)
	})
}

// forgotten is a token of a key that nobody publishes.
func (w *world) forgotten(t *testing.T) string {
	key := newKey(t, jwt.EdDSA)
	w.set(func() { w.keys = append(w.keys, key) })
	token := w.token(1)
	w.set(func() { w.keys = w.keys[:len(w.keys)-1] })
	return token
}

func TestUnknownKeys(t *testing.T) {
	t.Run("JW-31_a_storm_of_them_costs_one_look_in_30_seconds", func(t *testing.T) {
		w := newWorld(t)
		// The list stays good for as long as this test moves the clock.
		v := w.live(func(c *Config) { c.StatusMaxAge = 5 * time.Minute })
		before := w.count(keysPath)
		tokens := make([]string, 20)
		for i := range tokens {
			tokens[i] = w.forgotten(t)
		}
		for round := range 3 {
			var all sync.WaitGroup
			for _, token := range tokens {
				all.Go(func() {
					for range 10 {
						if _, err := v.Check(context.Background(), token); !errors.Is(err, ErrInvalidToken) {
							t.Errorf("got %v, want %v", err, ErrInvalidToken)
						}
					}
				})
			}
			all.Wait()
			if got := w.count(keysPath) - before; got != round+1 {
				t.Errorf("round %d: got %d looks at the key set, want %d", round, got, round+1)
			}
			w.sleep(29 * time.Second)
			wantCheck(t, v, tokens[0], ErrInvalidToken)
			if got := w.count(keysPath) - before; got != round+1 {
				t.Errorf("after 29 seconds: got %d looks, want %d", got, round+1)
			}
			w.sleep(2 * time.Second)
		}
	})
}

func TestNewKeys(t *testing.T) {
	t.Run("JW-31_a_key_that_was_just_published_is_found", func(t *testing.T) {
		w := newWorld(t)
		v := w.live()
		next := newKey(t, jwt.EdDSA)
		w.set(func() { w.keys = append(w.keys, next) })
		wantCheck(t, v, w.token(1), nil)
	})
	t.Run("JW-31_a_server_that_does_not_answer_keeps_nobody_waiting", func(t *testing.T) {
		w := newWorld(t)
		v := w.live()
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		w.set(func() { w.keysDoor = func(http.ResponseWriter, *http.Request) { <-release } })
		unknown := w.forgotten(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := v.Check(ctx, unknown); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("got %v", err)
		}
		wantCheck(t, v, w.token(1), nil)
	})
	t.Run("JW-31_a_list_of_an_unknown_key_brings_the_new_keys", func(t *testing.T) {
		// The server gave up its key at once: the old one is gone from the set,
		// and the list is signed by another.
		w := newWorld(t)
		v := w.live()
		stolen := w.token(1)
		wantCheck(t, v, stolen, nil)
		next := newKey(t, jwt.EdDSA)
		w.set(func() { w.keys, w.signer = []*jwt.SigningKey{next}, next })
		await(t, "the old key to be refused", func() bool {
			_, err := v.Check(context.Background(), stolen)
			return errors.Is(err, ErrInvalidToken)
		})
		wantCheck(t, v, w.token(1), nil)
	})
}

func TestAServerThatComesAndGoes(t *testing.T) {
	t.Run("JW-31_flapping_takes_nothing_away", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		token := w.token(1)
		for round := range 20 {
			w.set(func() {
				w.keysDoor, w.listDoor = nil, nil
				if round%2 == 0 {
					w.keysDoor = answerWith(200, jsonType, `{"keys":[]}`)
					w.listDoor = answerWith(500, listType, strconv.Itoa(round))
				}
			})
			w.sleep(10 * time.Second)
			_ = v.keys.renew(context.Background())
			_ = v.list.renew(context.Background())
			wantCheck(t, v, token, nil)
		}
	})
}
