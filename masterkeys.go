package gatehouse

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// masterKeys is what was derived from the master key and from the former ones. It
// never changes; another one replaces it.
type masterKeys struct {
	all []derivedKeys // the current one first
}

// derivedKeys is what was derived from one master key.
type derivedKeys struct {
	seal    sealer
	refresh refreshKey
	events  eventKey
	mails   mailKey
	// attempts names lanes, and devices proves device tokens.
	attempts attemptKey
	devices  deviceKey
	// replacedAt is when another master key took the place of this one: zero for
	// the current one, and for a former one of which it is not known.
	replacedAt time.Time
}

// masterKeySpread is how long after a change some process may still begin sessions
// under the former master key: it has not looked at the file, or its clock differs.
const masterKeySpread = time.Hour

// FormerKeyLifetime is how long a master key that was replaced may be good for a
// refresh token: the life of a session, and an hour for who had not heard of it.
const FormerKeyLifetime = SessionLifetime + masterKeySpread

// begunBefore is when the sessions of this key had all begun; zero is no limit.
func (d derivedKeys) begunBefore() time.Time {
	if d.replacedAt.IsZero() {
		return time.Time{}
	}
	return d.replacedAt.Add(masterKeySpread)
}

// outlived reports whether no session of this key can be left.
func (d derivedKeys) outlived(now time.Time) bool {
	return !d.replacedAt.IsZero() && !now.Before(d.replacedAt.Add(FormerKeyLifetime))
}

func (m *masterKeys) current() derivedKeys { return m.all[0] }

// recordKind is what is sealed. Kind and key are the label under which it is, so
// that a record opens for no other.
type recordKind string

const (
	recordKey    recordKind = "signing_keys.sealed" // a private key
	recordHandle recordKind = "signing_keys.handle" // what names one to a Signer
)

func (k recordKind) label(key model.SigningKey) string {
	return string(k) + "\x00" + key.Algorithm + "\x00" + key.KeyID
}

// openKey decrypts what was sealed of a signing key, under whichever master key,
// and says what it is.
func (m *masterKeys) openKey(kept model.SigningKey) (plain []byte, kind recordKind, err error) {
	for _, master := range m.all {
		if !master.seal.made(kept.Sealed) {
			continue
		}
		for _, kind := range []recordKind{recordKey, recordHandle} {
			if plain, err := master.seal.decrypt(kept.Sealed, kind.label(kept)); err == nil {
				return plain, kind, nil
			}
		}
	}
	return nil, "", errSealed
}

// newMasterKeys derives what the keys are used for.
func newMasterKeys(keys model.MasterKeys) (*masterKeys, error) {
	if err := keys.Current.Check(); err != nil {
		return nil, fmt.Errorf("gatehouse: Config.MasterKey: %w", err)
	}
	if err := keys.Check(); err != nil {
		return nil, fmt.Errorf("gatehouse: Config.FormerMasterKeys: %w", err)
	}
	m := &masterKeys{}
	for _, kept := range append([]model.FormerMasterKey{{Key: keys.Current}}, keys.Former...) {
		key := kept.Key
		seal, err := newSealer(key)
		if err != nil {
			return nil, err
		}
		refresh, err := newRefreshKey(key)
		if err != nil {
			return nil, err
		}
		events, err := newEventKey(key)
		if err != nil {
			return nil, err
		}
		mails, err := newMailKey(key)
		if err != nil {
			return nil, err
		}
		attempts, err := newAttemptKey(key)
		if err != nil {
			return nil, err
		}
		devices, err := newDeviceKey(key)
		if err != nil {
			return nil, err
		}
		m.all = append(m.all, derivedKeys{seal: seal, refresh: refresh, events: events, mails: mails, attempts: attempts, devices: devices, replacedAt: kept.ReplacedAt})
	}
	return m, nil
}

