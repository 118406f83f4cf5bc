package gatehouse

import (
	"context"
	"errors"

	"gatehouse/model"
)

// RevokeToken ends the session of an access token or a refresh token, and with
// it all its tokens (RFC 7009 section 2.1). A refresh token that was spent
// already ends its session too: whoever holds it may have lost the answer with
// the next one. A token that is forged, or dead, is no error.
func (a *Auth) RevokeToken(ctx context.Context, token string) error {
	seen, err := a.tokenPresence(ctx, token)
	if errors.Is(err, model.ErrInvalidToken) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.LogoutUser(ctx, seen.Presence.User.ID, seen.Presence.Session.ID)
}

// Introspection says what a token is worth at this moment (RFC 7662).
type Introspection struct {
	Active bool
	// Claims is set for an active access token, Presence for every active
	// token.
	Claims   *Claims
	Presence model.Presence
}

// IntrospectToken looks at an access token or a refresh token and changes
// nothing. Whatever is not fully valid is inactive, without a reason.
func (a *Auth) IntrospectToken(ctx context.Context, token string) (Introspection, error) {
	seen, err := a.tokenPresence(ctx, token)
	if errors.Is(err, model.ErrInvalidToken) || err == nil && !seen.Active {
		return Introspection{}, nil
	}
	if err != nil {
		return Introspection{}, err
	}
	return seen, nil
}

// tokenPresence returns whose token this is, whatever its kind. It is active when
// it is the one in force, and not a refresh token that was spent. Refusal:
// ErrInvalidToken.
func (a *Auth) tokenPresence(ctx context.Context, token string) (Introspection, error) {
	if !IsRefreshToken(token) {
		claims, who, err := a.bearer(ctx, token)
		return Introspection{Active: err == nil, Claims: claims, Presence: who}, err
	}
	held, ok := a.parseRefreshToken(model.RefreshToken(token))
	if !ok {
		return Introspection{}, model.ErrInvalidToken
	}
	who, err := a.store.Presence(ctx, held.session, a.now())
	if err != nil {
		return Introspection{}, orInvalidToken(err)
	}
	if !held.of(who.Session) {
		return Introspection{}, model.ErrInvalidToken
	}
	return Introspection{Active: who.Session.Counter == held.counter, Presence: who}, nil
}
