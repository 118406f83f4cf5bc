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

// The life of a signing key (NIST SP 800-57 part 1 section 5.3): published for
// an hour before it signs, so that every verifier has it by then; replaced after
// 90 days; kept until no token that it signed can be good and no verifier can
// rely on a key set without its successor.
const (
	KeyRotationPeriod = 90 * 24 * time.Hour
	KeyPublishedAhead = time.Hour
	KeyKeptAfter      = MaxAccessTTL + jwt.Leeway + KeySetAge
)

// KeySetAge is how long a published key set may be kept: less than the time for
// which a key is published before it signs.
const KeySetAge = 300 * time.Second

// keyAhead is how far ahead a key may begin to sign that was made by a right clock:
// KeyPublishedAhead, and as much again for clocks that differ. One that is beyond
// keeps no other from being made.
const keyAhead = 2 * KeyPublishedAhead

// latest returns the key that begins to sign last, but for those that a wrong clock
// has made for a day far ahead. It is false when there is none.
func (r *keyring) latest(now time.Time) (latest ringKey, ok bool) {
	for _, key := range r.keys {
		if !key.activeFrom.After(now.Add(keyAhead)) {
			latest, ok = key, true
		}
	}
	return latest, ok
}

// ensureKeys loads the signing keys of our algorithm, makes the first where there
// is none and the next when it is due, and forgets those whose time is over. Any
// number of processes may do so at once: a generation is made once.
func (a *Auth) ensureKeys(ctx context.Context) error {
	if err := a.loadKeys(ctx); err != nil {
		return err
	}
	now, ring := a.now(), a.keys.Load()
	if ring.missing != nil {
		return fmt.Errorf("gatehouse: rotate signing keys: %w", ring.missing)
	}
	over := slices.IndexFunc(a.describe(ring.kept), func(key KeyInfo) bool {
		return !key.ForgottenAt.IsZero() && now.After(key.ForgottenAt)
	})
	for _, key := range ring.keys {
		if key.activeFrom.After(now.Add(keyAhead)) {
			a.log.WarnContext(ctx, "signing key of a clock that is ahead; another is made when it is due",
				"key_id", key.key.KeyID(), "active_from", key.activeFrom)
		}
	}
	var err error
	switch latest, ok := ring.latest(now); {
	case !ok || !now.Before(latest.activeFrom.Add(KeyRotationPeriod-KeyPublishedAhead)):
		_, err = a.makeNext(ctx, ring.keys)
	case over >= 0:
		err = a.forgetKey(ctx, ring.kept[over].KeyID)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("gatehouse: rotate signing keys: %w", err)
	}
	// Another process may have been first; what counts is what is kept.
	return a.loadKeys(ctx)
}

// makeNext makes the key that follows those there are, and reports whether it did:
// the first signs now, any other in KeyPublishedAhead.
func (a *Auth) makeNext(ctx context.Context, keys []ringKey) (made bool, err error) {
	if len(keys) == 0 {
		return a.makeKey(ctx, 1, a.now())
	}
	return a.makeKey(ctx, keys[len(keys)-1].generation+1, a.now().Add(KeyPublishedAhead))
}

// KeyRotation is what a rotation came to.
type KeyRotation struct {
	// Next is the key that signs from its ActiveFrom on.
	Next KeyInfo
	// Made is false when Next had been published before, and nothing was done.
	Made bool
	// Replaced is the key that signs until then; zero where Next is the first.
	Replaced KeyInfo
}

// RotateKeys makes the next signing key and publishes it now. It signs in
// KeyPublishedAhead, when every verifier has it, so that no token is refused for
// the change. Keys change by themselves every KeyRotationPeriod; this is for
// those who want it sooner. Where a next key is published already, nothing is
// made. Any number of callers at once make one.
func (a *Auth) RotateKeys(ctx context.Context) (KeyRotation, error) {
	if err := a.loadKeys(ctx); err != nil {
		return KeyRotation{}, err
	}
	var rotation KeyRotation
	ring := a.keys.Load()
	if ring.missing != nil {
		return KeyRotation{}, fmt.Errorf("gatehouse: rotate signing keys: %w", ring.missing)
	}
	if latest, ok := ring.latest(a.now()); !ok || !latest.activeFrom.After(a.now()) {
		var err error
		if rotation.Made, err = a.makeNext(ctx, ring.keys); err != nil {
			return KeyRotation{}, fmt.Errorf("gatehouse: rotate signing keys: %w", err)
		}
		if err := a.loadKeys(ctx); err != nil {
			return KeyRotation{}, err
		}
	}
	for _, info := range a.describe(a.keys.Load().kept) {
		if info.Algorithm == a.cfg.Algorithm && !info.ActiveFrom.After(a.now().Add(keyAhead)) {
			rotation.Replaced, rotation.Next = rotation.Next, info
		}
	}
	return rotation, nil
}

