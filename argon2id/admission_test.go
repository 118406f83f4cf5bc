package argon2id

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func mustEnter(t *testing.T, a *admission, wants place) (leave func()) {
	t.Helper()
	leave, err := a.enter(context.Background(), wants)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

func newTestAdmission(whole place, maxWaiting int, maxWait time.Duration) *admission {
	return newAdmission(admissionLimits{whole: whole, maxWaiting: maxWaiting, maxWait: maxWait, client: clientOf})
}

type clientKey struct{}

// from returns a context on behalf of the client with this number.
func from(ctx context.Context, client int) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

func clientOf(ctx context.Context) netip.Prefix {
	number, _ := ctx.Value(clientKey{}).(int)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(number >> 8), byte(number)}), 32)
}

// waitForQueue returns once n calls wait.
func waitForQueue(a *admission, n int) {
	for {
		a.mu.Lock()
		length := a.waiting.length
		a.mu.Unlock()
		if length == n {
			return
		}
		runtime.Gosched()
	}
}

func assertAllFree(t *testing.T, a *admission) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.free != a.limits.whole || a.waiting.length != 0 {
		t.Errorf("%+v of %+v are free, %d wait", a.free, a.limits.whole, a.waiting.length)
	}
}

func TestPW20Overload(t *testing.T) {
	one := place{memoryKiB: 10, cores: 1}

	t.Run("a_full_queue_refuses_at_once", func(t *testing.T) {
		a := newTestAdmission(one, 2, time.Hour)
		leave := mustEnter(t, a, one)
		var group sync.WaitGroup
		for i := range 2 {
			group.Go(func() { mustEnter(t, a, one)() })
			waitForQueue(a, i+1)
		}
		if _, err := a.enter(context.Background(), one); !errors.Is(err, ErrOverloaded) {
			t.Errorf("got %v, want %v", err, ErrOverloaded)
		}
		leave()
		group.Wait()
		assertAllFree(t, a)
	})

	t.Run("waiting_is_bounded", func(t *testing.T) {
		a := newTestAdmission(one, 2, time.Nanosecond)
		leave := mustEnter(t, a, one)
		if _, err := a.enter(context.Background(), one); !errors.Is(err, ErrOverloaded) {
			t.Errorf("got %v, want %v", err, ErrOverloaded)
		}
		leave()
		assertAllFree(t, a)
	})

	t.Run("who_gives_up_frees_the_way_for_the_next", func(t *testing.T) {
		a := newTestAdmission(place{memoryKiB: 10, cores: 2}, 4, time.Hour)
		leave := mustEnter(t, a, place{memoryKiB: 5, cores: 1})
		ctx, cancel := context.WithCancel(context.Background())
		gaveUp := make(chan error)
		go func() {
			_, err := a.enter(ctx, place{memoryKiB: 10, cores: 1})
			gaveUp <- err
		}()
		waitForQueue(a, 1)
		small := make(chan func())
		go func() { small <- mustEnter(t, a, place{memoryKiB: 5, cores: 1}) }()
		waitForQueue(a, 2) // not overtaken: it would fit
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) || errors.Is(err, ErrOverloaded) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		(<-small)()
		leave()
		assertAllFree(t, a)
	})

	t.Run("a_caller_who_has_left_is_not_let_in", func(t *testing.T) {
		a := newTestAdmission(one, 1, time.Hour)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := a.enter(ctx, one); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		assertAllFree(t, a)
	})

	t.Run("more_lanes_than_cores_run_alone", func(t *testing.T) {
		a := newTestAdmission(place{memoryKiB: 100, cores: 2}, 1, time.Hour)
		leave := mustEnter(t, a, place{memoryKiB: 1, cores: 16})
		if a.free.cores != 0 {
			t.Errorf("%d cores are free", a.free.cores)
		}
		leave()
		assertAllFree(t, a)
	})

	t.Run("what_never_fits_is_rejected", func(t *testing.T) {
		a := newTestAdmission(one, 1, time.Hour)
		if _, err := a.enter(context.Background(), place{memoryKiB: 11, cores: 1}); !errors.Is(err, ErrRejected) {
			t.Errorf("got %v, want %v", err, ErrRejected)
		}
	})

	t.Run("par(500)_stays_within_memory_and_cores", func(t *testing.T) {
		a := newTestAdmission(place{memoryKiB: 64, cores: 4}, 1000, time.Hour)
		var memoryKiB, cores, done atomic.Int64
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				wants := place{memoryKiB: uint64(1 + i*7%64), cores: 1 + i%4}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if i%5 == 0 {
					go cancel()
				}
				leave, err := a.enter(ctx, wants)
				if err != nil {
					return
				}
				defer leave()
				if got := memoryKiB.Add(int64(wants.memoryKiB)); got > 64 {
					t.Errorf("%d KiB at once", got)
				}
				if got := cores.Add(int64(wants.cores)); got > 4 {
					t.Errorf("%d cores at once", got)
				}
				runtime.Gosched()
				memoryKiB.Add(-int64(wants.memoryKiB))
				cores.Add(-int64(wants.cores))
				done.Add(1)
			})
		}
		group.Wait()
		if got := done.Load(); got < 400 {
			t.Errorf("%d were let in, want all 400 who stayed", got)
		}
		assertAllFree(t, a)
	})
}

