package storetest

import (
	"errors"
	"testing"
	"time"

	"gatehouse/model"
)

var attempts = []contract{
	{"LT-02_delays_double_up_to_the_longest", delaysDouble},
	{"LT-02_a_blocked_lane_counts_nothing", blockedCountsNothing},
	{"LT-02_failures_begin_anew_when_the_last_is_long_ago", failuresDecay},
	{"LT-16_a_window_begins_with_its_first_attempt", windowFixed},
	{"LT-02_a_clock_set_back_blocks_nobody_for_long", attemptsClockBack},
	{"an_attempt_is_given_back_with_its_block", attemptReturned},
	{"LT-12_one_lane_is_cleared_and_no_other", laneCleared},
	{"LT-01_all_lanes_of_a_user_are_cleared_and_no_other", lanesCleared},
	{"LT-02_all_lanes_of_a_user_are_lifted_and_no_other", lanesLifted},
	{"all_lanes_of_a_user_are_found_and_no_other", lanesFound},
	{"lanes_go_with_their_user", lanesGoWithUser},
	{"LT-11_ForgetAttempts_takes_what_is_over_and_nothing_else", forgetAttempts},
	{"LT-03_an_attempt_outlives_a_transaction_that_fails", attemptOutlivesTx},
}

// ladder is a rule with delays, and tenAnHour one with a window.
var (
	ladder    = model.AttemptRule{Free: 4, FirstDelay: 30 * time.Second, LongestDelay: time.Hour, Within: 24 * time.Hour, Keep: 24 * time.Hour}
	tenAnHour = model.AttemptRule{Free: 9, Within: time.Hour, Keep: time.Hour}
)

func attemptAt(key byte, rule model.AttemptRule, now time.Time) model.Attempt {
	return model.Attempt{Lane: model.Lane{Key: model.Digest{key, 31: 1}}, Rule: rule, Now: now}
}

// charged wants the attempt to be counted.
func charged(t *testing.T, store model.Records, attempt model.Attempt) model.Tally {
	t.Helper()
	now, ok, err := store.ChargeAttempt(t.Context(), attempt)
	must(t, err)
	if !ok {
		t.Fatalf("at %v: not counted, blocked until %v", attempt.Now, now.BlockedUntil)
	}
	return now
}

// tallyOf reads one lane, from each place in turn.
func tallyOf(t *testing.T, store model.Records, lane model.Digest) model.Tally {
	t.Helper()
	first := got(store.Tallies(t.Context(), [3]model.Digest{lane}))(t)
	last := got(store.Tallies(t.Context(), [3]model.Digest{2: lane}))(t)
	same(t, last, [3]model.Tally{2: first[0]})
	return first[0]
}

func delaysDouble(t *testing.T, store model.Store) {
	now := noon
	for i, want := range []time.Duration{0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600} {
		attempt := attemptAt(1, ladder, now)
		tally := charged(t, store, attempt)
		wanted := model.Tally{Key: attempt.Lane.Key, Failures: int64(i + 1), Total: int64(i + 1), At: now}
		if want > 0 {
			now = now.Add(want * time.Second)
			wanted.BlockedUntil = now
		}
		same(t, tally, wanted)
		same(t, tallyOf(t, store, attempt.Lane.Key), wanted)
	}
	// However many there were, the longest delay stays the longest.
	steep := ladder
	steep.Within, steep.LongestDelay = 1000*time.Hour, 2*time.Minute
	for range 80 {
		tally := charged(t, store, attemptAt(2, steep, now))
		if wait := tally.BlockedFor(steep, now); wait > 2*time.Minute {
			t.Fatalf("after %d attempts the delay is %v", tally.Failures, wait)
		}
		now = now.Add(2 * time.Minute)
	}
	strict := model.AttemptRule{FirstDelay: time.Minute, LongestDelay: time.Hour, Within: time.Hour, Keep: time.Hour}
	if tally := charged(t, store, attemptAt(3, strict, noon)); !tally.BlockedUntil.Equal(noon.Add(time.Minute)) {
		t.Errorf("with nothing free the first attempt blocks until %v", tally.BlockedUntil)
	}
}

func blockedCountsNothing(t *testing.T, store model.Store) {
	var last model.Tally
	for range 5 {
		last = charged(t, store, attemptAt(1, ladder, noon))
	}
	for _, after := range []time.Duration{0, time.Microsecond, 30*time.Second - time.Microsecond} {
		tally, ok, err := store.ChargeAttempt(t.Context(), attemptAt(1, ladder, noon.Add(after)))
		must(t, err)
		if ok {
			t.Errorf("%v after the block it is counted", after)
		}
		same(t, tally, last)
	}
	if tally := charged(t, store, attemptAt(1, ladder, noon.Add(30*time.Second))); tally.Failures != 6 {
		t.Errorf("the one after the block is number %d", tally.Failures)
	}
	if tally := charged(t, store, attemptAt(2, ladder, noon)); tally.Failures != 1 {
		t.Errorf("another lane begins with %d", tally.Failures)
	}
}

