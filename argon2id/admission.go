package argon2id

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// place is what a running hash takes: memory and cores, both, since either can
// be the scarce one.
type place struct {
	memoryKiB uint64
	cores     int
}

func placeFor(price Params) place {
	return place{memoryKiB: uint64(price.MemoryKiB), cores: int(price.Lanes)}
}

func (p place) atLeast(other place) place {
	return place{memoryKiB: max(p.memoryKiB, other.memoryKiB), cores: max(p.cores, other.cores)}
}

// admission lets calls in by order of arrival while memory and cores last. A
// large one at the head is waited for and not overtaken, or it would starve.
// golang.org/x/sync/semaphore weighs one resource and its queue has no bound.
type admission struct {
	whole      place
	maxWaiting int
	maxWait    time.Duration

	mu      sync.Mutex
	free    place
	waiting list.List // of *waiter
}

type waiter struct {
	wants place
	let   chan struct{} // closed when the place is taken for the waiter
}

func newAdmission(whole place, maxWaiting int, maxWait time.Duration) *admission {
	return &admission{whole: whole, free: whole, maxWaiting: maxWaiting, maxWait: maxWait}
}

// enter takes a place; leave gives it back and must be called once. Refusals:
// ErrRejected for a place that can never be free, ErrOverloaded when the queue
// is full or the wait was too long, the error of ctx.
func (a *admission) enter(ctx context.Context, wants place) (leave func(), err error) {
	// More lanes than cores share the cores that there are.
	wants.cores = min(wants.cores, a.whole.cores)
	if wants.memoryKiB > a.whole.memoryKiB {
		return nil, fmt.Errorf("%w: m is above the memory budget of %d KiB", ErrRejected, a.whole.memoryKiB)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("argon2id: wait for a place: %w", err)
	}
	leave = func() { a.giveBack(wants) }

	a.mu.Lock()
	if a.waiting.Len() == 0 && a.take(wants) {
		a.mu.Unlock()
		return leave, nil
	}
	if a.waiting.Len() >= a.maxWaiting {
		a.mu.Unlock()
		return nil, ErrOverloaded
	}
	w := &waiter{wants: wants, let: make(chan struct{})}
	element := a.waiting.PushBack(w)
	a.mu.Unlock()

	if err := a.wait(ctx, w, element); err != nil {
		return nil, err
	}
	return leave, nil
}

// wait returns nil once the place of w is taken.
func (a *admission) wait(ctx context.Context, w *waiter, element *list.Element) error {
	timer := time.NewTimer(a.maxWait)
	defer timer.Stop()
	reason := ErrOverloaded
	select {
	case <-w.let:
		return nil
	case <-ctx.Done():
		reason = fmt.Errorf("argon2id: wait for a place: %w", ctx.Err())
	case <-timer.C:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-w.let:
		// The place came at the last moment, and who gave up does not want it.
		a.free.memoryKiB += w.wants.memoryKiB
		a.free.cores += w.wants.cores
	default:
		a.waiting.Remove(element)
	}
	// Either way the next ones may fit now.
	a.letIn()
	return reason
}

func (a *admission) giveBack(p place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free.memoryKiB += p.memoryKiB
	a.free.cores += p.cores
	a.letIn()
}

// letIn admits from the head of the queue while places last. Needs the lock.
func (a *admission) letIn() {
	for {
		head := a.waiting.Front()
		if head == nil {
			return
		}
		w := head.Value.(*waiter)
		if !a.take(w.wants) {
			return
		}
		a.waiting.Remove(head)
		close(w.let)
	}
}

// take reserves p if it is free. Needs the lock.
func (a *admission) take(p place) bool {
	if p.memoryKiB > a.free.memoryKiB || p.cores > a.free.cores {
		return false
	}
	a.free.memoryKiB -= p.memoryKiB
	a.free.cores -= p.cores
	return true
}
