package gatehouse_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// Sweep must not do what somebody with access to the file cannot do unseen.
func TestNobodyMakesSweepForgetWhatIsYoung(t *testing.T) {
	const changed, gone = "the event or its MAC was changed", "missing: it was removed"
	for name, test := range map[string]struct {
		do                    []string
		changed, gone, logged []int
	}{
		"by_making_it_old":              {do: []string{`UPDATE events SET at = 0 WHERE position <= 6`}, changed: []int{1, 2, 3, 4, 5, 6}, logged: []int{1}},
		"by_making_almost_all_old":      {do: []string{`UPDATE events SET at = 0 WHERE position <> 7`}, changed: []int{1, 2, 3, 4, 5, 6, 8, 9, 10}, logged: []int{1}},
		"by_removing_what_is_before_it": {do: []string{`DELETE FROM events WHERE position <= 2`, `UPDATE events SET at = 0 WHERE position = 3`}, gone: []int{1, 2}, logged: []int{1}},
		"by_giving_it_another_MAC":      {do: []string{`UPDATE events SET at = 0, mac = randomblob(32) WHERE position = 1`}, changed: []int{1, 2}, logged: []int{1}},
	} {
		t.Run("LG-08_"+name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h := newAuditHouse(t, func(c *gatehouse.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			h.tamper(t, test.do...)
			h.sweep(t)
			h.sweep(t)
			var want strings.Builder
			for _, position := range test.gone {
				fmt.Fprintf(&want, "%d: %s\n", position, gone)
			}
			for _, position := range test.changed {
				fmt.Fprintf(&want, "%d: %s\n", position, changed)
			}
			report, said := h.verified(t, gatehouse.EventHead{})
			if said != want.String() || report.Begin != 0 {
				t.Errorf("the chain begins after %d, and %d faults:\n%swant:\n%s", report.Begin, report.Faults, said, want.String())
			}
			for _, position := range test.logged {
				if line := fmt.Sprintf("level=ERROR msg=\"audit chain broken\" position=%d ", position); !strings.Contains(log.String(), line) {
					t.Errorf("no line %q in:\n%s", line, log.String())
				}
			}
		})
	}
	t.Run("LG-08_ST-06_by_an_event_of_the_future", func(t *testing.T) {
		h := newAuditHouse(t)
		future := h.clock.Now().Add(3 * gatehouse.DefaultEventRetention)
		h.tamper(t, fmt.Sprintf(`INSERT INTO events (at, name) VALUES (%d, 'x')`, future.UnixMicro()))
		h.reopen(t)
		if h.ClockBehind() == 0 {
			t.Fatal("the clock does not go by the newest event")
		}
		h.sweep(t)
		if report, said := h.verified(t, gatehouse.EventHead{}); report.Begin != 0 || report.Faults != 0 {
			t.Errorf("the chain begins after %d: %s", report.Begin, said)
		}
	})
}

// What was sealed under former keys is forgotten under them too.
func TestEventsOfFormerMasterKeysAreForgotten(t *testing.T) {
	first, second, third := randomMasterKey(), randomMasterKey(), randomMasterKey()
	h := newAuditHouse(t, func(c *gatehouse.Config) { c.MasterKey = first })
	for _, keys := range []model.MasterKeys{followed(second, first), followed(third, second)} {
		if err := h.UseMasterKeys(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventLoginFail}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.SealEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.holds(t, 14)
	h.pass(t, gatehouse.DefaultEventRetention+time.Second)
	h.sweep(t)
	t.Run("ST-11_N-35_of_every_stretch", func(t *testing.T) {
		report, said := h.verified(t, gatehouse.EventHead{})
		if report.Begin < 14 || report.Faults != 0 {
			t.Errorf("the chain begins after %d: %s", report.Begin, said)
		}
	})
}

// Whoever can write to the store can have any event sealed.
func TestNobodyIsDeletedByAnEventAlone(t *testing.T) {
	t.Run("LG-08_places_of_who_is_there_taken_away_after_a_false_user_deleted", func(t *testing.T) {
		h := newAuditHouse(t)
		h.tamper(t, `INSERT INTO events (at, name, user_id) SELECT at, 'user_deleted', user_id FROM events WHERE position = 2`)
		h.holds(t, 11)
		h.tamper(t, `UPDATE events SET address = NULL, user_agent = NULL, request_id = NULL, salt = NULL WHERE position = 2`)
		const want = "2: the address, User-Agent and request id were removed, and no user_deleted event follows, or one of a user who is there\n"
		if report, said := h.verified(t, gatehouse.EventHead{}); said != want || report.Faults != 1 {
			t.Errorf("got %q, want %q", said, want)
		}
	})
}

func TestAChainThatIsMadeAnewIsNoticed(t *testing.T) {
	sealAnew := []string{`UPDATE events SET position = NULL, mac = NULL, commitment = NULL, salt = NULL`, `UPDATE event_chain SET record = x''`,
		`UPDATE events SET name = 'authn_login_success' WHERE name = 'authn_login_fail'`}
	h := newAuditHouse(t)
	remembered := h.memory(t)
	if got, want := h.RememberedHead(remembered), h.holds(t, 10); got != want {
		t.Fatalf("remembered %s, want %s", got, want)
	}
	h.tamper(t, sealAnew...)
	h.holds(t, 10) // which is why it is remembered
	t.Run("LG-08_by_who_verifies_with_what_was_remembered", func(t *testing.T) {
		if report, said := h.verified(t, h.RememberedHead(remembered)); report.Faults != 1 {
			t.Errorf("got %q", said)
		}
	})
	t.Run("LG-08_and_from_then_on_by_everybody", func(t *testing.T) {
		for range 2 { // what is remembered next holds
			if err := h.KeepToHead(t.Context(), h.RememberedHead(remembered)); err != nil {
				t.Fatal(err)
			}
			remembered = h.memory(t)
		}
		h.reopen(t)
		if report, said := h.verified(t, gatehouse.EventHead{}); report.Faults != 1 || !strings.HasPrefix(said, "11: ") {
			t.Errorf("got %q", said)
		}
	})
	t.Run("LG-08_and_none_that_goes_on_as_it_should", func(t *testing.T) {
		h := newAuditHouse(t)
		for _, head := range []gatehouse.EventHead{{}, h.RememberedHead(nil), h.RememberedHead(h.memory(t))} {
			if err := h.KeepToHead(t.Context(), head); err != nil {
				t.Fatal(err)
			}
		}
		old := h.RememberedHead(h.memory(t))
		h.pass(t, gatehouse.DefaultEventRetention+time.Second)
		h.sweep(t)
		if err := h.KeepToHead(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if report, said := h.verified(t, gatehouse.EventHead{}); report.Faults != 0 || report.Begin < 10 {
			t.Errorf("begins after %d: %q", report.Begin, said)
		}
	})
}
