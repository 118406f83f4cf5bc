package jwt

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// tokenCache remembers a bounded number of verified tokens by their whole text,
// signature included, so that no two share an entry. Only tokens that passed
// every check get in, so a stranger cannot fill it.
type tokenCache struct {
	seed maphash.Seed // spreads tokens over the sets
	sets []cacheSet
}

const (
	cacheWays = 16
	// maxCachedToken bounds what is remembered, in bytes; longer tokens are
	// verified each time. Usual ones have some 700.
	maxCachedToken = 2 << 10
)

// cacheSet holds the few tokens that could lie in one place: looking for one,
// and for the one to drop, is a walk along a line of memory.
type cacheSet struct {
	mu      sync.RWMutex
	ways    int
	next    int               // where to look first for one to drop, so that equals take turns
	tags    [cacheWays]uint32 // part of the hash of the token, 0 where there is none
	expires [cacheWays]int64  // Unix seconds
	tokens  [cacheWays]string
	values  [cacheWays]*verifiedToken
}

// newTokenCache returns a cache for at most size tokens.
func newTokenCache(size int) *tokenCache {
	c := &tokenCache{seed: maphash.MakeSeed(), sets: make([]cacheSet, max(1, size/cacheWays))}
	for i := range c.sets {
		c.sets[i].ways = min(size, cacheWays)
	}
	return c
}

// set returns where a token may lie, and its tag there.
func (c *tokenCache) set(token string) (*cacheSet, uint32) {
	// The end of a token is signature: as good as random.
	hash := maphash.String(c.seed, token[max(0, len(token)-16):])
	i, _ := bits.Mul64(hash, uint64(len(c.sets)))
	return &c.sets[i], uint32(hash) | 1
}

// way returns where in the set the token lies, or -1.
func (s *cacheSet) way(token string, tag uint32) int {
	for i, t := range s.tags {
		if t == tag && s.tokens[i] == token {
			return i
		}
	}
	return -1
}

// find returns a remembered token, which must not be changed, or nil.
func (c *tokenCache) find(token string) *verifiedToken {
	s, tag := c.set(token)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i := s.way(token, tag); i >= 0 {
		return s.values[i]
	}
	return nil
}

// add remembers a token. A full set forgets the one that expires first, which
// is one that has expired if there is any.
func (c *tokenCache) add(token string, verified *verifiedToken) {
	s, tag := c.set(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.way(token, tag)
	if i < 0 {
		i = s.spare()
	}
	s.tags[i], s.expires[i] = tag, verified.claims.ExpiresAt.Unix()
	s.tokens[i], s.values[i] = token, verified
}

// spare returns an empty way, or the one of the token that expires first.
func (s *cacheSet) spare() int {
	first := s.next
	for step := range s.ways {
		i := (s.next + step) % s.ways
		if s.tags[i] == 0 {
			return i
		}
		if s.expires[i] < s.expires[first] {
			first = i
		}
	}
	s.next = (first + 1) % s.ways
	return first
}

func (c *tokenCache) remove(token string) {
	s, tag := c.set(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.way(token, tag); i >= 0 {
		s.tags[i], s.expires[i] = 0, 0
		s.tokens[i], s.values[i] = "", nil
	}
}
