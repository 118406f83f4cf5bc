package argon2id

import (
	"net/netip"
	"time"
)

const (
	leastComeback = 2 * time.Second
	mostComeback  = 30 * time.Second
)

// comebacks says to those who are turned away when to come back: one client after
// the other, a little further apart than places come free. Told the same time,
// they would all come at once and be turned away again. A client who asks too soon
// is told the time it was told before, so that asking often drives nobody else
// further off. All of it needs the lock of the admission.
type comebacks struct {
	due   map[netip.Prefix]time.Time
	order []netip.Prefix // whose times are in due, the soonest first
	last  time.Time
}

// in returns how long this client is to stay away, when a place comes free after
// each pace.
func (c *comebacks) in(network netip.Prefix, now time.Time, pace time.Duration) time.Duration {
	for len(c.order) > 0 && !c.due[c.order[0]].After(now) {
		delete(c.due, c.order[0])
		c.order = c.order[1:]
	}
	if due, told := c.due[network]; told {
		return due.Sub(now)
	}
	due := now.Add(leastComeback)
	if next := c.last.Add(pace + pace/4); next.After(due) {
		due = next
	}
	if due.Sub(now) > mostComeback || pace <= 0 {
		// Not remembered: what is kept is bounded by what fits between now and then.
		return min(due.Sub(now), mostComeback)
	}
	if c.due == nil {
		c.due = map[netip.Prefix]time.Time{}
	}
	c.due[network], c.last = due, due
	c.order = append(c.order, network)
	return due.Sub(now)
}