// enterAs queues a call of a client; the channel says how it ended.
func enterAs(a *admission, client int, wants place) chan error {
	ended := make(chan error, 1)
	a.mu.Lock()
	before := a.waiting.length
	a.mu.Unlock()
	go func() {
		leave, err := a.enter(from(context.Background(), client), wants)
		if err == nil {
			leave()
		}
		ended <- err
	}()
	waitForQueue(a, before+1)
	return ended
}

func TestPW20NobodyWaitsOnlyToMakeRoomForTheNext(t *testing.T) {
	one := place{memoryKiB: 10, cores: 1}
	a := newTestAdmission(one, 8, time.Hour)
	leave := mustEnter(t, a, one)
	var waiting []chan error
	for range 6 {
		waiting = append(waiting, enterAs(a, 1, one))
	}
	if _, err := a.enter(from(context.Background(), 1), one); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a call for the places of newcomers: %v, want %v", err, ErrOverloaded)
	}
	waiting = append(waiting, enterAs(a, 2, one), enterAs(a, 3, one))
	leave()
	for _, ended := range waiting {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	assertAllFree(t, a)
}

func TestPW20NoClientStarvesTheOthers(t *testing.T) {
	one := place{memoryKiB: 10, cores: 1}
	t.Run("a_quiet_client_gets_the_room_of_the_newest_call_of_a_flooder", func(t *testing.T) {
		a := newTestAdmission(one, 3, time.Hour)
		leave := mustEnter(t, a, one)
		flood := []chan error{enterAs(a, 1, one), enterAs(a, 1, one), enterAs(a, 1, one)}
		quiet := make(chan error, 1)
		go func() {
			leaveAgain, err := a.enter(from(context.Background(), 2), one)
			if err == nil {
				leaveAgain()
			}
			quiet <- err
		}()
		if err := <-flood[2]; !errors.Is(err, ErrOverloaded) {
			t.Errorf("the newest call of the flooder: %v, want %v", err, ErrOverloaded)
		}
		if _, err := a.enter(from(context.Background(), 1), one); !errors.Is(err, ErrOverloaded) {
			t.Errorf("a further call of the flooder: %v, want %v", err, ErrOverloaded)
		}
		leave()
		for _, ended := range []chan error{flood[0], flood[1], quiet} {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		assertAllFree(t, a)
	})

	t.Run("who_would_wait_too_long_is_told_at_once", func(t *testing.T) {
		a := newTestAdmission(one, 100, time.Hour)
		a.held = 12 * time.Minute
		leave := mustEnter(t, a, one)
		waiting := []chan error{enterAs(a, 1, one), enterAs(a, 1, one), enterAs(a, 1, one), enterAs(a, 1, one)}
		// Four would take 48 minutes, which is too long; a client of its own waits for
		// one of them.
		if _, err := a.enter(from(context.Background(), 1), one); !errors.Is(err, ErrOverloaded) {
			t.Errorf("got %v, want %v", err, ErrOverloaded)
		}
		waiting = append(waiting, enterAs(a, 2, one))
		leave()
		for _, ended := range waiting {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		assertAllFree(t, a)
	})

	t.Run("a_long_hold_is_forgotten", func(t *testing.T) {
		a := newTestAdmission(one, 1, time.Hour)
		a.held = time.Hour
		for range 200 {
			mustEnter(t, a, one)()
		}
		if a.held > time.Second {
			t.Errorf("a place is believed to be held for %v", a.held)
		}
	})
}

func TestPW20EngineRefusesWithoutWork(t *testing.T) {
	engine := newTestEngine(t, Config{MemoryBudgetKiB: 12 * 1024, MaxWait: time.Nanosecond, MaxWaiting: 1})
	phc := mustHash(t, engine, "fifteen-chars!!")
	before := engine.Evaluations()
	leave := mustEnter(t, engine.places, placeFor(cheapest))
	_, hashErr := engine.Hash(t.Context(), []byte("fifteen-chars!!"))
	_, verifyErr := engine.Verify(t.Context(), []byte("fifteen-chars!!"), phc)
	absentErr := engine.VerifyAbsent(t.Context(), []byte("fifteen-chars!!"))
	for _, err := range []error{hashErr, verifyErr, absentErr} {
		if !errors.Is(err, ErrOverloaded) {
			t.Errorf("got %v, want %v", err, ErrOverloaded)
		}
	}
	if got := engine.Evaluations(); got != before {
		t.Errorf("%d passwords were evaluated", got-before)
	}
	leave()
	if verdict, err := engine.Verify(t.Context(), []byte("fifteen-chars!!"), phc); err != nil || !verdict.Match {
		t.Errorf("afterwards: %+v, %v", verdict, err)
	}
}
