package gatehouse

import (
	"context"
	"fmt"
	"time"

	"gatehouse/jwt"
	"gatehouse/model"
)

// The life of a signing key (NIST SP 800-57 part 1 section 5.3): published for
// an hour before it signs, so that every verifier has it by then; replaced after
// 90 days; kept until no token that it signed can be good and no verifier can
// rely on a key set without its successor.
const (
	rotationPeriod = 90 * 24 * time.Hour
	publishedAhead = time.Hour
	keptAfter      = MaxAccessTTL + jwt.Leeway + KeySetAge
)

// KeySetAge is how long a published key set may be kept: less than the time for
// which a key is published before it signs.
const KeySetAge = 300 * time.Second

// ensureKeys loads the signing keys of our algorithm, makes the first where there
// is none and the next when it is due, and forgets those whose time is over. Any
// number of processes may do so at once: a generation is made once.
func (a *Auth) ensureKeys(ctx context.Context) error {
	if err := a.loadKeys(ctx); err != nil {
		return err
	}
	now, keys := a.now(), a.keys.Load().keys
	var err error
	switch n := len(keys); {
	case n == 0:
		err = a.makeKey(ctx, 1, now)
	case !now.Before(keys[n-1].activeFrom.Add(rotationPeriod - publishedAhead)):
		err = a.makeKey(ctx, keys[n-1].generation+1, now.Add(publishedAhead))
	case n > 1 && now.After(keys[1].activeFrom.Add(keptAfter)):
		err = a.forgetKey(ctx, keys[0].key.KeyID())
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("gatehouse: rotate signing keys: %w", err)
	}
	// Another process may have been first; what counts is what is kept.
	return a.loadKeys(ctx)
}

func (a *Auth) forgetKey(ctx context.Context, keyID string) error {
	return a.store.Tx(ctx, func(tx model.Records) error {
		gone, err := tx.ForgetSigningKey(ctx, keyID)
		if err != nil || !gone {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventSigningKeyForgotten, model.UserID{}, model.SessionID{}))
	})
}

// makeKey adds the next key. Whoever is first makes it; for others there is
// nothing to do.
func (a *Auth) makeKey(ctx context.Context, generation int64, activeFrom time.Time) error {
	key, err := jwt.GenerateKey(jwt.Algorithm(a.cfg.Algorithm))
	if err != nil {
		return fmt.Errorf("gatehouse: new signing key: %w", err)
	}
	encoded, err := key.Encode()
	if err != nil {
		return fmt.Errorf("gatehouse: new signing key: %w", err)
	}
	kept := model.SigningKey{
		KeyID: key.KeyID(), Algorithm: a.cfg.Algorithm, Generation: generation,
		Sealed:    a.seal.Seal(encoded, keyPlace(key.KeyID(), a.cfg.Algorithm)),
		CreatedAt: a.now(), ActiveFrom: activeFrom,
	}
	return a.store.Tx(ctx, func(tx model.Records) error {
		made, err := tx.CreateSigningKey(ctx, kept)
		if err != nil || !made {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventSigningKeyMade, model.UserID{}, model.SessionID{}))
	})
}
