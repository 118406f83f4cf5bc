package gatehouse

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gatehouse/jwt"
	"gatehouse/model"
)

// Grant is what a login or a refresh over the API gives. It does not print
// itself.
type Grant struct {
	AccessToken  string
	ExpiresIn    time.Duration // how long the access token lives
	RefreshToken model.RefreshToken
	SessionID    model.SessionID
	User         model.User
}

// SessionGrant is what a login by a browser gives. It does not print itself.
type SessionGrant struct {
	Token   model.SessionToken
	Session model.Session
	User    model.User
	// Device is for the browser to keep and to bring along at its next login, in
	// model.Client.Device, for DeviceLifetime.
	Device model.DeviceToken
}

// AccessGrant is an access token alone. It does not print itself.
type AccessGrant struct {
	AccessToken string
	ExpiresIn   time.Duration
}

// grant signs the tokens of a session as it is now. The key is the one that the
// session began with.
func (a *Auth) grant(ctx context.Context, who model.Presence, key refreshKey) (Grant, error) {
	access, err := a.accessToken(ctx, who)
	if err != nil {
		return Grant{}, err
	}
	return access.with(who, key), nil
}

// with adds the refresh token in force.
func (g AccessGrant) with(who model.Presence, key refreshKey) Grant {
	return Grant{
		AccessToken: g.AccessToken, ExpiresIn: g.ExpiresIn,
		RefreshToken: key.token(who.Session.ID, who.Session.Counter),
		SessionID:    who.Session.ID, User: who.User,
	}
}

// accessToken is the one place where an access token is made (RFC 9068 section
// 2.2). No token outlives its session.
func (a *Auth) accessToken(ctx context.Context, who model.Presence) (AccessGrant, error) {
	ring, err := a.ringAt(ctx, who.Keys)
	if err != nil {
		return AccessGrant{}, err
	}
	now := a.now()
	signer := ring.signer(now)
	expires := now.Add(a.cfg.AccessTTL)
	if expires.After(who.Session.ExpiresAt) {
		expires = who.Session.ExpiresAt
	}
	token, err := a.signAccessToken(signer, who, now, expires)
	if err != nil {
		return AccessGrant{}, err
	}
	return AccessGrant{AccessToken: token, ExpiresIn: expires.Sub(now)}, nil
}

func (a *Auth) signAccessToken(signer ringKey, who model.Presence, issued, expires time.Time) (string, error) {
	token, err := signer.key.SignAccessToken(&jwt.Claims{
		Issuer: a.cfg.Issuer, Subject: who.User.ID.String(), Audience: []string{a.cfg.Audience},
		IssuedAt: issued, ExpiresAt: expires, AuthTime: who.Session.AuthenticatedAt,
		TokenID: jwt.NewTokenID(), ClientID: a.cfg.ClientID,
		SessionID: who.Session.ID.String(), AMR: []string{"pwd"}, ACR: "aal1", Roles: who.User.Roles,
		Status: jwt.StatusReference{Index: who.Session.StatusIndex, URI: a.cfg.StatusListURI},
	})
	if err != nil {
		return "", fmt.Errorf("gatehouse: sign access token: %w", signer.trouble(err))
	}
	return token, nil
}

// proveSigner finds out, before anything is done, whether the keys can be read and
// a Signer signs: one that does not must cost nobody a session. What it signs has
// long expired, and nobody gets it. Other keys do not fail.
func (a *Auth) proveSigner(ctx context.Context, who model.Presence) error {
	ring, err := a.ringAt(ctx, who.Keys)
	if err != nil {
		return err
	}
	signer := ring.signer(a.now())
	if !signer.elsewhere {
		return nil
	}
	past := a.now().Add(-24 * time.Hour)
	who.Session = model.Session{ID: model.NewID[model.Session](), AuthenticatedAt: past}
	_, err = a.signAccessToken(signer, who, past, past.Add(time.Second))
	return err
}

const hiddenGrant = "[grant hidden]"

// Format hides the grant under every verb.
func (Grant) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenGrant)) }

// LogValue hides the grant in logs.
func (Grant) LogValue() slog.Value { return slog.StringValue(hiddenGrant) }

// MarshalText hides the grant from encoders.
func (Grant) MarshalText() ([]byte, error) { return []byte(hiddenGrant), nil }

// Format hides the grant under every verb.
func (SessionGrant) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenGrant)) }

// LogValue hides the grant in logs.
func (SessionGrant) LogValue() slog.Value { return slog.StringValue(hiddenGrant) }

// MarshalText hides the grant from encoders.
func (SessionGrant) MarshalText() ([]byte, error) { return []byte(hiddenGrant), nil }

// Format hides the grant under every verb.
func (AccessGrant) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenGrant)) }

// LogValue hides the grant in logs.
func (AccessGrant) LogValue() slog.Value { return slog.StringValue(hiddenGrant) }

// MarshalText hides the grant from encoders.
func (AccessGrant) MarshalText() ([]byte, error) { return []byte(hiddenGrant), nil }
