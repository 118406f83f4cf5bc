package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gatehouse/model"
)

const (
	// gatePatience is how long a check waits at one gate. There are three at most, of
	// its source, of that network and of its lane, and then the queue for a place to
	// hash, which has a patience of its own: so an answer may take the sum of the four.
	gatePatience = 5 * time.Second
	// gateWaiting bounds who waits at one gate: enough for many guesses at once to
	// be told that they are too many, and not that the server is busy.
	gateWaiting = 256
	// gateComeback is when to try again after that.
	gateComeback = 2 * time.Second
)

// errGateShut says that nobody more passes, however long one waits.
var errGateShut = errors.New("gatehouse: no attempt is left")

// errGateFull says that there is no room at once.
var errGateFull = errors.New("gatehouse: others are at the gate")

// gates let so many checks of one lane go on at once in this process as attempts
// are left, so that none of them takes another's: what is under way may fail or
// not. The others wait for their turn, first come, first served. A gate is there
// while somebody is at it.
type gates struct {
	attempts int64 // how many are left where nobody has failed
	least    int64 // how many may go on whoever has failed; 0 shuts the gate

	mu   sync.Mutex
	open map[model.Digest]*gate
}

type gate struct {
	key      model.Digest
	room     int64 // how many may be inside at once
	inside   int64
	waiting  []*gateWaiter
	known    bool // failures is what the store says; until then one is inside
	failures int64
	since    time.Time // when the failures began, where that counts
}

type gateWaiter struct {
	done chan struct{} // closed when it waits no more
	shut bool          // else it is inside; settled when done is closed
}

// pass is somebody inside a gate; leave must be called once.
type pass struct {
	gates *gates
	gate  *gate
}

func newGates(attempts, least int) *gates {
	return &gates{attempts: int64(attempts), least: int64(least), open: map[model.Digest]*gate{}}
}

// busy reports whether a check of this lane is under way.
func (g *gates) busy(key model.Digest) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open[key] != nil
}

// enter waits for a turn, where mayWait does not refuse that. Refusals: that of
// mayWait; ErrOverloaded when it would take too long or too many wait. Errors:
// errGateShut, that of ctx.
func (g *gates) enter(ctx context.Context, key model.Digest, mayWait func(context.Context) error) (*pass, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("gatehouse: wait for a turn: %w", err)
	}
	for asked := false; ; asked = true {
		here, w, err := g.arrive(key, asked)
		switch {
		case errors.Is(err, errGateFull) && !asked:
			if err := mayWait(ctx); err != nil { // not under the lock: it has locks of its own
				return nil, err
			}
		case err != nil:
			return nil, err
		case w != nil:
			return g.wait(ctx, here, w)
		default:
			return &pass{g, here}, nil
		}
	}
}

// arrive lets the caller in where there is room, and else, if it may wait, puts it
// at the end of those who wait. Refusal: ErrOverloaded when too many do. Errors:
// errGateShut; errGateFull when the caller would have to wait and may not.
func (g *gates) arrive(key model.Digest, mayWait bool) (*gate, *gateWaiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	here := g.open[key]
	if here == nil {
		here = &gate{key: key, room: 1}
		g.open[key] = here
	}
	switch {
	case here.room == 0:
		return nil, nil, errGateShut
	case len(here.waiting) == 0 && here.inside < here.room:
		here.inside++
		return here, nil, nil
	case len(here.waiting) >= gateWaiting:
		return nil, nil, model.ErrOverloaded.After(gateComeback)
	case !mayWait:
		return nil, nil, errGateFull
	}
	w := &gateWaiter{done: make(chan struct{})}
	here.waiting = append(here.waiting, w)
	return here, w, nil
}

func (g *gates) wait(ctx context.Context, here *gate, w *gateWaiter) (*pass, error) {
	timer := time.NewTimer(gatePatience)
	defer timer.Stop()
	var gone error = model.ErrOverloaded.After(gateComeback)
	select {
	case <-w.done:
		gone = nil
	case <-ctx.Done():
		gone = fmt.Errorf("gatehouse: wait for a turn: %w", ctx.Err())
	case <-timer.C:
	}
	g.mu.Lock()
	i := slices.Index(here.waiting, w)
	if i >= 0 {
		here.waiting = slices.Delete(here.waiting, i, i+1)
	}
	g.mu.Unlock()
	switch {
	case i < 0 && w.shut:
		return nil, errGateShut
	case i < 0 && gone != nil: // the turn came at the last moment
		(&pass{g, here}).leave()
		return nil, gone
	}
	return &pass{g, here}, gone
}

// learn takes down what is known of the failures at this gate, and lets in
// whoever may go on by it.
func (p *pass) learn(what func(*gate)) {
	p.gates.mu.Lock()
	defer p.gates.mu.Unlock()
	what(p.gate)
	p.gate.known = true
	p.gate.room = max(p.gates.attempts-p.gate.failures, p.gates.least)
	p.gates.letIn(p.gate)
}

// shut reports whether no attempt is left.
func (p *pass) shut() bool {
	p.gates.mu.Lock()
	defer p.gates.mu.Unlock()
	return p.gate.room == 0
}

func (p *pass) leave() {
	p.gates.mu.Lock()
	defer p.gates.mu.Unlock()
	p.gate.inside--
	p.gates.letIn(p.gate)
	if p.gate.inside == 0 && len(p.gate.waiting) == 0 {
		delete(p.gates.open, p.gate.key)
	}
}

// letIn needs the lock.
func (g *gates) letIn(here *gate) {
	for len(here.waiting) > 0 && (here.room == 0 || here.inside < here.room) {
		w := here.waiting[0]
		here.waiting = slices.Delete(here.waiting, 0, 1)
		if w.shut = here.room == 0; !w.shut {
			here.inside++
		}
		close(w.done)
	}
}