func failuresDecay(t *testing.T, store model.Store) {
	for range 4 {
		charged(t, store, attemptAt(1, ladder, noon))
	}
	later := noon.Add(24*time.Hour - time.Microsecond)
	if tally := charged(t, store, attemptAt(1, ladder, later)); tally.Failures != 5 {
		t.Errorf("shortly before a day has passed: number %d", tally.Failures)
	}
	later = later.Add(24 * time.Hour)
	tally := charged(t, store, attemptAt(1, ladder, later))
	if tally.Failures != 1 || tally.Total != 6 || !tally.BlockedUntil.IsZero() {
		t.Errorf("a day after the last: %+v", tally)
	}
	if n := tally.FailuresAt(ladder, later.Add(24*time.Hour)); n != 0 {
		t.Errorf("a day later %d are counted", n)
	}
	if n := tally.FailuresAt(ladder, later.Add(24*time.Hour-1)); n != 1 {
		t.Errorf("within the day %d are counted", n)
	}
}

func windowFixed(t *testing.T, store model.Store) {
	for i := range 10 {
		now := noon.Add(time.Duration(i) * time.Minute)
		tally := charged(t, store, attemptAt(1, tenAnHour, now))
		if !tally.At.Equal(noon) || tally.Failures != int64(i+1) || tally.BlockedUntil.IsZero() != (i < 9) {
			t.Errorf("number %d: %+v", i+1, tally)
		}
		if i == 9 && !tally.BlockedUntil.Equal(noon.Add(time.Hour)) {
			t.Errorf("blocked until %v, want the end of the window", tally.BlockedUntil)
		}
	}
	if _, ok, err := store.ChargeAttempt(t.Context(), attemptAt(1, tenAnHour, noon.Add(time.Hour-time.Microsecond))); ok || err != nil {
		t.Errorf("an eleventh in the window: %v, %v", ok, err)
	}
	next := noon.Add(time.Hour)
	if tally := charged(t, store, attemptAt(1, tenAnHour, next)); tally.Failures != 1 || !tally.At.Equal(next) || !tally.BlockedUntil.IsZero() {
		t.Errorf("the next window begins with %+v", tally)
	}
	once := model.AttemptRule{Within: time.Hour, Keep: time.Hour}
	for i := range 2 {
		now := noon.Add(time.Duration(i) * time.Hour)
		if tally := charged(t, store, attemptAt(2, once, now)); !tally.BlockedUntil.Equal(now.Add(time.Hour)) {
			t.Errorf("one an hour: blocked until %v", tally.BlockedUntil)
		}
	}
}

func attemptsClockBack(t *testing.T, store model.Store) {
	for _, back := range []time.Duration{3 * time.Hour, 30 * 24 * time.Hour} {
		for key, rule := range []model.AttemptRule{ladder, tenAnHour} {
			attempt := attemptAt(byte(10*back.Hours())+byte(key), rule, noon)
			for range rule.Free + 1 {
				charged(t, store, attempt)
			}
			attempt.Now = noon.Add(-back)
			if wait := tallyOf(t, store, attempt.Lane.Key).BlockedFor(rule, attempt.Now); wait != 0 {
				t.Errorf("%v back: it seems blocked for %v", back, wait)
			}
			// From there on it goes on as ever: none but the free ones and one more.
			for n := 0; ; n++ {
				now, ok, err := store.ChargeAttempt(t.Context(), attempt)
				must(t, err)
				if !ok {
					if wait := now.BlockedFor(rule, attempt.Now); n < 1 || wait <= 0 || wait > rule.LongestBlock() {
						t.Errorf("%v back: blocked for %v after %d", back, wait, n)
					}
					break
				}
				if n > rule.Free {
					t.Fatalf("%v back: %d attempts were let pass", back, n+1)
				}
			}
		}
	}
}

