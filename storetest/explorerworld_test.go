package storetest

import (
	"slices"
	"time"
)

// The world of the explorer: one session as it is kept, calls under way, one
// client with two tabs, and a thief who knows every refresh token that was ever
// handed out. Tokens are named by their counter, and counted from the newest
// three back: what is older is never told apart. Time is the age of the last step
// in ticks, of which two make the window. So the world is finite though its life
// is endless.

const (
	tick       = 5 * time.Second
	retryTicks = 2 // the window of 10 seconds
	newestName = 3
	atOnce     = 3 // calls under way
	tabs       = 2
	loggedOut  = int8(-1) // held by a client that was refused
)

// row is what is kept of the session.
type row struct {
	counter int8
	age     int8 // ticks since the last step, at most retryTicks; -retryTicks when the clock was set back behind it
	ended   bool
}

func (r row) model() RefreshModel {
	return RefreshModel{Counter: int64(r.counter), SinceStep: time.Duration(r.age) * tick, Ended: r.ended}
}

func rowOf(m RefreshModel) row {
	return row{counter: int8(m.Counter), age: int8(m.SinceStep / tick), ended: m.Ended}
}

type phase uint8

const (
	free     phase = iota
	asked          // on the way to the server
	decided        // what to write was made of what was read, and is not written yet
	refusing       // the step was refused, the session is not ended yet
	answered       // the answer is on its way back
)

// call is one refresh under way.
type call struct {
	phase     phase
	client    bool // somebody of the client waits for the answer
	late      bool // asked after somebody was told that the session is over
	token     int8
	successor int8 // or loggedOut, when it is answered
	plan      row  // when it is decided
}

// world is one moment.
type world struct {
	served row // as the processes answer
	disk   row // as it is after a crash
	calls  [atOnce]call
	logout phase // free, asked, answered: ended and not told yet
	left   bool  // a logout was asked for
	over   bool  // somebody was told that the session is over
	held   int8  // by the client
	newest int8  // token that was handed out
	age    int8  // of the newest, as in row
}

// normal is the world in the one spelling of all that are alike.
func (w world) normal() world {
	if back := w.newest - newestName; back > 0 {
		rename := func(token *int8) {
			if *token != loggedOut {
				*token = max(*token-back, 0)
			}
		}
		rename(&w.served.counter)
		rename(&w.disk.counter)
		rename(&w.held)
		for i := range w.calls {
			if c := &w.calls[i]; c.phase != free {
				rename(&c.token)
				rename(&c.successor)
				rename(&c.plan.counter)
			}
		}
		w.newest = newestName
	}
	slices.SortFunc(w.calls[:], compareCalls)
	return w
}

func compareCalls(a, b call) int { return a.rank() - b.rank() }

func (c call) rank() int {
	rank := int(c.phase)
	for _, part := range [...]int8{bit(c.client), bit(c.late), c.token, c.successor, c.plan.counter, c.plan.age, bit(c.plan.ended)} {
		rank = rank*8 + int(part) + 2 // ages and names lie between -2 and 5
	}
	return rank
}

func bit(is bool) int8 {
	if is {
		return 1
	}
	return 0
}

type stepRule func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool)

// design is how the session is kept: the one of this module, or one with a fault.
type design struct {
	window      time.Duration
	step        stepRule
	refuse      func(row) row // what reuse makes of the session
	restart     func(row) row // what a process that starts finds
	readsFirst  bool          // decides by what it read, and writes later
	writesLater bool          // answers before the disk has it
}

func sound() design {
	return design{
		window:  retryTicks * tick,
		step:    RefreshModel.Present,
		refuse:  func(r row) row { return rowOf(r.model().End()) },
		restart: func(r row) row { return r },
	}
}

// habits are what those outside do. The zero value is a client as
// docs/refresh.md asks it to be, alone.
type habits struct {
	thief       bool // presents any token that was handed out, at any time
	asksAhead   bool // asks for the next step while an older call is under way
	retriesLate bool // may ask again after the window
}
