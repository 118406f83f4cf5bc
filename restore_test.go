package gatehouse_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// backup is a copy of the database while nobody has it open.
func (h *house) backup(t *testing.T) []byte {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	h.open(t)
	return content
}

// putBack puts a copy into the place of the database.
func (h *house) putBack(t *testing.T, content []byte) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "gatehouse.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	h.open(t)
}

func (h *house) memory(t *testing.T) []byte {
	t.Helper()
	memory, err := h.Remember(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

func TestABackupThatIsPutBack(t *testing.T) {
	t.Run("ST-05_is_noticed_and_revives_nothing", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		grant, page, code := h.login(t, "ana"), h.page(t, "ana"), h.code(t, ana.ID)
		copied := h.backup(t)
		if _, err := h.EndOtherSessions(t.Context(), ana.ID, model.SessionID{}); err != nil {
			t.Fatal(err)
		}
		memory := h.memory(t)
		h.putBack(t, copied)
		if !h.alive(t, page.Token) {
			t.Fatal("the copy proves nothing")
		}
		if err := h.Recall(t.Context(), memory); !errors.Is(err, gatehouse.ErrPutBack) {
			t.Fatalf("got %v, want ErrPutBack", err)
		}
		ended, err := h.EndEverything(t.Context())
		if err != nil || ended != (gatehouse.EndedAll{Sessions: 2, Codes: 1}) {
			t.Errorf("ended %+v (%v)", ended, err)
		}
		h.worthNothing(t, grant, page, code)
		if err := h.Recall(t.Context(), h.memory(t)); err != nil {
			t.Errorf("after it was remembered anew: %v", err)
		}
		h.login(t, "ana")
	})
	t.Run("ST-05_RF-11_is_noticed_where_nothing_but_tokens_were_spent", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		spent, page := h.login(t, "ana").RefreshToken, h.page(t, "ana")
		copied := h.backup(t)
		h.refresh(t, spent)
		memory := h.memory(t)
		h.putBack(t, copied)
		if err := h.Recall(t.Context(), memory); !errors.Is(err, gatehouse.ErrPutBack) {
			t.Errorf("a spent refresh token: got %v, want ErrPutBack", err)
		}
		if _, err := h.RenewSession(t.Context(), page.Token); err != nil {
			t.Fatal(err)
		}
		memory = h.memory(t)
		h.putBack(t, copied)
		if err := h.Recall(t.Context(), memory); !errors.Is(err, gatehouse.ErrPutBack) {
			t.Errorf("a session token that was replaced: got %v, want ErrPutBack", err)
		}
	})
}

func TestABackupThatIsPutBackAndWorkedOn(t *testing.T) {
	t.Run("ST-05_is_noticed_after_it_was_worked_on", func(t *testing.T) {
		h := newHouse(t)
		ana := h.register(t, "ana")
		copied := h.backup(t)
		if err := h.DisableUser(t.Context(), ana.ID); err != nil {
			t.Fatal(err)
		}
		memory := h.memory(t)
		h.putBack(t, copied)
		for i := range 5 { // more events than were lost
			h.clock.Add(time.Second)
			h.register(t, fmt.Sprint("user", i))
		}
		if err := h.Recall(t.Context(), memory); !errors.Is(err, gatehouse.ErrPutBack) {
			t.Errorf("got %v, want ErrPutBack", err)
		}
	})
}

// worthNothing wants none of these to be good.
func (h *house) worthNothing(t *testing.T, grant gatehouse.Grant, page gatehouse.SessionGrant, code model.Code) {
	t.Helper()
	if _, err := h.LoginJWT(t.Context(), grant.AccessToken); err == nil {
		t.Error("the access token is good")
	}
	h.refreshRefused(t, grant.RefreshToken)
	if h.alive(t, page.Token) {
		t.Error("the session token is good")
	}
	if alive, err := h.CodeAlive(t.Context(), code); err != nil || alive {
		t.Errorf("the code is alive: %v, %v", alive, err)
	}
}

func TestWhatIsRemembered(t *testing.T) {
	h := newHouse(t)
	empty := h.memory(t)
	h.register(t, "ana")
	memory := h.memory(t)
	h.login(t, "ana")
	for name, test := range map[string]struct {
		memory []byte
		want   error
	}{
		"of_the_same_state":    {h.memory(t), nil},
		"of_an_earlier_state":  {memory, nil},
		"of_an_empty_store":    {empty, nil},
		"that_was_changed":     {append(bytes.Clone(memory[:len(memory)-1]), memory[len(memory)-1]^1), gatehouse.ErrPutBack},
		"that_was_cut":         {memory[:20], gatehouse.ErrPutBack},
		"that_is_empty":        {nil, gatehouse.ErrPutBack},
		"of_another_master":    {newHouse(t).memory(t), gatehouse.ErrPutBack},
		"that_is_a_sealed_key": {sealedKeyOf(t, h), gatehouse.ErrPutBack},
	} {
		t.Run("ST-05_"+name, func(t *testing.T) {
			if err := h.Recall(t.Context(), test.memory); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	t.Run("ST-05_of_events_that_are_forgotten", func(t *testing.T) {
		h.clock.Add(500 * 24 * time.Hour)
		h.sweep(t)
		if err := h.Recall(t.Context(), memory); err != nil {
			t.Error(err)
		}
	})
	t.Run("ST-06_is_what_the_clock_goes_on_from", func(t *testing.T) {
		h := newHouse(t)
		e := newExpired(t, h)
		h.clock.Add(90 * 24 * time.Hour) // nothing happens, so that the store does not know of it
		memory := h.memory(t)
		h.clock.Add(-97 * 24 * time.Hour)
		h.reopen(t)
		if err := h.Recall(t.Context(), memory); err != nil {
			t.Fatal(err)
		}
		e.staysSo(t)
		if got, want := h.ClockBehind(), 97*24*time.Hour; got != want {
			t.Errorf("the clock is behind by %v, want %v", got, want)
		}
	})
}

func sealedKeyOf(t *testing.T, h *house) []byte {
	t.Helper()
	keys, err := h.store.SigningKeys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	return keys[0].Sealed
}

func TestAnOperatorWhoTrustsTheClock(t *testing.T) {
	t.Run("ST-05_ST-06_ends_everything_and_goes_on_from_there", func(t *testing.T) {
		h := newHouse(t)
		e := newExpired(t, h)
		h.clock.Add(-8 * 24 * time.Hour)
		h.reopen(t)
		h.TrustClock()
		if _, err := h.EndEverything(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.staysSo(t)
		if h.reopen(t); h.ClockBehind() != 0 {
			t.Errorf("the clock is still behind by %v", h.ClockBehind())
		}
		e.staysSo(t)
		grant := h.login(t, "ana")
		if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err != nil {
			t.Error(err)
		}
	})
}
