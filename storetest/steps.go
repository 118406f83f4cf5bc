package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var steps = []contract{
	{"a_step_moves_the_counter_on_by_one", stepMovesOn},
	{"RF-04_inside_the_window_the_parent_gets_the_same_successor", stepRetry},
	{"RF-04_outside_the_window_the_parent_is_refused", stepTooLate},
	{"RF-04_a_window_of_zero_is_strict", stepStrict},
	{"RF-02_older_and_future_counters_are_refused_and_change_nothing", stepRefusals},
	{"RF-11_a_clock_set_back_opens_no_window", stepClockBack},
	{"RF-05_a_step_does_not_move_the_absolute_end", stepAbsoluteEnd},
	{"RF-12_a_step_needs_a_live_session_and_an_enabled_user", stepNeedsLife},
	{"RF-15_a_session_of_a_browser_has_no_refresh_token", stepOfBrowser},
	{"KY-10_a_step_may_ask_for_a_session_that_began_before", stepBegunBefore},
	{"LT-16_a_step_before_its_time_is_refused_and_changes_nothing", stepPaced},
}

func stepMovesOn(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, other := openedOverAPI(t, store, ana.ID, noon), openedOverAPI(t, store, ana.ID, noon)
	want := session
	for counter := range int64(4) {
		now := noon.Add(time.Duration(counter+1)*time.Hour + 789*time.Nanosecond)
		at := now.Truncate(time.Microsecond) // which is how every time is kept
		want.Counter, want.SteppedAt, want.LastUsedAt, want.IdleExpiresAt = counter+2, at, at, at.Add(idle)
		p := got(store.StepSession(t.Context(), step(session, counter+1, now)))(t)
		same(t, p, model.Presence{User: ana, Session: want})
		same(t, got(store.Presence(t.Context(), session.ID, now))(t), p)
	}
	same(t, got(store.Presence(t.Context(), other.ID, noon))(t).Session, other)
	_, err := store.StepSession(t.Context(), step(loginOverAPI(ana.ID, noon), 1, noon))
	refused(t, err, model.ErrNotFound)
}

func stepRetry(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	got(store.StepSession(t.Context(), step(session, 1, noon)))(t)
	for _, after := range []time.Duration{0, time.Microsecond, 9 * time.Second, window - time.Microsecond} {
		p := got(store.StepSession(t.Context(), step(session, 1, noon.Add(after))))(t)
		if p.Session.Counter != 2 || !p.Session.SteppedAt.Equal(noon) {
			t.Errorf("after %v: got counter %d stepped at %v, want 2 stepped at %v", after, p.Session.Counter, p.Session.SteppedAt, noon)
		}
	}
	// The successor works, and then the grandparent does not, window or no window.
	got(store.StepSession(t.Context(), step(session, 2, noon.Add(time.Second))))(t)
	_, err := store.StepSession(t.Context(), step(session, 1, noon.Add(time.Second)))
	refused(t, err, model.ErrNotFound)
}

func stepTooLate(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	before := got(store.StepSession(t.Context(), step(session, 1, noon)))(t)
	for _, after := range []time.Duration{window, window + time.Microsecond, 11 * time.Second, time.Hour} {
		_, err := store.StepSession(t.Context(), step(session, 1, noon.Add(after)))
		refused(t, err, model.ErrNotFound)
	}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), before)
}

func stepStrict(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	strict := step(session, 1, noon)
	strict.RetryWindow = 0
	got(store.StepSession(t.Context(), strict))(t)
	for _, after := range []time.Duration{-time.Second, -time.Microsecond, 0, time.Microsecond, time.Second} {
		strict.Now = noon.Add(after)
		_, err := store.StepSession(t.Context(), strict)
		refused(t, err, model.ErrNotFound)
	}
}

func stepRefusals(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	for counter := range int64(3) {
		got(store.StepSession(t.Context(), step(session, counter+1, noon)))(t)
	}
	before := got(store.Presence(t.Context(), session.ID, noon))(t)
	for _, counter := range []int64{-1, 0, 1, 2, 5, 6, 1 << 40} {
		_, err := store.StepSession(t.Context(), step(session, counter, noon))
		refused(t, err, model.ErrNotFound)
	}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), before)
}

func stepClockBack(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon.Add(-24*time.Hour))
	got(store.StepSession(t.Context(), step(session, 1, noon)))(t)
	for _, back := range []time.Duration{window, time.Minute, time.Hour} {
		_, err := store.StepSession(t.Context(), step(session, 1, noon.Add(-back)))
		refused(t, err, model.ErrNotFound)
	}
	// Two servers whose clocks differ by a little still retry.
	got(store.StepSession(t.Context(), step(session, 1, noon.Add(-time.Second))))(t)
}

func stepAbsoluteEnd(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	counter := int64(1)
	for now := noon; now.Before(session.ExpiresAt); now = now.Add(24 * time.Hour) {
		p := got(store.StepSession(t.Context(), step(session, counter, now)))(t)
		if !p.Session.ExpiresAt.Equal(session.ExpiresAt) {
			t.Fatalf("the absolute end moved to %v", p.Session.ExpiresAt)
		}
		counter = p.Session.Counter
	}
	_, err := store.StepSession(t.Context(), step(session, counter, session.ExpiresAt))
	refused(t, err, model.ErrNotFound)
}

func stepNeedsLife(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
	_, err := store.StepSession(t.Context(), step(session, 1, noon))
	refused(t, err, model.ErrNotFound)

	// Nor does the parent get its answer again once the session is over.
	retried := openedOverAPI(t, store, ana.ID, noon)
	got(store.StepSession(t.Context(), step(retried, 1, noon)))(t)
	must(t, store.SetDisabled(t.Context(), ana.ID, noon, noon))
	_, err = store.StepSession(t.Context(), step(retried, 1, noon))
	refused(t, err, model.ErrNotFound)
	_, err = store.StepSession(t.Context(), step(retried, 2, noon))
	refused(t, err, model.ErrNotFound)
}

func stepOfBrowser(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := opened(t, store, ana.ID, noon)
	before := got(store.Presence(t.Context(), session.ID, noon))(t)
	for _, counter := range []int64{0, 1, 2} {
		_, err := store.StepSession(t.Context(), step(session, counter, noon))
		refused(t, err, model.ErrNotFound)
	}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), before)
}

func stepBegunBefore(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	before := got(store.Presence(t.Context(), session.ID, noon))(t)
	bound := step(session, 1, noon)
	for _, early := range []time.Duration{0, time.Microsecond, time.Hour} {
		bound.BegunBefore = noon.Add(-early)
		_, err := store.StepSession(t.Context(), bound)
		refused(t, err, model.ErrNotFound)
	}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), before)
	bound.BegunBefore = noon.Add(time.Microsecond)
	got(store.StepSession(t.Context(), bound))(t)
	// The parent gets its answer again under the same condition.
	got(store.StepSession(t.Context(), bound))(t)
	bound.BegunBefore = noon
	_, err := store.StepSession(t.Context(), bound)
	refused(t, err, model.ErrNotFound)
}
