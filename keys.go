package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/jwt"
	"gatehouse/model"
)

// keyring is the signing keys of the configured algorithm, as the store had
// them when they were last loaded. It never changes; a newer one replaces it.
type keyring struct {
	keys    []ringKey
	public  jwt.KeySet
	version model.KeysVersion
	missing error              // why a key of ours is not among them; nil when all are
	kept    []model.SigningKey // all that these were among, of whatever algorithm
}

type ringKey struct {
	generation int64
	activeFrom time.Time
	key        *jwt.SigningKey
	elsewhere  bool // a Signer has the private half
}

// KeyState is where a signing key is in its life.
type KeyState string

// A key is published before it signs, signs until the next one does, and is kept
// after that for the tokens that it signed.
const (
	KeyNext    KeyState = "next"
	KeyActive  KeyState = "active"
	KeyRetired KeyState = "retired"
)

// KeyInfo describes a signing key without holding it.
type KeyInfo struct {
	KeyID      string
	Algorithm  string
	State      KeyState
	CreatedAt  time.Time
	ActiveFrom time.Time
	// ForgottenAt is when the key may be forgotten: KeyKeptAfter after a later
	// key of the configured algorithm signs. It is zero before there is one.
	ForgottenAt time.Time
	// MasterKeyID names the master key that seals it, as Auth.MasterKeyIDs
	// does; empty when the record names none.
	MasterKeyID string
}

// KeySet returns the keys that verify our tokens, as RFC 7517 has them when it
// is encoded as JSON. What another process changed is in it. When the store does
// not answer, it is the set that was known last.
func (a *Auth) KeySet(ctx context.Context) (jwt.KeySet, error) {
	ring, err := a.ringNow(ctx)
	if err != nil {
		return jwt.KeySet{}, err
	}
	return ring.public, nil
}

// SigningKeys describes every key in the store, the oldest first. Keys of
// another algorithm than the configured one are retired.
func (a *Auth) SigningKeys(ctx context.Context) ([]KeyInfo, error) {
	kept, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	return a.describe(kept), nil
}

// describe says where in its life each key is.
func (a *Auth) describe(kept []model.SigningKey) []KeyInfo {
	now := a.now()
	infos := make([]KeyInfo, len(kept))
	active := -1
	for i, k := range kept {
		infos[i] = infoOf(k, KeyRetired)
		if next := slices.IndexFunc(kept, func(other model.SigningKey) bool { return a.follows(other, k) }); next >= 0 {
			infos[i].ForgottenAt = kept[next].ActiveFrom.Add(KeyKeptAfter)
		}
		switch {
		case k.Algorithm != a.cfg.Algorithm:
		case k.ActiveFrom.After(now):
			infos[i].State = KeyNext
		default:
			active = i // the latest so far; those before it stay retired
		}
	}
	if active >= 0 {
		infos[active].State = KeyActive
	}
	return infos
}

// follows reports whether key signs in the place of before. A key of another
// algorithm is followed by one that was made after it, and not by those that were
// there: while servers are started one after the other with another algorithm,
// those that still have the former one leave the new key alone.
func (a *Auth) follows(key, before model.SigningKey) bool {
	switch key.Algorithm {
	case before.Algorithm:
		return key.Algorithm == a.cfg.Algorithm && key.Generation > before.Generation
	case a.cfg.Algorithm:
		return key.CreatedAt.After(before.CreatedAt)
	}
	return false
}

func infoOf(kept model.SigningKey, state KeyState) KeyInfo {
	return KeyInfo{
		KeyID: kept.KeyID, Algorithm: kept.Algorithm, State: state,
		CreatedAt: kept.CreatedAt, ActiveFrom: kept.ActiveFrom, MasterKeyID: sealedUnder(kept.Sealed),
	}
}

