package gatehouse

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"gatehouse/argon2id"
	"gatehouse/jwt"
	"gatehouse/model"
)

// Auth is the rules over one store. Make it with [New]; it is safe for
// concurrent use, and several can live in one process. It starts no goroutine:
// whoever serves calls [Auth.Sweep] every minute.
type Auth struct {
	cfg    Config
	store  model.Store
	hashes *argon2id.Engine
	seal   sealer
	log    *slog.Logger

	refreshKey []byte // derives refresh tokens; see refreshtoken.go
	keys       atomic.Pointer[keyring]
	verifier   *jwt.Verifier
	list       statusCache
}

// New checks the configuration, loads the signing keys and returns the rules over
// the store. The first signing key is made when it is first needed. The error
// names the field that is wrong. The store stays the caller's to close.
func New(ctx context.Context, store model.Store, cfg Config) (*Auth, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.MasterKey, err = masterKey(ctx, store, cfg.MasterKey); err != nil {
		return nil, err
	}
	hashes, err := argon2id.NewEngine(argon2id.Config{Params: cfg.HashParams, MemoryBudgetKiB: cfg.HashMemoryKiB})
	if err != nil {
		return nil, fmt.Errorf("gatehouse: Config.HashParams: %w", err)
	}
	a := &Auth{cfg: cfg, store: store, hashes: hashes, log: cfg.Logger}
	if a.seal, err = newSealer(cfg.MasterKey); err != nil {
		return nil, err
	}
	if a.refreshKey, err = deriveKey(cfg.MasterKey, "gatehouse refresh token v1"); err != nil {
		return nil, err
	}
	if err := a.loadKeys(ctx); err != nil {
		return nil, err
	}
	a.verifier, err = jwt.NewVerifier(jwt.VerifierConfig{
		Issuer: cfg.Issuer, Audience: cfg.Audience, Now: cfg.Now,
		Keys: func() jwt.KeySet { return a.keys.Load().public },
	})
	if err != nil {
		return nil, fmt.Errorf("gatehouse: verifier: %w", err)
	}
	return a, nil
}

// Issuer returns the public URL of the installation, without a slash at its end.
func (a *Auth) Issuer() string { return a.cfg.Issuer }

// PasswordMin returns the shortest password that is accepted, in code points.
func (a *Auth) PasswordMin() int { return a.cfg.PasswordMin }

// HashMemoryKiB returns the bound on the memory of all password hashes at once.
func (a *Auth) HashMemoryKiB() uint64 { return a.hashes.MemoryBudgetKiB() }

// Ping reports whether the store answers.
func (a *Auth) Ping(ctx context.Context) error { return a.store.Ping(ctx) }

// now is the one clock: the store never asks its own.
func (a *Auth) now() time.Time { return a.cfg.Now().UTC().Truncate(time.Microsecond) }

// event fills in what every event has.
func (a *Auth) event(ctx context.Context, name model.EventName, user model.UserID, session model.SessionID) model.Event {
	return model.Event{At: a.now(), Name: name, UserID: user, SessionID: session, Client: model.ClientFrom(ctx)}
}

func masterKey(ctx context.Context, store model.Store, configured model.MasterKey) (model.MasterKey, error) {
	if configured != (model.MasterKey{}) {
		if err := configured.Check(); err != nil {
			return configured, fmt.Errorf("gatehouse: Config.MasterKey: %w", err)
		}
		return configured, nil
	}
	keeper, ok := store.(model.MasterKeyKeeper)
	if !ok {
		return configured, errors.New("gatehouse: Config.MasterKey is required: this store keeps no key of its own")
	}
	key, err := keeper.MasterKey(ctx)
	if err != nil {
		return key, fmt.Errorf("gatehouse: master key: %w", err)
	}
	return key, nil
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
