package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gatehouse/jwt"
)

// Claims are what an accepted token says. They belong to the caller.
type Claims = jwt.Claims

// The errors of Check, to be asked for with errors.Is. Their texts hold no part of
// a token; what they add is for operators, not for the caller of a service.
var (
	// ErrInvalidToken: not a token of the issuer for this audience, or expired,
	// or revoked. Whoever sent it has to log in again or renew it.
	ErrInvalidToken = errors.New("verify: the token is not valid")
	// ErrForbidden: a valid token that lacks a role or a scope.
	ErrForbidden = errors.New("verify: the token does not allow this")
	// ErrUnavailable: nothing can be verified now, since the keys or the status
	// list are missing or too old. Try again in a few seconds.
	ErrUnavailable = errors.New("verify: no token can be verified now")
)

// keyPatience is how long a token of an unknown key waits for a look at the key
// set, where one may be had.
const keyPatience = time.Second

// Verifier accepts the tokens of one issuer for one audience. Make it with
// New; the zero value accepts nothing. Safe for use by several goroutines.
type Verifier struct {
	config Config
	tokens *jwt.Verifier
	keys   *keys
	list   *statusList

	end     context.CancelCauseFunc
	ended   context.Context
	workers sync.WaitGroup
	fetch   *fetcher

	mu      sync.Mutex
	ready   bool
	changed chan struct{} // closed at the next change of keys or list
}

// New returns a Verifier and starts to fetch keys and status list. It does not
// wait for them: until they are there every token is refused with
// ErrUnavailable. An error names the field of the configuration that is wrong.
// Close ends what was started.
func New(config Config) (*Verifier, error) {
	v, err := build(config, fetchTimeout)
	if err != nil {
		return nil, err
	}
	v.run()
	return v, nil
}

// build returns a Verifier that fetches nothing by itself.
func build(config Config, timeout time.Duration) (*Verifier, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	v := &Verifier{config: config, fetch: newFetcher(config, timeout), changed: make(chan struct{})}
	v.keys = &keys{
		fetch: v.fetch, maxAge: config.KeySetMaxAge, now: config.Now,
		from: document{
			url: config.KeySetURL, accept: "application/jwk-set+json, application/json", suffix: "json", limit: jwt.MaxKeySetSize,
		},
		wake: make(chan struct{}, 1), first: make(chan struct{}),
	}
	v.list = &statusList{
		fetch: v.fetch, maxAge: config.StatusMaxAge, now: config.Now, keys: v.keys,
		from: document{
			url: config.StatusListURL, accept: "application/statuslist+jwt", suffix: "jwt", limit: jwt.MaxStatusListTokenSize,
		},
	}
	v.tokens, err = jwt.NewVerifier(jwt.VerifierConfig{
		Issuer: config.Issuer, Audience: config.Audience, Keys: v.keys.set, Now: config.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v.list.verifier, err = jwt.NewStatusListVerifier(jwt.StatusListVerifierConfig{
		Issuer: config.Issuer, URI: config.StatusListURL, Keys: v.keys.set, Now: config.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v.ended, v.end = context.WithCancelCause(context.Background())
	return v, nil
}

func (v *Verifier) run() {
	for _, w := range []*worker{
		{what: "key set", interval: v.config.KeySetInterval, wake: v.keys.wake, task: v.keys.renew},
		{what: "status list", interval: v.config.StatusInterval, task: v.list.renew},
	} {
		w.after, w.log = v.settle, v.config.Logger
		v.workers.Go(func() { w.run(v.ended) })
	}
}

var errClosed = errors.New("verify: closed")

// Close ends the background work and waits for its end. After that every token
// is refused with ErrUnavailable. Closing twice is harmless.
func (v *Verifier) Close() {
	if v == nil || v.tokens == nil {
		return
	}
	v.end(errClosed)
	v.workers.Wait()
	v.fetch.client.CloseIdleConnections()
	v.list.held.Store(nil)
	v.keys.held.Store(nil)
}

// Ready waits until keys and status list are there. It is optional: a service
// may also start at once and answer 503 for a moment. When ctx ends first, the
// error is ErrUnavailable and says what is missing.
func (v *Verifier) Ready(ctx context.Context) error {
	if v == nil || v.tokens == nil {
		return fmt.Errorf("%w: the verifier was not made by New", ErrUnavailable)
	}
	for {
		v.mu.Lock()
		changed := v.changed
		v.mu.Unlock()
		trouble := v.trouble()
		if trouble == "" {
			return nil
		}
		select {
		case <-changed:
		case <-v.ended.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(v.ended))
		case <-ctx.Done():
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, trouble, context.Cause(ctx))
		}
	}
}

// Check returns the claims of a token that is valid, not revoked, and meets
// every demand. With an error there are no claims; the error is
// ErrInvalidToken, ErrForbidden or ErrUnavailable.
//
// It reads memory only, with one exception: a token of an unknown key asks for
// the key set, at most once in 30 seconds, and waits up to a second for it.
func (v *Verifier) Check(ctx context.Context, token string, demands ...Demand) (*Claims, error) {
	if v == nil || v.tokens == nil {
		return nil, fmt.Errorf("%w: the verifier was not made by New", ErrUnavailable)
	}
	if trouble := v.trouble(); trouble != "" {
		return nil, fmt.Errorf("%w: %s", ErrUnavailable, trouble)
	}
	claims, err := v.tokens.Verify(token)
	if errors.Is(err, jwt.ErrUnknownKey) && v.lookedForKey(ctx) {
		claims, err = v.tokens.Verify(token)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if err := v.checkStatus(claims, token); err != nil {
		return nil, err
	}
	for _, demand := range demands {
		if !demand.metBy(claims) {
			return nil, fmt.Errorf("%w: %s is missing", ErrForbidden, demand)
		}
	}
	return claims, nil
}

// checkStatus looks the token up in the list (draft-ietf-oauth-status-list-21
// section 8.3). A token that refers to no list, or to another, could not be
// revoked: it is refused.
func (v *Verifier) checkStatus(claims *Claims, token string) error {
	held := v.list.held.Load()
	switch {
	case held == nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, errClosed)
	case claims.Status.URI != v.config.StatusListURL:
		v.tokens.Forget(token)
		return fmt.Errorf("%w: it refers to no status list, or to another", ErrInvalidToken)
	case held.list.Revoked(claims.Status.Index):
		v.tokens.Forget(token)
		return fmt.Errorf("%w: it was revoked", ErrInvalidToken)
	}
	return nil
}

// lookedForKey reports whether the key set was read because of a token.
func (v *Verifier) lookedForKey(ctx context.Context) bool {
	done := v.keys.ask()
	if done == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	return wait(ctx, done)
}

// trouble says why no token can be verified now, or nothing.
func (v *Verifier) trouble() string {
	// The clock comes last, so that what is held is never of the future.
	keys, list := v.keys.held.Load(), v.list.held.Load()
	now := v.config.Now()
	if trouble := keys.trouble(now); trouble != "" {
		return trouble
	}
	return list.trouble(now)
}

// settle tells those who wait in Ready, and the log whether tokens are accepted.
func (v *Verifier) settle() {
	trouble := v.trouble()
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.changed = make(chan struct{})
	if ready := trouble == ""; ready != v.ready {
		v.ready = ready
		if ready {
			v.config.Logger.Info("verify: tokens are accepted", slog.String("issuer", v.config.Issuer))
			return
		}
		v.config.Logger.Error("verify: every token is refused", slog.String("issuer", v.config.Issuer), slog.String("why", trouble))
	}
}
