package model

import "time"

// EventName says what happened, in the words of the OWASP logging vocabulary
// where it has one.
type EventName string

// Every event there is.
const (
	EventUserCreated         EventName = "user_created"
	EventUserDisabled        EventName = "user_disabled"
	EventUserEnabled         EventName = "user_enabled"
	EventUserDeleted         EventName = "user_deleted"
	EventUserExported        EventName = "user_exported"
	EventUserImported        EventName = "user_imported"
	EventLoginSuccess        EventName = "authn_login_success"
	EventLoginFail           EventName = "authn_login_fail"
	EventPasswordFail        EventName = "authn_password_fail"
	EventPasswordChange      EventName = "authn_password_change"
	EventPasswordReset       EventName = "authn_password_reset"
	EventPasswordRehash      EventName = "authn_password_rehash"
	EventPasswordUnchecked   EventName = "authn_password_unchecked"
	EventHashRejected        EventName = "authn_hash_rejected"
	EventCodeIssued          EventName = "authn_code_issued"
	EventTokenReuse          EventName = "authn_token_reuse"
	EventSessionEnded        EventName = "session_ended"
	EventSessionsEnded       EventName = "sessions_ended"
	EventSigningKeyMade      EventName = "signing_key_created"
	EventSigningKeyForgotten EventName = "signing_key_forgotten"
	EventSigningKeyResealed  EventName = "signing_key_resealed"
	EventSessionLimit        EventName = "session_limit_reached"
	EventUsernameChanged     EventName = "user_username_changed"
)

// Event is one line of the audit log. It names people by id only, so that it
// can outlive them, and holds nothing secret.
type Event struct {
	At        time.Time
	Name      EventName
	UserID    UserID    // whom it is about; zero when nobody is known
	SessionID SessionID // zero when no session is involved
	Client    Client    // forgotten when the user is deleted
}
