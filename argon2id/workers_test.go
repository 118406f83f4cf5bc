package argon2id

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs the test with a clock of its own, and ends it with all memory
// given back.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(2 * keepFor)
	})
}

func mustTake(t *testing.T, w *workers, memoryKiB uint64) *worker {
	t.Helper()
	taken, err := w.take(memoryKiB)
	if err != nil {
		t.Fatal(err)
	}
	if got := taken.memoryKiB(); got != memoryKiB {
		t.Fatalf("took %d KiB, want %d", got, memoryKiB)
	}
	return taken
}

func restingKiB(w *workers) (sizes []uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.resting {
		sizes = append(sizes, r.worker.memoryKiB())
	}
	return sizes
}

func TestMemoryIsTakenOnceAndReused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorkers(portable, 1024)
		first, second := mustTake(t, w, 256), mustTake(t, w, 256)
		w.giveBack(first)
		w.giveBack(second)
		if again := mustTake(t, w, 256); again != second {
			t.Error("the one that rested last is not lent first")
		} else {
			w.giveBack(again)
		}
		other := mustTake(t, w, 128)
		if other == first || other == second {
			t.Error("more memory was lent than was asked for")
		}
		w.giveBack(other)
		if got, want := restingKiB(w), []uint64{256, 256, 128}; !slices.Equal(got, want) {
			t.Errorf("%v KiB rest, want %v", got, want)
		}
	})
}

func TestRestingMemoryMakesRoomWithinTheBudget(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorkers(portable, 1024)
		for _, taken := range []*worker{mustTake(t, w, 256), mustTake(t, w, 512), mustTake(t, w, 128)} {
			w.giveBack(taken)
		}
		large := mustTake(t, w, 512)
		if got, want := restingKiB(w), []uint64{256, 128}; !slices.Equal(got, want) {
			t.Errorf("one as large rested: %v KiB rest, want %v", got, want)
		}
		small := mustTake(t, w, 255)
		if got, want := restingKiB(w), []uint64{128}; !slices.Equal(got, want) {
			t.Errorf("the oldest gives way: %v KiB rest, want %v", got, want)
		}
		if err := w.takeRoom(200); err != nil || len(restingKiB(w)) != 0 {
			t.Errorf("foreign memory: %v, %v KiB rest, want none", err, restingKiB(w))
		}
		w.giveBackRoom(200)
		w.giveBack(large)
		w.giveBack(small)
		if w.lentKiB != 0 {
			t.Errorf("%d KiB are lent", w.lentKiB)
		}
	})
}

func TestMemoryAtRestIsWipedThenGivenBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorkers(portable, 4096)
		used := mustTake(t, w, 3000)
		used.derive(make([]byte, 32), input{password: []byte("correct horse"), salt: []byte("saltsalt")}, Params{3000, 1, 1}, 1)
		w.giveBack(used)
		if bytes.Equal(used.memory, make([]byte, len(used.memory))) {
			t.Fatal("it is wiped before there is time")
		}
		time.Sleep(wipeAfter + time.Millisecond)
		synctest.Wait()
		if !bytes.Equal(used.memory, make([]byte, len(used.memory))) {
			t.Error("it is not wiped")
		}
		// Used again, it is dirty again, and its rest begins anew.
		again := mustTake(t, w, 3000)
		again.memory[0] = 1
		time.Sleep(keepFor)
		w.giveBack(again)
		time.Sleep(keepFor - time.Millisecond)
		synctest.Wait()
		if again != used || again.memory[0] != 0 || len(restingKiB(w)) != 1 {
			t.Error("it was not wiped, or went too soon")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := restingKiB(w); len(got) != 0 || used.memory != nil || w.tidying {
			t.Errorf("%v KiB rest", got)
		}
	})
}

func TestPW20ManyTakersStayWithinTheBudget(t *testing.T) {
	const budgetKiB = 1000
	w := newWorkers(portable, budgetKiB)
	places := newAdmission(admissionLimits{whole: place{memoryKiB: budgetKiB, cores: 8}, maxWaiting: 1000, maxWait: time.Hour})
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			wants := place{memoryKiB: uint64(100 + i%3*200), cores: 1}
			defer mustEnter(t, places, wants)()
			taken, err := w.take(wants.memoryKiB)
			if err != nil {
				t.Error(err)
				return
			}
			taken.memory[0], taken.memory[len(taken.memory)-1] = 1, 1
			w.mu.Lock()
			sum := w.lentKiB + w.wipingKiB + w.restingKiB()
			w.mu.Unlock()
			if sum > budgetKiB {
				t.Errorf("%d KiB are mapped", sum)
			}
			if i%10 == 0 {
				w.mu.Lock()
				w.plan(0)
				w.mu.Unlock()
			}
			w.giveBack(taken)
		})
	}
	group.Wait()
	assertAllFree(t, places)
}
