package gatehouse

import (
	"context"
	"fmt"
	"time"

	"gatehouse/jwt"
	"gatehouse/model"
)

// keyring is the signing keys of the configured algorithm, as the store had
// them when they were last loaded. It never changes; a new one replaces it.
type keyring struct {
	keys   []ringKey
	public jwt.KeySet
}

type ringKey struct {
	generation int64
	activeFrom time.Time
	key        *jwt.SigningKey
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
}

// KeySet returns the keys that verify our tokens, as RFC 7517 has them when it
// is encoded as JSON. It reads no storage but for the first time.
func (a *Auth) KeySet(ctx context.Context) (jwt.KeySet, error) {
	ring, err := a.ring(ctx)
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
	now := a.now()
	infos := make([]KeyInfo, len(kept))
	active := -1
	for i, k := range kept {
		infos[i] = KeyInfo{KeyID: k.KeyID, Algorithm: k.Algorithm, State: KeyRetired, CreatedAt: k.CreatedAt, ActiveFrom: k.ActiveFrom}
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
	return infos, nil
}

// ring returns the keys that were loaded last, and makes the first one where
// there is none: a program that only looks makes no key.
func (a *Auth) ring(ctx context.Context) (*keyring, error) {
	if ring := a.keys.Load(); len(ring.keys) > 0 {
		return ring, nil
	}
	if err := a.ensureKeys(ctx); err != nil {
		return nil, err
	}
	return a.keys.Load(), nil
}

// loadKeys reads the signing keys of our algorithm.
func (a *Auth) loadKeys(ctx context.Context) error {
	ring, err := a.readKeys(ctx)
	if err != nil {
		return err
	}
	a.keys.Store(ring)
	return nil
}

func (a *Auth) readKeys(ctx context.Context) (*keyring, error) {
	kept, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	ring := &keyring{}
	var public []jwt.VerifyKey
	for _, k := range kept {
		if k.Algorithm != a.cfg.Algorithm {
			continue
		}
		key, err := a.openKey(k)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, ringKey{generation: k.Generation, activeFrom: k.ActiveFrom, key: key})
		public = append(public, key.VerifyKey())
	}
	if ring.public, err = jwt.NewKeySet(public...); err != nil {
		return nil, fmt.Errorf("gatehouse: signing keys: %w", err)
	}
	return ring, nil
}

// openKey unseals a key, unless it is one that we hold already.
func (a *Auth) openKey(kept model.SigningKey) (*jwt.SigningKey, error) {
	if held := a.keys.Load(); held != nil {
		for _, k := range held.keys {
			if k.key.KeyID() == kept.KeyID {
				return k.key, nil
			}
		}
	}
	encoded, err := a.seal.Open(kept.Sealed, keyPlace(kept.KeyID, kept.Algorithm))
	if err != nil {
		return nil, err
	}
	key, err := jwt.ParseSigningKey(jwt.Algorithm(kept.Algorithm), kept.KeyID, encoded)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: signing key %s: %w", kept.KeyID, err)
	}
	return key, nil
}

// signingKey returns the key of the latest generation that is active by now.
func (a *Auth) signingKey(ctx context.Context) (*jwt.SigningKey, error) {
	ring, err := a.ring(ctx)
	if err != nil {
		return nil, err
	}
	now := a.now()
	for i := len(ring.keys) - 1; i > 0; i-- {
		if !ring.keys[i].activeFrom.After(now) {
			return ring.keys[i].key, nil
		}
	}
	return ring.keys[0].key, nil
}

func keyPlace(keyID, algorithm string) string {
	return "signing_keys.sealed\x00" + algorithm + "\x00" + keyID
}