// configuredMasterKeys returns the keys of the configuration, or else those that
// the store keeps.
func configuredMasterKeys(ctx context.Context, store model.Store, cfg Config) (*masterKeys, error) {
	if cfg.MasterKey != (model.MasterKey{}) {
		return newMasterKeys(model.MasterKeys{Current: cfg.MasterKey, Former: cfg.FormerMasterKeys})
	}
	if len(cfg.FormerMasterKeys) > 0 {
		return nil, errors.New("gatehouse: Config.FormerMasterKeys: there is no Config.MasterKey that follows them")
	}
	keeper, ok := store.(model.MasterKeyKeeper)
	if !ok {
		return nil, errors.New("gatehouse: Config.MasterKey is required: this store keeps no key of its own")
	}
	keys, err := keeper.MasterKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: master key: %w", err)
	}
	return newMasterKeys(keys)
}

// deriveKey returns 32 bytes for one purpose (HKDF-SHA-256, RFC 5869), so that
// no two uses share a key.
func deriveKey(master model.MasterKey, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master[:], nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: derive key: %w", err)
	}
	return key, nil
}

// MasterKeyIDs names the master keys in use, the current one first: 16
// hexadecimal digits each that tell nothing of the key.
func (a *Auth) MasterKeyIDs() []string {
	var ids []string
	for _, master := range a.masters.Load().all {
		ids = append(ids, master.seal.name())
	}
	return ids
}

// UseMasterKeys puts other master keys into the place of those in use, while
// everything goes on: what is sealed and who logs in from then on rests on the
// current one, and the former ones still open records and are good for the
// refresh tokens of sessions that began under them: before the key was replaced,
// and an hour more for who had not heard of it. Keys that do not open every
// signing key there is are not taken, and nothing changes.
func (a *Auth) UseMasterKeys(ctx context.Context, keys model.MasterKeys) error {
	masters, err := newMasterKeys(keys)
	if err != nil {
		return err
	}
	kept, err := a.store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("gatehouse: use master keys: %w", err)
	}
	for _, key := range kept {
		if _, _, err := masters.openKey(key); err != nil {
			return fmt.Errorf("gatehouse: use master keys: signing key %s: %w", key.KeyID, err)
		}
	}
	a.masters.Store(masters)
	return nil
}

// ResealKeys seals every record that is under a former master key anew under the
// current one, and reports how many it did. Each is one conditional statement, so
// that it can be stopped at any point and run again, by any number of processes,
// while others read. The signing keys themselves stay what they are. The audit chain
// goes on under the current key.
func (a *Auth) ResealKeys(ctx context.Context) (resealed int, err error) {
	masters := a.masters.Load()
	kept, err := a.store.SigningKeys(ctx)
	if err != nil {
		return 0, fmt.Errorf("gatehouse: reseal: %w", err)
	}
	for _, key := range kept {
		if masters.current().seal.made(key.Sealed) {
			continue
		}
		plain, kind, err := masters.openKey(key)
		if err != nil {
			return resealed, fmt.Errorf("gatehouse: reseal: signing key %s: %w", key.KeyID, err)
		}
		done, err := a.resealKey(ctx, key, masters.current().seal.encrypt(plain, kind.label(key)))
		if err != nil {
			return resealed, fmt.Errorf("gatehouse: reseal: %w", err)
		}
		if done {
			resealed++
		}
	}
	if _, err := a.sealSome(ctx); err != nil {
		return resealed, fmt.Errorf("gatehouse: reseal: %w", err)
	}
	return resealed, nil
}

func (a *Auth) resealKey(ctx context.Context, key model.SigningKey, sealed []byte) (done bool, err error) {
	err = a.store.Tx(ctx, func(tx model.Records) error {
		done, err = tx.ResealSigningKey(ctx, key.KeyID, key.Sealed, sealed)
		if err != nil || !done {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventSigningKeyResealed, model.UserID{}, model.SessionID{}))
	})
	return done && err == nil, err
}
