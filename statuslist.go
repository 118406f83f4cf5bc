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
	// statusListAge is how old a published list may be: revocation reaches
	// verifiers that poll within this time and their own.
	statusListAge = time.Second
	// statusListTTL is how long a verifier may rely on a list (its exp claim);
	// after that it fails closed.
	statusListTTL = 5 * time.Minute
	// statusListStep is what the length of a list is rounded up to, so that it
	// tells little about how many sessions there are.
	statusListStep = 1 << 17
)

// statusCache keeps the last list: for statusListAge unseen, so that any number
// of verifiers costs one query a second, and after that for as long as nothing
// was ended or forgotten, so that a verifier that has it need not fetch it again.
type statusCache struct {
	mu      sync.Mutex
	token   string
	ended   []int64
	signer  *jwt.SigningKey
	issued  time.Time
	checked time.Time
}

// good reports whether the list may be published at this time without asking
// the store.
func (c *statusCache) good(now time.Time) bool {
	age := now.Sub(c.checked)
	return c.token != "" && age >= 0 && age < statusListAge
}

// holds reports whether the list still says what is true, and will be relied
// on for long enough.
func (c *statusCache) holds(ended []int64, signer *jwt.SigningKey, now time.Time) bool {
	age := now.Sub(c.issued)
	return c.token != "" && c.signer == signer && slices.Equal(c.ended, ended) && age >= 0 && age < statusListTTL/2
}

// StatusList returns the signed token status list
// (draft-ietf-oauth-status-list) and how long it may be kept. A bit is set for
// every session that was ended while a token may still name it.
func (a *Auth) StatusList(ctx context.Context) (token string, maxAge time.Duration, err error) {
	a.list.mu.Lock()
	defer a.list.mu.Unlock()
	now := a.now()
	if a.list.good(now) {
		return a.list.token, statusListAge, nil
	}
	ended, err := a.store.EndedIndexes(ctx)
	if err != nil {
		return "", 0, fmt.Errorf("gatehouse: status list: %w", err)
	}
	signer := a.signingKey()
	if !a.list.holds(ended, signer, now) {
		if token, err = a.signStatusList(signer, ended, now); err != nil {
			return "", 0, err
		}
		a.list.token, a.list.ended, a.list.signer, a.list.issued = token, ended, signer, now
	}
	a.list.checked = now
	return a.list.token, statusListAge, nil
}

// signStatusList sets a bit for each index, which are in ascending order.
func (a *Auth) signStatusList(signer *jwt.SigningKey, ended []int64, now time.Time) (string, error) {
	size := statusListStep
	if n := len(ended); n > 0 {
		size *= int(ended[n-1]/statusListStep) + 1
	}
	list := jwt.NewStatusList(size)
	for _, index := range ended {
		list.Revoke(index)
	}
	token, err := signer.SignStatusList(jwt.StatusListClaims{
		Issuer: a.cfg.Issuer, URI: a.cfg.StatusListURI, IssuedAt: now, ExpiresAt: now.Add(statusListTTL),
		TTL: statusListAge, List: list,
	})
	if err != nil {
		return "", fmt.Errorf("gatehouse: sign status list: %w", err)
	}
	return token, nil
}
