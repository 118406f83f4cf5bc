package gatehouse_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// cutStore is a real store from which a process is cut off at the step of a
// session: before its commit, after it, or never.
type cutStore struct {
	model.Store
	before, after error
	stepped       func()
}

func (s *cutStore) StepSession(ctx context.Context, step model.Step) (model.Presence, error) {
	if s.before != nil {
		return model.Presence{}, s.before
	}
	who, err := s.Store.StepSession(ctx, step)
	if s.stepped != nil {
		s.stepped()
	}
	if s.after != nil {
		return model.Presence{}, s.after
	}
	return who, err
}

// cut is a second Auth over the store of the house, to be cut off.
func (h *house) cut(t *testing.T) (*gatehouse.Auth, *cutStore) {
	t.Helper()
	store := &cutStore{Store: h.store}
	auth, err := gatehouse.New(t.Context(), store, withMasterKey(t, h))
	if err != nil {
		t.Fatal(err)
	}
	return auth, store
}

func TestAProcessThatDiesAtTheStep(t *testing.T) {
	errCut := errors.New("the process is gone")
	for name, cutAt := range map[string]func(*cutStore){
		"RF-10_before_the_commit": func(s *cutStore) { s.before = errCut },
		"RF-10_after_the_commit":  func(s *cutStore) { s.after = errCut },
	} {
		t.Run(name, func(t *testing.T) {
			const rounds = 100
			h := newHouse(t)
			h.register(t, "ana")
			token := h.login(t, "ana").RefreshToken
			for round := range rounds {
				dying, store := h.cut(t)
				cutAt(store)
				if _, err := dying.RefreshJWT(t.Context(), token); !errors.Is(err, errCut) {
					t.Fatalf("round %d: got %v, want the end of the process", round, err)
				}
				if round%10 == 0 {
					h.reopen(t)
				}
				h.clock.Add(9 * time.Second)
				next := h.refresh(t, token).RefreshToken
				if again := h.refresh(t, token).RefreshToken; again != next {
					t.Fatalf("round %d: there are two lines", round)
				}
				h.clock.Add(time.Second)
				token = next
			}
			if got := h.refresh(t, token).SessionID; got.IsZero() {
				t.Error("the session is lost")
			}
		})
	}
	t.Run("RF-10_after_the_commit_and_asked_again_after_the_window", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		token := h.login(t, "ana").RefreshToken
		dying, store := h.cut(t)
		store.after = errCut
		if _, err := dying.RefreshJWT(t.Context(), token); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		h.reopen(t)
		h.clock.Add(10 * time.Second)
		h.refreshRefused(t, token)
	})
}

// Whoever presents a spent token and hangs up must not keep the session alive by it.
func TestReuseByOneWhoHangsUp(t *testing.T) {
	t.Run("RF-02_ends_the_session_all_the_same", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		r0 := h.login(t, "ana").RefreshToken
		r1 := h.refresh(t, r0).RefreshToken
		r2 := h.refresh(t, r1).RefreshToken
		auth, store := h.cut(t)
		ctx, hangUp := context.WithCancel(t.Context())
		store.stepped = hangUp
		if _, err := auth.RefreshJWT(ctx, r0); !errors.Is(err, model.ErrInvalidToken) {
			t.Errorf("got %v, want invalid-token", err)
		}
		h.refreshRefused(t, r2)
		if got := h.reuses(t, ana.ID); len(got) != 1 {
			t.Errorf("the reuse is recorded %d times, want 1", len(got))
		}
	})
}
