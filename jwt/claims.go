package jwt

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Claims is what an access token says (RFC 9068 section 2.2). Dates are whole
// seconds when issued.
type Claims struct {
	// Issuer is "iss", Subject "sub": both are required.
	Issuer, Subject string
	// Audience is "aud": at least one name, none of them empty.
	Audience []string
	// IssuedAt is "iat" and ExpiresAt "exp": both are required.
	IssuedAt, ExpiresAt time.Time
	// AuthTime is "auth_time", when the user proved who they are; absent when zero.
	AuthTime time.Time
	// TokenID is "jti" and ClientID "client_id": both are required.
	TokenID, ClientID string
	// SessionID is "sid"; absent when empty.
	SessionID string
	// AMR says how the user proved it (RFC 8176); absent when empty.
	AMR []string
	// ACR is "acr"; absent when empty.
	ACR string
	// Roles is "roles"; absent when empty.
	Roles []string
	// Scope is "scope", names with single spaces between; absent when empty.
	Scope string
	// Status tells where to ask whether the token was revoked; absent when its
	// URI is empty.
	Status StatusReference
}

// StatusReference is an entry of a status list
// (draft-ietf-oauth-status-list-21 section 6.2).
type StatusReference struct {
	// Index counts entries from 0.
	Index int64
	// URI is the "sub" of the list.
	URI string
}

// checkForIssue refuses claims that no verifier should get to see.
func (c *Claims) checkForIssue() error {
	required := [...]struct{ name, text string }{
		{"iss", c.Issuer}, {"sub", c.Subject}, {"jti", c.TokenID}, {"client_id", c.ClientID},
	}
	for _, r := range required {
		if r.text == "" {
			return errors.New("jwt: sign access token: the required " + r.name + " is missing")
		}
	}
	if len(c.Audience) == 0 {
		return errors.New("jwt: sign access token: the required aud is missing")
	}
	for _, audience := range c.Audience {
		if audience == "" {
			return errors.New("jwt: sign access token: an audience is empty")
		}
	}
	if err := checkDates(c.IssuedAt, c.ExpiresAt); err != nil {
		return fmt.Errorf("jwt: sign access token: %w", err)
	}
	if !c.AuthTime.IsZero() && !isNumericDate(c.AuthTime) {
		return errors.New("jwt: sign access token: auth_time is not a date of a token")
	}
	if c.Status.URI != "" && (c.Status.Index < 0 || c.Status.Index > maxExactInteger) {
		return errors.New("jwt: sign access token: the index into the status list is out of range")
	}
	if !c.isUTF8() {
		return errors.New("jwt: sign access token: a claim is not valid UTF-8")
	}
	return nil
}

func (c *Claims) isUTF8() bool {
	for _, text := range [...]string{c.Issuer, c.Subject, c.TokenID, c.ClientID, c.SessionID, c.ACR, c.Scope, c.Status.URI} {
		if !utf8.ValidString(text) {
			return false
		}
	}
	for _, list := range [...][]string{c.Audience, c.AMR, c.Roles} {
		for _, text := range list {
			if !utf8.ValidString(text) {
				return false
			}
		}
	}
	return true
}

func checkDates(issuedAt, expiresAt time.Time) error {
	switch {
	case issuedAt.IsZero() || !isNumericDate(issuedAt):
		return errors.New("the required iat is missing")
	case expiresAt.IsZero() || !isNumericDate(expiresAt):
		return errors.New("the required exp is missing")
	case expiresAt.Unix() <= issuedAt.Unix():
		return errors.New("exp is not after iat")
	}
	return nil
}

func isNumericDate(t time.Time) bool {
	return t.Unix() >= 0 && t.Unix() <= maxExactInteger
}

// appendJSON appends the payload. Claims that checkForIssue accepts need no
// other check. readPlain expects the members in this order: what is written in
// another way is still read, but by the slower readAny.
func (c *Claims) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	dst = appendJSONMember(dst, "iss", c.Issuer)
	dst = appendJSONMember(dst, "sub", c.Subject)
	if len(c.Audience) == 1 {
		dst = appendJSONMember(dst, "aud", c.Audience[0])
	} else {
		dst = appendJSONStrings(dst, "aud", c.Audience)
	}
	dst = appendJSONInteger(dst, "exp", c.ExpiresAt.Unix())
	dst = appendJSONInteger(dst, "iat", c.IssuedAt.Unix())
	dst = appendJSONMember(dst, "jti", c.TokenID)
	dst = appendJSONMember(dst, "client_id", c.ClientID)
	if c.SessionID != "" {
		dst = appendJSONMember(dst, "sid", c.SessionID)
	}
	if !c.AuthTime.IsZero() {
		dst = appendJSONInteger(dst, "auth_time", c.AuthTime.Unix())
	}
	if len(c.AMR) > 0 {
		dst = appendJSONStrings(dst, "amr", c.AMR)
	}
	if c.ACR != "" {
		dst = appendJSONMember(dst, "acr", c.ACR)
	}
	if len(c.Roles) > 0 {
		dst = appendJSONStrings(dst, "roles", c.Roles)
	}
	if c.Scope != "" {
		dst = appendJSONMember(dst, "scope", c.Scope)
	}
	if c.Status.URI != "" {
		dst = append(appendJSONName(dst, "status"), `{"status_list":{`...)
		dst = appendJSONInteger(dst, "idx", c.Status.Index)
		dst = appendJSONMember(dst, "uri", c.Status.URI)
		dst = append(dst, "}}"...)
	}
	return append(dst, '}')
}

// copy returns claims that share nothing a caller could change. It allocates
// once as long as the lists are short.
func (c *Claims) copy() *Claims {
	fresh := &struct {
		Claims
		texts [8]string
	}{Claims: *c}
	texts := fresh.texts[:0]
	if n := len(c.Audience) + len(c.AMR) + len(c.Roles); n > len(fresh.texts) {
		texts = make([]string, 0, n)
	}
	for _, list := range [...]*[]string{&fresh.Audience, &fresh.AMR, &fresh.Roles} {
		if *list == nil {
			continue
		}
		start := len(texts)
		texts = append(texts, *list...)
		*list = texts[start:len(texts):len(texts)]
	}
	return &fresh.Claims
}

// numericDate reads a date of RFC 7519 section 2: seconds, perhaps with a
// fraction, finite and in 0 ... 2^53.
func numericDate(v jsonValue) (time.Time, bool) {
	if n, ok := v.integer(); ok {
		return time.Unix(n, 0).UTC(), true
	}
	// An integer that is too large must not come back rounded.
	f, ok := v.float()
	if !ok || !strings.ContainsAny(v.raw, ".eE") || !(f >= 0 && f < maxExactInteger) {
		return time.Time{}, false
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(fraction*1e9)).UTC(), true
}
