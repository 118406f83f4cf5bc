package storetest

import "time"

// RefreshModel is one session as the holders of its refresh tokens see it: what
// StepSession, EndSession and the rule that reuse ends a session do together, in
// one step and without a store. Stores and servers are held to it, and
// docs/refresh.md says why it is right. Its clock moves only by After.
type RefreshModel struct {
	Counter    int64 // of the token in force
	SinceStep  time.Duration
	SinceUse   time.Duration
	SinceLogin time.Duration
	Ended      bool
}

// After is the session when the clock has moved on, or was set back.
func (m RefreshModel) After(d time.Duration) RefreshModel {
	m.SinceStep, m.SinceUse, m.SinceLogin = m.SinceStep+d, m.SinceUse+d, m.SinceLogin+d
	return m
}

// End is the session after a logout.
func (m RefreshModel) End() RefreshModel {
	m.Ended = m.Ended || m.Alive()
	return m
}

// Alive reports whether the session is not ended and neither of its ends has passed.
func (m RefreshModel) Alive() bool {
	return !m.Ended && m.SinceUse < idle && m.SinceLogin < longest
}

// Present is the session after a refresh token was presented, and the counter
// of the successor. It is false for a refusal, which ends what is alive: the
// token was spent before.
func (m RefreshModel) Present(counter int64, window time.Duration) (next RefreshModel, successor int64, ok bool) {
	switch {
	case !m.Alive():
		return m, 0, false
	case counter == m.Counter:
		m.Counter, m.SinceStep, m.SinceUse = counter+1, 0, 0
	case counter+1 == m.Counter && m.SinceStep < window && m.SinceStep > -window:
		m.SinceUse = 0
	default:
		return m.End(), 0, false
	}
	return m, m.Counter, true
}
