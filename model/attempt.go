package model

import "time"

// Lane is what attempts are counted under: one user, one device, one source of
// requests. The key is a digest, so that a lane tells nobody whose it is.
type Lane struct {
	Key    Digest
	UserID UserID // with whom the lane goes; the zero id for one of nobody
}

// AttemptRule is how many attempts a lane lets pass. Those in a row are counted,
// as far as they lie within Within of the one before, or with no FirstDelay of the
// first of them.
type AttemptRule struct {
	Free int // this many in a row are without a delay
	// FirstDelay follows the attempt after those, and is doubled after each further
	// one up to LongestDelay. Zero blocks until Within has passed since the first.
	FirstDelay   time.Duration
	LongestDelay time.Duration
	Within       time.Duration
	// Keep is how long after the last attempt the lane may be forgotten. Zero keeps
	// it as long as the user.
	Keep time.Duration
}

// LongestBlock is how long a lane is blocked at most.
func (r AttemptRule) LongestBlock() time.Duration {
	if r.FirstDelay == 0 {
		return r.Within
	}
	return r.LongestDelay
}

// Attempt is one try of a lane.
type Attempt struct {
	Lane Lane
	Rule AttemptRule
	Now  time.Time
}

// Tally is how a lane stands. The zero value is that of a lane nobody has tried.
type Tally struct {
	Key          Digest
	Failures     int64     // in a row
	Total        int64     // since the lane was cleared
	At           time.Time // of the last attempt, or of the first where FirstDelay is zero
	BlockedUntil time.Time // zero when it never was
}

// BlockedFor returns how long the lane lets nobody pass, and zero where it does. A
// block that ends later than the rule can have set it was set by a clock that has
// been set back since, and is none.
func (t Tally) BlockedFor(rule AttemptRule, now time.Time) time.Duration {
	rest := t.BlockedUntil.Sub(now)
	if t.BlockedUntil.IsZero() || rest <= 0 || rest > 2*rule.LongestBlock() {
		return 0
	}
	return rest
}

// FailuresAt returns how many attempts in a row count at this time.
func (t Tally) FailuresAt(rule AttemptRule, now time.Time) int64 {
	if age := now.Sub(t.At); age >= rule.Within || age < -rule.Within {
		return 0
	}
	return t.Failures
}
