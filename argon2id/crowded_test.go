package argon2id

import (
	"context"
	"errors"
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
			err := a.crowded(ctx, wants)
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
