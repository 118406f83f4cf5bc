package gatehouse

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"gatehouse/argon2id"
	"gatehouse/blocklist"
	"gatehouse/jwt"
	"gatehouse/model"
)

// Auth is the rules over one store. Make it with [New]; it is safe for
// concurrent use, and several can live in one process. It starts no goroutine:
// whoever serves calls [Auth.Sweep] every minute.
type Auth struct {
	cfg    Config
	store  model.Store
	hashes *passwordHashes
	log    *slog.Logger

	commonPasswords *blocklist.List
	ourNames        blocklist.Context // no password is made of them

	masters  atomic.Pointer[masterKeys]
	keys     atomic.Pointer[keyring]
	loading  chan struct{} // holds one while signing keys are loaded
	verifier *jwt.Verifier
	list     statusCache
	patience patience // with the Signer
	throttle throttle
	clock    *steadyClock
	stepped  atomic.Bool // a token was replaced since Remember, which is no event

	mailQueued chan struct{} // holds one when there may be a mail to send
	mailFails  atomic.Bool   // nothing could be sent the last time
}

// New checks the configuration, loads the signing keys and returns the rules over
// the store. The first signing key is made when it is first needed. The error
// names the field that is wrong, Config.Peppers also where a hash was made with
// one that is not there. The store stays the caller's to close.
func New(ctx context.Context, store model.Store, cfg Config) (*Auth, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Mail, err = cfg.Mail.withDefaults(); err != nil {
		return nil, err
	}
	if err := needPeppers(ctx, store, cfg.Peppers); err != nil {
		return nil, err
	}
	masters, err := configuredMasterKeys(ctx, store, cfg)
	if err != nil {
		return nil, err
	}
	engine, err := argon2id.NewEngine(argon2id.Config{Params: cfg.HashParams, MemoryBudgetKiB: cfg.HashMemoryKiB, Client: networkOf})
	if err != nil {
		return nil, fmt.Errorf("gatehouse: Config.HashParams: %w", err)
	}
	common, err := blocklist.Common()
	if err != nil {
		return nil, err
	}
	peppers := slices.Clone(cfg.Peppers)
	hashes := &passwordHashes{engine: engine, peppers: func() []model.Pepper { return peppers }}
	// Whatever is kept could be printed.
	cfg.MasterKey, cfg.FormerMasterKeys, cfg.Peppers = model.MasterKey{}, nil, nil
	a := &Auth{
		cfg: cfg, store: store, hashes: hashes, log: cfg.Logger, loading: make(chan struct{}, 1),
		list: statusCache{turn: make(chan struct{}, 1)}, patience: newPatience(signerPatience, signerCalls),
		commonPasswords: common, ourNames: ourNames(cfg), throttle: newThrottle(cfg.Limits), mailQueued: make(chan struct{}, 1),
	}
	a.clock = newSteadyClock(cfg.Now)
	newest, err := store.NewestEvent(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: clock: %w", err)
	}
	a.clock.notBefore(newest.At)
	a.warnOfClock(ctx)
	a.masters.Store(masters)
	if err := a.loadKeys(ctx); err != nil {
		return nil, err
	}
	a.verifier, err = jwt.NewVerifier(jwt.VerifierConfig{
		Issuer: cfg.Issuer, Audience: cfg.Audience, Now: a.clock.now,
		Keys: func() jwt.KeySet { return a.keys.Load().public },
	})
	if err != nil {
		return nil, fmt.Errorf("gatehouse: verifier: %w", err)
	}
	return a, nil
}

const hiddenAuth = "[gatehouse.Auth hidden]"

// Format hides everything under every verb.
func (a *Auth) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenAuth)) }

// GoString hides everything.
func (a *Auth) GoString() string { return hiddenAuth }

// LogValue hides everything in logs.
func (a *Auth) LogValue() slog.Value { return slog.StringValue(hiddenAuth) }

// Issuer returns the public URL of the installation, without a slash at its end.
func (a *Auth) Issuer() string { return a.cfg.Issuer }

// PasswordMin returns the shortest password that is accepted, in code points.
func (a *Auth) PasswordMin() int { return a.cfg.PasswordMin }

// HashMemoryKiB returns the bound on the memory of all password hashes at once.
func (a *Auth) HashMemoryKiB() uint64 { return a.hashes.engine.MemoryBudgetKiB() }

// HashLoad is how busy this process is with passwords.
type HashLoad struct {
	Done       uint64 // passwords that were hashed or checked since New
	Refused    uint64 // calls that met ErrOverloaded since New
	Waiting    int    // calls that wait for their place
	RunningKiB uint64 // memory that the calls at work may have; HashMemoryKiB is the bound
}

// HashLoad returns how busy this process is with passwords.
func (a *Auth) HashLoad() HashLoad {
	engine := a.hashes.engine
	load := engine.Load()
	return HashLoad{Done: engine.Evaluations(), Refused: load.Refused, Waiting: load.Waiting, RunningKiB: load.RunningKiB}
}

// PepperIDs returns the ids of the peppers that stored hashes were made with. A
// pepper that is not among them is needed for new hashes only.
func (a *Auth) PepperIDs(ctx context.Context) ([]string, error) {
	ids, err := a.store.PepperIDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: peppers: %w", err)
	}
	return ids, nil
}

// Ping reports whether the store answers.
func (a *Auth) Ping(ctx context.Context) error { return a.store.Ping(ctx) }

// networkOf returns on whose behalf a hash is asked for: the narrowest of its
// sources. Where nobody said, it is the zero prefix, one client for all of them.
func networkOf(ctx context.Context) netip.Prefix {
	for _, source := range model.SourcesFrom(ctx) {
		return source
	}
	return netip.Prefix{}
}

// now is the one clock: the store never asks its own.
func (a *Auth) now() time.Time { return a.clock.now().UTC().Truncate(time.Microsecond) }

// clientOf returns where a request came from, as sessions and events keep it.
func clientOf(ctx context.Context) model.Client {
	client := model.ClientFrom(ctx)
	client.Device = ""
	return client
}

// event fills in what every event has.
func (a *Auth) event(ctx context.Context, name model.EventName, user model.UserID, session model.SessionID) model.Event {
	return model.Event{At: a.now(), Name: name, UserID: user, SessionID: session, Client: clientOf(ctx)}
}
