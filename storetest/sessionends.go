package storetest

import (
	"slices"
	"testing"
	"time"

	"gatehouse/model"
)

var sessionEnds = []contract{
	{"SessionsOf_lists_the_newest_first", newestFirst},
	{"EndSession_ends_one_and_only_ones_own", endSession},
	{"EndSessions_ends_all_but_the_one_to_keep", endSessions},
	{"EndOldestSessions_leaves_the_newest", endOldest},
	{"EndedIndexes_are_those_that_were_ended_in_order", endedIndexes},
	{"ST-11_ForgetSessions_takes_what_is_over_and_nothing_else", forgetSessions},
	{"ST-11_ForgetSessions_follows_the_idle_end_both_ways", forgetMovedEnds},
	{"ForgetSessions_takes_many", forgetMany},
}

func newestFirst(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	opened(t, store, bob.ID, noon)
	var want []model.Session
	for _, minute := range []int{3, 1, 4, 2} {
		want = append(want, opened(t, store, ana.ID, noon.Add(time.Duration(minute)*time.Minute)))
	}
	slices.SortFunc(want, func(a, b model.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	same(t, got(store.SessionsOf(t.Context(), ana.ID, noon.Add(time.Hour)))(t), want)
	if others := got(store.SessionsOf(t.Context(), model.NewID[model.User](), noon))(t); len(others) != 0 {
		t.Errorf("nobody has %d sessions", len(others))
	}
}

func endSession(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	session, other := opened(t, store, ana.ID, noon), opened(t, store, ana.ID, noon)
	refused(t, store.EndSession(t.Context(), bob.ID, session.ID, noon), model.ErrNotFound)
	refused(t, store.EndSession(t.Context(), model.UserID{}, session.ID, noon), model.ErrNotFound)
	refused(t, store.EndSession(t.Context(), ana.ID, model.NewID[model.Session](), noon), model.ErrNotFound)
	if !alive(t, store, session.ID, noon) {
		t.Fatal("somebody else ended the session")
	}
	must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
	if alive(t, store, session.ID, noon) || !alive(t, store, other.ID, noon) {
		t.Error("not exactly the one session was ended")
	}
	refused(t, store.EndSession(t.Context(), ana.ID, session.ID, noon), model.ErrNotFound)
	// A clock set back revives nothing.
	if alive(t, store, session.ID, noon.Add(-time.Minute)) {
		t.Error("the session lives at a time before its end")
	}
}

func endSessions(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	keep, others := opened(t, store, ana.ID, noon), opened(t, store, bob.ID, noon)
	for range 3 {
		opened(t, store, ana.ID, noon)
	}
	gone := opened(t, store, ana.ID, noon.Add(-longest))
	if n := got(store.EndSessions(t.Context(), ana.ID, keep.ID, noon))(t); n != 3 {
		t.Errorf("%d sessions ended, want 3", n)
	}
	if n := got(store.EndSessions(t.Context(), ana.ID, keep.ID, noon))(t); n != 0 {
		t.Errorf("%d sessions ended a second time", n)
	}
	if live := got(store.SessionsOf(t.Context(), ana.ID, noon))(t); len(live) != 1 || live[0].ID != keep.ID {
		t.Errorf("%d sessions are left, want the one that was kept", len(live))
	}
	// Somebody else's session to keep keeps nothing of one's own.
	if n := got(store.EndSessions(t.Context(), ana.ID, others.ID, noon))(t); n != 1 {
		t.Errorf("%d sessions ended, want the last", n)
	}
	if !alive(t, store, others.ID, noon) {
		t.Error("the session of another user was ended")
	}
	if n := got(store.EndSessions(t.Context(), bob.ID, model.SessionID{}, noon))(t); n != 1 {
		t.Errorf("%d sessions ended, want all of one", n)
	}
	if slices.Contains(got(store.EndedIndexes(t.Context()))(t), gone.StatusIndex) {
		t.Error("a session that had run out was ended")
	}
}

func endOldest(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	kept := opened(t, store, bob.ID, noon.Add(-time.Hour))
	var all []model.Session
	for minute := range 6 {
		all = append(all, opened(t, store, ana.ID, noon.Add(time.Duration(minute)*time.Minute)))
	}
	now := noon.Add(time.Hour)
	must(t, store.EndSession(t.Context(), ana.ID, all[5].ID, now)) // an ended one does not count
	for _, test := range []struct{ limit, ended, left int }{{10, 0, 5}, {5, 0, 5}, {3, 2, 3}, {3, 0, 3}, {1, 2, 1}, {0, 1, 0}, {-1, 0, 0}} {
		if n := got(store.EndOldestSessions(t.Context(), ana.ID, test.limit, now))(t); n != test.ended {
			t.Errorf("limit %d: %d ended, want %d", test.limit, n, test.ended)
		}
		live := got(store.SessionsOf(t.Context(), ana.ID, now))(t)
		if len(live) != test.left {
			t.Fatalf("limit %d: %d are left, want %d", test.limit, len(live), test.left)
		}
		for i, session := range live {
			if session.ID != all[4-i].ID {
				t.Errorf("limit %d: not the newest are left", test.limit)
			}
		}
	}
	if !alive(t, store, kept.ID, noon) {
		t.Error("the session of another user was ended")
	}
}

func endedIndexes(t *testing.T, store model.Store) {
	if none := got(store.EndedIndexes(t.Context()))(t); len(none) != 0 {
		t.Errorf("an empty store has ended sessions: %v", none)
	}
	ana := added(t, store, "ana")
	var want []int64
	for i := range 20 {
		session := opened(t, store, ana.ID, noon)
		if i%2 == 0 {
			must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
			want = append(want, session.StatusIndex)
		}
	}
	opened(t, store, ana.ID, noon.Add(-longest)) // ran out, was not ended
	slices.Sort(want)
	same(t, got(store.EndedIndexes(t.Context()))(t), want)
}

func forgetSessions(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	before := noon.Add(-time.Hour)
	session := func(idleEnd, end, endedAt time.Duration) model.Session {
		s := login(ana.ID, noon.Add(-2*time.Hour))
		s.IdleExpiresAt, s.ExpiresAt = before.Add(idleEnd), before.Add(end)
		s.StatusIndex = got(store.OpenSession(t.Context(), s, 1))(t)
		if endedAt != 0 {
			must(t, store.EndSession(t.Context(), ana.ID, s.ID, before.Add(endedAt)))
		}
		return s
	}
	const never, soon, tick = time.Duration(0), time.Minute, time.Microsecond
	kept := []model.Session{
		session(soon, soon, never),
		session(tick, soon, never),
		session(never, soon, never), // runs idle exactly then, not before
		session(soon, never, never),
		session(soon, soon, tick),
	}
	gone := []model.Session{
		session(-tick, soon, never),
		session(soon, -tick, never),
		session(soon, soon, -tick),
		session(-tick, -tick, never),
		session(soon, soon, -time.Hour/2),
	}
	if n := got(store.ForgetSessions(t.Context(), before))(t); n != len(gone) {
		t.Errorf("%d sessions forgotten, want %d", n, len(gone))
	}
	early := before.Add(-2 * time.Hour)
	for i, s := range kept[:4] {
		if !alive(t, store, s.ID, early) {
			t.Errorf("session %d was forgotten too early", i)
		}
	}
	same(t, got(store.EndedIndexes(t.Context()))(t), []int64{kept[4].StatusIndex})
	for i, s := range gone {
		if alive(t, store, s.ID, early) {
			t.Errorf("session %d is still there", i)
		}
	}
	if n := got(store.ForgetSessions(t.Context(), before))(t); n != 0 {
		t.Errorf("%d sessions forgotten a second time", n)
	}
}

func forgetMovedEnds(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	for name, move := range map[string]func(s model.Session, idleEnd time.Time){
		"StepSession": func(s model.Session, idleEnd time.Time) {
			moved := step(s, 1, noon)
			moved.IdleExpiresAt = idleEnd
			got(store.StepSession(t.Context(), moved))(t)
		},
		"UseSession": func(s model.Session, idleEnd time.Time) {
			must(t, store.UseSession(t.Context(), s.ID, noon, idleEnd))
		},
	} {
		sooner, later := openedOverAPI(t, store, ana.ID, noon), openedOverAPI(t, store, ana.ID, noon)
		move(sooner, noon.Add(time.Minute))
		move(later, noon.Add(idle+time.Hour))
		if n := got(store.ForgetSessions(t.Context(), noon.Add(time.Minute)))(t); n != 0 {
			t.Errorf("%s: %d forgotten before the sooner end", name, n)
		}
		if n := got(store.ForgetSessions(t.Context(), noon.Add(time.Minute+time.Microsecond)))(t); n != 1 {
			t.Errorf("%s: %d forgotten after the sooner end, want 1", name, n)
		}
		for range 2 {
			if n := got(store.ForgetSessions(t.Context(), noon.Add(idle+time.Hour)))(t); n != 0 {
				t.Errorf("%s: %d forgotten before the later end", name, n)
			}
		}
		if n := got(store.ForgetSessions(t.Context(), noon.Add(idle+time.Hour+time.Microsecond)))(t); n != 1 {
			t.Errorf("%s: %d forgotten after the later end, want 1", name, n)
		}
	}
}

func forgetMany(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	const many = 2500
	for range 10 { // one transaction may take ten seconds
		must(t, store.Tx(t.Context(), func(r model.Records) error {
			for range many / 10 {
				if _, err := r.OpenSession(t.Context(), login(ana.ID, noon), 1); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	kept := opened(t, store, ana.ID, noon.Add(time.Hour))
	if n := got(store.ForgetSessions(t.Context(), noon.Add(idle+time.Minute)))(t); n != many {
		t.Errorf("%d sessions forgotten, want %d", n, many)
	}
	if !alive(t, store, kept.ID, noon) {
		t.Error("a live session was forgotten")
	}
}