// ringNow returns the keys as they are now, and makes the first one where there
// is none. When the store does not answer, the keys are those that were loaded
// last.
func (a *Auth) ringNow(ctx context.Context) (*keyring, error) {
	version, err := a.store.KeysVersion(ctx)
	if err != nil {
		if ring := a.keys.Load(); len(ring.keys) > 0 && ctx.Err() == nil {
			a.log.WarnContext(ctx, "signing keys not looked at", "error", err)
			return ring, nil
		}
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	return a.ringAt(ctx, version)
}

// ringAt returns the keys as they were when the store had this version of them,
// or newer, and makes the first one where there is none: a program that only
// looks makes no key.
func (a *Auth) ringAt(ctx context.Context, version model.KeysVersion) (*keyring, error) {
	ring, err := a.reload(ctx, version)
	if err != nil || len(ring.keys) > 0 {
		return ring, err
	}
	if ring.missing != nil {
		return nil, ring.missing
	}
	if err := a.ensureKeys(ctx); err != nil {
		return nil, err
	}
	return a.keys.Load(), nil
}

// reload returns the keys as they were when the store had this version of them,
// or newer. It reads the store only when that is another than ours.
func (a *Auth) reload(ctx context.Context, version model.KeysVersion) (*keyring, error) {
	if ring := a.keys.Load(); ring.version == version {
		return ring, nil
	}
	leave, err := a.enterLoading(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if ring := a.keys.Load(); ring.version == version {
		return ring, nil
	}
	return a.readKeys(ctx)
}

// loadKeys reads the signing keys of our algorithm, and tries again those that
// could not be opened.
func (a *Auth) loadKeys(ctx context.Context) error {
	leave, err := a.enterLoading(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = a.readKeys(ctx)
	return err
}

// enterLoading lets loads follow one another, so that an older state never
// replaces a newer one.
func (a *Auth) enterLoading(ctx context.Context) (leave func(), err error) {
	select {
	case a.loading <- struct{}{}:
		return func() { <-a.loading }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("gatehouse: signing keys: %w", context.Cause(ctx))
	}
}

// readKeys reads the keys as they are. One that cannot be opened is left out once
// we hold others, so that it stops nobody who does not need it: what was forgotten
// goes all the same, and loadKeys tries again, not each request.
func (a *Auth) readKeys(ctx context.Context) (*keyring, error) {
	kept, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	ring := &keyring{version: model.KeysVersionOf(kept), kept: kept}
	var public []jwt.VerifyKey
	for _, k := range kept {
		if k.Algorithm != a.cfg.Algorithm {
			continue
		}
		key, err := a.openKey(ctx, k)
		switch {
		case err != nil && (a.keys.Load() == nil || ctx.Err() != nil):
			return nil, err // whoever hangs up decides nothing for the others
		case err != nil:
			ring.missing = errors.Join(ring.missing, err)
			a.log.ErrorContext(ctx, "signing key not opened", "key_id", k.KeyID, "error", err)
			continue
		}
		ring.keys = append(ring.keys, key)
		public = append(public, key.key.VerifyKey())
	}
	if ring.public, err = jwt.NewKeySet(public...); err != nil {
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	a.keys.Store(ring)
	return ring, nil
}

// openKey unseals a key, unless it is one that we hold already.
func (a *Auth) openKey(ctx context.Context, kept model.SigningKey) (ringKey, error) {
	if held := a.keys.Load(); held != nil {
		for _, k := range held.keys {
			if k.key.KeyID() == kept.KeyID {
				return k, nil
			}
		}
	}
	plain, kind, err := a.masters.Load().openKey(kept)
	if err != nil {
		return ringKey{}, err
	}
	opened := ringKey{generation: kept.Generation, activeFrom: kept.ActiveFrom, elsewhere: kind == recordHandle}
	if opened.elsewhere {
		opened.key, err = a.openElsewhere(ctx, kept, plain)
	} else {
		opened.key, err = jwt.ParseSigningKey(jwt.Algorithm(kept.Algorithm), kept.KeyID, plain)
	}
	if err != nil {
		return ringKey{}, fmt.Errorf("gatehouse: signing key %s: %w", kept.KeyID, err)
	}
	return opened, nil
}

// signer returns the key of the latest generation that is active at this time.
// There is one.
func (r *keyring) signer(now time.Time) ringKey {
	for i := len(r.keys) - 1; i > 0; i-- {
		if !r.keys[i].activeFrom.After(now) {
			return r.keys[i]
		}
	}
	return r.keys[0]
}
