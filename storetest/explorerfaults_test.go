package storetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func strict() design {
	d := sound()
	d.window = 0
	return d
}

func TestEveryInterleavingOfRefreshesKeepsTheInvariants(t *testing.T) {
	page, err := os.ReadFile("../docs/refresh.md")
	must(t, err)
	for _, test := range []struct {
		name, page string
		design
		habits
	}{
		{"RF-01_RF-02_RF-03_RF-04_RF-11_RF-23_among_thieves", "among thieves", sound(), habits{thief: true}},
		{"RF-04_among_thieves_with_a_strict_window", "among thieves, strict", strict(), habits{thief: true}},
		{"RF-10_an_honest_client_alone_is_never_logged_out", "an honest client alone", sound(), habits{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := explore(test.design, test.habits)
			if x.wrong != "" || len(x.worlds) >= bound {
				t.Fatal(x)
			}
			want := fmt.Sprintf("| %s | %d | %d | %d |", test.page, len(x.worlds), x.moves, x.depth())
			if !strings.Contains(string(page), want) {
				t.Errorf("docs/refresh.md does not say %s", want)
			}
		})
	}
}

// faults are mistakes in the design, each with the invariant it breaks.
var faults = []struct {
	name, want string
	fault      func(*design)
}{
	{"nobody looks at the window", "the parent was answered after the window",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			m.SinceStep = 0
			return m.Present(counter, window)
		})},
	{"the window begins again with each retry", "the parent was answered after the window",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			next, successor, ok := m.Present(counter, window)
			if ok {
				next.SinceStep = 0
			}
			return next, successor, ok
		})},
	{"a clock that was set back opens the window", "the parent was answered after the window",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			m.SinceStep = max(m.SinceStep, 0)
			return m.Present(counter, window)
		})},
	{"the window is open to every ancestor", "a token older than the parent was answered",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			if counter < m.Counter-1 {
				return m, counter + 1, true
			}
			return m.Present(counter, window)
		})},
	{"a retry gets a new token", "a token has two successors",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			next, successor, ok := m.Present(counter, window)
			if ok && next.Counter == m.Counter {
				next.Counter, successor = successor+1, successor+1
			}
			return next, successor, ok
		})},
	{"a step does not ask whether the session is alive", "an ended session was answered",
		stepsBy(func(m RefreshModel, counter int64, window time.Duration) (RefreshModel, int64, bool) {
			m.Ended = false
			return m.Present(counter, window)
		})},
	{"reuse is refused and ends nothing", "a session lives on after reuse",
		func(d *design) { d.refuse = func(r row) row { return r } }},
	{"the session is read first and written later", "a step was undone",
		func(d *design) { d.readsFirst = true }},
	{"an answer is given before the disk has it", "a restart forgot what was answered",
		func(d *design) { d.writesLater = true }},
	{"the last step is forgotten by a restart", "a restart forgot what was answered",
		restartsBy(func(r row) row {
			r.counter = max(r.counter-1, 0)
			return r
		})},
	{"ended sessions live again after a restart", "a restart forgot what was answered",
		restartsBy(func(r row) row {
			r.ended = false
			return r
		})},
}

func stepsBy(changed stepRule) func(*design) { return func(d *design) { d.step = changed } }

func restartsBy(changed func(row) row) func(*design) { return func(d *design) { d.restart = changed } }

func TestTheExplorerFindsEachFaultOfTheDesign(t *testing.T) {
	for _, test := range faults {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			faulty := sound()
			test.fault(&faulty)
			x := explore(faulty, habits{thief: true})
			if x.wrong != test.want {
				t.Fatalf("got %q, want %q; %d worlds", x.wrong, test.want, len(x.worlds))
			}
			t.Log(x)
		})
	}
}

// What the promise to an honest client rests on: without any one of these it is
// logged out by nobody's fault.
func TestTheExplorerFindsWhatAnHonestClientNeeds(t *testing.T) {
	for _, test := range []struct {
		name string
		design
		habits
	}{
		{"a window", strict(), habits{}},
		{"to ask again within it", sound(), habits{retriesLate: true}},
		{"to ask for the next step when older calls are over", sound(), habits{asksAhead: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := explore(test.design, test.habits)
			if want := "an honest client was logged out"; x.wrong != want {
				t.Fatalf("got %q, want %q; %d worlds", x.wrong, want, len(x.worlds))
			}
			t.Log(x)
		})
	}
}
