package gatehouse_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/jwt"
	"gatehouse/model"
)

// process opens another Auth over the store of the house, as another process has
// it.
func (h *house) process(t testing.TB) *gatehouse.Auth {
	t.Helper()
	auth, err := gatehouse.New(t.Context(), h.store, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// service is a service that only accepts our tokens: it fetches the key set over
// HTTP, where caches may keep it for its whole age.
type service struct {
	verifier *jwt.Verifier
	mu       sync.Mutex
	keys     jwt.KeySet
	fetched  time.Time
}

func newService(t *testing.T, h *house, from *gatehouse.Auth, offset time.Duration) *service {
	t.Helper()
	s := &service{fetched: h.clock.Now().Add(offset - gatehouse.KeySetAge)}
	var err error
	s.verifier, err = jwt.NewVerifier(jwt.VerifierConfig{Issuer: h.cfg.Issuer, Audience: h.cfg.Audience, Now: h.clock.Now, Keys: func() jwt.KeySet {
		s.mu.Lock()
		defer s.mu.Unlock()
		if now := h.clock.Now(); now.Sub(s.fetched) >= gatehouse.KeySetAge || s.keys.Len() == 0 {
			keys, err := from.KeySet(context.Background())
			if err != nil {
				t.Error(err)
			}
			s.keys, s.fetched = keys, now
		}
		return s.keys
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNoTokenIsRefusedForARotation(t *testing.T) {
	t.Run("JW-24_N-34_every_90_days_an_hour_ahead_and_kept_for_as_long_as_they_are_needed", func(t *testing.T) {
		for name, got := range map[string][2]time.Duration{
			"period": {gatehouse.KeyRotationPeriod, 90 * 24 * time.Hour}, "ahead": {gatehouse.KeyPublishedAhead, time.Hour},
			"kept": {gatehouse.KeyKeptAfter, time.Hour + time.Minute + 5*time.Minute}, // a token, the leeway, a cached key set
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %v, want %v", name, got[0], got[1])
			}
		}
	})
	for name, begin := range map[string]func(*testing.T, *house){
		"JW-24_N-34_by_itself": func(_ *testing.T, h *house) {
			h.clock.Add(gatehouse.KeyRotationPeriod - gatehouse.KeyPublishedAhead - time.Minute)
		},
		"JW-24_N-34_by_command": func(t *testing.T, h *house) {
			if made, err := h.process(t).RotateKeys(t.Context()); err != nil || !made.Made {
				t.Fatalf("nothing was rotated (%v)", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register(t, "ana")
			h.login(t, "ana") // makes the first key
			begin(t, h)
			load := newRotationLoad(t, h)
			for range 60 {
				load.tick(t)
			}
			if len(load.kids) != 2 {
				t.Errorf("tokens of %d keys were signed, want 2", len(load.kids))
			}
			if keys, err := h.SigningKeys(t.Context()); err != nil || len(keys) != 1 || keys[0].State != gatehouse.KeyActive {
				t.Errorf("left are %+v (%v), want the active key alone", keys, err)
			}
		})
	}
}

// rotationLoad is two processes that are asked for tokens all the time, and
// services that verify each of them for as long as it is good.
type rotationLoad struct {
	*house
	processes []*gatehouse.Auth
	services  []*service
	chains    []*tokenChain
	mu        sync.Mutex
	kids      map[string]bool
}

// tokenChain is one session and its access tokens that have not expired.
type tokenChain struct {
	refresh model.RefreshToken
	good    []goodToken
}

type goodToken struct {
	text  string
	until time.Time
}

func newRotationLoad(t *testing.T, h *house) *rotationLoad {
	l := &rotationLoad{house: h, processes: []*gatehouse.Auth{h.Auth, h.process(t)}, kids: map[string]bool{}}
	for i := range 4 {
		l.chains = append(l.chains, &tokenChain{refresh: h.login(t, "ana").RefreshToken})
		l.services = append(l.services, newService(t, h, l.processes[i%2], time.Duration(i)*gatehouse.KeySetAge/4))
	}
	return l
}

// tick is 150 seconds of life: every session is renewed, both processes sweep,
// and all of it at once.
func (l *rotationLoad) tick(t *testing.T) {
	t.Helper()
	errs := together(len(l.chains)+len(l.processes), func(i int) error {
		if i >= len(l.chains) {
			return l.processes[i-len(l.chains)].Sweep(t.Context())
		}
		c, auth := l.chains[i], l.processes[i%2]
		grant, err := auth.RefreshJWT(t.Context(), c.refresh)
		if err != nil {
			return err
		}
		c.refresh = grant.RefreshToken
		c.good = append(c.good, goodToken{grant.AccessToken, l.clock.Now().Add(grant.ExpiresIn)})
		l.mu.Lock()
		defer l.mu.Unlock()
		l.kids[keyOf(t, grant.AccessToken)] = true
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, c := range l.chains {
		for len(c.good) > 0 && l.clock.Now().After(c.good[0].until) {
			c.good = c.good[1:]
		}
		for _, token := range c.good {
			for i, s := range l.services {
				if _, err := s.verifier.Verify(token.text); err != nil {
					t.Fatalf("service %d refuses a good token: %v", i, err)
				}
			}
			for i, auth := range l.processes {
				if _, err := auth.BearerPresence(t.Context(), token.text); err != nil {
					t.Fatalf("process %d refuses a good token: %v", i, err)
				}
			}
		}
	}
	l.clock.Add(150 * time.Second)
}

// TestReplacedKeysCountWithTheNextRequest replaces the keys in one process and
// looks at the first request that another one gets afterwards.
func TestReplacedKeysCountWithTheNextRequest(t *testing.T) {
	type scene struct {
		*house
		before, after gatehouse.Grant // signed with the key that is forgotten, and with the new one
		page          gatehouse.SessionGrant
		kid           string // of the new key
	}
	signed := func(t *testing.T, s scene, token string, err error) {
		t.Helper()
		if err != nil || keyOf(t, token) != s.kid {
			t.Errorf("not signed with the new key (%v)", err)
		}
	}
	for name, look := range map[string]func(*testing.T, scene){
		"JW-05_JW-24_an_old_token_is_refused": func(t *testing.T, s scene) {
			_, err := s.BearerPresence(t.Context(), s.before.AccessToken)
			refused(t, err, model.ErrInvalidToken)
			_, err = s.LoginJWT(t.Context(), s.before.AccessToken)
			refused(t, err, model.ErrInvalidToken) // now also without the store
		},
		"a_new_token_is_accepted": func(t *testing.T, s scene) {
			if _, err := s.BearerPresence(t.Context(), s.after.AccessToken); err != nil {
				t.Errorf("got %v", err)
			}
		},
		"JW-28_introspection_says_so": func(t *testing.T, s scene) {
			if seen, err := s.IntrospectToken(t.Context(), s.before.AccessToken); err != nil || seen.Active {
				t.Errorf("an old token is active (%v)", err)
			}
			if seen, err := s.IntrospectToken(t.Context(), string(s.before.RefreshToken)); err != nil || !seen.Active {
				t.Errorf("a refresh token is not active any more (%v)", err)
			}
		},
		"refresh_signs_with_the_new_key": func(t *testing.T, s scene) {
			grant, err := s.RefreshJWT(t.Context(), s.before.RefreshToken)
			signed(t, s, grant.AccessToken, err)
		},
		"login_signs_with_the_new_key": func(t *testing.T, s scene) {
			grant, err := s.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			signed(t, s, grant.AccessToken, err)
		},
		"a_browser_session_gets_a_token_of_the_new_key": func(t *testing.T, s scene) {
			who, err := s.SessionPresence(t.Context(), s.page.Token)
			if err != nil {
				t.Fatal(err)
			}
			grant, err := s.IssueJWT(t.Context(), who)
			signed(t, s, grant.AccessToken, err)
		},
		"the_key_set_holds_the_new_key_alone": func(t *testing.T, s scene) {
			keys, err := s.KeySet(t.Context())
			if err != nil || keys.Len() != 1 {
				t.Fatalf("%d keys (%v)", keys.Len(), err)
			}
			verifier, err := jwt.NewVerifier(jwt.VerifierConfig{Issuer: s.cfg.Issuer, Audience: "shop", Now: s.clock.Now, Keys: func() jwt.KeySet { return keys }})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(s.after.AccessToken); err != nil {
				t.Errorf("another key than the new one: %v", err)
			}
		},
		"the_status_list_is_signed_with_the_new_key": func(t *testing.T, s scene) {
			list, err := s.StatusList(t.Context())
			signed(t, s, list, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.register(t, "ana")
			s := scene{house: h, before: h.login(t, "ana")}
			var err error
			if s.page, err = h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword}); err != nil {
				t.Fatal(err)
			}
			// This process has everything in its memory that it remembers.
			if _, err = h.BearerPresence(t.Context(), s.before.AccessToken); err != nil {
				t.Fatal(err)
			}
			if _, err = h.StatusList(t.Context()); err != nil {
				t.Fatal(err)
			}
			other := h.process(t)
			made, forgotten, err := other.ReplaceKeys(t.Context())
			if err != nil || len(forgotten) != 1 || forgotten[0].KeyID != keyOf(t, s.before.AccessToken) {
				t.Fatalf("forgot %+v (%v)", forgotten, err)
			}
			s.kid = made.KeyID
			if s.after, err = other.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword}); err != nil {
				t.Fatal(err)
			}
			look(t, s)
		})
	}
}

func TestRotateKeys(t *testing.T) {
	t.Run("what_is_published_already_is_not_made_again", func(t *testing.T) {
		h := newHouse(t)
		first, err := h.RotateKeys(t.Context())
		if err != nil || !first.Made || !first.Next.ActiveFrom.Equal(h.clock.Now()) || first.Replaced.KeyID != "" {
			t.Fatalf("the first: %+v (%v)", first, err)
		}
		second, err := h.RotateKeys(t.Context())
		if err != nil || !second.Made || second.Replaced.KeyID != first.Next.KeyID || second.Next.State != gatehouse.KeyNext ||
			second.Next.ActiveFrom.Sub(h.clock.Now()) != gatehouse.KeyPublishedAhead ||
			second.Replaced.ForgottenAt.Sub(second.Next.ActiveFrom) != gatehouse.KeyKeptAfter {
			t.Fatalf("the second: %+v (%v)", second, err)
		}
		before := h.snapshot(t)
		third, err := h.RotateKeys(t.Context())
		if err != nil || third.Made || third.Next.KeyID != second.Next.KeyID || third.Replaced.KeyID != first.Next.KeyID {
			t.Errorf("the third: %+v (%v)", third, err)
		}
		if changed := before.differ(h.snapshot(t), nil); len(changed) > 0 {
			t.Errorf("%v changed though nothing was made", changed)
		}
	})
	t.Run("ST-04_many_at_once_make_one", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		h.login(t, "ana")
		processes := []*gatehouse.Auth{h.Auth, h.process(t), h.process(t), h.process(t)}
		made := make([]bool, 20)
		errs := together(len(made), func(i int) error {
			if i == 0 {
				return processes[0].Sweep(t.Context())
			}
			rotation, err := processes[i%len(processes)].RotateKeys(t.Context())
			made[i] = rotation.Made
			return err
		})
		n := 0
		for _, m := range made {
			if m {
				n++
			}
		}
		keys, err := h.SigningKeys(t.Context())
		if count(errs, nil) != len(errs) || n != 1 || err != nil || len(keys) != 2 {
			t.Errorf("%d were made, %d keys are there (%v, %v)", n, len(keys), err, errs)
		}
	})
}

func TestManyReplacementsAtOnceLeaveOneKey(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	grant := h.login(t, "ana")
	h.clock.Add(gatehouse.KeyRotationPeriod - gatehouse.KeyPublishedAhead) // now a sweep rotates too
	stayed := h.login(t, "ana")
	processes := []*gatehouse.Auth{h.Auth, h.process(t), h.process(t)}
	errs := together(9, func(i int) error {
		auth := processes[i%len(processes)]
		if i < 6 {
			_, _, err := auth.ReplaceKeys(t.Context())
			return err
		}
		return auth.Sweep(t.Context())
	})
	if count(errs, nil) != len(errs) {
		t.Fatal(errs)
	}
	keys, err := h.SigningKeys(t.Context())
	if err != nil || len(keys) != 1 || keys[0].State != gatehouse.KeyActive || keys[0].KeyID == keyOf(t, grant.AccessToken) {
		t.Fatalf("left are %+v (%v), want one new key", keys, err)
	}
	old := stayed.AccessToken
	for i, auth := range processes {
		_, err := auth.BearerPresence(t.Context(), old)
		refused(t, err, model.ErrInvalidToken)
		if stayed, err = auth.RefreshJWT(t.Context(), stayed.RefreshToken); err != nil || keyOf(t, stayed.AccessToken) != keys[0].KeyID {
			t.Errorf("process %d does not sign with the key that is left (%v)", i, err)
		}
	}
}

// mute is a store that does not answer.
type mute struct {
	model.Store
	silent bool
}

func (s *mute) KeysVersion(ctx context.Context) (model.KeysVersion, error) {
	if s.silent {
		return 0, model.ErrStoreUnavailable
	}
	return s.Store.KeysVersion(ctx)
}

func TestTheKeySetIsServedWhenTheStoreDoesNotAnswer(t *testing.T) {
	h := newHouse(t)
	store := &mute{Store: h.store}
	auth, err := gatehouse.New(t.Context(), store, withMasterKey(t, h))
	if err != nil {
		t.Fatal(err)
	}
	store.silent = true
	if _, err := auth.KeySet(t.Context()); !errors.Is(err, model.ErrStoreUnavailable) {
		t.Errorf("a set out of nothing (%v)", err)
	}
	store.silent = false
	if _, err := auth.KeySet(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.silent = true
	if keys, err := auth.KeySet(t.Context()); err != nil || keys.Len() != 1 {
		t.Errorf("%d keys, want the one that was known (%v)", keys.Len(), err)
	}
}
