package gatehouse

import (
	"context"
	"fmt"
	"slices"
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
	// statusListRenewal is how long a list is repeated that still says what is
	// true: well below the patience of verifiers, so that one process whose clock
	// is behind is soon heard again.
	statusListRenewal = 10 * time.Second
	// minStatusList and maxStatusList bound the length of a list, in entries.
	minStatusList = 1 << 18
	maxStatusList = 1 << 29
)

// statusCache keeps the last list: for StatusListAge without a look at the
// sessions, whatever the number of verifiers (whether the keys changed is asked
// each time), and after that for as long as nothing was ended or forgotten, so that
// a verifier that has it need not fetch it again.
type statusCache struct {
	turn    chan struct{} // holds one while somebody looks or signs
	token   string
	ended   []int64
	entries int
	signer  *jwt.SigningKey
	issued  time.Time
	checked time.Time
}

// good reports whether the list may be published at this time without a look at
// the sessions.
func (c *statusCache) good(now time.Time) bool {
	age := now.Sub(c.checked)
	return c.token != "" && age >= 0 && age < StatusListAge
}

// holds reports whether the list still says what is true, and will be relied
// on for long enough.
func (c *statusCache) holds(ended []int64, signer *jwt.SigningKey, now time.Time) bool {
	age := now.Sub(c.issued)
	return c.token != "" && c.signer == signer && slices.Equal(c.ended, ended) && age >= 0 && age < statusListRenewal
}

// stamp returns when a list is said to be issued: never before the last one, so
// that a clock that is set back a little does not make verifiers take it for an
// older list. They accept what is jwt.Leeway ahead of them.
func (c *statusCache) stamp(now time.Time) time.Time {
	if ahead := c.issued.Sub(now); ahead > 0 && ahead <= jwt.Leeway {
		return c.issued
	}
	return now
}

// StatusList returns the signed token status list
// (draft-ietf-oauth-status-list), which may be kept for StatusListAge. A bit is
// set for every session that was ended while a token may still name it.
func (a *Auth) StatusList(ctx context.Context) (token string, err error) {
	ring, err := a.ringNow(ctx)
	if err != nil {
		return "", err
	}
	select {
	case a.list.turn <- struct{}{}:
		defer func() { <-a.list.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("gatehouse: status list: %w", context.Cause(ctx))
	}
	// Whoever reads the list goes by a clock of their own, so it says what ours reads.
	now := a.cfg.Now().UTC().Truncate(time.Microsecond)
	signer := ring.signer(a.now())
	if a.list.good(now) && a.list.signer == signer.key {
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
	entries := statusEntries(bound)
	if !a.list.holds(ended, signer.key, now) || a.list.entries != entries {
		issued := a.list.stamp(now)
		if token, err = a.signStatusList(signer, entries, ended, issued); err != nil {
			return "", err
		}
		a.list.token, a.list.ended, a.list.entries, a.list.signer, a.list.issued = token, ended, entries, signer.key, issued
	}
	a.list.checked = now
	return a.list.token, nil
}

// statusEntries returns how many entries a list has: a power of two with room for
// twice the bound. A verifier refuses a token whose index lies outside its list,
// and indexes are given from a range that doubles at a time, so that no session
// that is opened between two lists lies outside the older one.
func statusEntries(bound int64) int {
	entries := int64(minStatusList)
	for entries < 2*bound && entries < maxStatusList {
		entries *= 2
	}
	return int(entries)
}

// signStatusList sets the bit of each index that was ended.
func (a *Auth) signStatusList(signer ringKey, entries int, ended []int64, issued time.Time) (string, error) {
	list := jwt.NewStatusList(entries)
	for _, index := range ended {
		list.Revoke(index)
	}
	token, err := signer.key.SignStatusList(jwt.StatusListClaims{
		Issuer: a.cfg.Issuer, URI: a.cfg.StatusListURI, IssuedAt: issued, ExpiresAt: issued.Add(statusListTTL),
		TTL: StatusListAge, List: list,
	})
	if err != nil {
		return "", fmt.Errorf("gatehouse: sign status list: %w", signer.trouble(err))
	}
	return token, nil
}
