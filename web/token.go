package web

import (
	"net/http"
	"time"

	"gatehouse/model"
)

// refreshToken is POST /v1/token/refresh.
func (d *door) refreshToken(x *exchange) error {
	grant, err := d.auth.RefreshJWT(x.r.Context(), model.RefreshToken(x.fields["refresh_token"]))
	if err != nil {
		return err
	}
	x.presence.User = grant.User
	return x.json(http.StatusOK, grantAnswerOf(grant))
}

// issueToken is POST /v1/token: an access token for a script of the same
// origin, whose session is the cookie.
func (d *door) issueToken(x *exchange) error {
	grant, err := d.auth.IssueJWT(x.r.Context(), x.presence)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, accessAnswer{
		AccessToken: grant.AccessToken, TokenType: bearerType, ExpiresIn: int64(grant.ExpiresIn / time.Second),
	})
}

// revokeToken is POST /v1/token/revoke (RFC 7009). Tokens that are not ours are
// revoked as far as anybody can tell; only a store that does not answer is told.
func (d *door) revokeToken(x *exchange) error {
	if err := d.auth.RevokeToken(x.r.Context(), x.fields["token"]); err != nil {
		return err
	}
	return x.empty(http.StatusOK)
}

// introspectToken is POST /v1/token/introspect (RFC 7662).
func (d *door) introspectToken(x *exchange) error {
	seen, err := d.auth.IntrospectToken(x.r.Context(), x.fields["token"])
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, introspectionAnswerOf(seen, d.auth.Issuer()))
}
