package verify

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"gatehouse/jwt"
)

// publish lets the server answer with this list, whatever it is asked.
func (w *world) publish(c listChange) {
	w.t.Helper()
	door := answerWith(http.StatusOK, listType, w.list(c))
	w.set(func() { w.listDoor = door })
}

func TestRevocation(t *testing.T) {
	t.Run("SC-09_a_revoked_token_is_refused_from_the_next_poll_on", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		gone, stays := w.token(7), w.token(8)
		wantCheck(t, v, gone, nil)
		w.set(func() { w.revoked = []int64{7} })
		w.sleep(time.Second)
		must(t, v.list.renew(context.Background()))
		wantCheck(t, v, gone, ErrInvalidToken)
		wantCheck(t, v, gone, ErrInvalidToken)
		wantCheck(t, v, stays, nil)
	})
	t.Run("SC-09_a_live_verifier_hears_of_it_by_itself", func(t *testing.T) {
		w := newWorld(t)
		v := w.live()
		token := w.token(7)
		wantCheck(t, v, token, nil)
		w.set(func() { w.revoked = []int64{7} })
		await(t, "the token to be refused", func() bool {
			_, err := v.Check(context.Background(), token)
			return err != nil
		})
		wantCheck(t, v, token, ErrInvalidToken)
	})
	t.Run("a_place_outside_the_list_counts_as_revoked", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		wantCheck(t, v, w.token(places-1), nil)
		wantCheck(t, v, w.token(places), ErrInvalidToken)
		wantCheck(t, v, w.token(1<<40), ErrInvalidToken)
	})
	t.Run("a_token_that_cannot_be_revoked_is_refused", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		for _, uri := range []string{"", listPath, w.server.URL + listPath + "/", w.server.URL + listPath + "?", "https://evil.example" + listPath} {
			wantCheck(t, v, w.token(1, func(c *jwt.Claims) { c.Status.URI = uri }), ErrInvalidToken)
		}
	})
}

func TestOldLists(t *testing.T) {
	t.Run("an_older_list_never_brings_a_revoked_token_back", func(t *testing.T) {
		w := newWorld(t)
		before := w.clock()
		w.set(func() { w.revoked = []int64{7} })
		w.sleep(10 * time.Second)
		v := w.renewed()
		token := w.token(7)
		wantCheck(t, v, token, ErrInvalidToken)
		w.set(func() { w.revoked = nil })
		w.publish(listChange{issuedAt: before})
		for range 3 {
			if err := v.list.renew(context.Background()); err == nil {
				t.Error("the older list was taken")
			}
			wantCheck(t, v, token, ErrInvalidToken)
		}
		t.Run("and_does_not_confirm_the_one_held", func(t *testing.T) {
			w.sleep(31 * time.Second)
			_ = v.list.renew(context.Background())
			wantCheck(t, v, w.token(8), ErrUnavailable)
		})
	})
	t.Run("an_older_list_that_says_the_same_confirms", func(t *testing.T) {
		// Two processes of one server sign their own lists.
		w := newWorld(t)
		w.set(func() { w.revoked = []int64{7} })
		before := w.clock()
		w.sleep(time.Minute)
		v := w.renewed()
		w.publish(listChange{issuedAt: before})
		w.sleep(29 * time.Second)
		must(t, v.list.renew(context.Background()))
		w.sleep(29 * time.Second)
		wantCheck(t, v, w.token(8), nil)
		wantCheck(t, v, w.token(7), ErrInvalidToken)
		if got, want := v.list.held.Load().issuedAt, before.Add(time.Minute); !got.Equal(want) {
			t.Errorf("the list held is of %s, want %s", got, want)
		}
	})
	t.Run("an_older_list_that_says_more_counts_and_confirms", func(t *testing.T) {
		// The clock of the server was set back, and then somebody logged out.
		w := newWorld(t)
		w.sleep(time.Minute)
		v := w.renewed()
		w.publish(listChange{issuedAt: w.clock().Add(-5 * time.Second), revoked: []int64{7}})
		w.sleep(29 * time.Second)
		must(t, v.list.renew(context.Background()))
		w.sleep(29 * time.Second)
		wantCheck(t, v, w.token(8), nil)
		wantCheck(t, v, w.token(7), ErrInvalidToken)
	})
	t.Run("of_two_lists_of_one_second_both_count", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		for _, revoked := range [][]int64{{7}, {8}, nil} {
			w.publish(listChange{issuedAt: w.clock(), revoked: revoked})
			must(t, v.list.renew(context.Background()))
		}
		wantCheck(t, v, w.token(7), ErrInvalidToken)
		wantCheck(t, v, w.token(8), ErrInvalidToken)
		wantCheck(t, v, w.token(9), nil)
	})
	t.Run("a_newer_list_takes_the_place_of_what_was_joined", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		w.publish(listChange{issuedAt: w.clock(), revoked: []int64{7}})
		must(t, v.list.renew(context.Background()))
		w.sleep(2 * time.Second)
		w.publish(listChange{issuedAt: w.clock()})
		must(t, v.list.renew(context.Background()))
		wantCheck(t, v, w.token(7), nil)
	})
	t.Run("an_older_list_that_is_longer_is_joined", func(t *testing.T) {
		w := newWorld(t)
		w.sleep(time.Minute)
		v := w.renewed()
		wantCheck(t, v, w.token(places), ErrInvalidToken)
		w.publish(listChange{issuedAt: w.clock().Add(-time.Second), size: 2 * places})
		must(t, v.list.renew(context.Background()))
		wantCheck(t, v, w.token(places), nil)
	})
}