func attemptReturned(t *testing.T, store model.Store) {
	var attempt model.Attempt
	for range 5 {
		attempt = attemptAt(1, ladder, noon)
		charged(t, store, attempt)
	}
	must(t, store.ReturnAttempt(t.Context(), attempt.Lane.Key))
	if tally := tallyOf(t, store, attempt.Lane.Key); tally.Failures != 4 || tally.Total != 4 || !tally.BlockedUntil.IsZero() {
		t.Errorf("after one was given back: %+v", tally)
	}
	charged(t, store, attempt)
	for range 7 { // more than there are
		must(t, store.ReturnAttempt(t.Context(), attempt.Lane.Key))
	}
	if tally := tallyOf(t, store, attempt.Lane.Key); tally.Failures != 0 || tally.Total != 0 {
		t.Errorf("after all were given back: %+v", tally)
	}
	must(t, store.ReturnAttempt(t.Context(), model.Digest{9}))
	same(t, tallyOf(t, store, model.Digest{9}), model.Tally{})
}

func laneCleared(t *testing.T, store model.Store) {
	for key := range byte(2) {
		charged(t, store, attemptAt(key, ladder, noon))
	}
	must(t, store.ClearLane(t.Context(), attemptAt(0, ladder, noon).Lane.Key))
	must(t, store.ClearLane(t.Context(), model.Digest{9}))
	same(t, tallyOf(t, store, attemptAt(0, ladder, noon).Lane.Key), model.Tally{})
	if tally := tallyOf(t, store, attemptAt(1, ladder, noon).Lane.Key); tally.Failures != 1 {
		t.Errorf("the other lane: %+v", tally)
	}
	if tally := charged(t, store, attemptAt(0, ladder, noon)); tally.Failures != 1 || tally.Total != 1 {
		t.Errorf("a cleared lane begins with %+v", tally)
	}
}

// ofUser is the same attempt in a lane of somebody.
func ofUser(attempt model.Attempt, user model.User) model.Attempt {
	attempt.Lane.UserID = user.ID
	return attempt
}

func lanesCleared(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	charged(t, store, ofUser(attemptAt(1, ladder, noon), ana))
	charged(t, store, ofUser(attemptAt(2, ladder, noon), ana))
	charged(t, store, ofUser(attemptAt(3, ladder, noon), bob))
	charged(t, store, attemptAt(4, ladder, noon))
	must(t, store.ClearLanesOf(t.Context(), ana.ID))
	must(t, store.ClearLanesOf(t.Context(), model.NewID[model.User]()))
	for key, want := range map[byte]int64{1: 0, 2: 0, 3: 1, 4: 1} {
		if tally := tallyOf(t, store, attemptAt(key, ladder, noon).Lane.Key); tally.Failures != want {
			t.Errorf("lane %d has %d failures, want %d", key, tally.Failures, want)
		}
	}
}

func lanesGoWithUser(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	forAna, forBob := ofUser(attemptAt(1, ladder, noon), ana), ofUser(attemptAt(2, ladder, noon), bob)
	charged(t, store, forAna)
	charged(t, store, forBob)
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	same(t, tallyOf(t, store, forAna.Lane.Key), model.Tally{})
	if tallyOf(t, store, forBob.Lane.Key).Failures != 1 {
		t.Error("the lane of somebody else is gone")
	}
	_, _, err := store.ChargeAttempt(t.Context(), forAna)
	refused(t, err, model.ErrNotFound)
	must(t, store.Tx(t.Context(), func(tx model.Records) error {
		_, _, err := tx.ChargeAttempt(t.Context(), forAna)
		refused(t, err, model.ErrNotFound)
		return tx.ClearLane(t.Context(), forBob.Lane.Key) // the transaction goes on
	}))
	same(t, tallyOf(t, store, forBob.Lane.Key), model.Tally{})
	_, _, err = store.ChargeAttempt(t.Context(), model.Attempt{Rule: ladder, Now: noon})
	if err == nil {
		t.Error("a lane without a key is accepted")
	}
}

func forgetAttempts(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	lasting := ladder
	lasting.Keep = 0
	charged(t, store, ofUser(attemptAt(1, lasting, noon), ana))
	charged(t, store, attemptAt(2, ladder, noon))
	charged(t, store, attemptAt(2, ladder, noon.Add(time.Hour))) // kept from the last on
	charged(t, store, attemptAt(3, tenAnHour, noon))
	charged(t, store, attemptAt(3, tenAnHour, noon.Add(time.Minute))) // kept from the first on
	charged(t, store, ofUser(attemptAt(4, tenAnHour, noon), ana))
	for _, test := range []struct {
		after time.Duration
		gone  int
	}{{time.Hour, 0}, {time.Hour + time.Microsecond, 2}, {25 * time.Hour, 0}, {25*time.Hour + time.Microsecond, 1}, {10000 * time.Hour, 0}} {
		if n := got(store.ForgetAttempts(t.Context(), noon.Add(test.after)))(t); n != test.gone {
			t.Errorf("%v later %d are forgotten, want %d", test.after, n, test.gone)
		}
	}
	if tally := tallyOf(t, store, attemptAt(1, lasting, noon).Lane.Key); tally.Failures != 1 {
		t.Errorf("the lane of a user: %+v", tally)
	}
}

