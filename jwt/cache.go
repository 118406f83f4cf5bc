package jwt

import (
	"hash/maphash"
	"strings"
	"sync"
)

// tokenCache remembers a bounded number of verified tokens by their whole text,
// signature included, so that no two share an entry. Only tokens that passed
// every check get in, so a stranger cannot fill it.
type tokenCache struct {
	seed   maphash.Seed // spreads tokens over the shards
	shards [cacheShards]cacheShard
}

const (
	cacheShards = 32
	// maxCachedToken bounds what is remembered, in bytes; longer tokens are
	// verified each time. Usual ones have some 700.
	maxCachedToken = 2 << 10
)

type cacheShard struct {
	mu     sync.RWMutex
	tokens map[string]*verifiedToken
	limit  int
	_      [64]byte // keeps the locks of two shards out of one cache line
}

// newTokenCache returns a cache for about size tokens: at least one per shard.
func newTokenCache(size int) *tokenCache {
	c := &tokenCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].limit = max(1, size/cacheShards)
		c.shards[i].tokens = make(map[string]*verifiedToken)
	}
	return c
}

func (c *tokenCache) shard(token string) *cacheShard {
	// The end of a token is signature: as good as random.
	end := token[max(0, len(token)-16):]
	return &c.shards[maphash.String(c.seed, end)%cacheShards]
}

// find returns a remembered token, which must not be changed, or nil.
func (c *tokenCache) find(token string) *verifiedToken {
	s := c.shard(token)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tokens[token]
}

// add remembers a token. A full shard forgets some other one: the first that
// the iteration over the map meets, which is a different one each time.
func (c *tokenCache) add(token string, verified *verifiedToken) {
	if len(token) > maxCachedToken {
		return
	}
	s := c.shard(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.tokens[token]; !known && len(s.tokens) >= s.limit {
		for other := range s.tokens {
			delete(s.tokens, other)
			break
		}
	}
	// A copy: the text may be part of a whole request.
	s.tokens[strings.Clone(token)] = verified
}

func (c *tokenCache) remove(token string) {
	s := c.shard(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}
