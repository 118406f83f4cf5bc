package argon2id

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// wipeAfter is how long the memory of a hash may rest unwiped. Under load the
	// next hash takes it sooner and overwrites it: wiping costs a sixth to a half
	// of a hash, which is spent only when there is time.
	wipeAfter = 50 * time.Millisecond
	// keepFor is how long memory rests before it goes back to the system.
	keepFor = 5 * time.Second
	// wipeStep bounds what is wiped in one go, in bytes: nothing interrupts it.
	wipeStep = 1 << 20
)

// workers lends workers with memory that the system gave once and gets back when
// nobody needs it. Lent, resting and foreign memory together stay within the
// budget, as long as those who take have a place in the admission.
type workers struct {
	kernel    kernel
	budgetKiB uint64

	mu        sync.Mutex
	lentKiB   uint64
	wipingKiB uint64
	wiped     sync.Cond // wipingKiB has gone down
	resting   []resting // the oldest first
	tidying   bool      // a call of tidy is planned or under way
	timer     *time.Timer
}

// resting is a worker that waits for work.
type resting struct {
	worker *worker
	since  time.Time
	wiped  bool
}

func newWorkers(k kernel, budgetKiB uint64) *workers {
	w := &workers{kernel: k, budgetKiB: budgetKiB}
	w.wiped.L = &w.mu
	return w
}

// take lends a worker with this much memory, and what is in it is not defined.
// An error is trouble: the system has no memory.
func (w *workers) take(memoryKiB uint64) (*worker, error) {
	w.mu.Lock()
	if rested := w.restingWith(memoryKiB); rested != nil {
		w.lentKiB += memoryKiB
		w.mu.Unlock()
		return rested, nil
	}
	err := w.makeRoom(memoryKiB)
	w.mu.Unlock()
	if err == nil {
		var memory []byte
		if memory, err = mapMemory(int(memoryKiB) * blockBytes); err == nil {
			return &worker{kernel: w.kernel, memory: memory}, nil
		}
		w.giveBackRoom(memoryKiB)
	}
	return nil, fmt.Errorf("argon2id: memory for a hash: %w", err)
}

// giveBack lets a worker rest. The one that rested last is lent first, since its
// memory is still in the caches.
func (w *workers) giveBack(used *worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lentKiB -= used.memoryKiB()
	w.resting = append(w.resting, resting{worker: used, since: time.Now()})
	if !w.tidying {
		w.plan(wipeAfter)
	}
}

// plan has tidy called. Needs the lock.
func (w *workers) plan(in time.Duration) {
	w.tidying = true
	if w.timer == nil {
		w.timer = time.AfterFunc(in, w.tidy)
		return
	}
	w.timer.Reset(in)
}

// takeRoom keeps memory free that somebody else will ask the system for.
func (w *workers) takeRoom(memoryKiB uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.makeRoom(memoryKiB)
}

func (w *workers) giveBackRoom(memoryKiB uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lentKiB -= memoryKiB
}

// restingWith removes and returns a worker with exactly this much memory: one
// with more would take more than its place allows. Needs the lock.
func (w *workers) restingWith(memoryKiB uint64) *worker {
	for i := len(w.resting) - 1; i >= 0; i-- {
		if found := w.resting[i].worker; found.memoryKiB() == memoryKiB {
			w.resting = slices.Delete(w.resting, i, i+1)
			return found
		}
	}
	return nil
}

// makeRoom counts the memory as lent, once those who have rested longest have
// given theirs back to the system for it. Needs the lock.
func (w *workers) makeRoom(memoryKiB uint64) error {
	for w.lentKiB+w.wipingKiB+w.restingKiB()+memoryKiB > w.budgetKiB {
		if len(w.resting) > 0 {
			oldest := w.resting[0].worker
			w.resting = slices.Delete(w.resting, 0, 1)
			if err := oldest.release(); err != nil {
				return err
			}
			continue
		}
		if w.wipingKiB == 0 {
			break
		}
		w.wiped.Wait()
	}
	w.lentKiB += memoryKiB
	return nil
}

// Needs the lock.
func (w *workers) restingKiB() (sum uint64) {
	for _, r := range w.resting {
		sum += r.worker.memoryKiB()
	}
	return sum
}

// tidy wipes what has rested a little and gives back what has rested long. It
// comes again for as long as there is something left to do.
func (w *workers) tidy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		now := time.Now()
		i := slices.IndexFunc(w.resting, func(r resting) bool { return !r.due().After(now) })
		if i < 0 {
			break
		}
		r := w.resting[i]
		w.resting = slices.Delete(w.resting, i, i+1)
		if r.wiped {
			// To unmap what was mapped cannot fail; if it did, nobody could help.
			_ = r.worker.release()
			continue
		}
		w.wipe(r)
	}
	w.tidying = false
	if len(w.resting) > 0 {
		next := slices.MinFunc(w.resting, func(a, b resting) int { return a.due().Compare(b.due()) })
		w.plan(time.Until(next.due()))
	}
}

// wipe wipes memory that rests no more, and lets it rest again. Needs the lock,
// which it gives away while it works.
func (w *workers) wipe(r resting) {
	w.wipingKiB += r.worker.memoryKiB()
	w.mu.Unlock()
	r.worker.wipe()
	r.wiped = true
	w.mu.Lock()
	w.wipingKiB -= r.worker.memoryKiB()
	w.resting = slices.Insert(w.resting, 0, r)
	w.wiped.Broadcast()
}

// due returns when something is to be done about r.
func (r resting) due() time.Time {
	if r.wiped {
		return r.since.Add(keepFor)
	}
	return r.since.Add(wipeAfter)
}

func (w *worker) memoryKiB() uint64 { return uint64(len(w.memory)) / blockBytes }

func (w *worker) wipe() {
	for rest := w.memory; len(rest) > 0; {
		step := rest[:min(wipeStep, len(rest))]
		clear(step)
		rest = rest[len(step):]
	}
}

// release gives the memory back to the system, which hands it to others as
// zeros.
func (w *worker) release() error {
	memory := w.memory
	w.memory = nil
	return unmapMemory(memory)
}
