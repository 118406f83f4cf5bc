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
	EventEverythingEnded     EventName = "everything_ended"
	EventStoreMarked         EventName = "store_marked"
	EventUserDeclined        EventName = "user_create_declined"
	EventEmailVerified       EventName = "user_email_verified"
	EventEmailChangeAsked    EventName = "user_email_change_requested"
	EventEmailChanged        EventName = "user_email_changed"
	EventEmailUnverified     EventName = "authn_email_unverified"
	EventCodeDeclined        EventName = "authn_code_declined"
	EventCodeWrong           EventName = "authn_code_fail"
	EventMailFailed          EventName = "mail_failed"
	EventMailGivenUp         EventName = "mail_given_up"
	EventChainBroken         EventName = "audit_chain_broken"
	EventLoginLock           EventName = "authn_login_lock"
	EventExcessRate          EventName = "excess_rate_limit_exceeded"
)

// EventNames returns every event there is.
func EventNames() []EventName {
	return []EventName{
		EventUserCreated, EventUserDisabled, EventUserEnabled, EventUserDeleted, EventUserExported,
		EventUserImported, EventLoginSuccess, EventLoginFail, EventPasswordFail, EventPasswordChange,
		EventPasswordReset, EventPasswordRehash, EventPasswordUnchecked, EventHashRejected, EventCodeIssued,
		EventTokenReuse, EventSessionEnded, EventSessionsEnded, EventSigningKeyMade, EventSigningKeyForgotten,
		EventSigningKeyResealed, EventSessionLimit, EventUsernameChanged, EventEverythingEnded, EventStoreMarked,
		EventUserDeclined, EventEmailVerified, EventEmailChangeAsked, EventEmailChanged, EventEmailUnverified,
		EventCodeDeclined, EventCodeWrong, EventMailFailed, EventMailGivenUp, EventChainBroken, EventLoginLock,
		EventExcessRate,
	}
}

// Event is one line of the audit log. It names people by id only, so that it
// can outlive them, and holds nothing secret.
type Event struct {
	At        time.Time
	Name      EventName
	UserID    UserID    // whom it is about; zero when nobody is known
	SessionID SessionID // zero when no session is involved
	Client    Client    // forgotten when the user is deleted
}

// EventRow is an event as it is kept, with its place in the chain.
type EventRow struct {
	ID int64 // ascending, but not always in the order in which events are kept
	Event
	Seal EventSeal
}

// EventSeal is what a sealed event has: its place in the chain. It is written once.
type EventSeal struct {
	Position int64 // 1 is the first event of all; 0 while the event is not sealed
	// MAC is over the MAC before it, the position and the event.
	MAC Digest
	// Commitment stands for the Client of the event in the MAC. Salt makes it tell
	// nothing; it is forgotten with the Client.
	Commitment Digest
	Salt       EventSalt
}

// EventSalt is 16 random bytes, or zero when they were forgotten.
type EventSalt [16]byte

// EventFilter says which events are wanted. The zero value of a field asks for
// all.
type EventFilter struct {
	UserID UserID
	Name   EventName
	Since  time.Time // not before this time
	Until  time.Time // before this time
	Limit  int       // at most so many, the newest; zero is none
}
