package model

import (
	"net/netip"
	"time"
)

// Session is one login of one user on one device. It is one row: the refresh
// token in force is derived from the master key, the ID and the Counter, so the
// row holds no token and exactly one successor can exist.
type Session struct {
	ID     SessionID
	UserID UserID

	// TokenDigest is the SHA-256 of the session token. It is zero for sessions
	// that were opened over the API, which have a refresh token instead.
	TokenDigest Digest

	// Counter is the number of the refresh token in force. Presenting it makes
	// Counter+1 the one in force.
	Counter int64
	// SteppedAt is when Counter last grew; its parent is accepted again for a
	// few seconds after.
	SteppedAt time.Time

	// StatusIndex is the entry of the session in the status list. No two
	// sessions that a token can still name share one.
	StatusIndex int64

	AuthenticatedAt time.Time // when the password was last proven
	CreatedAt       time.Time
	LastUsedAt      time.Time
	IdleExpiresAt   time.Time // moves with use
	ExpiresAt       time.Time // never moves

	Client Client // where and on what the session was opened
}

// RepeatsFor reports whether presenting this counter gives the answer of the last
// step again: it is the parent of the one in force, and the step is less than the
// retry window away. That counts on both sides of now, so that a clock that was
// set back makes no window longer. Of zero length, it never does.
func (s Session) RepeatsFor(counter int64, now time.Time, window time.Duration) bool {
	age := now.Sub(s.SteppedAt)
	return counter+1 == s.Counter && age < window && age > -window
}

// Presence is a session that is alive, with its user as the store has it now.
type Presence struct {
	User    User
	Session Session
	// Keys is how the signing keys stood at the same moment.
	Keys KeysVersion
}

// Step asks for the refresh token of a session to move on by one.
type Step struct {
	SessionID SessionID
	Counter   int64 // the one that was presented
	Now       time.Time
	// RetryWindow is how long after a step its parent gets the same successor
	// again; zero is strict single use.
	RetryWindow time.Duration
	// IdleExpiresAt is the idle end the session gets by this use.
	IdleExpiresAt time.Time
	// BegunBefore refuses sessions that began then or after; zero refuses none.
	BegunBefore time.Time
	// Pace bounds how often the session moves on; zero does not.
	Pace Pace
}

// Pace is one step each Interval, and as many at once as fit into Burst.
type Pace struct{ Interval, Burst time.Duration }

// Hold is what was checked of somebody before something is done in their name.
type Hold struct {
	UserID          UserID
	PasswordVersion int64
	SessionID       SessionID // the zero id when no session is involved
	Now             time.Time
}

// Client is where a request came from. The zero value is an unknown client.
type Client struct {
	Address   netip.Addr
	UserAgent string // at most 256 bytes, as sent
	RequestID string

	// Device is what the client brought of an earlier login. It counts where a
	// password is checked and is kept nowhere.
	Device DeviceToken
}
