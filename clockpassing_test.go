package gatehouse

import (
	"testing"
	"time"
)

func TestTimePassesWhileTheClockIsBehind(t *testing.T) {
	t.Run("ST-06_as_the_monotonic_clock_says", func(t *testing.T) {
		c := newSteadyClock(time.Now)
		later := time.Now().Add(24 * time.Hour)
		c.notBefore(later)
		first := c.now()
		if first.Before(later) || c.behind() == 0 {
			t.Fatalf("the time is %v, want %v or after, behind by %v", first, later, c.behind())
		}
		for c.now().Equal(first) { // until the clock of the machine ticks
			continue
		}
		if c.now().Before(first) {
			t.Error("time goes back")
		}
		c.trust()
		if at := c.now(); !at.Before(later) || c.behind() != 0 {
			t.Errorf("trusted, the time is %v, behind by %v", at, c.behind())
		}
	})
}
