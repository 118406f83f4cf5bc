package gatehouse_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func TestOldEventsAreForgotten(t *testing.T) {
	day := 24 * time.Hour
	h := newHouse(t, func(c *gatehouse.Config) { c.EventRetention = 10 * day })
	if err := h.Sweep(t.Context()); err != nil { // makes the signing key
		t.Fatal(err)
	}
	begun := h.holds(t, 1).Position
	record := func(at time.Time) {
		t.Helper()
		if err := h.store.Record(t.Context(), model.Event{At: at, Name: model.EventLoginFail}); err != nil {
			t.Fatal(err)
		}
	}
	old := h.clock.Now()
	for range 1500 { // more than one step
		record(old)
	}
	record(old.Add(5 * day))
	record(old)
	record(old.Add(6 * day))
	head := h.holds(t, 1503+begun)
	left := func() (n int) {
		if err := h.EachEvent(t.Context(), func(model.EventRow) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	sweep := func(after time.Duration, want int) {
		t.Helper()
		h.pass(t, old.Add(after).Sub(h.clock.Now()))
		if got := left(); got != want {
			t.Errorf("%d events are left after %v, want %d", got, after, want)
		}
	}
	t.Run("ST-11_N-35_not_before_their_time", func(t *testing.T) { sweep(10*day, 1504) })
	t.Run("ST-11_N-35_then_all_of_them_and_none_behind_a_younger_one", func(t *testing.T) {
		sweep(10*day+time.Microsecond, 3)
		h.holds(t, 3)
	})
	t.Run("LG-08_the_first_that_is_left_cannot_be_removed", func(t *testing.T) {
		var first model.EventRow
		stop := errors.New("enough")
		if err := h.EachEvent(t.Context(), func(row model.EventRow) error { first = row; return stop }); !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if _, said := h.verified(t, gatehouse.EventHead{Position: 3}); said != "3: the head that was given is older than the events that are kept, so it cannot be checked\n" {
			t.Errorf("got %q", said)
		}
		if report, said := h.verified(t, head); report.Faults != 0 || report.Begin != first.Seal.Position-1 {
			t.Errorf("begins after %d: %s", report.Begin, said)
		}
		h.tamper(t, fmt.Sprintf(`DELETE FROM events WHERE position = %d`, first.Seal.Position))
		if report, _ := h.verified(t, gatehouse.EventHead{}); report.Faults != 1 {
			t.Errorf("%d faults, want 1", report.Faults)
		}
	})
}

// pass lets time go by where somebody sweeps once a day at least.
func (h *house) pass(t *testing.T, d time.Duration) {
	t.Helper()
	for ; d > 0; d -= 24 * time.Hour {
		h.clock.Add(min(d, 24*time.Hour))
		h.sweep(t)
	}
}

func TestAClockThatIsAheadForgetsADayAtATime(t *testing.T) {
	const day = 24 * time.Hour
	var log bytes.Buffer
	h := newHouse(t, func(c *gatehouse.Config) {
		c.EventRetention, c.Logger = 10*day, slog.New(slog.NewTextHandler(&log, nil))
	})
	h.sweep(t)
	for range 10 {
		if err := h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventLoginFail}); err != nil {
			t.Fatal(err)
		}
		h.pass(t, day)
	}
	head := h.holds(t, 11)
	if log.Len() != 0 {
		t.Errorf("as time goes by the log says %s", log.String())
	}
	right := h.clock.Now()
	forgotten := func(want int64) {
		t.Helper()
		if report, said := h.verified(t, head); report.Begin != want || report.Faults != 0 {
			t.Errorf("the chain begins after %d, want %d: %s", report.Begin, want, said)
		}
	}
	t.Run("LG-08_ST-06_and_not_all_that_seems_over", func(t *testing.T) {
		h.clock.Add(500 * day)
		h.sweep(t)
		forgotten(2) // the key and the first failure are of one time
		if !strings.Contains(log.String(), `level=WARN msg="the clock is far ahead of when events were forgotten last`) {
			t.Errorf("nothing is said of it: %q", log.String())
		}
	})
	h.reopen(t)
	t.Run("LG-08_ST-06_also_in_another_process", func(t *testing.T) {
		h.sweep(t)
		forgotten(3)
	})
	t.Run("LG-08_ST-06_and_once_it_is_right_only_what_is_over", func(t *testing.T) {
		h.clock.Add(right.Sub(h.clock.Now()))
		h.TrustClock()
		for range 3 {
			h.sweep(t)
		}
		forgotten(3)
	})
	t.Run("LG-08_ST-06_and_no_more_when_it_jumps_again", func(t *testing.T) {
		h.clock.Add(500 * day)
		h.sweep(t)
		forgotten(3)
	})
	t.Run("ST-11_and_all_of_it_where_the_clock_was_right", func(t *testing.T) {
		for range 20 {
			h.sweep(t)
		}
		if report, _ := h.verified(t, gatehouse.EventHead{}); report.Begin < 11 {
			t.Errorf("the chain begins after %d", report.Begin)
		}
	})
}

