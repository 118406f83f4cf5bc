package storetest

import (
	"fmt"
	"strings"
	"time"
)

// explorer visits every world that can be reached, the nearest first.
type explorer struct {
	design
	habits
	known  map[world]int32
	worlds []world
	from   []int32
	acts   []string
	moves  int

	at    int32  // the world whose moves are made
	wrong string // the first invariant that was broken
	trace []string
}

const bound = 3_000_000 // worlds; none of the explorations comes near it

func explore(d design, h habits) *explorer {
	x := &explorer{design: d, habits: h, known: map[world]int32{}}
	x.at = -1
	x.reach("login", world{}, "")
	for x.at = 0; int(x.at) < len(x.worlds) && x.wrong == "" && len(x.worlds) < bound; x.at++ {
		x.everyMove(x.worlds[x.at])
	}
	return x
}

// depth is the number of acts that lead to the world furthest away.
func (x *explorer) depth() (n int) {
	for at := int32(len(x.worlds) - 1); at > 0; at = x.from[at] {
		n++
	}
	return n
}

// reach notes a world, or what is wrong with the act that led to it.
func (x *explorer) reach(act string, w world, wrong string) {
	x.moves++
	w = w.normal()
	if wrong != "" && x.wrong == "" {
		x.wrong, x.trace = wrong, []string{act}
		for at := x.at; at > 0; at = x.from[at] {
			x.trace = append([]string{x.acts[at]}, x.trace...)
		}
	}
	if _, ok := x.known[w]; ok {
		return
	}
	x.known[w] = int32(len(x.worlds))
	x.worlds, x.from, x.acts = append(x.worlds, w), append(x.from, x.at), append(x.acts, act)
}

func (x *explorer) everyMove(w world) {
	x.ask(w)
	for i, c := range w.calls {
		switch c.phase {
		case free:
			continue
		case asked:
			x.serve(w, i)
		case decided:
			x.write(w, i)
		case refusing:
			x.end(w, i)
		case answered:
			x.hear(w, i)
		}
		x.lose(w, i)
	}
	x.logOut(w)
	x.disturb(w)
}

// lose is a call that never arrives, a process that is killed before or after
// the commit, an answer that never arrives, or somebody who waits no longer.
func (x *explorer) lose(w world, i int) {
	c := w.calls[i]
	w.calls[i] = call{}
	x.reach("lose the call or its answer", w, "")
	if c.client && c.phase != answered {
		c.client = false
		w.calls[i] = c
		x.reach("give up waiting", w, "")
	}
}

// ask sends a refresh.
func (x *explorer) ask(w world) {
	i := 0
	for i < atOnce && w.calls[i].phase != free {
		i++
	}
	if i == atOnce {
		return
	}
	waiting, older := 0, false
	for _, c := range w.calls {
		if c.client {
			waiting++
		}
		older = older || c.phase != free && c.token != w.held
	}
	if w.held != loggedOut && waiting < tabs && (x.asksAhead || !older) {
		w := w
		w.calls[i] = call{phase: asked, client: true, token: w.held, late: w.over}
		x.reach("a tab asks", w, "")
	}
	for token := int8(0); x.thief && token <= w.newest; token++ {
		w := w
		w.calls[i] = call{phase: asked, token: token, late: w.over}
		x.reach(fmt.Sprintf("the thief asks with the token %d before the newest", w.newest-token), w, "")
	}
}

// serve is the conditional statement.
func (x *explorer) serve(w world, i int) {
	c := &w.calls[i]
	next, successor, ok := x.step(w.served.model(), int64(c.token), x.window)
	if !ok {
		c.phase = refusing
		x.reach("refuse the step", w, "")
		return
	}
	c.phase, c.successor, c.plan = decided, int8(successor), rowOf(next)
	if x.readsFirst {
		x.reach("read", w, "")
		return
	}
	x.write(w, i)
}

func (x *explorer) write(w world, i int) {
	ended := w.served.ended
	w.served = w.calls[i].plan
	w.served.ended = ended
	x.answer(w, i)
}

