package jwt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"sync"
)

// tokenCache remembers a bounded number of verified tokens. Only tokens that
// passed every check get in, so a stranger cannot fill it. Tokens themselves
// are not kept, only their ids.
type tokenCache struct {
	mac    cipher.AEAD
	spaces sync.Pool // of *macSpace
	shards [cacheShards]cacheShard
}

const (
	cacheShards = 32
	tokenIDSize = 16
)

// tokenID stands for a whole token, signature included: its AES-256-GMAC
// (NIST SP 800-38D) under a random key that only this cache has. Whoever does
// not have the key hits the id of a remembered token with a probability of at
// most 2^-119 for each try and token. SHA-256 would need no key, but on processors without
// instructions for it takes several times the microsecond that recognising a
// token may take.
type tokenID [tokenIDSize]byte

type macSpace struct {
	// nonce stays zero: no tag ever leaves the process, so there is nothing
	// that a second message under the same nonce could give away.
	nonce [12]byte
	tag   [tokenIDSize]byte
	token [MaxTokenSize]byte
}

type cacheShard struct {
	mu     sync.RWMutex
	tokens map[tokenID]*verifiedToken
	limit  int
	_      [64]byte // keeps the locks of two shards out of one cache line
}

// newTokenCache returns a cache for about size tokens: at least one per shard.
func newTokenCache(size int) (*tokenCache, error) {
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, fmt.Errorf("jwt: new cache: %w", err)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("jwt: new cache: %w", err)
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("jwt: new cache: %w", err)
	}
	c := &tokenCache{mac: mac, spaces: sync.Pool{New: func() any { return new(macSpace) }}}
	for i := range c.shards {
		c.shards[i].limit = max(1, size/cacheShards)
		c.shards[i].tokens = make(map[tokenID]*verifiedToken)
	}
	return c, nil
}

// id returns the id of a token of at most MaxTokenSize bytes.
func (c *tokenCache) id(token string) tokenID {
	space := c.spaces.Get().(*macSpace)
	n := copy(space.token[:], token)
	c.mac.Seal(space.tag[:0], space.nonce[:], nil, space.token[:n])
	id := tokenID(space.tag)
	clear(space.token[:n])
	c.spaces.Put(space)
	return id
}

func (c *tokenCache) shard(id tokenID) *cacheShard { return &c.shards[id[0]%cacheShards] }

// find returns a remembered token, which must not be changed, or nil.
func (c *tokenCache) find(id tokenID) *verifiedToken {
	s := c.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tokens[id]
}

// add remembers a token. A full shard forgets some other one: the first that
// the iteration over the map meets, which is a different one each time.
func (c *tokenCache) add(id tokenID, token *verifiedToken) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.tokens[id]; !known && len(s.tokens) >= s.limit {
		for other := range s.tokens {
			delete(s.tokens, other)
			break
		}
	}
	s.tokens[id] = token
}

func (c *tokenCache) remove(id tokenID) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, id)
}