func TestRetentionIsAtLeastADay(t *testing.T) {
	h := newHouse(t)
	for _, retention := range []time.Duration{-1, 1, 24*time.Hour - 1} {
		cfg := h.cfg
		cfg.EventRetention = retention
		if _, err := gatehouse.New(t.Context(), h.store, cfg); err == nil || !strings.Contains(err.Error(), "Config.EventRetention") {
			t.Errorf("N-35: %v: got %v", retention, err)
		}
	}
}

func TestTheChainGoesOnUnderAnotherMasterKey(t *testing.T) {
	first, second, third := randomMasterKey(), randomMasterKey(), randomMasterKey()
	h := newAuditHouse(t, func(c *gatehouse.Config) { c.MasterKey = first })
	use := func(keys model.MasterKeys) {
		t.Helper()
		if err := h.UseMasterKeys(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ResealKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventSigningKeyResealed}); err != nil {
			t.Fatal(err)
		}
	}
	use(followed(second, first))
	h.holds(t, 11)
	t.Run("LG-08_and_holds_when_the_former_ones_are_gone", func(t *testing.T) {
		use(followed(third, second))
		h.holds(t, 12)
		use(followed(third))
		h.holds(t, 13)
	})
	t.Run("LG-08_also_with_two_processes_that_are_not_of_one_mind", func(t *testing.T) {
		for range 3 {
			use(followed(second, third))
			h.holds(t, h.head(t))
			use(followed(third, second))
			h.holds(t, h.head(t))
		}
	})
	t.Run("LG-08_each_stretch_is_checked_under_its_key", func(t *testing.T) {
		h.tamper(t, `UPDATE events SET name = 'x' WHERE position = 2`, `UPDATE events SET name = 'x' WHERE position = 11`, `UPDATE events SET name = 'x' WHERE position = 13`)
		if report, said := h.verified(t, gatehouse.EventHead{}); report.Faults != 3 {
			t.Errorf("got %s", said)
		}
	})
	t.Run("LG-08_a_chain_under_a_key_that_is_not_here_is_not_begun_anew", func(t *testing.T) {
		before := h.head(t)
		use(followed(randomMasterKey(), third))
		cfg := h.under(second, third) // a process that has not heard of the newest
		old, err := gatehouse.New(t.Context(), h.store, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := old.SealEvents(t.Context()); err == nil || !strings.Contains(err.Error(), "master key that is not here") {
			t.Errorf("got %v", err)
		}
		if got := h.head(t); got != before+1 {
			t.Errorf("%d events, want %d", got, before+1)
		}
	})
}

// head is how many events there ever were.
func (h *house) head(t *testing.T) int64 {
	t.Helper()
	head, err := h.EventHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head.Position
}

func TestEventsOfTheOperatorHoldNoValues(t *testing.T) {
	h := newHouse(t)
	ctx := fromDevice(t, "192.0.2.7", "Browser/1")
	user, code, err := h.InviteUser(ctx, gatehouse.Registration{Username: "zanzibar", Email: "zanzibar@example.com", Roles: []string{"zanzibar-role"}})
	if err != nil {
		t.Fatal(err)
	}
	reset, resetErr := h.IssueResetCode(ctx, user.ID)
	_, renameErr := h.RenameUser(ctx, user.ID, "zanzibar2")
	if err := errors.Join(resetErr, renameErr, h.DisableUser(ctx, user.ID), h.EnableUser(ctx, user.ID)); err != nil {
		t.Fatal(err)
	}
	names := map[model.EventName]bool{}
	t.Run("LG-11_names_of_what_happened_and_ids_only", func(t *testing.T) {
		err := h.EachEvent(ctx, func(row model.EventRow) error {
			names[row.Name] = true
			text := fmt.Sprintf("%+v", row)
			for _, value := range []string{"zanzibar", string(code), string(reset)} {
				if strings.Contains(text, value) {
					t.Errorf("%s holds a value: %s", row.Name, text)
				}
			}
			return nil
		})
		if err != nil || len(names) < 5 {
			t.Errorf("%d events, %v", len(names), err)
		}
	})
}

func TestAnEventThatCannotBeSealedHarmsNobody(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.tamper(t, `CREATE TRIGGER no BEFORE UPDATE OF position ON events BEGIN SELECT RAISE(ABORT, 'no'); END`)
	if _, err := h.SealEvents(t.Context()); err == nil {
		t.Error("LG-05: sealing failed and nobody was told")
	}
	if err := h.Sweep(t.Context()); err == nil {
		t.Error("LG-05: Sweep passed over it")
	}
	h.login(t, "ana")
	h.tamper(t, `DROP TRIGGER no`)
	if _, err := h.SealEvents(t.Context()); err != nil {
		t.Error(err)
	}
	if report, said := h.verified(t, gatehouse.EventHead{}); report.Faults != 0 || report.Events < 3 {
		t.Errorf("%d events: %s", report.Events, said)
	}
}
