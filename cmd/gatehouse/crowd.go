package main

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gatehouse/model"
)

// crowdLimits is how many connections, or exchanges, may be open at once.
type crowdLimits struct {
	all int // 0: no limit
	// perSource bounds those of one IPv4 address, or of 64 bits of IPv6; 48 bits
	// of IPv6, which one customer may have, get twice as many. Neither has more than
	// half of what is free, or crowdShare.
	perSource int
	// exempt are proxies, through which everybody comes; only all bounds them.
	exempt []netip.Prefix
}

// crowdOf divides the connections so that it takes many sources to fill the house.
// The files that the process may open bound it too.
func crowdOf(connections int, exempt []netip.Prefix) crowdLimits {
	all := connections
	if files := maxOpenFiles(); files > 0 {
		all = min(all, max(files-filesBeside, filesBeside/4))
	}
	return crowdLimits{all: all, perSource: all / 4, exempt: exempt}
}

// crowdShare is what a source may have while there is any room: a browser has one
// connection, or six of them over HTTP/1.
const crowdShare = 16

// filesBeside is how many open files are kept for everything but strangers.
const filesBeside = 256

// tellPeriod is the time between two lines of the log about connections that
// were declined; strangers cause them at will.
const tellPeriod = time.Minute

// crowd counts open connections, or exchanges under way. It is safe for concurrent use.
type crowd struct {
	limits crowdLimits

	mu       sync.Mutex
	open     int
	from     map[netip.Prefix]int
	declined int // since told
	told     time.Time
}

func newCrowd(limits crowdLimits) *crowd {
	return &crowd{limits: limits, from: map[netip.Prefix]int{}}
}

// admit counts a connection until it is closed, or reports that there are too
// many.
func (c *crowd) admit(conn net.Conn) (counted net.Conn, ok bool) {
	leave, ok := c.enter(conn.RemoteAddr().String())
	if !ok {
		return nil, false
	}
	return &countedConn{Conn: conn, leave: leave}, true
}

// enter counts one more from an address and a port until leave is called, or
// reports that there are too many.
func (c *crowd) enter(peer string) (leave func(), ok bool) {
	sources := c.sourcesOf(peer)
	c.mu.Lock()
	defer c.mu.Unlock()
	full := c.limits.all > 0 && c.open >= c.limits.all
	for i, source := range sources {
		full = full || c.limits.perSource > 0 && c.from[source] >= c.most(i)
	}
	if full {
		c.declined++
		return nil, false
	}
	c.open++
	for _, source := range sources {
		c.from[source]++
	}
	return sync.OnceFunc(func() { c.leave(sources) }), true
}

// most is how many one source may have. The fuller it is the fewer, so that a few
// sources which take all they can get leave room for others. It needs the lock.
func (c *crowd) most(wider int) int {
	return min(c.limits.perSource<<wider, max(crowdShare, (c.limits.all-c.open)/2))
}

func (c *crowd) leave(sources []netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	for _, source := range sources {
		if c.from[source]--; c.from[source] == 0 {
			delete(c.from, source)
		}
	}
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// tell returns how many were declined since it last said to tell it.
func (c *crowd) tell(now time.Time) (declined int, tell bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.told) < tellPeriod {
		return 0, false
	}
	declined, c.declined, c.told = c.declined, 0, now
	return declined, true
}

// sourcesOf are the networks that count, the narrowest first; none for a proxy.
func (c *crowd) sourcesOf(peer string) []netip.Prefix {
	from, err := netip.ParseAddrPort(peer)
	if err != nil {
		return nil // another kind of network has no strangers
	}
	address := from.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(c.limits.exempt, func(proxy netip.Prefix) bool { return proxy.Contains(address) }) {
		return nil
	}
	return model.SourcesOf(address)
}

// countedConn counts as open until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

func (c *countedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
