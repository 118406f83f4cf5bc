package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func from(t testing.TB, address string) context.Context {
	t.Helper()
	return model.WithClient(t.Context(), model.Client{Address: netip.MustParseAddr(address)})
}

func TestLT07_WhichAddressesAreOneSource(t *testing.T) {
	h := newHouse(t)
	keys := func(address string) []model.Digest { return gatehouse.SourcesOf(from(t, address), h.Auth) }
	for _, test := range []struct {
		one, other string
		lanes      int // of each
		common     int // how many of them are the same
	}{
		{"192.0.2.1", "192.0.2.1", 1, 1},
		{"192.0.2.1", "192.0.2.2", 1, 0},
		{"192.0.2.1", "::ffff:192.0.2.1", 1, 1},
		{"2001:db8::1", "2001:DB8:0:0::1", 2, 2},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 2, 2},
		{"2001:db8::1", "2001:db8:0:1::1", 2, 1},
		{"2001:db8::1", "2001:db8:1::1", 2, 0},
		{"fe80::1%eth0", "fe80::2%eth1", 2, 2},
		{"::", "0.0.0.0", 2, 0},
	} {
		t.Run("LT-07_"+test.one+"_and_"+test.other, func(t *testing.T) {
			one, other := keys(test.one), keys(test.other)
			common := 0
			for i := range one {
				if i < len(other) && one[i] == other[i] {
					common++
				}
			}
			if len(one) != test.lanes || common != test.common {
				t.Errorf("%d lanes, %d in common, want %d and %d", len(one), common, test.lanes, test.common)
			}
		})
	}
	t.Run("LT-07_300_addresses_of_one_network_are_one_source", func(t *testing.T) {
		first := keys("2001:db8:7:7::")
		for i := range 300 {
			if got := keys(fmt.Sprintf("2001:db8:7:7:%x:0:%x:1", i, 300-i)); got[0] != first[0] {
				t.Fatalf("address %d has a lane of its own", i)
			}
		}
	})
	if lanes := gatehouse.SourcesOf(t.Context(), h.Auth); lanes != nil {
		t.Errorf("nobody said where it comes from: %d lanes", len(lanes))
	}
}

