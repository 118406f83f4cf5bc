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
}

// AccessGrant is an access token alone. It does not print itself.
type AccessGrant struct {
	AccessToken string
	ExpiresIn   time.Duration
}

// grant signs the tokens of a session as it is now.
func (a *Auth) grant(ctx context.Context, who model.Presence) (Grant, error) {
	access, err := a.accessToken(ctx, who)
	if err != nil {
		return Grant{}, err
	}
	return Grant{
		AccessToken: access.AccessToken, ExpiresIn: access.ExpiresIn,
		RefreshToken: a.refreshToken(who.Session.ID, who.Session.Counter),
		SessionID:    who.Session.ID, User: who.User,
	}, nil
}

// accessToken is the one place where an access token is made (RFC 9068 section
// 2.2). No token outlives its session.
func (a *Auth) accessToken(ctx context.Context, who model.Presence) (AccessGrant, error) {
	signer, err := a.signingKey(ctx)
	if err != nil {
		return AccessGrant{}, err
	}
	now := a.now()
	expires := now.Add(a.cfg.AccessTTL)
	if expires.After(who.Session.ExpiresAt) {
		expires = who.Session.ExpiresAt
	}
	token, err := signer.SignAccessToken(&jwt.Claims{
		Issuer: a.cfg.Issuer, Subject: who.User.ID.String(), Audience: []string{a.cfg.Audience},
		IssuedAt: now, ExpiresAt: expires, AuthTime: who.Session.AuthenticatedAt,
		TokenID: jwt.NewTokenID(), ClientID: a.cfg.ClientID,
		SessionID: who.Session.ID.String(), AMR: []string{"pwd"}, ACR: "aal1", Roles: who.User.Roles,
		Status: jwt.StatusReference{Index: who.Session.StatusIndex, URI: a.cfg.StatusListURI},
	})
	if err != nil {
		return AccessGrant{}, fmt.Errorf("gatehouse: sign access token: %w", err)
	}
	return AccessGrant{AccessToken: token, ExpiresIn: expires.Sub(now)}, nil
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
