package gatehouse

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gatehouse/jwt"
)

const (
	// StatusListAge is how long a published list may be kept: revocation reaches
	// verifiers that poll within this time and their own.
	StatusListAge = time.Second
	// statusListTTL is how long a verifier may rely on a list (its exp claim);
	// after that it fails closed.
	statusListTTL = 5 * time.Minute
	// minStatusList and maxStatusList bound the length of a list, in places.
	minStatusList = 1 << 18
	maxStatusList = 1 << 29
)

// statusCache keeps the last list: for StatusListAge unseen, so that any number
// of verifiers costs one query a second, and after that for as long as nothing
// was ended or forgotten, so that a verifier that has it need not fetch it again.
type statusCache struct {
	mu      sync.Mutex
	token   string
	ended   []int64
	places  int
	signer  *jwt.SigningKey
	issued  time.Time
	checked time.Time
}

// good reports whether the list may be published at this time without asking
// the store.
func (c *statusCache) good(now time.Time) bool {
	age := now.Sub(c.checked)
	return c.token != "" && age >= 0 && age < StatusListAge
}

// holds reports whether the list still says what is true, and will be relied
// on for long enough.
func (c *statusCache) holds(ended []int64, signer *jwt.SigningKey, now time.Time) bool {
	age := now.Sub(c.issued)
	return c.token != "" && c.signer == signer && slices.Equal(c.ended, ended) && age >= 0 && age < statusListTTL/2
}

// StatusList returns the signed token status list
// (draft-ietf-oauth-status-list), which may be kept for StatusListAge. A bit is
// set for every session that was ended while a token may still name it.
func (a *Auth) StatusList(ctx context.Context) (token string, err error) {
	a.list.mu.Lock()
	defer a.list.mu.Unlock()
	now := a.now()
	if a.list.good(now) {
		return a.list.token, nil
	}
	ended, err := a.store.EndedIndexes(ctx)
	if err != nil {
		return "", fmt.Errorf("gatehouse: status list: %w", err)
	}
	bound, err := a.store.StatusBound(ctx)
	if err != nil {
		return "", fmt.Errorf("gatehouse: status list: %w", err)
	}
	places := statusPlaces(bound)
	signer, err := a.signingKey(ctx)
	if err != nil {
		return "", err
	}
	if !a.list.holds(ended, signer, now) || a.list.places != places {
		if token, err = a.signStatusList(signer, places, ended); err != nil {
			return "", err
		}
		a.list.token, a.list.ended, a.list.places, a.list.signer, a.list.issued = token, ended, places, signer, now
	}
	a.list.checked = now
	return a.list.token, nil
}

// statusPlaces returns how many places a list has: a power of two with room for
// twice the bound. A verifier refuses a token whose place lies outside its list,
// and places are given from a range that doubles at a time, so that no session
// that is opened between two lists lies outside the older one.
func statusPlaces(bound int64) int {
	places := int64(minStatusList)
	for places < 2*bound && places < maxStatusList {
		places *= 2
	}
	return int(places)
}

// signStatusList sets the bit of each index that was ended.
func (a *Auth) signStatusList(signer *jwt.SigningKey, places int, ended []int64) (string, error) {
	now := a.now()
	list := jwt.NewStatusList(places)
	for _, index := range ended {
		list.Revoke(index)
	}
	token, err := signer.SignStatusList(jwt.StatusListClaims{
		Issuer: a.cfg.Issuer, URI: a.cfg.StatusListURI, IssuedAt: now, ExpiresAt: now.Add(statusListTTL),
		TTL: StatusListAge, List: list,
	})
	if err != nil {
		return "", fmt.Errorf("gatehouse: sign status list: %w", err)
	}
	return token, nil
}
