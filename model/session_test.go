package model_test

import (
	"testing"
	"time"

	"gatehouse/model"
)

func TestAStepRepeatsForItsParentWithinTheWindow(t *testing.T) {
	stepped := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	session := model.Session{Counter: 7, SteppedAt: stepped}
	const window = 10 * time.Second
	for name, look := range map[string]struct {
		counter int64
		after   time.Duration
		window  time.Duration
		want    bool
	}{
		"at once":                          {6, 0, window, true},
		"just within":                      {6, window - time.Microsecond, window, true},
		"at its end":                       {6, window, window, false},
		"a clock set back, within":         {6, -window + time.Microsecond, window, true},
		"a clock set back by the window":   {6, -window, window, false},
		"a step of the future":             {6, -5 * time.Minute, window, false},
		"the token in force":               {7, 0, window, false},
		"an older one":                     {5, 0, window, false},
		"one that was never given out":     {8, 0, window, false},
		"strict, at once":                  {6, 0, 0, false},
		"strict, by a clock that was back": {6, -time.Microsecond, 0, false},
	} {
		if got := session.RepeatsFor(look.counter, stepped.Add(look.after), look.window); got != look.want {
			t.Errorf("%s: got %v, want %v", name, got, look.want)
		}
	}
}
