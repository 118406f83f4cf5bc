package gatehouse_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// hurriedProcess is another process on the same store, whose clock is ahead.
func hurriedProcess(t *testing.T, h *house, ahead time.Duration) *gatehouse.Auth {
	t.Helper()
	cfg := h.cfg
	cfg.Now = func() time.Time { return h.clock.Now().Add(ahead) }
	auth, err := gatehouse.New(t.Context(), h.store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func TestAKeyOfAWrongClockStopsNoRotation(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(c *gatehouse.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h.register(t, "ana")
	first := keyOf(t, h.login(t, "ana").AccessToken)
	if err := hurriedProcess(t, h, 365*24*time.Hour).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("JW-24_by_itself", func(t *testing.T) {
		sweep()
		if infos, err := h.SigningKeys(t.Context()); err != nil || len(infos) != 2 {
			t.Errorf("%d keys before the next is due (%v)", len(infos), err)
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "clock that is ahead") {
			t.Errorf("nothing is said of it: %q", log.String())
		}
		h.clock.Add(gatehouse.KeyRotationPeriod - gatehouse.KeyPublishedAhead)
		sweep()
		h.clock.Add(gatehouse.KeyPublishedAhead)
		second := keyOf(t, h.login(t, "ana").AccessToken)
		if second == first {
			t.Error("after 90 days the first key still signs")
		}
		h.clock.Add(gatehouse.KeyKeptAfter + time.Second)
		for range 3 {
			sweep()
		}
		if infos, err := h.SigningKeys(t.Context()); err != nil || len(infos) != 1 || infos[0].KeyID != second {
			t.Errorf("the first key and that of the wrong clock are kept: %+v (%v)", infos, err)
		}
	})
	t.Run("JW-24_by_hand", func(t *testing.T) {
		before := keyOf(t, h.login(t, "ana").AccessToken)
		if _, err := hurriedProcess(t, h, 365*24*time.Hour).RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		rotation, err := h.RotateKeys(t.Context())
		if err != nil || !rotation.Made || rotation.Replaced.KeyID != before || !rotation.Next.ActiveFrom.Equal(h.clock.Now().Add(gatehouse.KeyPublishedAhead)) {
			t.Fatalf("got %+v (%v)", rotation, err)
		}
		if again, err := h.RotateKeys(t.Context()); err != nil || again.Made || again.Next.KeyID != rotation.Next.KeyID {
			t.Errorf("a second time: %+v (%v)", again, err)
		}
	})
}

func TestAKeyIsForgottenWhateverTheClockSays(t *testing.T) {
	for _, back := range []time.Duration{0, time.Microsecond, 2 * time.Microsecond, time.Second} {
		h := newHouse(t)
		h.register(t, "ana")
		mine := h.login(t, "ana")
		other := hurriedProcess(t, h, -back)
		if _, _, err := other.ReplaceKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.BearerPresence(t.Context(), mine.AccessToken); err == nil {
			t.Errorf("JW-24 a token of a forgotten key is good, replaced by a clock %v behind", back)
		} else {
			refused(t, err, model.ErrInvalidToken)
		}
	}
}