// errKeyTaken says that another process made a key of the same generation.
var errKeyTaken = errors.New("gatehouse: the next signing key was made by another process")

// replaceTries bounds how often ReplaceKeys begins anew because another process
// made a key meanwhile.
const replaceTries = 5

// ReplaceKeys is for the day when a signing key has become known: it makes a key
// that signs at once and forgets every other, of whatever algorithm, in one
// transaction. Every access token that was signed before is refused from the next
// request on, in every process, by whatever asks the store; by LoginJWT, which does
// not, in another process with the next Sweep or the next call that does; and
// elsewhere when the key set is fetched again, within KeySetAge. Sessions and refresh tokens do not rest on signing keys: they
// stay, and with them clients get a new access token. It returns the new key
// and those that were forgotten.
func (a *Auth) ReplaceKeys(ctx context.Context) (made KeyInfo, forgotten []KeyInfo, err error) {
	kept, err := a.newKey(ctx)
	if err != nil {
		return KeyInfo{}, nil, err
	}
	for range replaceTries {
		if forgotten, err = a.replaceBy(ctx, kept); !errors.Is(err, errKeyTaken) {
			break
		}
	}
	if err == nil {
		err = a.loadKeys(ctx)
	}
	if err != nil {
		return KeyInfo{}, nil, fmt.Errorf("gatehouse: replace signing keys: %w", err)
	}
	return infoOf(kept, KeyActive), forgotten, nil
}

// replaceBy puts the key in the place of all that there are.
func (a *Auth) replaceBy(ctx context.Context, kept model.SigningKey) (forgotten []KeyInfo, err error) {
	err = a.store.Tx(ctx, func(tx model.Records) error {
		others, err := tx.SigningKeys(ctx)
		if err != nil {
			return err
		}
		kept.Generation = 1
		for _, k := range others {
			if k.Algorithm == kept.Algorithm {
				kept.Generation = max(kept.Generation, k.Generation+1)
			}
		}
		if made, err := tx.CreateSigningKey(ctx, kept); err != nil {
			return err
		} else if !made {
			return errKeyTaken
		}
		for _, k := range others {
			gone, err := a.forgetIn(ctx, tx, k.KeyID)
			if err != nil {
				return err
			}
			if gone {
				forgotten = append(forgotten, infoOf(k, KeyRetired))
			}
		}
		return tx.Record(ctx, a.event(ctx, model.EventSigningKeyMade, model.UserID{}, model.SessionID{}))
	})
	if err != nil {
		return nil, err
	}
	return forgotten, nil
}

func (a *Auth) forgetKey(ctx context.Context, keyID string) error {
	return a.store.Tx(ctx, func(tx model.Records) error {
		_, err := a.forgetIn(ctx, tx, keyID)
		return err
	})
}

func (a *Auth) forgetIn(ctx context.Context, tx model.Records, keyID string) (gone bool, err error) {
	gone, err = tx.ForgetSigningKey(ctx, keyID)
	if err != nil || !gone {
		return false, err
	}
	return true, tx.Record(ctx, a.event(ctx, model.EventSigningKeyForgotten, model.UserID{}, model.SessionID{}))
}

// makeKey adds a key, and reports whether it did. Whoever is first makes it; for
// others there is nothing to do.
func (a *Auth) makeKey(ctx context.Context, generation int64, activeFrom time.Time) (made bool, err error) {
	kept, err := a.newKey(ctx)
	if err != nil {
		return false, err
	}
	kept.Generation, kept.ActiveFrom = generation, activeFrom
	err = a.store.Tx(ctx, func(tx model.Records) error {
		made, err = tx.CreateSigningKey(ctx, kept)
		if err != nil || !made {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventSigningKeyMade, model.UserID{}, model.SessionID{}))
	})
	return made && err == nil, err
}

// newKey generates a key and seals it. It has no generation, and would sign from
// now on.
func (a *Auth) newKey(ctx context.Context) (model.SigningKey, error) {
	now := a.now()
	kept := model.SigningKey{Algorithm: a.cfg.Algorithm, CreatedAt: now, ActiveFrom: now}
	if a.cfg.Signer != nil {
		return a.newKeyElsewhere(ctx, kept)
	}
	key, err := jwt.GenerateKey(jwt.Algorithm(a.cfg.Algorithm))
	if err != nil {
		return kept, fmt.Errorf("gatehouse: new signing key: %w", err)
	}
	encoded, err := key.Encode()
	if err != nil {
		return kept, fmt.Errorf("gatehouse: new signing key: %w", err)
	}
	kept.KeyID = key.KeyID()
	kept.Sealed = a.masters.Load().current().seal.encrypt(encoded, recordKey.label(kept))
	return kept, nil
}