// broken is a server that has nothing to say.
func broken(w http.ResponseWriter, r *http.Request) {
	answerWith(http.StatusServiceUnavailable, "text/plain", "no")(w, r)
}

func TestFailClosed(t *testing.T) {
	t.Run("after_30_seconds_without_a_confirmed_list_nothing_is_accepted", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		token := w.token(1)
		w.set(func() { w.listDoor = broken })
		_ = v.list.renew(context.Background())
		w.sleep(30 * time.Second)
		wantCheck(t, v, token, nil)
		w.sleep(time.Millisecond)
		wantCheck(t, v, token, ErrUnavailable)
		w.set(func() { w.listDoor = nil })
		must(t, v.list.renew(context.Background()))
		wantCheck(t, v, token, nil)
	})
	t.Run("304_confirms_the_list_but_not_beyond_its_end", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		must(t, v.keys.renew(context.Background()))
		must(t, v.list.renew(context.Background())) // the keys are new: the list is read again
		tag := v.list.held.Load().tag
		unchanged := counter(0)
		w.set(func() {
			w.listDoor = func(out http.ResponseWriter, in *http.Request) {
				if in.Header.Get("If-None-Match") != tag {
					broken(out, in)
					return
				}
				unchanged++
				out.WriteHeader(http.StatusNotModified)
			}
		})
		token := w.token(1, func(c *jwt.Claims) { c.ExpiresAt = c.IssuedAt.Add(time.Hour) })
		for range 10 {
			w.sleep(29 * time.Second)
			must(t, v.list.renew(context.Background()))
			wantCheck(t, v, token, nil)
		}
		w.sleep(10 * time.Second) // 300 seconds after it was signed
		wantCheck(t, v, token, ErrUnavailable)
		if err := v.list.renew(context.Background()); err == nil || unchanged != 10 {
			t.Errorf("got error %v after %d times 304; want 10 and then a whole list asked for", err, unchanged)
		}
	})
}

func TestAgeOfAnswers(t *testing.T) {
	t.Run("a_list_that_ends_sooner_than_its_limit_is_over_then", func(t *testing.T) {
		w := newWorld(t)
		w.publish(listChange{issuedAt: w.clock().Add(-280 * time.Second)})
		v := w.renewed()
		w.sleep(20*time.Second - 1)
		wantCheck(t, v, w.token(1), nil)
		w.sleep(1)
		wantCheck(t, v, w.token(1), ErrUnavailable)
	})
	t.Run("an_answer_out_of_a_cache_is_as_old_as_it_says", func(t *testing.T) {
		for said, want := range map[string]error{
			"": nil, "0": nil, "29": nil, "31": ErrUnavailable, "99999999999999999999999": ErrUnavailable,
			"31, 0": ErrUnavailable, "-5": nil, "soon": nil,
		} {
			w := newWorld(t)
			w.sleep(time.Minute)
			text := w.list(listChange{})
			w.set(func() {
				w.listDoor = typed(listType, func(out http.ResponseWriter, _ *http.Request) {
					out.Header().Set("Age", said)
					_, _ = io.WriteString(out, text)
				})
			})
			v := w.renewed()
			if _, err := v.Check(context.Background(), w.token(1)); (err == nil) != (want == nil) {
				t.Errorf("Age %q: got %v, want %v", said, err, want)
			}
		}
	})
}

func TestAgeOfKeys(t *testing.T) {
	t.Run("keys_out_of_a_cache_are_as_old_as_it_says", func(t *testing.T) {
		w := newWorld(t)
		text := w.keySet()
		w.set(func() {
			w.keysDoor = typed(jsonType, func(out http.ResponseWriter, _ *http.Request) {
				out.Header().Set("Age", "3000")
				_, _ = io.WriteString(out, text)
			})
		})
		v := w.renewed()
		for range 20 {
			w.sleep(30 * time.Second)
			must(t, v.list.renew(context.Background()))
			wantCheck(t, v, w.token(1), nil)
		}
		w.sleep(1)
		wantCheck(t, v, w.token(1), ErrUnavailable)
	})
	t.Run("keys_that_nobody_confirmed_for_an_hour_verify_nothing", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		w.set(func() { w.keysDoor = broken })
		for range 12 {
			_ = v.keys.renew(context.Background())
			w.sleep(5 * time.Minute)
			must(t, v.list.renew(context.Background()))
			wantCheck(t, v, w.token(1), nil)
		}
		w.sleep(time.Millisecond)
		wantCheck(t, v, w.token(1), ErrUnavailable)
	})
	t.Run("a_clock_that_runs_back_is_no_reason_to_trust", func(t *testing.T) {
		w := newWorld(t)
		v := w.renewed()
		w.sleep(-time.Second)
		wantCheck(t, v, w.token(1), ErrUnavailable)
	})
}

// typed is a door with a media type.
func typed(kind string, door http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		door(w, r)
	}
}

// counter counts in one goroutine at a time.
type counter int
