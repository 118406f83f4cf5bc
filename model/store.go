package model

import (
	"context"
	"errors"
	"time"
)

// ErrStoreUnavailable wraps every trouble that means the store did not answer
// now but may do so later: a locked file, a lost connection, a full queue. Doors
// answer it with the refusal ErrUnavailable.
var ErrStoreUnavailable = errors.New("the store does not answer")

// ErrSignerUnavailable wraps the trouble of a signing key that is kept elsewhere,
// as in a KMS, and could not be used. Doors answer it as ErrStoreUnavailable.
var ErrSignerUnavailable = errors.New("the signer of the signing key does not answer")

// Store keeps what the rules need kept. Its methods are verbs of the rules, not
// tables: each is one atomic step, and what must happen together goes through
// Tx. It keeps and does not judge; it never hashes, parses or decides.
//
// Every engine passes the suite in package storetest. All methods are safe for
// concurrent use, honour ctx, compare text byte for byte whatever the engine's
// collation, and keep times to the microsecond.
type Store interface {
	Records

	// Tx runs fn in one transaction: all of it is kept and durable when Tx
	// returns nil, none of it otherwise. fn must use only the Records it is
	// given, and must do nothing slow: no hashing, no network. Its writes may
	// share one durable commit with those of other callers. fn runs at most
	// once.
	Tx(ctx context.Context, fn func(Records) error) error

	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// Records are the groups of verbs. Inside Tx they see and make one transaction;
// on the Store itself each call is one of its own.
type Records interface {
	Users
	Accounts
	Holds
	Sessions
	SessionEnds
	StatusEntries
	SigningKeys
	Codes
	Emails
	Outbox
	Attempts
	UserAttempts
	Events
	EventChain
	Restoring
}

// Users keeps who exists.
type Users interface {
	// CreateUser adds a user with the hash of the password, or with an empty
	// hash for one that has none yet. Refusals: ErrUsernameTaken (also for a
	// username that looks alike, by Skeleton), ErrEmailTaken.
	CreateUser(ctx context.Context, user User, hash PasswordHash) error
	// User returns the user. Refusal: ErrNotFound.
	User(ctx context.Context, id UserID) (User, error)
	// Accounts returns at most limit users with their hashes, those whose id
	// follows after, in the order of their ids, for walking all of them. The
	// zero id begins.
	Accounts(ctx context.Context, after UserID, limit int) ([]Account, error)
	// RenameUser changes the username and returns the user as it is then.
	// Refusals: ErrNotFound, ErrUsernameTaken.
	RenameUser(ctx context.Context, id UserID, username Username, at time.Time) (User, error)
	// SetDisabled keeps the user out from at on; the zero time lets the user in
	// again. It changes nothing else. Refusal: ErrNotFound.
	SetDisabled(ctx context.Context, id UserID, at, now time.Time) error
	// DeleteUser removes the user and everything that refers to the user:
	// credentials, sessions, codes and mails that wait are gone, and events keep
	// only the id.
	// What remains of a session is its entry in the status list, under nobody's
	// name, until no token can carry it. Refusal: ErrNotFound.
	DeleteUser(ctx context.Context, id UserID, now time.Time) error
}

// Accounts keeps what a password is checked against.
type Accounts interface {
	// AccountByUsername and the two beside it return the account. Refusal:
	// ErrNotFound.
	AccountByUsername(ctx context.Context, username Username) (Account, error)
	AccountByEmail(ctx context.Context, email Email) (Account, error)
	Account(ctx context.Context, id UserID) (Account, error)
	// PepperIDs returns the ids in the hashes that begin with "$pepper$", an id
	// and a dollar, in ascending order, each once, at the price of reading one row
	// for each. There are at most MaxPeppers + 1: more cannot be configured anyway.
	PepperIDs(ctx context.Context) ([]string, error)
	// RehashPassword replaces the hash of the same password, if the hash is
	// still old. It reports whether it was.
	RehashPassword(ctx context.Context, id UserID, old, new PasswordHash) (bool, error)
	// ChangePassword sets the hash of a new password if the version is still
	// the one that was checked, and raises the version. Refusal: ErrNotFound
	// when the user is gone or the version is another.
	ChangePassword(ctx context.Context, id UserID, version int64, new PasswordHash, at time.Time) error
	// ResetPassword sets the hash of a new password whatever the version, raises
	// the version and returns the user. Refusal: ErrNotFound.
	ResetPassword(ctx context.Context, id UserID, new PasswordHash, at time.Time) (User, error)
}

// Holds keeps what was checked from changing before it is acted on.
type Holds interface {
	// HoldAccount makes sure, inside Tx, that what was checked a while ago still
	// holds, and that it holds until the transaction ends: the user exists, is
	// not disabled and has this password version, and the session, unless it is
	// the zero id, is a live one of the user. Refusal: ErrNotFound.
	HoldAccount(ctx context.Context, hold Hold) error
}

// Sessions keeps who is logged in. A session is alive while it is not ended,
// neither of its ends has passed and its user exists and is not disabled.
type Sessions interface {
	// OpenSession adds a session if its user still has this password version
	// and is not disabled. It gives the session a StatusIndex that no other
	// session in the store has, and returns it. Refusal: ErrNotFound.
	OpenSession(ctx context.Context, session Session, passwordVersion int64) (statusIndex int64, err error)
	// Presence returns a live session and its user. Refusal: ErrNotFound.
	Presence(ctx context.Context, id SessionID, now time.Time) (Presence, error)
	// PresenceByToken is Presence for the session with this session token.
	PresenceByToken(ctx context.Context, digest Digest, now time.Time) (Presence, error)
	// StepSession moves a live session without a session token on from the counter
	// that was presented, in one conditional statement, and returns it with the
	// counter now in force. Within the retry window the parent gets the same answer again.
	// Anything else is refused with ErrNotFound and changes nothing, and so is, with
	// ErrTooManyAttempts and the time to wait, a step before its time.
	StepSession(ctx context.Context, step Step) (Presence, error)
	// UseSession moves the idle end of a live session. It does nothing for
	// others.
	UseSession(ctx context.Context, id SessionID, now, idleExpiresAt time.Time) error
	// RenewToken replaces the session token of a live session. Refusal:
	// ErrNotFound when the old one is not its token.
	RenewToken(ctx context.Context, old, new Digest, now time.Time) error
}

// SessionEnds keeps what was ended, for as long as a token can still name it.
type SessionEnds interface {
	// SessionsOf returns the live sessions of a user, the newest first.
	SessionsOf(ctx context.Context, id UserID, now time.Time) ([]Session, error)
	// EndSession ends one live session of the user. Refusal: ErrNotFound, also
	// for a session of somebody else.
	EndSession(ctx context.Context, userID UserID, id SessionID, now time.Time) error
	// EndSessions ends all live sessions of a user but the one to keep (the
	// zero id keeps none) and reports how many.
	EndSessions(ctx context.Context, userID UserID, keep SessionID, now time.Time) (int, error)
	// EndOldestSessions ends the oldest live sessions of a user so that at most
	// limit are left, and reports how many were ended.
	EndOldestSessions(ctx context.Context, userID UserID, limit int, now time.Time) (int, error)
	// ForgetSessions removes the sessions that ended, were ended or ran idle
	// before the given time, and reports how many.
	ForgetSessions(ctx context.Context, before time.Time) (int, error)
}

// StatusEntries tells what the status list has to say.
type StatusEntries interface {
	// EndedIndexes returns the status index of every session that was ended, in
	// ascending order, while its row is kept.
	EndedIndexes(ctx context.Context) ([]int64, error)
	// StatusBound returns a number above the status index of every session that
	// is kept, alive or ended.
	StatusBound(ctx context.Context) (int64, error)
}

// SigningKeys keeps the sealed keys that sign tokens.
type SigningKeys interface {
	// CreateSigningKey adds a key. It reports false, and adds nothing, when the
	// algorithm already has a key of that generation or of a later one: who has
	// not seen the latest key must not make another.
	CreateSigningKey(ctx context.Context, key SigningKey) (bool, error)
	// SigningKeys returns all keys by algorithm and generation.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// ForgetSigningKey removes a key. It reports false when it is gone already.
	ForgetSigningKey(ctx context.Context, keyID string) (bool, error)
	// ResealSigningKey replaces Sealed of a key if it still is old, in one
	// conditional statement. It reports false, and changes nothing, otherwise.
	ResealSigningKey(ctx context.Context, keyID string, old, new []byte) (bool, error)
	// KeysVersion returns KeysVersionOf all keys, at the price of reading one
	// small row.
	KeysVersion(ctx context.Context) (KeysVersion, error)
}

// Codes keeps what is used once.
type Codes interface {
	// IssueCode adds a code and removes every older one of the same user and
	// purpose, and whatever was issued for the same request. One of the zero user
	// stands for a request that named nobody and removes nobody's. Refusal:
	// ErrNotFound when there is no such user.
	IssueCode(ctx context.Context, code CodeRecord) error
	// GiveCode gives a code of the zero user to a user, for this email, in place of
	// an older one of the same user and purpose; what was tried of its digits stays
	// tried. Refusal: ErrNotFound when there is no such code or user, and when the
	// user has a newer one.
	GiveCode(ctx context.Context, digest Digest, user UserID, email Email) error
	// SpendCode removes the code and returns it, in one statement, so
	// that it is spent once however many ask. A code that has expired is
	// removed and refused. Refusal: ErrNotFound.
	SpendCode(ctx context.Context, digest Digest, purpose CodePurpose, now time.Time) (CodeRecord, error)
	// LiveCode returns what SpendCode would, and changes nothing. Refusal:
	// ErrNotFound.
	LiveCode(ctx context.Context, digest Digest, purpose CodePurpose, now time.Time) (CodeRecord, error)
	// TryCode takes one of the tries of the digits that were mailed for a request,
	// in one conditional statement, and returns the code with the digest to compare
	// with: what was typed is compared after it was counted. The code
	// of a request that named nobody is returned as any other: whoever compares has
	// to look at UserID. Refusal: ErrNotFound when there is no such request, its
	// digits have expired or no try is left.
	TryCode(ctx context.Context, try DigitsTry) (CodeRecord, error)
	// DropCodes removes all codes of a user.
	DropCodes(ctx context.Context, id UserID) error
	// ForgetCodes removes the codes that expired before the given time.
	ForgetCodes(ctx context.Context, before time.Time) (int, error)
}

// Emails keeps which mailboxes were proven.
type Emails interface {
	// VerifyEmail notes that the user has proven this mailbox, if it still is the
	// user's, and returns the user as it is then. The first time it was proven
	// stays. Refusal: ErrNotFound.
	VerifyEmail(ctx context.Context, id UserID, email Email, at time.Time) (User, error)
	// ChangeEmail gives the user another email, which was proven at this time, and
	// returns the user as it is then. Refusals: ErrNotFound, ErrEmailTaken.
	ChangeEmail(ctx context.Context, id UserID, email Email, at time.Time) (User, error)
}

// Outbox keeps the mails that wait to be sent.
type Outbox interface {
	// QueueMail adds a mail. Refusal: ErrNotFound when it is for a user who does
	// not exist.
	QueueMail(ctx context.Context, mail OutboxRecord) error
	// ClaimMail returns the mail that is due the longest, and puts it off until the
	// lease is over, in one conditional statement: however many ask, each gets
	// another one. Refusal: ErrNotFound when none is due.
	ClaimMail(ctx context.Context, claim MailClaim) (OutboxRecord, error)
	// PutOffMail moves the next try of a claimed mail, if nobody has claimed it
	// since.
	PutOffMail(ctx context.Context, claimed OutboxRecord, nextTryAt time.Time) error
	// RemoveMail removes a mail that was sent, replaced or given up. It reports false when it
	// is gone already.
	RemoveMail(ctx context.Context, id MailID) (bool, error)
	// OutboxState returns how many mails wait, and since when.
	OutboxState(ctx context.Context) (OutboxState, error)
}

// Attempts keeps how often what is limited was tried. What that means is said by
// the rule that comes with each attempt.
type Attempts interface {
	// ChargeAttempt counts one attempt of a lane and returns how the lane stands
	// with it, in one conditional statement: on a lane that is blocked it counts
	// nothing, returns how it stands and reports false. Refusal: ErrNotFound when
	// the lane is new and its user does not exist.
	ChargeAttempt(ctx context.Context, attempt Attempt) (now Tally, charged bool, err error)
	// Tallies returns how up to three lanes stand, each at the place of its key.
	// The zero key is no lane.
	Tallies(ctx context.Context, keys [3]Digest) ([3]Tally, error)
	// ReturnAttempt takes back one attempt that came to nothing, and with it any
	// block of the lane. It does nothing for a lane that is not there.
	ReturnAttempt(ctx context.Context, lane Digest) error
	// ClearLane forgets all attempts of a lane.
	ClearLane(ctx context.Context, lane Digest) error
	// ForgetAttempts removes the lanes whose rule let them be forgotten before the
	// given time.
	ForgetAttempts(ctx context.Context, before time.Time) (int, error)
}

// UserAttempts keeps the attempts of the lanes of one user.
type UserAttempts interface {
	// TalliesOf returns how each lane of a user stands, in no order.
	TalliesOf(ctx context.Context, id UserID) ([]Tally, error)
	// LiftLanesOf ends the blocks of the lanes of a user and forgets their attempts
	// in a row. How many there were in all stays.
	LiftLanesOf(ctx context.Context, id UserID) error
	// ClearLanesOf forgets all attempts of the lanes of a user.
	ClearLanesOf(ctx context.Context, id UserID) error
}

// Events keeps the audit log. There is no way to change what an event says.
type Events interface {
	// Record adds one event.
	Record(ctx context.Context, event Event) error
	// EventsOf returns the newest events about a user, the newest first, at most
	// limit.
	EventsOf(ctx context.Context, id UserID, limit int) ([]Event, error)
	// FindEvents returns the newest events that the filter asks for, the newest
	// first.
	FindEvents(ctx context.Context, filter EventFilter) ([]EventRow, error)
}

// EventChain keeps the order in which events were sealed. What an event says it
// leaves as it is.
type EventChain interface {
	// EventChain returns the record of the chain, empty before the first is kept,
	// and the highest position that an event has. In Tx nobody else keeps another
	// until the transaction ends.
	EventChain(ctx context.Context) (record []byte, last int64, err error)
	// KeepEventChain replaces the record of the chain.
	KeepEventChain(ctx context.Context, record []byte) error
	// UnsealedEvents returns events without a position, at most limit, in the order
	// of their ids. In Tx they stay as they are until the transaction ends; what
	// another transaction is at work on is passed by.
	UnsealedEvents(ctx context.Context, limit int) ([]EventRow, error)
	// SealEvents gives events their seals, all or none: it fails when one of them
	// has a seal already, or is gone, or a position is taken.
	SealEvents(ctx context.Context, rows []EventRow) error
	// SealedEvents returns the events after a position, in the order of positions,
	// at most limit.
	SealedEvents(ctx context.Context, after int64, limit int) ([]EventRow, error)
	// ForgetEvents removes the events up to a position, and reports how many.
	ForgetEvents(ctx context.Context, through int64) (int, error)
}

// Restoring is for a store that was put back to an older state.
type Restoring interface {
	// NewestEvent returns the event that was given the highest number, and the zero
	// EventMark where there is none.
	NewestEvent(ctx context.Context) (EventMark, error)
	// EventTime returns when the event with this number was. Refusal: ErrNotFound.
	EventTime(ctx context.Context, number int64) (time.Time, error)
	// EndEverySession ends all sessions of everybody, in several steps, and reports
	// how many.
	EndEverySession(ctx context.Context, now time.Time) (int, error)
	// DropEveryCode removes all codes of everybody.
	DropEveryCode(ctx context.Context) (int, error)
	// DropEveryMail removes all mails that wait.
	DropEveryMail(ctx context.Context) (int, error)
}

// MasterKeyKeeper is an engine that also keeps a master key, outside the
// database: SQLite keeps one in a file beside its own. Programs that pass a
// master key in the configuration do not need it.
type MasterKeyKeeper interface {
	// MasterKeys returns the current key with the former ones, and makes the first
	// where there is neither a key nor anything sealed with one.
	MasterKeys(ctx context.Context) (MasterKeys, error)
}
