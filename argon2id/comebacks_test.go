package argon2id

import (
	"testing"
	"time"
)

func TestPW20WhoIsTurnedAwayComesBackInTurn(t *testing.T) {
	const pace = 400 * time.Millisecond // one in half a second comes back
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c comebacks
	for i, want := range []time.Duration{2 * time.Second, 2500 * time.Millisecond, 3 * time.Second} {
		if got := c.in(named('a'+rune(i)), begin, pace); got != want {
			t.Errorf("client %d: got %v, want %v", i, got, want)
		}
	}
	later := begin.Add(time.Second)
	if got, want := c.in(named('a'), later, pace), time.Second; got != want {
		t.Errorf("who asks too soon: got %v, want %v", got, want)
	}
	if got, want := c.in(named('d'), later, pace), 2500*time.Millisecond; got != want {
		t.Errorf("the next one: got %v, want %v", got, want)
	}
	for i := range 1000 {
		if got := c.in(named(1000+rune(i)), later, pace); got > mostComeback {
			t.Fatalf("told to stay away for %v", got)
		}
	}
	if got, most := len(c.due), int(mostComeback/(pace*5/4))+1; got > most || got != len(c.order) {
		t.Errorf("%d and %d are remembered, want at most %d", got, len(c.order), most)
	}
	muchLater := later.Add(time.Minute)
	if got := c.in(named('a'), muchLater, pace); got != leastComeback || len(c.due) != 1 || len(c.order) != 1 {
		t.Errorf("after a minute: got %v, and %d are remembered", got, len(c.due))
	}
	if got := c.in(named('z'), muchLater, 0); got != leastComeback {
		t.Errorf("before anything was measured: got %v", got)
	}
}
