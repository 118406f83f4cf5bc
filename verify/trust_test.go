package verify

import (
	"testing"
	"time"
)

func TestTrust(t *testing.T) {
	start := time.Now() // with both clocks
	second := trustFor(time.Second, start)
	wall := func(d time.Duration) time.Time { return start.Round(0).Add(d) }
	for name, test := range map[string]struct {
		trust trust
		now   time.Time
		want  bool
	}{
		"at_its_beginning":                  {second, start, true},
		"at_its_end":                        {second, start.Add(time.Second), true},
		"after_its_end":                     {second, start.Add(time.Second + 1), false},
		"before_its_beginning":              {second, start.Add(-1), false},
		"a_machine_that_slept":              {second, wall(time.Minute), false}, // as if the monotonic clock had stood still
		"a_wall_clock_without_another":      {second, wall(time.Second / 2), true},
		"before_the_end_of_what_is_held":    {second.endingBefore(wall(time.Second / 2)), start.Add(time.Second/2 - 1), true},
		"at_the_end_of_what_is_held":        {second.endingBefore(wall(time.Second / 2)), start.Add(time.Second / 2), false},
		"an_end_that_comes_later_is_no_end": {second.endingBefore(wall(time.Hour)), start.Add(time.Second + 1), false},
		"the_zero_value":                    {trust{}, start, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.trust.holds(test.now); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
	t.Run("a_sleep_that_only_the_wall_clock_saw", func(t *testing.T) {
		slept := trust{from: start, until: start.Add(time.Hour), untilWall: start.UnixNano() - 1}
		if slept.holds(start.Add(time.Second)) {
			t.Error("the wall clock says that it is over")
		}
	})
	t.Run("a_wall_clock_that_was_set_back", func(t *testing.T) {
		back := trust{from: start, until: start.Add(time.Second), untilWall: start.Add(time.Hour).UnixNano()}
		if back.holds(start.Add(time.Second + 1)) {
			t.Error("the monotonic clock says that it is over")
		}
	})
}
