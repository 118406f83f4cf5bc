package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/jwt"
	"gatehouse/model"
)

// The verbs of this file explain tokens to the operator. They change nothing,
// and no door offers them: a stranger learns no more than that a token is
// refused.

// RefreshState is what a refresh token is good for.
type RefreshState string

// The states of a refresh token.
const (
	// RefreshForged: no master key of ours made it for this session.
	RefreshForged RefreshState = "forged"
	// RefreshEnded: its session has ended, or the user is gone or disabled.
	RefreshEnded RefreshState = "ended"
	// RefreshInForce: presenting it renews the session.
	RefreshInForce RefreshState = "in force"
	// RefreshRepeats: it was spent a moment ago; presenting it gives the same
	// answer again.
	RefreshRepeats RefreshState = "repeats"
	// RefreshSpent: another is in force; presenting it ends the session.
	RefreshSpent RefreshState = "spent"
)

// RefreshExplanation says what a refresh token stands for.
type RefreshExplanation struct {
	State RefreshState
	// SessionID and Counter are what the token names. Nobody vouches for them
	// when it is forged.
	SessionID model.SessionID
	Counter   int64
	// User and Session are set unless the token is forged or its session ended.
	User    model.User
	Session model.Session
	// RepeatsUntil is set for a token that repeats its answer.
	RepeatsUntil time.Time
}

// ExplainJWT is LoginJWT for people: its error says why a token is refused.
func (a *Auth) ExplainJWT(_ context.Context, accessToken string) (*Claims, error) {
	return a.verifier.Verify(accessToken)
}

// ExplainRefresh says what a refresh token stands for and what it is good for.
// Refusal: ErrInvalidToken for a text that is no refresh token.
func (a *Auth) ExplainRefresh(ctx context.Context, token model.RefreshToken) (RefreshExplanation, error) {
	held, body, mac, ok := splitRefreshToken(token)
	if !ok {
		return RefreshExplanation{}, model.ErrInvalidToken
	}
	held, ours := a.vouch(held, body, mac)
	seen := RefreshExplanation{SessionID: held.session, Counter: held.counter}
	if !ours {
		seen.State = RefreshForged
		return seen, nil
	}
	now := a.now()
	who, err := a.store.Presence(ctx, seen.SessionID, now)
	if errors.Is(err, model.ErrNotFound) {
		seen.State = RefreshEnded
		return seen, nil
	}
	if err != nil {
		return RefreshExplanation{}, fmt.Errorf("gatehouse: explain refresh token: %w", err)
	}
	if !held.of(who.Session) {
		seen.State = RefreshForged
		return seen, nil
	}
	seen.User, seen.Session = who.User, who.Session
	switch window := a.retryWindow(); {
	case seen.Counter == who.Session.Counter:
		seen.State = RefreshInForce
	case who.Session.RepeatsFor(seen.Counter, now, window):
		seen.State, seen.RepeatsUntil = RefreshRepeats, who.Session.SteppedAt.Add(window)
	default:
		seen.State = RefreshSpent
	}
	return seen, nil
}

// ExplainStatusList checks a status list token as a verifier does. Its error
// says why one would be refused.
func (a *Auth) ExplainStatusList(_ context.Context, token string) (*jwt.StatusListClaims, error) {
	verifier, err := jwt.NewStatusListVerifier(jwt.StatusListVerifierConfig{
		Issuer: a.cfg.Issuer, URI: a.cfg.StatusListURI, Now: a.cfg.Now,
		Keys: func() jwt.KeySet { return a.keys.Load().public },
	})
	if err != nil {
		return nil, fmt.Errorf("gatehouse: explain status list: %w", err)
	}
	return verifier.Verify(token)
}