func TestLT07_FailuresOfOneSource(t *testing.T) {
	few := func(c *gatehouse.Config) {
		c.Limits.SourceFailures = gatehouse.Limit{Count: 6, Within: 5 * time.Minute}
		c.Limits.NetworkFailures = gatehouse.Limit{Count: 10, Within: 5 * time.Minute}
	}
	h := newHouse(t, few)
	ana := h.register(t, "ana")
	wrong := 0
	guess := func(address string) error {
		wrong++
		return try(from(t, address), h.Auth, fmt.Sprintf("nobody%d", wrong), wrongPassword)
	}
	// A source fails as often as it may, and right logins cost it nothing.
	for range 6 {
		if err := try(from(t, "2001:db8::1"), h.Auth, "ana", goodPassword); err != nil {
			t.Fatal(err)
		}
		refused(t, guess(fmt.Sprintf("2001:db8::%x", wrong)), model.ErrWrongCredentials)
		h.clock.Add(time.Second)
	}
	t.Run("LT-07_then_it_is_refused_whoever_it_asks_for", func(t *testing.T) {
		before := gatehouse.EvaluationsOf(h.Auth)
		rest := 5*time.Minute - 6*time.Second
		toldToWait(t, guess("2001:db8::1"), rest)
		toldToWait(t, try(from(t, "2001:db8::abcd"), h.Auth, "ana", goodPassword), rest)
		toldToWait(t, h.ConfirmPassword(from(t, "2001:db8::1"), ana.ID, goodPassword), rest)
		if n := gatehouse.EvaluationsOf(h.Auth) - before; n != 0 {
			t.Errorf("%d passwords were hashed", n)
		}
	})
	t.Run("LT-07_others_are_not", func(t *testing.T) {
		for _, address := range []string{"192.0.2.1", "2001:db8:0:1::1", "2001:db8:1::1"} {
			if err := try(from(t, address), h.Auth, "ana", goodPassword); err != nil {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
	t.Run("LT-07_until_their_network_has_failed_too_often", func(t *testing.T) {
		for i := range 4 {
			refused(t, guess(fmt.Sprintf("2001:db8:0:%x::1", i+1)), model.ErrWrongCredentials)
		}
		toldToWait(t, guess("2001:db8:0:77::1"), 5*time.Minute-6*time.Second)
		refused(t, guess("2001:db8:1::1"), model.ErrWrongCredentials)
	})
	t.Run("LT-07_until_the_window_ends", func(t *testing.T) {
		h.clock.Add(5*time.Minute - 6*time.Second)
		refused(t, guess("2001:db8::1"), model.ErrWrongCredentials)
	})
}

func TestLT07_ASecretOfADoorCountsToo(t *testing.T) {
	h := newHouse(t)
	ctx := from(t, "192.0.2.1")
	h.register(t, "ana")
	for i := range 20 {
		if right, err := h.CheckSecret(ctx, func() bool { return false }); right || err != nil {
			t.Fatalf("%d: %v, %v", i, right, err)
		}
		if right, err := h.CheckSecret(from(t, "192.0.2.2"), func() bool { return true }); !right || err != nil {
			t.Fatalf("%d: %v, %v", i, right, err)
		}
	}
	_, err := h.CheckSecret(ctx, func() bool { return false })
	toldToWait(t, err, 5*time.Minute)
	t.Run("LT-07_the_right_one_is_right_whoever_mistypes_beside_it", func(t *testing.T) {
		if right, err := h.CheckSecret(ctx, func() bool { return true }); !right || err != nil {
			t.Errorf("got %v, %v", right, err)
		}
	})
	toldToWait(t, try(ctx, h.Auth, "ana", goodPassword), 5*time.Minute)
	for range 30 { // nobody said where it comes from
		if _, err := h.CheckSecret(t.Context(), func() bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsRecordedOfThrottling(t *testing.T) {
	h := newHouse(t, func(c *gatehouse.Config) { c.Limits.SourceFailures = gatehouse.Limit{Count: 7, Within: time.Hour} })
	ana := h.register(t, "ana")
	ctx := from(t, "192.0.2.1")
	for range 5 {
		refused(t, try(ctx, h.Auth, "ana", wrongPassword), model.ErrWrongCredentials)
	}
	for range 3 {
		toldToWait(t, try(ctx, h.Auth, "ana", wrongPassword), 30*time.Second)
	}
	for i := range 2 {
		refused(t, try(ctx, h.Auth, fmt.Sprintf("nobody%d", i), wrongPassword), model.ErrWrongCredentials)
	}
	for range 3 {
		refused(t, try(ctx, h.Auth, "nobody", wrongPassword), model.ErrTooManyAttempts)
	}
	got := map[model.EventName]int{}
	events, err := h.store.EventsOf(t.Context(), ana.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		got[event.Name]++
	}
	if got[model.EventLoginFail] != 5 || got[model.EventLoginLock] != 1 {
		t.Errorf("of the user: %v", got)
	}
	for name, want := range map[model.EventName]int{model.EventLoginFail: 7, model.EventLoginLock: 1, model.EventExcessRate: 1} {
		t.Run("LG-13_"+string(name)+"_once_each", func(t *testing.T) {
			if n := h.eventCount(t, name); n != want {
				t.Errorf("%d events, want %d", n, want)
			}
		})
	}
}

// eventCount is how many events of this name there are.
func (h *house) eventCount(t *testing.T, name model.EventName) (n int) {
	t.Helper()
	db := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM events WHERE name = $1`, string(name)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLT16_Limits(t *testing.T) {
	ctx := func(t *testing.T) context.Context { return from(t, "192.0.2.1") }
	for name, test := range map[string]struct {
		free int
		wait time.Duration
		act  func(ctx context.Context, h *house, i int) error
	}{
		"registrations": {10, time.Hour, func(ctx context.Context, h *house, i int) error {
			_, err := h.RegisterUser(ctx, gatehouse.Registration{Username: fmt.Sprintf("user%d", i), Password: goodPassword})
			return err
		}},
		"codes": {10, time.Hour, func(ctx context.Context, h *house, _ int) error {
			err := h.ResetPass(ctx, gatehouse.PasswordReset{Code: "ghc_wrong", New: otherPassword})
			if errors.Is(err, model.ErrInvalidOrExpiredCode) {
				err = nil
			}
			return err
		}},
		"strength": {300, 5 * time.Minute, func(ctx context.Context, h *house, _ int) error { return h.AllowStrengthHint(ctx) }},
	} {
		t.Run("LT-16_"+name, func(t *testing.T) {
			h := newHouse(t)
			for i := range test.free {
				if err := test.act(ctx(t), h, i); err != nil {
					t.Fatalf("number %d: %v", i+1, err)
				}
			}
			toldToWait(t, test.act(ctx(t), h, 1000), test.wait)
			if err := test.act(from(t, "192.0.2.2"), h, 1001); err != nil {
				t.Errorf("another source: %v", err)
			}
			if err := test.act(t.Context(), h, 1002); err != nil {
				t.Errorf("the operator: %v", err)
			}
			h.clock.Add(test.wait)
			if err := test.act(ctx(t), h, 1003); err != nil {
				t.Errorf("in the next window: %v", err)
			}
			if n := h.eventCount(t, model.EventExcessRate); n != 1 {
				t.Errorf("%d events, want 1", n)
			}
		})
	}
}

func TestLT16_LimitsOfANetwork(t *testing.T) {
	h := newHouse(t, func(c *gatehouse.Config) { c.Limits.StrengthHints = gatehouse.Limit{Count: 2, Within: time.Hour} })
	for i := range 10 {
		if err := h.AllowStrengthHint(from(t, fmt.Sprintf("2001:db8:1:%d::1", i/2))); err != nil {
			t.Fatalf("number %d: %v", i+1, err)
		}
	}
	toldToWait(t, h.AllowStrengthHint(from(t, "2001:db8:1:99::1")), time.Hour)
	if err := h.AllowStrengthHint(from(t, "2001:db8:2::1")); err != nil {
		t.Errorf("another network: %v", err)
	}
	t.Run("LT-16_what_has_no_limit_is_not_allowed", func(t *testing.T) {
		var refusal *model.Error
		if err := gatehouse.AllowWithoutLimit(t.Context(), h.Auth); err == nil || errors.As(err, &refusal) {
			t.Errorf("got %v, want trouble", err)
		}
	})
}

func TestLT16_LimitsOfAUser(t *testing.T) {
	t.Run("LT-16_renames", func(t *testing.T) {
		h := newHouse(t)
		ana, bob := h.register(t, "ana"), h.register(t, "bob")
		for i := range 10 {
			if _, err := h.RenameUser(t.Context(), ana.ID, fmt.Sprintf("ana%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := h.RenameUser(t.Context(), ana.ID, "anna")
		toldToWait(t, err, time.Hour)
		if _, err := h.RenameUser(t.Context(), bob.ID, "bobby"); err != nil {
			t.Error(err)
		}
		_, err = h.RenameUser(t.Context(), model.NewID[model.User](), "someone")
		refused(t, err, model.ErrInvalidToken)
	})
	t.Run("LT-16_refreshes", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		grant, other := h.login(t, "ana"), h.login(t, "ana")
		for i := range 30 {
			next, err := h.RefreshJWT(t.Context(), grant.RefreshToken)
			if err != nil {
				t.Fatalf("number %d: %v", i+1, err)
			}
			grant = next
		}
		for range 3 {
			_, err := h.RefreshJWT(t.Context(), grant.RefreshToken)
			toldToWait(t, err, 2*time.Second)
		}
		if _, err := h.LoginJWT(t.Context(), grant.AccessToken); err != nil {
			t.Error(err)
		}
		if _, err := h.RefreshJWT(t.Context(), other.RefreshToken); err != nil {
			t.Errorf("another session: %v", err)
		}
		h.clock.Add(2 * time.Second)
		if _, err := h.RefreshJWT(t.Context(), grant.RefreshToken); err != nil {
			t.Errorf("two seconds later: %v", err)
		}
	})
}

func TestNewNamesTheLimitThatIsWrong(t *testing.T) {
	h := newHouse(t)
	for name, limit := range map[string]gatehouse.Limit{
		"negative": {Count: -1, Within: time.Hour}, "no time": {Count: 1}, "no count": {Within: time.Hour},
		"more than a day": {Count: 1, Within: 25 * time.Hour}, "too short": {Count: 1, Within: time.Millisecond},
	} {
		cfg := h.cfg
		cfg.Limits.Renames = limit
		if _, err := gatehouse.New(t.Context(), h.store, cfg); err == nil || !strings.Contains(err.Error(), "Config.Limits.Renames") {
			t.Errorf("%s: got %v, want an error that names the limit", name, err)
		}
	}
	if h.Limits() != gatehouse.DefaultLimits() {
		t.Error("the zero value is not the default")
	}
}
