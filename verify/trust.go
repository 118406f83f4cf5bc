package verify

import "time"

// trust is the time for which something may be relied on, both ends included.
// The zero value is no time at all.
type trust struct {
	from, until time.Time
	// untilWall is until on the wall clock, in nanoseconds. Both clocks count:
	// the monotonic one stands still while a machine sleeps, the other one can
	// be set back.
	untilWall int64
}

func trustFor(limit time.Duration, from time.Time) trust {
	until := from.Add(limit)
	return trust{from: from, until: until, untilWall: until.UnixNano()}
}

// endingBefore is the same trust, but not at the time end or after it.
func (t trust) endingBefore(end time.Time) trust {
	t.untilWall = min(t.untilWall, end.UnixNano()-1)
	return t
}

// holds wants a now that was asked for after the trust began: a time before it
// means a clock that was set back.
func (t trust) holds(now time.Time) bool {
	return !now.Before(t.from) && !now.After(t.until) && now.UnixNano() <= t.untilWall
}
