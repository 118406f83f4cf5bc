package verify

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"gatehouse/jwt"
)

var errOldList = errors.New("verify: the status list is older than the one held, and lacks entries of it")

// heldList is the status list as it was confirmed last. It never changes.
type heldList struct {
	list                *jwt.StatusList
	issuedAt, expiresAt time.Time
	trust               trust
	tag                 string
	keys                *heldKeys // what it was verified with
}

// statusList keeps the status list of one issuer.
type statusList struct {
	fetch    *fetcher
	from     document
	maxAge   time.Duration
	now      func() time.Time
	keys     *keys
	verifier *jwt.StatusListVerifier
	held     atomic.Pointer[heldList]
}

// renew asks for the list, and whether the one held is current. What cannot be
// read or verified leaves the list as it is: it is relied on for Config.StatusMaxAge.
func (s *statusList) renew(ctx context.Context) error {
	if !wait(ctx, s.keys.first) {
		return ctx.Err()
	}
	start := s.now() // what is answered was true no earlier
	held, with := s.held.Load(), s.keys.held.Load()
	got, err := s.fetch.get(ctx, s.from, held.tagFor(with, start))
	if err != nil {
		return err
	}
	confirmed := trustFor(s.maxAge, start.Add(-got.age))
	if got.unchanged {
		s.held.Store(held.confirmed(confirmed))
		return nil
	}
	claims, err := s.verifier.Verify(string(got.body))
	if errors.Is(err, jwt.ErrUnknownKey) {
		// The server gave up a key at once, and signs with one made after the
		// last look at the key set.
		if wait(ctx, s.keys.ask()) {
			with = s.keys.held.Load()
			claims, err = s.verifier.Verify(string(got.body))
		}
	}
	if err != nil {
		return err
	}
	return s.take(held, &heldList{
		list: claims.List, issuedAt: claims.IssuedAt, expiresAt: claims.ExpiresAt,
		trust: confirmed.endingBefore(claims.ExpiresAt), tag: got.tag, keys: with,
	})
}

// take replaces the list. One that is not newer than the one held is joined with
// it, so that nobody is let in again: it is the word of another process of the
// server, or of one whose clock was set back, and confirms the list. But an older
// one that lacks somebody is an old list, whoever sent it, and confirms nothing.
func (s *statusList) take(held, fresh *heldList) error {
	if held == nil || fresh.issuedAt.After(held.issuedAt) || !s.now().Before(held.expiresAt) {
		s.held.Store(fresh)
		return nil
	}
	joined := *held
	joined.list = held.list.Union(fresh.list)
	if fresh.issuedAt.Before(held.issuedAt) && !fresh.list.Includes(held.list) {
		s.held.Store(&joined)
		return errOldList
	}
	joined.tag, joined.keys = fresh.tag, fresh.keys
	s.held.Store(joined.confirmed(fresh.trust))
	return nil
}

// tagFor is what a request may name as held: nothing when the list has to be
// read again because it ends, or because the keys were renewed and the one that
// signed it may be gone.
func (h *heldList) tagFor(with *heldKeys, now time.Time) string {
	if h == nil || h.keys != with || !now.Before(h.expiresAt) {
		return ""
	}
	return h.tag
}

// confirmed is the same list, known to be current for a time, which never ends
// earlier than before, nor after the list does.
func (h *heldList) confirmed(current trust) *heldList {
	again := *h
	if current.from.After(h.trust.from) {
		again.trust = current.endingBefore(h.expiresAt)
	}
	return &again
}

func (h *heldList) trouble(now time.Time) string {
	switch {
	case h == nil:
		return "there is no status list yet"
	case !h.trust.holds(now):
		return "the status list is too old"
	}
	return ""
}

// wait waits until done is closed, and reports whether it was. A nil done is
// not waited for.
func wait(ctx context.Context, done <-chan struct{}) bool {
	if done == nil {
		return false
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
