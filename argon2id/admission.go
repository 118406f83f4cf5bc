package argon2id

import (
	"context"
	"fmt"
	"net/netip"
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

// fits returns how many places of p there are in whole, at least 1.
func (p place) fits(whole place) int {
	return max(1, min(whole.cores/max(p.cores, 1), int(whole.memoryKiB/max(p.memoryKiB, 1))))
}

// admissionLimits is what an admission is made of.
type admissionLimits struct {
	whole      place // all there is
	usual      place // that of a new hash
	maxWaiting int
	maxWait    time.Duration
	// client tells on whose behalf a call comes; nil means that all are one.
	client func(context.Context) netip.Prefix
}

// admission lets calls in while memory and cores last, and has the clients take
// turns. A large place that is next is waited for and not overtaken, or it would
// starve. golang.org/x/sync/semaphore weighs one resource, and its queue has no
// bound and knows no clients.
type admission struct {
	limits admissionLimits

	mu      sync.Mutex
	free    place
	waiting *turns
	// held is how long places were held of late; zero before the first was given
	// back.
	held time.Duration
	away comebacks
	// refused is how often somebody was turned away.
	refused uint64
}

const (
	// heldShare is the part that the last hold has in their running mean.
	heldShare = 8
	// keptShare is the part of the queue that is kept for clients of whom nobody
	// waits yet.
	keptShare = 4
)

// share is how much of the queue, and of the wait, a call may find taken, in
// sixteenths.
type share int

const (
	allOfIt   share = sixteenths
	nearlyAll share = 15
	halfOfIt  share = 8

	sixteenths = 16
)

func newAdmission(limits admissionLimits) *admission {
	if limits.client == nil {
		limits.client = func(context.Context) netip.Prefix { return netip.Prefix{} }
	}
	return &admission{limits: limits, free: limits.whole, waiting: newTurns(limits.usual.memoryKiB)}
}

// enter takes a place; leave gives it back and must be called once. Refusals:
// ErrRejected for a place that can never be free; *Overloaded at once when the wait
// would be too long, later when it was or when the queue is needed for those who
// ask for less; the error of ctx.
func (a *admission) enter(ctx context.Context, wants place) (leave func(), err error) {
	// More lanes than cores share the cores that there are.
	wants.cores = min(wants.cores, a.limits.whole.cores)
	if wants.memoryKiB > a.limits.whole.memoryKiB {
		return nil, fmt.Errorf("%w: m is above the memory budget of %d KiB", ErrRejected, a.limits.whole.memoryKiB)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("argon2id: wait for a place: %w", err)
	}
	network := a.limits.client(ctx)

	a.mu.Lock()
	if a.waiting.length == 0 && a.take(wants) {
		a.mu.Unlock()
		return a.leaving(wants), nil
	}
	w := a.queue(network, wants)
	if w == nil {
		err = a.turnedAway(network)
	}
	a.mu.Unlock()
	if err == nil {
		err = a.wait(ctx, w)
	}
	if err != nil {
		return nil, err
	}
	return a.leaving(wants), nil
}

// leaving returns what gives back a place that is held from now on.
func (a *admission) leaving(p place) (leave func()) {
	since := time.Now()
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if took := min(time.Since(since), a.limits.maxWait); a.held == 0 {
			a.held = took
		} else {
			a.held += (took - a.held) / heldShare
		}
		a.giveBack(p)
	}
}

// crowded returns what enter would refuse at once if no more than a share were
// there to be taken, and takes no place.
func (a *admission) crowded(ctx context.Context, wants place, most share) error {
	wants.cores = min(wants.cores, a.limits.whole.cores)
	network := a.limits.client(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting.length == 0 && a.fits(wants) {
		return nil
	}
	if _, ok := a.mayQueue(network, most); !ok {
		return a.turnedAway(network)
	}
	return nil
}

// mayQueue reports whether there is use and room for one more of this client to
// wait, and who would have to go for it, if anybody. Needs the lock.
func (a *admission) mayQueue(network netip.Prefix, most share) (out *waiter, ok bool) {
	expected := time.Duration(a.waiting.ahead(network)) * a.pace()
	if expected > a.limits.maxWait/4*3/sixteenths*time.Duration(most) { // what is expected is not exact
		return nil, false
	}
	room := a.limits.maxWaiting - a.limits.maxWaiting*int(sixteenths-most)/sixteenths
	if a.waiting.waitingFor(network) > 0 {
		// Or else it would be let wait, and a moment later make room for one of those.
		room -= room / keptShare
	}
	if a.waiting.length < room {
		return nil, true
	}
	out = a.waiting.crowdedOut(network)
	return out, out != nil
}

// queue returns a waiter, or nil when there is no use or no room for it. Needs
// the lock.
func (a *admission) queue(network netip.Prefix, wants place) *waiter {
	out, ok := a.mayQueue(network, allOfIt)
	if !ok {
		return nil
	}
	if out != nil {
		a.waiting.remove(out)
		out.refused = true
		close(out.done)
	}
	w := a.waiting.add(network, wants)
	// Who was crowded out may have been the one that the others waited for.
	a.letIn()
	return w
}

// pace is after how long the next place comes free, by experience; zero before
// there is any. Needs the lock.
func (a *admission) pace() time.Duration {
	return a.held / time.Duration(a.limits.usual.fits(a.limits.whole))
}

// turnedAway needs the lock.
func (a *admission) turnedAway(network netip.Prefix) error {
	a.refused++
	return &Overloaded{RetryAfter: a.away.in(network, time.Now(), a.pace())}
}

// wait returns nil once the place of w is taken.
func (a *admission) wait(ctx context.Context, w *waiter) error {
	timer := time.NewTimer(a.limits.maxWait)
	defer timer.Stop()
	var gone error
	select {
	case <-w.done:
		if !w.refused {
			return nil
		}
	case <-ctx.Done():
		gone = fmt.Errorf("argon2id: wait for a place: %w", ctx.Err())
	case <-timer.C:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case w.element != nil:
		a.waiting.remove(w)
		a.letIn() // those behind may fit now
	case !w.refused:
		// The place came at the last moment, and who gave up does not want it.
		a.giveBack(w.wants)
	}
	if gone != nil {
		return gone
	}
	return a.turnedAway(w.client.network)
}

// load returns what is going on.
func (a *admission) load() Load {
	a.mu.Lock()
	defer a.mu.Unlock()
	return Load{Waiting: a.waiting.length, RunningKiB: a.limits.whole.memoryKiB - a.free.memoryKiB, Refused: a.refused}
}

// giveBack needs the lock.
func (a *admission) giveBack(p place) {
	a.free.memoryKiB += p.memoryKiB
	a.free.cores += p.cores
	a.letIn()
}

// letIn admits those whose turn it is while places last. Needs the lock.
func (a *admission) letIn() {
	for {
		w := a.waiting.next()
		if w == nil || !a.take(w.wants) {
			return
		}
		a.waiting.letIn(w)
		close(w.done)
	}
}

// fits reports whether p is free. Needs the lock.
func (a *admission) fits(p place) bool {
	return p.memoryKiB <= a.free.memoryKiB && p.cores <= a.free.cores
}

// take reserves p if it is free. Needs the lock.
func (a *admission) take(p place) bool {
	if !a.fits(p) {
		return false
	}
	a.free.memoryKiB -= p.memoryKiB
	a.free.cores -= p.cores
	return true
}