func attemptOutlivesTx(t *testing.T, store model.Store) {
	attempt := attemptAt(1, ladder, noon)
	charged(t, store, attempt)
	err := store.Tx(t.Context(), func(tx model.Records) error {
		charged(t, tx, attempt)
		must(t, tx.ClearLane(t.Context(), attempt.Lane.Key))
		return errOnPurpose
	})
	if !errors.Is(err, errOnPurpose) {
		t.Fatal(err)
	}
	if tally := tallyOf(t, store, attempt.Lane.Key); tally.Failures != 1 {
		t.Errorf("after the transaction was rolled back: %+v", tally)
	}
}

// fiveOfMany races attempts at a lane that is new, and at one that was blocked.
func fiveOfMany(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	for _, test := range []struct {
		rule model.AttemptRule
		now  time.Time
		want int
	}{{ladder, noon, 5}, {ladder, noon.Add(30 * time.Second), 1}, {tenAnHour, noon, 10}, {tenAnHour, noon.Add(time.Hour), 10}} {
		attempt := attemptAt(byte(test.rule.Free), test.rule, test.now)
		if test.rule == ladder {
			attempt = ofUser(attempt, ana)
		}
		let := make([]bool, crowd)
		must(t, errors.Join(together(crowd, func(i int) (err error) {
			_, let[i], err = either(i, first, second).ChargeAttempt(t.Context(), attempt)
			return err
		})...))
		n := 0
		for _, ok := range let {
			if ok {
				n++
			}
		}
		if n != test.want {
			t.Errorf("free %d: %d of %d were let pass, want %d", test.rule.Free, n, crowd, test.want)
		}
	}
}

// chargedAgainstDelete races attempts at a lane of a user with the end of the user.
func chargedAgainstDelete(t *testing.T, first, second model.Store) {
	for round := range 5 {
		ana := added(t, first, numbered("user", round))
		attempt := ofUser(attemptAt(byte(round), ladder, noon), ana)
		must(t, errors.Join(together(9, func(i int) error {
			if i == 4 {
				return second.DeleteUser(t.Context(), ana.ID, noon)
			}
			_, _, err := either(i, first, second).ChargeAttempt(t.Context(), attempt)
			if errors.Is(err, model.ErrNotFound) {
				return nil
			}
			return err
		})...))
		same(t, tallyOf(t, first, attempt.Lane.Key), model.Tally{})
	}
}

// thirtyAMinute is a pace with which three steps at once are one too many.
var thirtyAMinute = model.Pace{Interval: 2 * time.Second, Burst: 4 * time.Second}

func stepPaced(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	at := func(counter int64, after time.Duration) model.Step {
		s := step(session, counter, noon.Add(after))
		s.Pace = thirtyAMinute
		return s
	}
	got(store.StepSession(t.Context(), at(1, 0)))(t)
	before := got(store.StepSession(t.Context(), at(2, 0)))(t)
	for after, wait := range map[time.Duration]time.Duration{0: 2 * time.Second, 1999 * time.Millisecond: time.Millisecond} {
		_, err := store.StepSession(t.Context(), at(3, after))
		refused(t, err, model.ErrTooManyAttempts)
		var refusal *model.Error
		if errors.As(err, &refusal); refusal.RetryAfter != wait {
			t.Errorf("told to wait %v, want %v", refusal.RetryAfter, wait)
		}
	}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), before)
	// The parent gets its answer again all the same, and what was spent long ago
	// is refused as ever.
	if p := got(store.StepSession(t.Context(), at(2, time.Second)))(t); p.Session.Counter != 3 {
		t.Errorf("the parent got counter %d", p.Session.Counter)
	}
	_, err := store.StepSession(t.Context(), at(1, time.Second))
	refused(t, err, model.ErrNotFound)
	// One more each two seconds, and all at once after a rest.
	got(store.StepSession(t.Context(), at(3, 2*time.Second)))(t)
	_, err = store.StepSession(t.Context(), at(4, 3*time.Second))
	refused(t, err, model.ErrTooManyAttempts)
	for counter := int64(4); counter < 6; counter++ {
		got(store.StepSession(t.Context(), at(counter, time.Hour)))(t)
	}
	_, err = store.StepSession(t.Context(), at(6, time.Hour))
	refused(t, err, model.ErrTooManyAttempts)
	// A clock that was set back keeps nobody waiting for it.
	got(store.StepSession(t.Context(), at(6, 0)))(t)
	must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
	_, err = store.StepSession(t.Context(), at(7, 0))
	refused(t, err, model.ErrNotFound)
}
