package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/jwt"
	"gatehouse/model"
)

// Claims are what a verified access token says. They belong to the caller.
type Claims = jwt.Claims

// LoginJWT checks an access token: signature, algorithm, type, issuer,
// audience and times. It is stateless: no storage is read, so a token that was
// revoked is good here until it expires. Programs that hold the store and must
// know at once use BearerPresence. Refusal: ErrInvalidToken, whatever the
// reason; no claims come with it.
func (a *Auth) LoginJWT(_ context.Context, accessToken string) (*Claims, error) {
	claims, err := a.verifier.Verify(accessToken)
	if err != nil {
		return nil, model.ErrInvalidToken
	}
	return claims, nil
}

// BearerPresence checks an access token and the session behind it, and returns
// the user as the store has it now. Refusal: ErrInvalidToken.
func (a *Auth) BearerPresence(ctx context.Context, accessToken string) (model.Presence, error) {
	_, who, err := a.bearer(ctx, accessToken)
	return who, err
}

// bearer is BearerPresence with what the token says.
func (a *Auth) bearer(ctx context.Context, accessToken string) (*Claims, model.Presence, error) {
	ring := a.keys.Load()
	claims, err := a.verifier.Verify(accessToken)
	if errors.Is(err, jwt.ErrUnknownKey) {
		// Another process may have begun to sign with a key since we looked.
		var keys model.KeysVersion
		if keys, err = a.store.KeysVersion(ctx); err != nil {
			return nil, model.Presence{}, fmt.Errorf("gatehouse: who is there: %w", err)
		}
		if ring, err = a.reload(ctx, keys); err != nil {
			return nil, model.Presence{}, err
		}
		if claims, err = a.verifier.Verify(accessToken); errors.Is(err, jwt.ErrUnknownKey) && ring.missing != nil {
			return nil, model.Presence{}, fmt.Errorf("gatehouse: who is there: %w", ring.missing)
		}
	}
	if err != nil {
		return nil, model.Presence{}, model.ErrInvalidToken
	}
	id, err := model.ParseID[model.Session](claims.SessionID)
	if err != nil {
		return nil, model.Presence{}, model.ErrInvalidToken
	}
	who, err := a.store.Presence(ctx, id, a.now())
	if err != nil {
		return nil, model.Presence{}, orInvalidToken(err)
	}
	if who.User.ID.String() != claims.Subject {
		return nil, model.Presence{}, model.ErrInvalidToken
	}
	if who.Keys != ring.version {
		// A key that was forgotten since is worth nothing, whoever forgot it.
		if _, err := a.reload(ctx, who.Keys); err != nil {
			return nil, model.Presence{}, err
		}
		if claims, err = a.verifier.Verify(accessToken); err != nil {
			return nil, model.Presence{}, model.ErrInvalidToken
		}
	}
	return claims, who, nil
}

// SessionPresence returns who a session token belongs to and moves the idle end
// of the session. Refusal: ErrInvalidToken.
func (a *Auth) SessionPresence(ctx context.Context, token model.SessionToken) (model.Presence, error) {
	if token == "" {
		return model.Presence{}, model.ErrInvalidToken
	}
	now := a.now()
	who, err := a.store.PresenceByToken(ctx, model.DigestOf(token), now)
	if err != nil {
		return model.Presence{}, orInvalidToken(err)
	}
	// One write a minute is enough for an end that is a day away.
	if now.Sub(who.Session.LastUsedAt) < useInterval {
		return who, nil
	}
	if err := a.store.UseSession(ctx, who.Session.ID, now, now.Add(sessionIdle)); err != nil {
		return model.Presence{}, fmt.Errorf("gatehouse: use session: %w", err)
	}
	return who, nil
}

// IssueJWT returns an access token for somebody who is present, such as the
// owner of a session token.
func (a *Auth) IssueJWT(ctx context.Context, who model.Presence) (AccessGrant, error) {
	return a.accessToken(ctx, who)
}

// orInvalidToken turns ErrNotFound into what the holder of a token is
// told when its session or its user is gone.
func orInvalidToken(err error) error {
	if errors.Is(err, model.ErrNotFound) {
		return model.ErrInvalidToken
	}
	return fmt.Errorf("gatehouse: who is there: %w", err)
}
