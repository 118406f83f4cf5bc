package verify

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/jwt"
)

// askAgain is the least time between two looks at the key set for keys that
// nobody here knows: strangers choose what a token names.
const askAgain = 30 * time.Second

var errNoKeys = errors.New("verify: the key set holds no key that could verify; under HS256 none is published")

// heldKeys is the keys as they were confirmed last. It never changes.
type heldKeys struct {
	set   jwt.KeySet
	trust trust
}

// keys keeps the key set of one issuer.
type keys struct {
	fetch  *fetcher
	from   document
	maxAge time.Duration
	now    func() time.Time
	held   atomic.Pointer[heldKeys]
	wake   chan struct{} // has room for one
	first  chan struct{} // closed when there are keys
	open   sync.Once     // closes first

	mu      sync.Mutex
	pending chan struct{} // closed after the look that somebody asked for; nil when nobody did
	askedAt time.Time
}

// renew reads the key set. What cannot be read, and a set without keys, leaves
// the keys as they are: they are relied on for Config.KeySetMaxAge.
func (k *keys) renew(ctx context.Context) error {
	defer k.answer(k.asked())
	start := k.now() // what is answered was true no earlier
	got, err := k.fetch.get(ctx, k.from, "")
	if err != nil {
		return err
	}
	set, err := jwt.ParseKeySet(got.body)
	if err != nil {
		return err
	}
	if set.Len() == 0 {
		return errNoKeys
	}
	k.held.Store(&heldKeys{set: set, trust: trustFor(k.maxAge, start.Add(-got.age))})
	k.open.Do(func() { close(k.first) })
	return nil
}

// set is the keys that tokens are verified with.
func (k *keys) set() jwt.KeySet {
	if held := k.held.Load(); held != nil {
		return held.set
	}
	return jwt.KeySet{}
}

func (h *heldKeys) trouble(now time.Time) string {
	switch {
	case h == nil:
		return "there are no keys yet"
	case !h.trust.holds(now):
		return "the keys are too old"
	}
	return ""
}

// ask wants the key set to be read because of an unknown key. It returns a
// channel that is closed after that was done, or nil when it was wanted less
// than askAgain ago.
func (k *keys) ask() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending != nil {
		return k.pending
	}
	now := k.now()
	if since := now.Sub(k.askedAt); !k.askedAt.IsZero() && since >= 0 && since < askAgain {
		return nil
	}
	k.askedAt, k.pending = now, make(chan struct{})
	select {
	case k.wake <- struct{}{}:
	default: // the worker is about to look anyway
	}
	return k.pending
}

// asked is what the look that begins now is an answer to.
func (k *keys) asked() chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pending
}

func (k *keys) answer(pending chan struct{}) {
	if pending == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = nil
	close(pending)
}
