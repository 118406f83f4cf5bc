package argon2id

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"
)

// Crowded says what enter would, to each client, and takes nothing.
func TestPW20CrowdedSaysWhoWouldBeTurnedAway(t *testing.T) {
	one, other := from(t.Context(), 1), from(t.Context(), 2)
	wants := place{memoryKiB: 1, cores: 1}
	a := newTestAdmission(wants, 2, time.Hour)
	crowded := func(when string, ctx context.Context, want bool) {
		t.Helper()
		for range 3 {
			err := a.crowded(ctx, wants, nearlyAll)
			var overloaded *Overloaded
			if (err != nil) != want || want && (!errors.As(err, &overloaded) || overloaded.RetryAfter < leastComeback) {
				t.Errorf("%s: got %v", when, err)
			}
		}
	}
	crowded("nobody is there", one, false)
	leave := mustEnter(t, a, wants)
	crowded("one is inside", one, false)
	var all sync.WaitGroup
	waiting, giveUp := context.WithCancel(one)
	for range 2 {
		all.Go(func() { _, _ = a.enter(waiting, wants) })
	}
	waitForQueue(a, 2)
	crowded("the queue is full of its own calls", one, true)
	crowded("the queue is full of the calls of another", other, false)
	waitForQueue(a, 2) // it was only asked
	giveUp()
	all.Wait()
	crowded("they have gone", one, false)
	leave()
	crowded("all have gone", one, false)
	assertAllFree(t, a)
}

// Who asks whether it is crowded hears it a little sooner than who enters, and who
// has something else to wait for sooner still.
func TestPW20CrowdedAtWhichLength(t *testing.T) {
	const room = 32
	one := place{memoryKiB: 1, cores: 1}
	a := newTestAdmission(one, room, time.Hour)
	leave := mustEnter(t, a, one)
	var all sync.WaitGroup
	refusedAt := map[share]int{}
	for waiting := range room + 1 {
		for _, most := range []share{halfOfIt, nearlyAll, allOfIt} {
			if _, told := refusedAt[most]; !told && a.crowded(from(t.Context(), 1000), one, most) != nil {
				refusedAt[most] = waiting
			}
		}
		if waiting < room {
			all.Go(func() {
				leave, err := a.enter(from(t.Context(), waiting), one)
				if err != nil {
					t.Error(err)
					return
				}
				leave()
			})
			waitForQueue(a, waiting+1)
		}
	}
	leave()
	all.Wait()
	if want := map[share]int{halfOfIt: room / 2, nearlyAll: room - room/16, allOfIt: room}; !maps.Equal(refusedAt, want) {
		t.Errorf("refused when so many wait: %v, want %v", refusedAt, want)
	}
	assertAllFree(t, a)
}

// What an Engine says of its load is what there is.
func TestLoadIsWhatThereIs(t *testing.T) {
	wants := place{memoryKiB: 1, cores: 1}
	a := newTestAdmission(wants, 1, time.Hour)
	loaded := func(when string, want Load) {
		t.Helper()
		if got := a.load(); got != want {
			t.Errorf("%s: got %+v, want %+v", when, got, want)
		}
	}
	loaded("nobody is there", Load{})
	leave := mustEnter(t, a, wants)
	loaded("one is inside", Load{RunningKiB: 1})
	var all sync.WaitGroup
	waiting, giveUp := context.WithCancel(t.Context())
	all.Go(func() { _, _ = a.enter(waiting, wants) })
	waitForQueue(a, 1)
	loaded("one waits", Load{RunningKiB: 1, Waiting: 1})
	if _, err := a.enter(t.Context(), wants); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the second in the queue got %v", err)
	}
	loaded("one was turned away", Load{RunningKiB: 1, Waiting: 1, Refused: 1})
	giveUp()
	all.Wait()
	leave()
	loaded("all have gone", Load{Refused: 1})
}
