package gatehouse

import (
	"sync/atomic"
	"time"

	"gatehouse/jwt"
)

// steadyClock is the clock of the configuration, except that it does not go back:
// what has expired stays expired. A step back of no more than the difference that
// clocks may have anyway is passed on. After a larger one it goes on from the
// latest time that was seen, as fast as time passes, until the clock of the
// configuration has caught up. A clock without a monotonic part, which time.Now has,
// cannot tell how time passes: then it stands still.
type steadyClock struct {
	read   func() time.Time
	latest atomic.Pointer[instant]
}

// instant is a time that was seen, and what the clock read then: with a monotonic
// part, where the clock has one, that tells how long ago it was.
type instant struct{ at, read time.Time }

// raiseEvery is how often the latest time is noted: often enough that what was not
// noted is less than clocks may differ.
const raiseEvery = time.Second

func newSteadyClock(read func() time.Time) *steadyClock {
	c := &steadyClock{read: read}
	c.trust()
	return c
}

// trust takes the clock as it is, however far it is behind.
func (c *steadyClock) trust() {
	now := c.read()
	c.latest.Store(&instant{at: now.Round(0), read: now})
}

// notBefore tells the clock of a time that has been, as somebody else saw it.
func (c *steadyClock) notBefore(at time.Time) {
	for {
		latest, now := c.latest.Load(), c.read()
		if !at.After(latest.due(now)) || c.latest.CompareAndSwap(latest, &instant{at: at.Round(0), read: now}) {
			return
		}
	}
}

// now is the time.
func (c *steadyClock) now() time.Time {
	at, _ := c.look()
	return at
}

// behind is how far the clock of the configuration is behind the time; zero while
// it is no more than clocks may differ.
func (c *steadyClock) behind() time.Duration {
	_, behind := c.look()
	return behind
}

func (c *steadyClock) look() (at time.Time, behind time.Duration) {
	now, latest := c.read(), c.latest.Load()
	wall, due := now.Round(0), latest.due(now)
	if behind := due.Sub(wall); behind > jwt.Leeway {
		return due, behind
	}
	if wall.Sub(latest.at) >= raiseEvery {
		c.latest.CompareAndSwap(latest, &instant{at: wall, read: now})
	}
	return wall, 0
}

// due is what time it must be at least.
func (i *instant) due(now time.Time) time.Time {
	return i.at.Add(max(0, now.Sub(i.read)))
}