// fresh reports whether the parent of the newest token may be presented again.
func (x *explorer) fresh(w world) bool {
	since := time.Duration(w.age) * tick
	return since > -x.window && since < x.window
}

// answer is a successor on its way to whoever asked. What was handed out by it
// is judged here.
func (x *explorer) answer(w world, i int) {
	c := &w.calls[i]
	wrong := ""
	switch {
	case c.late:
		wrong = "an ended session was answered"
	case c.successor != c.token+1:
		wrong = "a token has two successors"
	case c.token < w.newest-1:
		wrong = "a token older than the parent was answered"
	case c.token == w.newest-1 && !x.fresh(w):
		wrong = "the parent was answered after the window"
	case c.token == w.newest:
		w.newest, w.age = c.successor, 0
	}
	if w.served.counter < w.newest {
		wrong = "a step was undone"
	}
	c.plan = row{}
	if c.phase = answered; !c.client {
		*c = call{} // the thief knows it by now, and nobody else wants it
	}
	x.reach("step", x.written(w), wrong)
}

// written is the world in which the disk has what is served, unless the design
// does that later.
func (x *explorer) written(w world) world {
	if !x.writesLater {
		w.disk = w.served
	}
	return w
}

// end is the second statement of a refusal, and its answer.
func (x *explorer) end(w world, i int) {
	c := &w.calls[i]
	wrong := ""
	if !w.served.ended && (c.token == w.newest || c.token == w.newest-1 && x.fresh(w)) {
		wrong = "a token in force was refused"
	}
	w.served = x.refuse(w.served)
	if !w.served.ended {
		wrong = "a session lives on after reuse"
	}
	if !x.thief && !w.left {
		wrong = "an honest client was logged out"
	}
	w.over = true
	if c.phase, c.successor = answered, loggedOut; !c.client {
		*c = call{}
	}
	x.reach("end the session and refuse", x.written(w), wrong)
}

// hear is the answer reaching the client.
func (x *explorer) hear(w world, i int) {
	c := w.calls[i]
	w.calls[i] = call{}
	w.held = c.successor
	x.reach("hear the answer", w, "")
}

func (x *explorer) logOut(w world) {
	switch w.logout {
	case free:
		w.logout, w.left = asked, true
		x.reach("ask for the end", w, "")
	case asked:
		w.served.ended = true
		w.logout = answered
		x.reach("end the session", x.written(w), "")
	case answered:
		w.logout, w.over = free, true
		x.reach("hear that it has ended", w, "")
	}
}

// disturb is what nobody asks for: time, a clock that is set, a crash.
func (x *explorer) disturb(w world) {
	if w.served != w.disk {
		w := w
		w.disk = w.served
		x.reach("write to the disk", w, "")
	}
	crashed, wrong := w, ""
	crashed.served = x.restart(w.disk)
	crashed.disk, crashed.calls, crashed.logout = crashed.served, [atOnce]call{}, free
	if crashed.served.counter != w.newest || w.over && !crashed.served.ended {
		wrong = "a restart forgot what was answered"
	}
	x.reach("crash and start again", crashed, wrong)

	waits := w.held == w.newest-1
	for _, c := range w.calls {
		if c.phase == decided {
			return // what is written late is bad enough without time going by
		}
		waits = waits || c.phase != free && c.token == w.newest-1
	}
	if x.thief || x.retriesLate || !waits || w.age+1 < retryTicks {
		x.reach("time goes by", aged(w, func(age int8) int8 {
			if age < 0 {
				return age // an hour is many ticks
			}
			return min(age+1, retryTicks)
		}), "")
	}
	if x.thief || x.retriesLate {
		x.reach("the clock is set back", aged(w, func(int8) int8 { return -retryTicks }), "")
	}
}

func aged(w world, age func(int8) int8) world {
	w.served.age, w.disk.age, w.age = age(w.served.age), age(w.disk.age), age(w.age)
	return w
}

func (x *explorer) String() string {
	return fmt.Sprintf("%s:\n  %s", x.wrong, strings.Join(x.trace, "\n  "))
}
