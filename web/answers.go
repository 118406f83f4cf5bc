package web

import (
	"time"

	"gatehouse"
	"gatehouse/model"
)

// The answers. Each is a type made for it, so that nothing leaves that is not
// written here; the description of the API is read off the same types.

// instant is a time in RFC 3339, UTC, whole seconds.
type instant string

// uuid is the text of an identifier.
type uuid string

func instantOf(t time.Time) instant { return instant(t.UTC().Format(time.RFC3339)) }

type userAnswer struct {
	ID            uuid     `json:"id"`
	Username      *string  `json:"username"`
	Email         *string  `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Roles         []string `json:"roles"`
	CreatedAt     instant  `json:"created_at"`
	UpdatedAt     instant  `json:"updated_at"`
}

func userAnswerOf(u model.User) userAnswer {
	return userAnswer{
		ID: uuid(u.ID.String()), Username: orNull(u.Username.String()), Email: orNull(u.Email.String()),
		EmailVerified: u.EmailVerified(), Roles: append([]string{}, u.Roles...),
		CreatedAt: instantOf(u.CreatedAt), UpdatedAt: instantOf(u.UpdatedAt),
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

type userEnvelope struct {
	User userAnswer `json:"user"`
}

type sessionAnswer struct {
	ID         uuid    `json:"id"`
	CreatedAt  instant `json:"created_at"`
	LastUsedAt instant `json:"last_used_at"`
	UserAgent  string  `json:"user_agent"`
	IP         string  `json:"ip"`
	Current    bool    `json:"current"`
}

func sessionAnswerOf(s model.Session, current model.SessionID) sessionAnswer {
	return sessionAnswer{
		ID: uuid(s.ID.String()), CreatedAt: instantOf(s.CreatedAt), LastUsedAt: instantOf(s.LastUsedAt),
		UserAgent: s.Client.UserAgent, IP: placeOf(s.Client), Current: s.ID == current,
	}
}

// placeOf is the address of a client, or nothing where it is not known.
func placeOf(c model.Client) string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.String()
}

func sessionAnswersOf(sessions []model.Session, current model.SessionID) []sessionAnswer {
	answers := make([]sessionAnswer, 0, len(sessions))
	for _, s := range sessions {
		answers = append(answers, sessionAnswerOf(s, current))
	}
	return answers
}

type sessionsEnvelope struct {
	Sessions []sessionAnswer `json:"sessions"`
}

type meAnswer struct {
	User    userAnswer    `json:"user"`
	Session sessionAnswer `json:"session"`
}

// accessAnswer and the two below hold secrets: they are made where they are
// sent and go nowhere else.
type accessAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
}

type grantAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	SessionID    uuid   `json:"session_id"`
}

type loginAnswer struct {
	AccessToken  string     `json:"access_token"`
	TokenType    string     `json:"token_type"`
	ExpiresIn    int64      `json:"expires_in"`
	RefreshToken string     `json:"refresh_token"`
	SessionID    uuid       `json:"session_id"`
	User         userAnswer `json:"user"`
}

const bearerType = "Bearer"

func grantAnswerOf(g gatehouse.Grant) grantAnswer {
	return grantAnswer{
		AccessToken: g.AccessToken, TokenType: bearerType, ExpiresIn: int64(g.ExpiresIn / time.Second),
		RefreshToken: string(g.RefreshToken), SessionID: uuid(g.SessionID.String()),
	}
}

func loginAnswerOf(g gatehouse.Grant) loginAnswer {
	grant := grantAnswerOf(g)
	return loginAnswer{
		AccessToken: grant.AccessToken, TokenType: grant.TokenType, ExpiresIn: grant.ExpiresIn,
		RefreshToken: grant.RefreshToken, SessionID: grant.SessionID, User: userAnswerOf(g.User),
	}
}

// introspectionAnswer is RFC 7662 section 2.2. An inactive token has the first
// member and no other.
type introspectionAnswer struct {
	Active    bool     `json:"active"`
	TokenType string   `json:"token_type,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	IssuedAt  int64    `json:"iat,omitzero"`
	ExpiresAt int64    `json:"exp,omitzero"`
	TokenID   string   `json:"jti,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitzero"`
	AMR       []string `json:"amr,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	Username  string   `json:"username,omitempty"`
	Roles     []string `json:"roles,omitempty"`
}

// introspectionAnswerOf takes roles and username from the store and not from
// the token, which may be older.
func introspectionAnswerOf(seen gatehouse.Introspection, issuer string) introspectionAnswer {
	if !seen.Active {
		return introspectionAnswer{}
	}
	session, user := seen.Presence.Session, seen.Presence.User
	answer := introspectionAnswer{
		Active: true, Issuer: issuer, Subject: user.ID.String(), SessionID: session.ID.String(),
		IssuedAt: session.SteppedAt.Unix(), ExpiresAt: session.IdleExpiresAt.Unix(),
		AuthTime: session.AuthenticatedAt.Unix(), Username: user.Username.String(), Roles: user.Roles,
	}
	if session.ExpiresAt.Before(session.IdleExpiresAt) {
		answer.ExpiresAt = session.ExpiresAt.Unix()
	}
	if claims := seen.Claims; claims != nil {
		answer.TokenType, answer.Audience, answer.ClientID = bearerType, claims.Audience, claims.ClientID
		answer.IssuedAt, answer.ExpiresAt = claims.IssuedAt.Unix(), claims.ExpiresAt.Unix()
		answer.TokenID, answer.AMR, answer.ACR = claims.TokenID, claims.AMR, claims.ACR
	}
	return answer
}

// exportAnswer is all data held about a user. Secrets are not data about a
// person and are left out.
type exportAnswer struct {
	User     userAnswer      `json:"user"`
	Sessions []sessionAnswer `json:"sessions"`
	Events   []eventAnswer   `json:"events"`
}

type eventAnswer struct {
	At        instant `json:"at"`
	Name      string  `json:"name"`
	SessionID *uuid   `json:"session_id"`
	IP        string  `json:"ip"`
	UserAgent string  `json:"user_agent"`
	RequestID string  `json:"request_id"`
}

func exportAnswerOf(e gatehouse.Export, current model.SessionID) exportAnswer {
	answer := exportAnswer{
		User: userAnswerOf(e.User), Sessions: sessionAnswersOf(e.Sessions, current),
		Events: make([]eventAnswer, 0, len(e.Events)),
	}
	for _, event := range e.Events {
		line := eventAnswer{
			At: instantOf(event.At), Name: string(event.Name),
			IP: placeOf(event.Client), UserAgent: event.Client.UserAgent, RequestID: event.Client.RequestID,
		}
		if !event.SessionID.IsZero() {
			id := uuid(event.SessionID.String())
			line.SessionID = &id
		}
		answer.Events = append(answer.Events, line)
	}
	return answer
}
